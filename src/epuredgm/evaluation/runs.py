"""The runs of a study as the evaluation left them, and every headline figure of theirs as an aggregate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from epuredgm.core.certainty import CONFIDENCE
from epuredgm.core.jobs import Mode
from epuredgm.evaluation.aggregate import Aggregate, absent, aggregate
from epuredgm.evaluation.evaluator import AVERAGE, headline_block
from epuredgm.evaluation.headlines import Found, headlines_of_all
from epuredgm.evaluation.metric import Metric

Result = Mapping[str, Any]
Table = Mapping[str, Mapping[str, Aggregate]]  # model -> headline -> aggregate


@dataclass(frozen=True)
class Runs:
    """All results of a study.

    Attributes:
        by_model: model -> its results, by seed; models by name.
        metrics: all metrics.
    """

    by_model: Mapping[str, tuple[Result, ...]]
    metrics: tuple[Metric, ...]

    @classmethod
    def of(cls, results: Sequence[Result], metrics: tuple[Metric, ...]) -> Runs:
        """Sorted, so that the order of reading changes nothing."""
        by_model: dict[str, list[Result]] = {}
        for result in sorted(results, key=lambda each: (each["model"], each["seed"])):
            by_model.setdefault(result["model"], []).append(result)
        return cls({model: tuple(own) for model, own in by_model.items()}, metrics)

    @property
    def everything(self) -> tuple[Result, ...]:
        """Every result."""
        return tuple(result for own in self.by_model.values() for result in own)

    @cached_property
    def modes(self) -> tuple[str, ...]:
        """The modes that some run was sampled in, in the usual order."""
        return tuple(mode.value for mode in Mode if any(mode.value in r["modes"] for r in self.everything))

    @cached_property
    def headlines(self) -> dict[str, Found]:
        """Every headline figure that some run has in some mode."""
        blocks = [headline_block(each) for result in self.everything for each in result["modes"].values()]
        return headlines_of_all(blocks, self.metrics)

    @cached_property
    def confidence(self) -> float:
        """The level of all intervals; the highest, should the runs differ."""
        levels = [r["provenance"].get("settings", {}).get("confidence") for r in self.everything]
        return max((level for level in levels if level is not None), default=CONFIDENCE)

    def models_in(self, mode: str) -> tuple[str, ...]:
        """The models that were sampled in a mode."""
        return tuple(m for m, own in self.by_model.items() if any(mode in run["modes"] for run in own))

    def headlines_in(self, mode: str) -> dict[str, Found]:
        """The headline figures that some run has in a mode."""
        return {
            name: found
            for name, found in self.headlines.items()
            if any(self.figure(run, mode, found) is not None for run in self.everything)
        }

    def figure(self, run: Result, mode: str, found: Found) -> Mapping[str, Any] | None:
        """One figure of one run; None if it has none in this mode."""
        return found.read(headline_block(run["modes"].get(mode, {})))

    @cached_property
    def tasks(self) -> dict[str, Table]:
        """Mode -> model -> headline -> its aggregate there."""
        return {
            mode: {
                model: {name: self._aggregate(model, mode, each) for name, each in found.items()}
                for model in self.by_model
            }
            for mode in self.modes
            for found in [self.headlines_in(mode)]
        }

    @cached_property
    def overall(self) -> Table:
        """Model -> headline -> its aggregate in the first mode of the usual order in which a run has it."""
        return {
            model: {name: self._first(model, name, found) for name, found in self.headlines.items()}
            for model in self.by_model
        }

    def _first(self, model: str, name: str, found: Found) -> Aggregate:
        tables = [self.tasks[mode][model].get(name) for mode in self.modes]
        read = next((each for each in tables if each is not None and each.mode is not None), None)
        return read or self._absent(model, found)

    def _aggregate(self, model: str, mode: str, found: Found) -> Aggregate:
        runs = self.by_model[model]
        figures = [figure for run in runs if (figure := self.figure(run, mode, found)) is not None]
        if not figures:
            return self._absent(model, found)
        return aggregate(figures, found.headline, mode, len(runs), self.confidence)

    def _absent(self, model: str, found: Found) -> Aggregate:
        return absent(len(self.by_model[model]), [mode.value for mode in found.metric.modes])


def floor_facts(runs: Runs, mode: str) -> Mapping[str, Any] | None:
    """Which real designs the floors of a mode's distances are made of; None if nobody says.

    ``kind``, and the ``reason`` where there are none. A mean over sets of different kinds has no floor.
    """
    found = [
        facts
        for run in runs.everything
        for block in _sets(run["modes"].get(mode, {}))
        if (facts := block["counts"].get("distance_floor")) is not None
    ]
    if not found:
        return None
    kinds = {facts["kind"] for facts in found}
    reasons = sorted({facts["reason"] for facts in found if "reason" in facts})
    return {"kind": kinds.pop() if len(kinds) == 1 else "none", **({"reason": reasons[0]} if reasons else {})}


def _sets(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The blocks of a mode's sets: its own, or one for each given component."""
    if AVERAGE in block:
        return [block[key] for key in sorted(block) if key != AVERAGE]
    return [block] if block else []


def compared(run: Result, mode: str) -> int | None:
    """Designs on either side in one mode of a run; None if it was not sampled in it."""
    block = run["modes"].get(mode)
    if block is None:
        return None
    if AVERAGE in block:
        block = block[min(key for key in block if key != AVERAGE)]
    return int(block["counts"]["compared"])
