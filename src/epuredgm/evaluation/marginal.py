"""A distance on one axis, or the mean of several, with what is needed to judge and to average it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epuredgm.evaluation.resampling import noise_interval
from epuredgm.evaluation.scalar import Figure, number, scalar

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """A distance between generated and real designs, with what is needed to judge and to average it.

    Attributes:
        value: the plug-in value; None if there is none, for ``reason``.
        resampled: (B,) its value in each bootstrap resample (biased upwards: legacy figures only).
        noise: (B,) a bound on its error in each bootstrap resample, see :mod:`.resampling`.
        floors: (R,) its value in each real-against-real draw.
    """

    value: float | None
    resampled: Floats
    noise: Floats
    floors: Floats
    reason: str = ""

    @classmethod
    def mean(cls, parts: Sequence[Distance]) -> Distance:
        """The mean of several distances; missing if one of them is."""
        missing = next((part.reason for part in parts if part.value is None), "")
        floors = np.mean([part.floors for part in parts], axis=0)
        if missing:
            return cls(None, np.empty(0), np.empty(0), floors, missing)
        return cls(
            value=float(np.mean([part.value for part in parts])),
            resampled=np.mean([part.resampled for part in parts], axis=0),
            noise=np.mean([part.noise for part in parts], axis=0),
            floors=floors,
        )

    def scalar(self, confidence: float) -> Figure:
        """The figure as results hold it."""
        interval = None if self.value is None else noise_interval(self.value, self.noise, confidence)
        return scalar(self.value, interval, self.floors, self.reason, lambda: self.resampled)

    def legacy(self) -> list[float | None]:
        """``[mean, population std]`` of the bootstrapped distance, as earlier tools reported it."""
        return mean_and_std(self.resampled)


def mean_and_std(values: Floats) -> list[float | None]:
    """``[mean, population std]``; ``[None, None]`` of nothing."""
    finite = values[np.isfinite(values)]
    return [number(float(finite.mean())), number(float(finite.std()))] if finite.size else [None, None]
