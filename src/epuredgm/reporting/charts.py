"""The charts of a report, from a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from epuredgm.reporting import figures
from epuredgm.reporting.numbers import short
from epuredgm.reporting.study import Adherence, Family, Json, Study
from epuredgm.reporting.tables import figures_in, label_of


@dataclass(frozen=True)
class Chart:
    """One picture, and what a reader who cannot see it should know."""

    title: str
    says: str
    drawing: figures.Chart

    @property
    def svg(self) -> Markup:
        """For a page."""
        return Markup(figures.svg(self.drawing, self.title, self.says))  # drawn here, its texts escaped


def rank_heat(study: Study) -> Chart | None:
    """Families by figures: the place of each on each."""
    rows = study.summary["rankings"]
    names = [name for name in study.summary["headlines"] if any(name in row["places"] for row in rows)]
    if not names:
        return None
    models = [str(row["model"]) for row in rows]
    places = {str(row["model"]): dict(row["places"]) for row in rows}
    titles = [label_of(study.summary, name) for name in names]
    told = {
        model: {titles[k]: own[name] for k, name in enumerate(names) if name in own}
        for model, own in places.items()
    }
    drawn = figures.rank_heat(models, titles, told)
    return Chart("Place of each family on each figure", _order(models), drawn)


def metric_charts(study: Study, colors: Mapping[str, str]) -> tuple[tuple[str, tuple[Chart, ...]], ...]:
    """For each task, one chart for each figure that ranks."""
    tasks = []
    for task, block in study.summary["tasks"].items():
        shown = figures_in(study.summary, block, ranked=True)
        names = [name for name in shown if study.summary["headlines"][name]["better"] != "neither"]
        charts = tuple(_metric_chart(study, block, name, colors) for name in names)
        if charts:
            tasks.append((task, charts))
    return tuple(tasks)


def _metric_chart(study: Study, block: Mapping[str, Any], name: str, colors: Mapping[str, str]) -> Chart:
    about = study.summary["headlines"][name]
    known = {
        model: block[model][name]
        for model in study.models
        if block.get(model, {}).get(name, {}).get("mean") is not None
    }
    rows = [figures.Row(model, each["mean"], *_ends(each)) for model, each in known.items()]
    floor: Json = next((each for each in known.values() if each.get("floor") is not None), {})
    title = label_of(study.summary, name)
    drawn = figures.metric_chart(
        title, about["unit"], about["better"], rows, floor.get("floor"), floor.get("floor_std"), colors
    )
    says = "; ".join(f"{row.model} {short(row.value)}" for row in rows)
    return Chart(title, f"{about['better']} is better; {says}", drawn)


def _order(models: Sequence[str]) -> str:
    return f"best first: {', '.join(models)}"


def _ends(figure: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low, high = figure.get("interval") or (None, None)
    return low, high


def difference_charts(study: Study) -> tuple[Chart, ...]:
    """For each task, who is better than whom on each figure behind its ranking."""
    drawn = []
    for task, pairs_of in study.summary["differences"].items():
        ranking = study.summary["all_rankings"].get(task, {"rows": (), "over": ()})
        models = [str(row["model"]) for row in ranking["rows"]]
        for name in ranking["over"]:
            pairs = [
                figures.Difference(each["a"], each["b"], each["difference"], each.get("differ"))
                for each in pairs_of.get(name, ())
            ]
            if pairs:
                better = study.summary["headlines"][name]["better"]
                title = f"{label_of(study.summary, name)}, {task}"
                matrix = figures.difference_matrix(models, pairs, better, title)
                drawn.append(Chart(title, _order(models), matrix))
    return tuple(drawn)


def training_chart(family: Family, colors: Mapping[str, str]) -> Chart | None:
    """The losses of the family's first run, phase by phase."""
    curves = {
        f"{phase.name}/{name}": each for phase in family.runs[0].phases for name, each in phase.curves.items()
    }
    if not curves:
        return None
    says = "; ".join(f"{name} ends at {short(each.values[-1])}" for name, each in curves.items())
    drawn = figures.training_curves(family.model, curves, f"{family.model}: losses", colors[family.model])
    return Chart(f"{family.model}: losses while training", says, drawn)


def adherence_charts(family: Family, colors: Mapping[str, str]) -> tuple[tuple[Adherence, Chart], ...]:
    """Asked against measured, each with its chart."""
    return tuple((each, _adherence(family.model, each, colors)) for each in family.adherence)


def _adherence(model: str, each: Adherence, colors: Mapping[str, str]) -> Chart:
    error = float(np.abs(each.measured - each.asked).mean())
    says = f"{len(each.asked)} designs, {short(error)} {each.unit} off on average"
    drawn = figures.adherence_scatter(
        each.condition,
        each.unit,
        each.asked,
        each.measured,
        each.train_range,
        colors[model],
        f"{each.condition}, {each.mode}",
    )
    return Chart(f"{model}, {each.mode}: {each.condition} asked for and measured", says, drawn)


def extrapolation_charts(study: Study, colors: Mapping[str, str]) -> tuple[Chart, ...]:
    """One for each condition that was swept beyond the training range."""
    charts = []
    for condition in study.spec.conditions:
        curves = {family.model: bins for family in study.families if (bins := _bins(family, condition.name))}
        if curves:
            span = study.train_ranges.get(condition.name)
            drawn = figures.extrapolation_curve(condition.name, condition.unit, curves, span, colors)
            title = f"{condition.name}: asked for beyond the training range"
            charts.append(Chart(title, _order(list(curves)), drawn))
    return tuple(charts)


def _bins(family: Family, condition: str) -> list[figures.Bin]:
    """The curve of a swept condition, wherever a metric has written one in the first run's blocks."""
    curve = next(_curves(family.runs[0].result["modes"], condition), [])
    return [
        figures.Bin(each["asked"], each["measured"], each["low"], each["high"], each["valid"])
        for each in curve
    ]


def _curves(content: Any, condition: str) -> Iterator[list[Json]]:
    if isinstance(content, Mapping):
        for key, inner in content.items():
            if key == condition and isinstance(inner, Mapping) and isinstance(inner.get("curve"), list):
                yield inner["curve"]
            yield from _curves(inner, condition)


def cost_chart(study: Study, colors: Mapping[str, str]) -> Chart | None:
    """Quality against the time that a design takes."""
    metric = str(study.summary["ranked_by"]["metric"])
    aggregates = study.summary["model_aggregates"]
    points = []
    for family in study.families:
        cost, quality = family.runs[0].cost, aggregates[family.model].get(metric)
        if quality is None or quality["mean"] is None or cost.seconds_per_1000 is None:
            continue
        low, high = _ends(quality)
        points.append(
            figures.Point(family.model, cost.seconds_per_1000, quality["mean"], low, high, cost.parameters)
        )
    if not points:
        return None
    about = study.summary["headlines"][metric]
    name = f"{label_of(study.summary, metric)} {about['unit']}".strip()
    drawn = figures.quality_cost(points, name, colors, about["better"])
    says = [f"{each.model} {short(each.quality)} at {short(each.seconds_per_1000)} s" for each in points]
    return Chart("Quality against the time that designs take", "; ".join(says), drawn)
