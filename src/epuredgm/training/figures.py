"""Loss terms gathered on the device and read once per interval, so that no step waits for the device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from epuredgm.core.errors import TrainingDiverged


class Figures:
    """Means of named scalars since the last reading."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._weights: dict[str, int] = {}

    def add(self, terms: Mapping[str, Tensor], prefix: str = "", weight: int = 1) -> None:
        """Add scalars, ``weight`` times each; nothing is read from the device."""
        for name, value in terms.items():
            key = prefix + name
            added = value.detach().float() * weight if weight != 1 else value.detach().float()
            if key in self._sums:
                self._sums[key].add_(added)
            else:
                self._sums[key] = added.clone()
            self._weights[key] = self._weights.get(key, 0) + weight

    def read(self) -> dict[str, float]:
        """The means, in one transfer; the gathering starts anew."""
        means = self.means()
        self._sums, self._weights = {}, {}
        return means

    def means(self) -> dict[str, float]:
        """The means, in one transfer."""
        if not self._sums:
            return {}
        values = torch.stack(list(self._sums.values())).tolist()
        return {name: value / self._weights[name] for name, value in zip(self._sums, values, strict=True)}

    def state(self) -> dict[str, Any]:
        """What was gathered so far, for a resume point."""
        return {"sums": dict(self._sums), "weights": dict(self._weights)}

    def load(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Take what a resume point had gathered."""
        self._sums = {name: value.to(device).clone() for name, value in state["sums"].items()}
        self._weights = dict(state["weights"])


def require_finite(figures: Mapping[str, float], phase: str, step: int) -> None:
    """Stop a training that no longer computes numbers.

    Raises:
        TrainingDiverged: naming phase, step and the figures that are not finite.
    """
    bad = [f"{name} = {value}" for name, value in figures.items() if not math.isfinite(value)]
    if bad:
        raise _diverged(phase, step, ", ".join(bad))


def require_finite_weights(state: Mapping[str, Tensor], phase: str, step: int) -> None:
    """As :func:`require_finite`, for tensors that are about to be saved: one transfer for all of them."""
    names = [name for name, tensor in state.items() if tensor.is_floating_point()]
    if not names:
        return
    finite = torch.stack([state[name].isfinite().all() for name in names]).tolist()
    bad = [name for name, fine in zip(names, finite, strict=True) if not fine]
    if bad:
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        raise _diverged(phase, step, f"weights not finite: {', '.join(bad[:3])}{more}")


def _diverged(phase: str, step: int, what: str) -> TrainingDiverged:
    return TrainingDiverged(
        f"training diverged in phase {phase} before step {step}: {what}",
        "Try a lower learning rate (training.lr), a smaller clip_norm, or training.precision=fp32. "
        "No broken weights were saved.",
    )
