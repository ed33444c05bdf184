"""How grey pictures look as a whole: spectra, and histograms of intensities, area and dense tissue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from epuredgm.reporting import figures
from epuredgm.reporting.charts import Chart
from epuredgm.reporting.figures.panel import INK
from epuredgm.reporting.grey.part import Part, at, blocks_of, everything, figure_part, is_figure, without
from epuredgm.reporting.study import Family, Study

HISTOGRAMS = (
    ("tissue.area.histogram", "Area of the body", "share of the picture"),
    ("tissue.density.histogram", "Dense tissue", "share of the body"),
)


def looks(study: Study, family: Family, color: str = INK) -> Part:
    """Curves of a family's first run against those of real pictures."""
    blocks = blocks_of(family.runs[0].result)
    charts = [_spectrum(blocks, color), _intensities(study, family, color)]
    charts += [_histogram(blocks, *each, color) for each in HISTOGRAMS]
    rows = [row for key in ("spectrum", "tissue") for row in everything(_curveless(blocks), key)]
    missing = [
        words
        for words, chart in zip(("Spectra", "Histogram of intensities"), charts, strict=False)
        if chart is None
    ]
    said = tuple(f"{words}: there are none for these samples." for words in missing)
    part = figure_part(
        "Spectra and histograms", rows, without(blocks, "spectrum", "Spectra and tissue"), *said
    )
    return Part(part.title, part.words, part.tables, tuple(chart for chart in charts if chart is not None))


def _curveless(blocks: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The blocks without what is drawn."""
    drawn = ("curves", "histogram")

    def cut(content: Any) -> Any:
        if not isinstance(content, Mapping) or is_figure(content):
            return content
        return {key: cut(each) for key, each in content.items() if key not in drawn}

    return [
        (mode, {key: cut(block[key]) for key in ("spectrum", "tissue") if key in block})
        for mode, block in blocks
    ]


def _spectrum(blocks: Sequence[tuple[str, Any]], color: str) -> Chart | None:
    known = {mode: at(block, "spectrum.curves") for mode, block in blocks}
    curves = {
        mode: each
        for mode, each in known.items()
        if isinstance(each, Mapping) and _drawable(each, "frequency", 0)
    }
    if not curves:
        return None
    first = next(iter(curves.values()))
    length = len(first["frequency"])
    sets = {mode: each["generated"] for mode, each in curves.items() if len(each["generated"]) == length}
    drawn = figures.against(
        "Power spectrum",
        first["frequency"],
        first["real"],
        sets,
        ("cycles per picture", "log₁₀ power"),
        color,
        log=True,
    )
    return Chart("Power spectrum of generated and real pictures", ", ".join(sets), drawn)


def _histogram(
    blocks: Sequence[tuple[str, Any]], path: str, title: str, label: str, color: str
) -> Chart | None:
    """Real sides have the same bins only within a set of samples, so one set is drawn: the first."""
    for mode, block in blocks:
        found = at(block, path)
        if isinstance(found, Mapping) and _drawable(found, "edges", 1):
            sets = {mode: found["generated"]}
            drawn = figures.against(
                title, found["edges"], found["real"], sets, (label, "share of pictures"), color
            )
            return Chart(f"{title} of generated and real pictures", mode, drawn)
    return None


def _drawable(found: Mapping[str, Any], places: str, more: int) -> bool:
    """Whether there are as many values as places, but for ``more``, and at least two."""
    sides = [found.get(key) for key in (places, "real", "generated")]
    if not all(isinstance(side, Sequence) and len(side) > 1 for side in sides):
        return False
    lengths = [len(side) for side in sides if side is not None]
    return lengths[0] == lengths[1] + more and lengths[1] == lengths[2]


def _intensities(study: Study, family: Family, color: str) -> Chart | None:
    sets = {each.mode: each.intensities for each in family.galleries if each.intensities and not each.given}
    if not sets or not study.intensities:
        return None
    edges = np.linspace(0, 1, len(study.intensities) + 1).tolist()
    drawn = figures.against(
        "Intensities",
        edges,
        study.intensities,
        sets,
        ("intensity, background left out", "share of pixels"),
        color,
    )
    return Chart("Intensities of generated and real pictures", ", ".join(sets), drawn)
