"""Conditions in the model's units: each column minus its train mean, over its train standard deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ConditionNormaliser:
    """Train statistics of the K conditions; they travel in the checkpoint.

    Attributes:
        names: the conditions, in order.
        mean: their train means.
        std: their train standard deviations; 1 where a condition is constant.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, values: ArrayLike, names: Sequence[str]) -> ConditionNormaliser:
        """Statistics of ``values`` (N, K), the train rows alone.

        Raises:
            ValueError: if the shape is not (N, K) with N > 0, or a value is not finite.
        """
        table = np.asarray(values, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(names) or len(table) == 0:
            raise ValueError(f"conditions must be (N, {len(names)}) with N > 0, not {table.shape}")
        if not np.isfinite(table).all():
            raise ValueError("conditions must be finite")
        mean, std = table.mean(axis=0), table.std(axis=0)
        # a constant column may get a tiny spread by rounding; dividing by it would blow that up
        constant = std <= 1e-12 * np.maximum(1.0, np.abs(mean))
        return cls(tuple(names), tuple(mean.tolist()), tuple(np.where(constant, 1.0, std).tolist()))

    def encode(self, values: ArrayLike) -> NDArray[np.float32]:
        """``values`` (N, K) in the data set's own units as (N, K) z-scores; NaN stays NaN."""
        table = np.asarray(values, dtype=np.float64)
        encoded: NDArray[np.float32] = ((table - np.array(self.mean)) / np.array(self.std)).astype(np.float32)
        return encoded

    def decode(self, encoded: ArrayLike) -> NDArray[np.float64]:
        """The inverse of :meth:`encode`, up to float32 rounding."""
        table: NDArray[np.float64] = np.asarray(encoded, dtype=np.float64) * np.array(self.std) + np.array(
            self.mean
        )
        return table

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form; :meth:`from_dict` reads it back."""
        return {"names": list(self.names), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ConditionNormaliser:
        """The inverse of :meth:`to_dict`."""
        return cls(tuple(content["names"]), tuple(content["mean"]), tuple(content["std"]))
