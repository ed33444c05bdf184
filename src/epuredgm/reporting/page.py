"""The report as one HTML file that needs nothing else: ``report.html``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup
from PIL import ImageColor

from epuredgm.core.certainty import legend_of
from epuredgm.data.facing import facing
from epuredgm.reporting import charts, sections, tables, verdict
from epuredgm.reporting.grey.chapter import chapter_of
from epuredgm.reporting.numbers import short
from epuredgm.reporting.palette import family_colors
from epuredgm.reporting.pictures import pictures, says
from epuredgm.reporting.study import Family, Gallery, Study

FEW = 10  # designs of a family where all families stand together
FEW_AROUND = 2  # the same, around a given component

Scatter = tuple[str, charts.Chart]


@dataclass(frozen=True)
class Shot:
    """One generated design: its picture, its nearest train design, and a line about both."""

    image: str
    alt: str
    nearest: str
    nearest_alt: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Triptych:
    """A given component, what was painted around it, and the design that it was taken from."""

    given: str
    image: str
    truth: str
    alt: str
    line: str


def render(study: Study) -> str:
    """The whole page; the same study gives the same text."""
    colors = family_colors(study.models)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("epuredgm.reporting", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = _prose
    return environment.get_template("report.html").render(_content(study, colors))


def _prose(text: str) -> Markup:
    """Text of a docstring: what stands between double backquotes is code."""
    code = Markup("<code>{}</code>")
    parts = text.split("``")
    return Markup("").join(code.format(part) if k % 2 else part for k, part in enumerate(parts))


def _content(study: Study, colors: Mapping[str, str]) -> dict[str, Any]:
    """All that the template names."""
    chapter = chapter_of(study, colors)
    return {
        "study": study,
        "chapter": chapter,
        "contents": _contents(study),
        "legend": legend_of(study.summary),
        "bias": tables.bias_tables(study.summary),
        "few": FEW,
        "few_around": FEW_AROUND,
        "amiss": _amiss(study),
        "summary": study.summary,
        "ruler": tables.label_of(study.summary, study.summary["ranked_by"]["metric"]),
        "colors": dict(colors),
        "components": [(each.label, _color(each.color)) for each in study.spec.components],
        "facts": sections.facts(study),
        "verdicts": verdict.verdicts(study.summary),
        "rankings": tables.ranking_tables(study.summary),
        "floor_notes": tables.floor_notes(study.summary),
        "all_figures": tables.all_figures(study.summary),
        "rank_heat": charts.rank_heat(study),
        "metric_charts": charts.metric_charts(study, colors),
        "real": _real(study),
        "galleries": () if chapter else _galleries(study),
        "triptychs": _triptychs(study),
        "adherence": _adherence(study, colors),
        "extrapolation": charts.extrapolation_charts(study, colors),
        "training": [drawn for family in study.families if (drawn := charts.training_chart(family, colors))],
        "cost": sections.cost_table(study),
        "cost_chart": _cost_chart(study, colors),
        "learned": [
            (family.model, made) for family in study.families if (made := sections.learned_tables(family))
        ],
        "differences": verdict.difference_tables(study.summary),
        "troubles": sections.trouble_table(study),
        "missing": sections.missing_table(study),
        "runs": sections.run_table(study),
        "settings": [sections.settings_table(name, each) for name, each in _settings(study) if each],
        "glossary": sections.glossary(study),
    }


def _contents(study: Study) -> list[tuple[str, str]]:
    """(anchor, title) of every section that there is."""
    around = any(gallery.given is not None for family in study.families for gallery in family.galleries)
    asked = any(family.adherence for family in study.families) or bool(tables.bias_tables(study.summary))
    learned = any(run.learned for family in study.families for run in family.runs[:1])
    known = [
        ("verdict", "Verdict", True),
        ("grey", "Privacy and pictures", study.spec.values == "grey"),
        ("rankings", "Rankings", True),
        ("figures", "Figures", True),
        ("designs", "Designs", True),
        ("inpainting", "Given component", around),
        ("adherence", "Asked and measured", asked),
        ("training", "Training", True),
        ("cost", "Cost", True),
        ("learned", "Learned", learned),
        ("differences", "Differences", True),
        ("missing", "Missing", True),
        ("reproduce", "Reproduce", True),
        ("glossary", "Glossary", True),
    ]
    return [(anchor, title) for anchor, title, there in known if there]


def _amiss(study: Study) -> str:
    """How much is amiss, in words."""
    counts = [
        (len(study.summary["warnings"]), "warning", "warnings"),
        (len(study.troubles), "job that did not end well", "jobs that did not end well"),
    ]
    named = [f"{n} {one if n == 1 else many}" for n, one, many in counts if n]
    return " and ".join(named)


def _cost_chart(study: Study, colors: Mapping[str, str]) -> charts.Chart | None:
    """Only where one figure ranks: a mean rank is no quality."""
    known = study.summary["ranked_by"]["metric"] in study.summary["headlines"]
    return charts.cost_chart(study, colors) if known else None


def _settings(study: Study) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        ("Data and comparison", study.settings),
        ("What designs are compared through", study.summary.get("extractors", {})),
    ]


def _color(name: str) -> str:
    """A declared colour as ``#rrggbb``, whatever way it was written."""
    red, green, blue = ImageColor.getrgb(name)[:3]
    return f"#{red:02x}{green:02x}{blue:02x}"


# pictures -------------------------------------------------------------------------------------------------


def _real(study: Study) -> tuple[str, ...]:
    """Real designs, each facing the way that its conditions say; none of private data."""
    if study.private or study.real_conditions is None:
        return () if study.private else pictures(study.real, study.spec)
    return pictures(facing(study.real, study.real_conditions, study.spec), study.spec)


def _galleries(study: Study) -> list[tuple[str, list[tuple[str, list[Shot]]]]]:
    """By mode, then by family, for sets without a given component."""
    modes: dict[str, list[tuple[str, list[Shot]]]] = {}
    for family in study.families:
        for gallery in family.galleries:
            if gallery.given is None:
                modes.setdefault(gallery.mode, []).append((family.model, _shots(study, family, gallery)))
    return list(modes.items())


def _shots(study: Study, family: Family, gallery: Gallery) -> list[Shot]:
    images = pictures(gallery.samples, study.spec, says(study, family, gallery))
    encoded = gallery.truth is not None
    nearest = pictures(gallery.nearest if gallery.truth is None else gallery.truth, study.spec)
    shots = []
    for k, image in enumerate(images):
        has = k < len(nearest)
        lines = [*_asked(study, gallery, k)]
        near = ""
        if has and encoded:
            near = f"test design: {gallery.truth_ids[k]}"
            lines.append(near)
        elif has:
            near = f"nearest train design: {gallery.nearest_ids[k]}"
            lines.append(f"{short(float(gallery.distances[k]))} px from nearest")
        alt = f"{family.model}, {gallery.mode}: design {k + 1}"
        shots.append(Shot(image, alt, nearest[k] if has else "", near, tuple(lines)))
    return shots


def _asked(study: Study, gallery: Gallery, k: int) -> list[str]:
    """``width_px 40, got 41`` for every condition that was asked for."""
    lines = []
    for condition, asked, got in zip(
        study.spec.conditions, gallery.asked[k].tolist(), gallery.measured[k].tolist(), strict=True
    ):
        if asked == asked:  # not NaN
            came = f", got {short(got)}" if got == got else ""
            value = condition.text(asked) if condition.values else short(asked)
            lines.append(f"{condition.name} {value}{came}")
    return lines


def _triptychs(study: Study) -> list[tuple[str, list[tuple[str, list[Triptych]]]]]:
    """By given component, then by family."""
    labels = {each.name: each.label for each in study.spec.components}
    given: dict[str, list[tuple[str, list[Triptych]]]] = {}
    for family in study.families:
        for gallery in family.galleries:
            if gallery.truth is not None and gallery.given is not None:
                rows = _around(study, family, gallery)
                given.setdefault(labels[gallery.given], []).append((family.model, rows))
    return list(given.items())


def _around(study: Study, family: Family, gallery: Gallery) -> list[Triptych]:
    assert gallery.truth is not None and gallery.given is not None
    known = gallery.truth.copy()
    for k, component in enumerate(study.spec.components):
        if component.name != gallery.given:
            known[:, k] = 0
    made = pictures(gallery.samples, study.spec, says(study, family, gallery))
    sets = [pictures(known, study.spec), made, pictures(gallery.truth, study.spec)]
    return [
        Triptych(
            given=given,
            image=image,
            truth=truth,
            alt=f"{family.model} around the {gallery.given} of {name}",
            line=_near(gallery, k, name),
        )
        for k, (given, image, truth, name) in enumerate(zip(*sets, gallery.truth_ids, strict=True))
    ]


def _near(gallery: Gallery, k: int, name: str) -> str:
    if k >= len(gallery.distances):
        return name
    return f"{name}, nearest train {short(float(gallery.distances[k]))} px"


def _adherence(study: Study, colors: Mapping[str, str]) -> list[tuple[str, list[tuple[str, list[Scatter]]]]]:
    """By mode, then by condition, then by family."""
    modes: dict[str, dict[str, list[Scatter]]] = {}
    for family in study.families:
        for each, chart in charts.adherence_charts(family, colors):
            modes.setdefault(each.mode, {}).setdefault(each.condition, []).append((family.model, chart))
    return [(mode, list(conditions.items())) for mode, conditions in modes.items()]
