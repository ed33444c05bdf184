"""Differences between two models, figure by figure, with intervals that know what the two share.

All models of one seed are held against the same real designs and resampled alike (``resamples.npz``), so that
what the draw of real designs does to both figures cancels: the error of a difference by the draw of designs
is the spread of the differences of their replicates, not the sum of two errors. With several common seeds the
training counts too (:mod:`.evidence`); from one training each nothing can be told but sampling noise, and no
pair is said to differ.

An interval is for the difference of the *expected* figures at this number of designs, and for one pair.
Whether two models differ is decided by p values that are adjusted for all pairs and figures of a task
together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.certainty import noise_of
from epuredgm.evaluation.evidence import Evidence, Interval, Spread, holm, of_designs, of_seeds
from epuredgm.evaluation.headlines import Found
from epuredgm.evaluation.runs import Result, Runs, compared
from epuredgm.evaluation.scalar import Json, number

Replicates = NDArray[Any]  # (B,) floats
Resamples = Mapping[tuple[str, int], Mapping[str, Replicates]]
"""(model, seed) -> ``<mode>/<headline>`` -> replicates."""


@dataclass
class Differences:
    """Every difference that can be told, and why others cannot.

    Attributes:
        by_mode: mode -> headline -> rows as ``summary.json`` holds them; first model minus second.
        warnings: what stood in the way.
    """

    by_mode: dict[str, dict[str, list[Json]]]
    warnings: list[str]

    def adjust(self, confidence: float) -> None:
        """Adjust p values, all rows of a mode together, and say which models differ."""
        for table in self.by_mode.values():
            adjust([row for rows in table.values() for row in rows], confidence)


def differences(runs: Runs, resamples: Resamples, unlike: Collection[str]) -> Differences:
    """Of every pair of models in every mode.

    Args:
        runs: the study.
        resamples: replicates of the runs that have any.
        unlike: names of headlines that went through different extractors: they have no difference.
    """
    refusals: dict[str, dict[str, list[str]]] = {}  # reason -> pair -> modes
    by_mode: dict[str, dict[str, list[Json]]] = {}
    for mode in runs.modes:
        heads = {n: found for n, found in runs.headlines_in(mode).items() if n not in unlike}
        table: dict[str, list[Json]] = {name: [] for name in heads}
        for a, b in combinations(runs.by_model, 2):
            pair = _Pair(runs, resamples, mode, a, b)
            for name, found in heads.items() if pair.seeds else ():
                row = pair.difference(name, found)
                if row is not None:
                    table[name].append({"a": a, "b": b, **row})
            for reason in pair.refusals():
                refusals.setdefault(reason, {}).setdefault(f"{a} and {b}", []).append(mode)
        by_mode[mode] = {name: rows for name, rows in table.items() if rows}
    return Differences(by_mode, [*_without_resamples(runs, resamples), *_in_words(refusals)])


def adjust(rows: Sequence[Json], confidence: float) -> None:
    """Write ``p_adjusted`` and ``differ`` into the rows of one family of tests.

    ``differ`` is None where only one training each was made: no p value tells what another would give.
    """
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_adjusted"] = number(adjusted)
        row["differ"] = adjusted <= 1 - confidence if row["num_seeds"] > 1 else None


def paired_interval(a: Replicates, b: Replicates, difference: float, confidence: float) -> Interval | None:
    """The interval around a difference by the draw of designs alone; see :func:`.evidence.of_designs`."""
    spread = of_designs(a, b)
    return None if spread is None else Evidence((spread,)).interval(difference, confidence)


class _Pair:
    """Two models in one mode."""

    def __init__(self, runs: Runs, resamples: Resamples, mode: str, a: str, b: str) -> None:
        self.runs, self.resamples, self.mode, self.names = runs, resamples, mode, (a, b)
        self.of = tuple({run["seed"]: run for run in runs.by_model[model]} for model in (a, b))
        common = sorted(self.of[0].keys() & self.of[1].keys())
        self.common = bool(common)
        sampled = [seed for seed in common if all(mode in side[seed]["modes"] for side in self.of)]
        self.seeds = [seed for seed in sampled if _alike(self.of[0][seed], self.of[1][seed], mode)]
        self.refused = [seed for seed in sampled if seed not in self.seeds]
        self.unequal: set[int] = set()

    def difference(self, name: str, found: Found) -> Json | None:
        """``{"difference", "interval", "num_seeds", "noise", "p"}``; None where nothing can be said."""
        values: dict[int, float] = {}
        for seed in self.seeds:
            figures = [self.runs.figure(side[seed], self.mode, found) for side in self.of]
            a, b = (None if figure is None else figure["value"] for figure in figures)
            if a is not None and b is not None:
                values[seed] = a - b
        if not values:
            return None
        own = [self._of_designs(name, seed) for seed in values]
        told = np.array(list(values.values()))
        if len(own) > 1:
            evidence = of_seeds(told, own)
        elif own[0] is not None:
            evidence = Evidence((own[0],))
        else:
            return None
        mean = float(told.mean())
        return {
            "difference": number(mean),
            "interval": [number(end) for end in evidence.interval(mean, self.runs.confidence)],
            "num_seeds": len(values),
            "noise": noise_of(len(values)),
            "p": number(evidence.p_value(mean)),
        }

    def _of_designs(self, name: str, seed: int) -> Spread | None:
        key = f"{self.mode}/{name}"
        a, b = (self.resamples.get((model, seed), {}).get(key) for model in self.names)
        if a is None or b is None:
            return None
        if len(a) != len(b) and len(self.seeds) == 1:
            self.unequal.add(seed)
        return of_designs(a, b)

    def refusals(self) -> Iterator[str]:
        """Why differences are missing."""
        if not self.common:
            yield "no seed in common"
        if self.refused:
            yield f"held against different real designs in {_numbers(self.refused)}"
        if self.unequal:
            yield f"resampled differently often in {_numbers(self.unequal)}"


def _numbers(seeds: Collection[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(str(seed) for seed in sorted(seeds))}"


def _in_words(refusals: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    """One line a reason, with the first pairs that it concerns and the modes."""
    lines = []
    for reason, modes in refusals.items():
        pairs, concerned = list(modes), dict.fromkeys(mode for own in modes.values() for mode in own)
        more = f" and {len(pairs) - 2} more pairs" if len(pairs) > 2 else ""
        lines.append(f"no difference of {', '.join(pairs[:2])}{more}: {reason} ({', '.join(concerned)})")
    return lines


def _alike(a: Result, b: Result, mode: str) -> bool:
    """Whether two results were held against the same real designs: the choice hangs on data and count."""
    data = [run["provenance"]["data_fingerprint"] for run in (a, b)]
    return data[0] == data[1] and compared(a, mode) == compared(b, mode)


def _without_resamples(runs: Runs, resamples: Resamples) -> list[str]:
    lonely = [
        f"{model} seed {run['seed']}"
        for model, own in runs.by_model.items()
        for run in own
        if (model, run["seed"]) not in resamples
    ]
    if not lonely or len(runs.everything) < 2:
        return []
    more = f" and {len(lonely) - 3} more" if len(lonely) > 3 else ""
    return [f"no resamples of {', '.join(lonely[:3])}{more}: their differences need --force evaluate"]
