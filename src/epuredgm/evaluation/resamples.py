"""Replicates of a run's headline figures, kept so that two families can be compared on the same resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.evaluation.evaluator import headline_block
from epuredgm.evaluation.headlines import at, headlines_of
from epuredgm.evaluation.metric import Metric
from epuredgm.evaluation.scalar import Figure

Replicates = dict[str, NDArray[np.float32]]


def replicates_of(modes: Mapping[str, Mapping[str, Any]], metrics: Sequence[Metric]) -> Replicates:
    """``<mode>/<headline>`` -> (B,) float32, of every figure that has any; inpainting: of the average.

    Args:
        modes: the blocks by mode, as the evaluator made them (not as read back from JSON).
        metrics: all metrics.
    """
    found: Replicates = {}
    for mode, block in modes.items():
        inner = headline_block(block)
        for name, metric, _, path in headlines_of(inner, metrics):
            figure = at(inner[metric.key], path)
            if isinstance(figure, Figure) and figure.replicates is not None:
                found[f"{mode}/{name}"] = figure.replicates().astype(np.float32)
    return found
