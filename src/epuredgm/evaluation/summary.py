"""All runs of a study in one table: means over seeds, rankings, and what makes the runs hard to compare."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.evaluator import AVERAGE, headline_block
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.ranking import Column, Ranking, rank
from epuredgm.evaluation.scalar import Json, figures, is_scalar, number

SCHEMA = 1
COLUMNS = ("dataset", "model", "seed", "mode", "given", "metric", "value", "low", "high", "floor", "ratio")

Result = Mapping[str, Any]


def summarise(dataset: str, results: Sequence[Result]) -> Json:
    """``summary.json`` of the runs' results.

    ``model_aggregates.<model>.<headline>`` holds ``mean``, ``std`` (over seeds, n - 1; null for one run),
    ``min``, ``max``, ``num_runs``, the mode it was read from and, where it is null, a reason. ``rankings`` is
    best first; ``metric`` names what ranked.
    """
    runs: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda each: (each["model"], each["seed"])):
        runs.setdefault(result["model"], []).append(result)
    heads = _found_headlines(results, all_metrics())
    tables = {
        model: {
            name: _aggregate([read_headline(run, *place) for run in own]) for name, place in heads.items()
        }
        for model, own in runs.items()
    }
    ranking = rank(list(runs), list(_columns(heads, tables, runs)))
    return {
        "schema": SCHEMA,
        "dataset": dataset,
        "num_models": len(runs),
        "num_runs": len(results),
        "ranked_by": {"metric": ranking.metric, "reason": ranking.reason, "over": list(ranking.over)},
        "headlines": {
            name: {"metric": metric.key, "title": metric.title, "better": head.better, "unit": head.unit}
            for name, (metric, head, _) in heads.items()
        },
        "model_aggregates": {model: {**_about(own), **tables[model]} for model, own in runs.items()},
        "rankings": _rankings(ranking, runs, tables, heads),
        "warnings": _warnings(runs, tables),
    }


def tidy_csv(results: Sequence[Result]) -> str:
    """``results.csv``: one line per run, mode, given component and figure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in sorted(results, key=lambda each: (each["model"], each["seed"])):
        for mode, given, block in _blocks(result):
            for path, figure in figures(block):
                low, high = figure["interval"] or (None, None)
                floor = figure["floor"]["mean"] if figure["floor"] else None
                line = (result["dataset"], result["model"], result["seed"], mode, given, path)
                writer.writerow((*line, figure["value"], low, high, floor, figure["ratio"]))
    return out.getvalue()


def _blocks(result: Result) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for mode, block in sorted(result["modes"].items()):
        if AVERAGE in block:
            yield from ((mode, given, block[given]) for given in sorted(block))
        else:
            yield mode, "", block


# headlines ------------------------------------------------------------------------------------------------

Place = tuple[Metric, Headline, str]  # metric, headline, path with its star filled in


def _found_headlines(results: Sequence[Result], metrics: Sequence[Metric]) -> dict[str, Place]:
    """Name -> place of every headline figure that some result has; stars hold what was found."""
    found: dict[str, Place] = {}
    for metric in metrics:
        for head in metric.headlines:
            stars = sorted({star for result in results for star in _stars(result, metric, head)})
            for star in stars:
                found.setdefault(head.name.replace("*", star), (metric, head, head.path.replace("*", star)))
    return found


def _stars(result: Result, metric: Metric, head: Headline) -> Iterator[str]:
    """What the star of a headline's path stands for in one result; one empty string without a star."""
    if "*" not in head.path:
        yield ""
        return
    before, _, after = head.path.partition(".*.")
    for mode in Mode:
        block = headline_block(result["modes"].get(mode.value, {}))
        many = _at(block.get(metric.key, {}), before)
        yield from (key for key in many or {} if is_scalar(_at(many[key], after)))


def read_headline(result: Result, metric: Metric, head: Headline, path: str) -> tuple[str, Mapping[str, Any]]:
    """The mode and the figure of one headline, from the first mode that has it."""
    for mode in Mode:
        block = headline_block(result["modes"].get(mode.value, {}))
        if metric.key in block and is_scalar(figure := _at(block[metric.key], path)):
            return mode.value, figure
    modes = ", ".join(mode.value for mode in metric.modes)
    return "", {"value": None, "reason": f"no samples of a mode that it applies to ({modes})"}


def _at(content: Any, path: str) -> Any:
    for key in path.split(".") if path else ():
        content = content.get(key) if isinstance(content, Mapping) else None
    return content


# aggregates -----------------------------------------------------------------------------------------------


def _aggregate(read: Sequence[tuple[str, Mapping[str, Any]]]) -> Json:
    known = [figure for _, figure in read if figure["value"] is not None]
    modes = sorted({mode for mode, _ in read if mode})
    result: Json = {"mode": "+".join(modes) or None, "num_runs": len(known)}
    if not known:
        reason = next((figure["reason"] for _, figure in read if figure.get("reason")), "no run has a value")
        return {
            **result,
            "mean": None,
            "std": None,
            "min": None,
            "max": None,
            "floor": None,
            "reason": reason,
        }
    values = np.array([figure["value"] for figure in known])
    floors = [figure["floor"]["mean"] for figure in known if figure["floor"]]
    return {
        **result,
        "mean": number(float(values.mean())),
        "std": number(float(values.std(ddof=1))) if len(values) > 1 else None,
        "min": number(float(values.min())),
        "max": number(float(values.max())),
        "floor": number(float(np.mean(floors))) if floors else None,
    }


def _about(runs: Sequence[Result]) -> Json:
    return {
        "num_runs": len(runs),
        "seeds": [run["seed"] for run in runs],
        "profiles": sorted({str(run["profile"]) for run in runs}),
        "compared": sorted({_compared(run) for run in runs}),
    }


def _compared(run: Result) -> int:
    """Designs on either side in the run's headline mode."""
    block = run["modes"][run["mode"]]
    if AVERAGE in block:
        block = block[min(key for key in block if key != AVERAGE)]
    return int(block["counts"]["compared"])


def _columns(
    heads: Mapping[str, Place], tables: Mapping[str, Mapping[str, Json]], runs: Mapping[str, Sequence[Result]]
) -> Iterator[Column]:
    for name, (_, head, _) in heads.items():
        if head.ranked or head.decides:
            complete = all(tables[model][name]["num_runs"] == len(own) for model, own in runs.items())
            values = {model: tables[model][name]["mean"] for model in runs}
            yield Column(name, head.better, values, head.decides, complete)


def _rankings(
    ranking: Ranking,
    runs: Mapping[str, Sequence[Result]],
    tables: Mapping[str, Mapping[str, Json]],
    heads: Mapping[str, Place],
) -> list[Json]:
    rows = []
    for position, (model, value) in enumerate(ranking.values.items(), 1):
        figures_of = {
            f"{name}_{part}": tables[model][name][part] for name in heads for part in ("mean", "std")
        }
        rows.append(
            {
                "rank": position,
                "model": model,
                "metric": ranking.metric,
                "value": number(value),
                "num_runs": len(runs[model]),
                "places": dict(ranking.places[model]),
                **figures_of,
            }
        )
    return rows


def _warnings(runs: Mapping[str, Sequence[Result]], tables: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """What makes these runs hard to compare."""
    everything = [run for own in runs.values() for run in own]
    facts = {
        "profiles": {str(run["profile"]) for run in everything},
        "sample counts": {str(_compared(run)) for run in everything},
        "headline modes": {str(run["mode"]) for run in everything},
        "data fingerprints": {str(run["provenance"]["data_fingerprint"])[:12] for run in everything},
        "package versions": {str(run["provenance"]["package_version"]) for run in everything},
        "seeds": {", ".join(str(run["seed"]) for run in own) for own in runs.values()},
    }
    warnings = [
        f"runs differ in their {name}: {' / '.join(sorted(values))}"
        for name, values in facts.items()
        if len(values) > 1
    ]
    for model, own in runs.items():
        partial = [name for name, each in tables[model].items() if 0 < each["num_runs"] < len(own)]
        if partial:
            warnings.append(f"{model}: only some of its runs have {', '.join(partial)}")
    return warnings
