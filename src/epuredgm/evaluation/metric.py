"""What a metric declares: its key, the modes it applies to, its headline figures, and how it is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from epuredgm.core.jobs import Mode
from epuredgm.core.spec import VALUES
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.ranking import LEVEL
from epuredgm.evaluation.scalar import Json


@dataclass(frozen=True)
class Headline:
    """One figure of a metric that summaries aggregate over seeds.

    Attributes:
        name: its key in ``summary.json``; a ``*`` takes what the star in ``path`` found.
        path: dotted place of the figure in the metric's block; ``*`` stands for any one key.
        better: ``lower``, ``higher``, or ``neither``: it tells something, and ranks nobody.
        unit: for people; empty for a pure number.
        ranked: it counts in the mean rank.
        decides: it ranks alone where every run has it; of several the one with the smallest number, the most
            widely known figure first. 0: it never does.
        limit: beyond it no other merit counts (a generator that copies, or draws nothing): a model whose runs
            all lie beyond it, and beyond what real designs show, with their whole intervals is ranked after
            the others. None: no such limit.
        bounds: the values that it can take; intervals over seeds end there.
        beside: of a signed error the name of the headline whose sign it tells, shown beside it; a ``*`` as in
            ``title``. The block says, as ``below`` and ``above`` next to the figure, what a value below and
            above 0 is called.
        title: for people, a few words; a ``*`` takes what the star in ``path`` found. Without one, a figure
            that is its metric's only one bears the metric's title, and others their name.
    """

    name: str
    path: str
    better: str = "lower"
    unit: str = ""
    ranked: bool = False
    decides: int = 0
    limit: float | None = None
    bounds: tuple[float, float] = (0.0, math.inf)
    title: str = ""
    beside: str = ""

    def beyond(self, interval: tuple[float, float], floor: Mapping[str, float | None] | None = None) -> bool:
        """Whether an interval lies beyond the limit as a whole, and beyond the noise of real designs.

        Args:
            interval: of the figure.
            floor: ``mean`` and ``std`` of real-against-real draws. Real designs may lie beyond the limit
                themselves, where most of them lack a component or repeat others.
        """
        if self.limit is None:
            return False
        mean, spread = (None, None) if floor is None else (floor["mean"], floor["std"])
        noise = LEVEL * (spread or 0.0)
        if self.better == "lower":
            return interval[0] > (self.limit if mean is None else max(self.limit, mean + noise))
        return interval[1] < (self.limit if mean is None else min(self.limit, mean - noise))


@dataclass(frozen=True)
class Metric:
    """One file of :mod:`epuredgm.evaluation.metrics`.

    Attributes:
        key: its key in result files.
        title: for people.
        modes: the modes it applies to.
        headlines: its figures for summaries, the most telling first.
        compute: one case to a JSON-ready block of figures made by :mod:`epuredgm.evaluation.scalar`.
        bare: the block is one figure, and ``metrics.<key>`` holds its value alone.
        values: the kinds of stored values (:attr:`epuredgm.core.spec.DataSpec.values`) it applies to.
        extractors: names of the feature extractors that its headlines look through; runs that used different
            ones are not ranked by them.
    """

    key: str
    title: str
    modes: tuple[Mode, ...]
    headlines: tuple[Headline, ...]
    compute: Callable[[Case], Json]
    bare: bool = False
    values: tuple[str, ...] = VALUES
    extractors: tuple[str, ...] = ()
