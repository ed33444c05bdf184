"""All runs of a study in one file: aggregates over seeds, rankings, differences, and what limits them."""

from __future__ import annotations

from collections.abc import Sequence

from epuredgm.core.certainty import noise_in
from epuredgm.evaluation import comparability
from epuredgm.evaluation.differences import Resamples, differences
from epuredgm.evaluation.evaluator import headline_block
from epuredgm.evaluation.headlines import Found
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.rank_intervals import Ranks, rank_intervals
from epuredgm.evaluation.ranking import Ranking
from epuredgm.evaluation.rankings import OVERALL, all_rankings
from epuredgm.evaluation.runs import Result, Runs, Table, compared, floor_facts
from epuredgm.evaluation.scalar import Json, number

SCHEMA = 2


def summarise(dataset: str, results: Sequence[Result], resamples: Resamples | None = None) -> Json:
    """``summary.json`` of the runs' results; ``schemas/summary.schema.json`` describes it.

    Args:
        dataset: the data set's name.
        results: contents of the ``run_seedN.json``.
        resamples: the replicates beside them; without any there are no differences within one seed.
    """
    runs = Runs.of(results, all_metrics())
    unlike = comparability.unlike(runs)
    rankings = all_rankings(runs, unlike)
    pairs = differences(runs, resamples or {}, unlike)
    pairs.adjust(runs.confidence)
    spans = rank_intervals(rankings, runs, resamples or {})
    main = rankings[OVERALL]
    return {
        "schema": SCHEMA,
        "dataset": dataset,
        "num_models": len(runs.by_model),
        "num_runs": len(results),
        "confidence": runs.confidence,
        "noise": noise_in([{"num_runs": len(own)} for own in runs.by_model.values()]),
        "ranked_by": {"metric": main.metric, "reason": main.reason, "over": list(main.over)},
        "headlines": {name: _about_headline(found, runs) for name, found in runs.headlines.items()},
        "model_aggregates": {
            model: {**_about_model(own), **_json(runs.overall)[model]} for model, own in runs.by_model.items()
        },
        "tasks": {mode: _json(table) for mode, table in runs.tasks.items()},
        "rankings": [
            {**row, "metric": main.metric, **_figures(runs, row["model"])}
            for row in _rows(main, runs, spans[OVERALL])
        ],
        "all_rankings": {
            name: {
                "title": ranking.title,
                "metric": ranking.metric,
                "reason": ranking.reason,
                "over": list(ranking.over),
                "rows": _rows(ranking, runs, spans[name]),
            }
            for name, ranking in rankings.items()
        },
        "floors": {mode: floor_facts(runs, mode) for mode in runs.modes},
        "differences": pairs.by_mode,
        "extractors": comparability.extractors(runs),
        "warnings": [*comparability.warnings(runs), *pairs.warnings],
    }


def _about_headline(found: Found, runs: Runs) -> Json:
    head = found.headline
    about = about_signs(found, runs)
    return {
        "metric": found.metric.key,
        "title": found.title,
        "better": head.better,
        "unit": head.unit,
        "ranked": head.ranked,
        "decides": bool(head.decides),
        "limit": head.limit,
        **about,
    }


def about_signs(found: Found, runs: Runs) -> Json:
    """Of a signed error: whose sign it is, and what is said of a value below and above 0."""
    if not found.beside:
        return {}
    blocks = (headline_block(each) for run in runs.everything for each in run["modes"].values())
    below, above = next((signs for block in blocks if any(signs := found.signs(block))), ("", ""))
    return {"beside": found.beside, "below": below, "above": above}


def _about_model(own: Sequence[Result]) -> Json:
    return {
        "num_runs": len(own),
        "seeds": [run["seed"] for run in own],
        "profiles": sorted({str(run["profile"]) for run in own}),
        "compared": sorted({count for run in own if (count := compared(run, run["mode"])) is not None}),
    }


def _json(table: Table) -> dict[str, Json]:
    return {model: {name: each.json() for name, each in own.items()} for model, own in table.items()}


def _rows(ranking: Ranking, runs: Runs, spans: Ranks) -> list[Json]:
    """The rows as the file holds them; a figure that ranks alone brings its interval."""
    rows = []
    for position, row in enumerate(ranking.rows, 1):
        figure = runs.overall[row.model].get(ranking.metric)
        interval = figure.interval if figure is not None else None
        rows.append(
            {
                "rank": position,
                "rank_interval": None if (span := spans[row.model]) is None else list(span),
                "model": row.model,
                "value": number(row.value),
                "interval": None if interval is None else [number(end) for end in interval],
                "places": dict(row.places),
                "set_back": row.set_back,
            }
        )
    return rows


def _figures(runs: Runs, model: str) -> Json:
    """``num_runs``, ``<headline>_mean`` and ``<headline>_std`` of a model."""
    result: Json = {"num_runs": len(runs.by_model[model])}
    for name, each in runs.overall[model].items():
        result[f"{name}_mean"], result[f"{name}_std"] = number(each.mean), number(each.std)
    return result
