"""Two or more studies, or runs, side by side: the same aggregates and differences as within one study.

Each side's runs of a model count as the runs of one "model" named after the side, so that sides are compared
as models are: on common seeds, on the same resamples, and only through the same extractors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from epuredgm.core.certainty import noise_in
from epuredgm.core.errors import BadRequest
from epuredgm.core.files import digest
from epuredgm.evaluation import comparability
from epuredgm.evaluation.differences import Resamples, adjust, differences
from epuredgm.evaluation.metric import Metric
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.runs import Result, Runs
from epuredgm.evaluation.scalar import Json, number
from epuredgm.evaluation.summary import about_signs


@dataclass(frozen=True)
class Side:
    """One of the things compared.

    Attributes:
        name: unique.
        results: its runs' results.
        resamples: their replicates, as far as there are any.
        summary: content of its ``summary.json``, where the results behind it are not at hand.
    """

    name: str
    results: tuple[Result, ...]
    resamples: Resamples
    summary: Mapping[str, Any] | None = None

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of its models, sorted."""
        found = self.summary["model_aggregates"] if self.summary else {run["model"] for run in self.results}
        return tuple(sorted(found))

    @property
    def datasets(self) -> set[str]:
        """Names of its data sets."""
        return {self.summary["dataset"]} if self.summary else {run["dataset"] for run in self.results}


def compare(sides: Sequence[Side]) -> Json:
    """``{"sides": [names], "groups": [...], "warnings": [...]}``.

    A group compares one model of each side: the only one that each has, whatever their names, or else every
    model that two sides have in common. It has ``models`` (side -> model), and ``tasks``: mode -> one row for
    each headline, with ``title``, ``better``, ``unit``, ``ranked``, ``values`` (side -> aggregate as in
    ``summary.json``, or null) and ``differences`` (other side -> its figure minus the first side's, none
    where they were taken through different extractors, with what a row of ``differences`` in ``summary.json``
    has, and ``verdict``: ``better`` or ``worse`` where the two differ by more than training and sampling
    noise, else empty). p values are adjusted for all differences that the comparison has in a mode.
    ``confidence`` is the level of intervals, ``noise`` what they hold.

    Raises:
        BadRequest: if the sides have different data sets, or no model in common.
    """
    datasets = {name for side in sides for name in side.datasets}
    if len(datasets) > 1:
        raise BadRequest(
            f"these runs are on different data sets: {', '.join(sorted(datasets))}",
            "Figures of different designs cannot be compared.",
        )
    compared = [_Group(chosen) for chosen in _groups(sides)]
    confidence = max(group.runs.confidence for group in compared)
    for mode in dict.fromkeys(mode for group in compared for mode in group.by_mode):
        adjust([row for group in compared for row in group.against_first(mode)], confidence)
    warnings = dict.fromkeys(line for group in compared for line in group.warnings)
    return {
        "dataset": next(iter(datasets)),
        "sides": [side.name for side in sides],
        "confidence": confidence,
        "noise": noise_in([{"num_runs": n} for group in compared for n in group.trainings()]),
        "groups": [group.json() for group in compared],
        "warnings": list(warnings),
    }


def _groups(sides: Sequence[Side]) -> list[dict[str, tuple[Side, str]]]:
    """Side name -> side and its model, for each group."""
    if all(len(side.models) == 1 for side in sides):
        return [{side.name: (side, side.models[0]) for side in sides}]
    everyone = sorted({model for side in sides for model in side.models})
    groups = [{side.name: (side, model) for side in sides if model in side.models} for model in everyone]
    common = [group for group in groups if len(group) > 1]
    if not common:
        listed = "; ".join(f"{side.name}: {', '.join(side.models)}" for side in sides)
        raise BadRequest(
            f"these runs have no model in common ({listed})", "Name one model of each: MODEL:SEED."
        )
    return common


class _Group:
    """One model of each side."""

    def __init__(self, chosen: Mapping[str, tuple[Side, str]]) -> None:
        self.chosen = chosen
        results, resamples = [], {}
        for name, (side, model) in chosen.items():
            for run in side.results:
                if run["model"] == model:
                    results.append({**run, "model": name})
                    resamples[name, run["seed"]] = side.resamples.get((model, run["seed"]))
        self.runs = Runs.of(results, all_metrics())
        known = {key: arrays for key, arrays in resamples.items() if arrays is not None}
        pairs = differences(self.runs, known, comparability.unlike(self.runs))
        self.by_mode = pairs.by_mode
        self.extractors = {name: _extractors(side, model) for name, (side, model) in chosen.items()}
        self.warnings = [*self._unlike_figures(), *pairs.warnings]

    def against_first(self, mode: str) -> list[Json]:
        """The rows of differences that are shown: every other side and the first."""
        first = next(iter(self.chosen))
        found = (row for rows in self.by_mode.get(mode, {}).values() for row in rows)
        return [row for row in found if first in (row["a"], row["b"])]

    def trainings(self) -> list[int]:
        """Of how many trainings each side's figures are, as far as anybody knows."""
        told = [
            side.summary["model_aggregates"][model]["num_runs"]
            for side, model in self.chosen.values()
            if side.summary
        ]
        return [*told, *(len(own) for own in self.runs.by_model.values())]

    def json(self) -> Json:
        tasks = {mode: self._rows(mode) for mode in self._modes()}
        return {
            "models": {name: model for name, (_, model) in self.chosen.items()},
            "tasks": {mode: rows for mode, rows in tasks.items() if rows},
        }

    def _modes(self) -> list[str]:
        summaries = [side.summary for side, _ in self.chosen.values() if side.summary]
        return list(
            dict.fromkeys([*self.runs.modes, *(mode for each in summaries for mode in each["tasks"])])
        )

    def _rows(self, mode: str) -> list[Json]:
        tables = {name: self._table(name, mode) for name in self.chosen}
        names = dict.fromkeys(headline for table in tables.values() for headline in table)
        rows = []
        for headline in names:
            values = {name: table.get(headline) for name, table in tables.items()}
            if any(value is not None and value["mean"] is not None for value in values.values()):
                about = self._about(headline)
                told = self._differences(mode, headline, values, about["better"])
                rows.append({"headline": headline, **about, "values": values, "differences": told})
        return rows

    def _table(self, name: str, mode: str) -> Mapping[str, Json]:
        """Headline -> aggregate of one side."""
        side, model = self.chosen[name]
        if side.summary is not None:
            return dict(side.summary["tasks"].get(mode, {}).get(model, {}))
        own = self.runs.tasks.get(mode, {}).get(name, {})
        return {headline: each.json() for headline, each in own.items()}

    def _about(self, headline: str) -> Json:
        """What it is called, which way is better, the unit, and whether it counts in rankings."""
        if headline in self.runs.headlines:
            found = self.runs.headlines[headline]
            head, ranked = found.headline, found.headline.ranked or bool(found.headline.decides)
            signs = about_signs(found, self.runs)
            about = {"title": found.title, "better": head.better, "unit": head.unit, "ranked": ranked}
            return {**about, **signs}
        summaries = (side.summary for side, _ in self.chosen.values() if side.summary)
        told = next(each["headlines"][headline] for each in summaries if headline in each["headlines"])
        ranked = told["ranked"] or told["decides"]
        kept = [key for key in ("title", "better", "unit", "beside", "below", "above") if key in told]
        return {**{key: told[key] for key in kept}, "ranked": ranked}

    def _differences(self, mode: str, headline: str, values: Mapping[str, Any], better: str) -> Json:
        """Every other side against the first."""
        first, *others = values
        return {
            name: _against(values[name], values[first], self._paired(mode, headline, name, first), better)
            for name in others
            if all(values[each] is not None and values[each]["mean"] is not None for each in (name, first))
            and not self._unlike(headline, name, first)
        }

    def _unlike(self, headline: str, one: str, other: str) -> bool:
        """Whether two sides have a figure through different extractors, so that it has no difference."""
        through = self._metric(headline).extractors
        known = (self.extractors[one], self.extractors[other])
        return any(len({kind for side in known for kind in side.get(name, ())}) > 1 for name in through)

    def _unlike_figures(self) -> Iterator[str]:
        first, *others = self.chosen
        for name in others:
            tables = [self._table(side, mode) for side in (first, name) for mode in self._modes()]
            headlines = dict.fromkeys(headline for table in tables for headline in table)
            left_out = [headline for headline in headlines if self._unlike(headline, first, name)]
            if left_out:
                yield (
                    f"{name} and {first} have {', '.join(left_out)} through different extractors, so these "
                    "are not subtracted; evaluate both anew with one reference: --force evaluate"
                )

    def _metric(self, headline: str) -> Metric:
        if headline in self.runs.headlines:
            return self.runs.headlines[headline].metric
        summaries = (side.summary for side, _ in self.chosen.values() if side.summary)
        key = next(
            each["headlines"][headline]["metric"] for each in summaries if headline in each["headlines"]
        )
        return next(metric for metric in all_metrics() if metric.key == key)

    def _paired(self, mode: str, headline: str, name: str, first: str) -> Json | None:
        """The row of the difference ``name`` minus ``first``."""
        for row in self.by_mode.get(mode, {}).get(headline, []):
            if (row["a"], row["b"]) == (name, first):
                return dict(row)
            if (row["a"], row["b"]) == (first, name):
                low, high = row["interval"]
                turned = {"difference": number(-row["difference"]), "interval": [number(-high), number(-low)]}
                return {**row, **turned}
        return None


def _extractors(side: Side, model: str) -> dict[str, set[str]]:
    """Extractor -> digests of the facts of those that a side's figures of a model went through."""
    found: dict[str, set[str]] = {}
    if side.summary is not None:
        for name, facts in side.summary.get("extractors", {}).items():
            found[name] = {digest(each) for each in facts.get("differ", [facts])}
    for run in side.results:
        if run["model"] == model:
            for name, facts in run["provenance"].get("extractors", {}).items():
                found.setdefault(name, set()).add(digest(facts))
    return found


def _against(value: Json, first: Json, paired: Json | None, better: str) -> Json:
    if paired is None:
        nothing = dict.fromkeys(("interval", "noise", "p", "p_adjusted", "differ"))
        difference = number(value["mean"] - first["mean"])
        return {"difference": difference, **nothing, "num_seeds": 0, "verdict": ""}
    verdict = ""
    if paired["differ"] and better != "neither":
        verdict = "better" if (paired["difference"] < 0) == (better == "lower") else "worse"
    kept = {key: each for key, each in paired.items() if key not in ("a", "b")}
    return {**kept, "verdict": verdict}
