"""The delete-a-group jackknife: how sure a figure is whose bootstrap would cost too much, or be biased.

For figures of whole sets that need quadratic time or a matrix function (Frechet distances, energy distance,
KID). Each group of rows, the same of both sets, is left out in turn; with G groups and left-out values t_g,

    variance = (G - 1) / G * sum_g (t_g - mean t)^2

(Shao and Tu 1995, The Jackknife and Bootstrap, section 2.3).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]


def replicates(value: float, left_out: Floats) -> Floats:
    """(G,) left-out values spread out so that their standard deviation (n - 1) is the figure's error.

    This is the scale of bootstrap replicates, so that differences of either kind are judged alike.
    """
    groups = len(left_out)
    return np.asarray(value + (left_out - left_out.mean()) * (groups - 1) / math.sqrt(groups))


def interval(value: float, left_out: Floats, confidence: float, lowest: float = 0.0) -> tuple[float, float]:
    """Student's interval around ``value`` with G - 1 degrees of freedom, cut at ``lowest``."""
    quantile = float(stdtrit(len(left_out) - 1, (1 + confidence) / 2))
    reach = quantile * float(replicates(value, left_out).std(ddof=1))
    return max(lowest, value - reach), value + reach


def bias(value: float, left_out: Floats) -> float:
    """How far the figure lies above that of endlessly many rows (Quenouille 1956), if positive.

    Distances of finite sets lie above those of their laws: of equal laws they are not 0.
    """
    return (len(left_out) - 1) * float(left_out.mean() - value)
