"""The report on paper: ``report.pdf``, from the same charts and tables as the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from epuredgm.core.certainty import legend_of
from epuredgm.data.facing import facing
from epuredgm.data.rendering import colored
from epuredgm.reporting import charts, sections, tables, verdict
from epuredgm.reporting.figures.panel import QUIET, SMALL
from epuredgm.reporting.numbers import duration, scaled
from epuredgm.reporting.palette import family_colors
from epuredgm.reporting.sheets.grid import DesignRows, Pictures
from epuredgm.reporting.sheets.pages import Block, pdf
from epuredgm.reporting.sheets.table import TableChart
from epuredgm.reporting.sheets.words import Facts, Heading, Paragraph
from epuredgm.reporting.study import Designs, Family, Gallery, Study

COLUMNS = 12  # designs in a row


def document(study: Study) -> bytes:
    """The whole report as PDF; the same study gives the same bytes."""
    title = f"Generative families on {study.spec.name}"
    legend = {component.label: component.color for component in study.spec.components}
    return pdf(list(_blocks(study)), title, legend, {"Title": title, "Subject": study.description})


def _blocks(study: Study) -> Iterator[Block]:
    colors = family_colors(study.models)
    yield from _cover(study, colors)
    yield from _comparison(study, colors)
    for family in study.families:
        yield from _family(study, family, colors)
    yield from _amiss(study)


def _cover(study: Study, colors: Mapping[str, str]) -> Iterator[Block]:
    """What was compared, who comes first and how sure that is, the main ranking, real designs."""
    yield Block(Heading(f"Generative families on {study.spec.name}", size=22))
    yield Block(Paragraph(study.description, alpha=QUIET))
    yield Block(Facts(sections.facts(study)))
    found = verdict.verdicts(study.summary)
    if found:
        yield Block(Heading("Who comes first", size=12), keep=True)
        yield Block(
            Facts([(each.title, f"{each.first}: {each.measure}; {each.sureness}.") for each in found])
        )
        yield Block(Paragraph(legend_of(study.summary), size=SMALL, alpha=QUIET))
    for _, table in tables.ranking_tables(study.summary)[:1]:
        yield Block(Heading(table.title, size=12), keep=True)
        yield Block(TableChart(table, colors))
    if len(study.real) and not study.private:
        yield Block(Heading("Real designs", size=12), keep=True)
        yield Block(DesignRows(list(_rows("test split", study, study.real)), COLUMNS))


def _rows(name: str, study: Study, designs: Designs) -> Iterator[tuple[str, Pictures]]:
    """Designs in as many rows as they need; only the first is named."""
    if study.real_conditions is not None:
        designs = facing(designs, study.real_conditions, study.spec)
    pictures = colored(designs, study.spec)
    for start in range(0, len(pictures), COLUMNS):
        yield (name if start == 0 else "", pictures[start : start + COLUMNS])


def _comparison(study: Study, colors: Mapping[str, str]) -> Iterator[Block]:
    """Charts of all families."""
    yield Block(Heading("Comparison"), keep=True)
    overview = [charts.rank_heat(study), charts.cost_chart(study, colors)]
    yield from (Block(each.drawing, half=True) for each in overview if each is not None)
    for task, drawn in charts.metric_charts(study, colors):
        yield Block(Heading(task.capitalize(), size=12), keep=True)
        yield from (Block(each.drawing, half=True) for each in drawn)
    differences = charts.difference_charts(study)
    if differences:
        yield Block(Heading("Who differs from whom, on the same requests", size=12), keep=True)
        yield from (Block(each.drawing, half=True) for each in differences)
    for task, table in tables.bias_tables(study.summary):
        yield Block(Heading(f"Too much or too little: {task}", size=12), keep=True)
        yield Block(TableChart(table, colors))
    swept = charts.extrapolation_charts(study, colors)
    if swept:
        yield Block(Heading("Beyond the training range", size=12), keep=True)
        yield from (Block(each.drawing, half=True) for each in swept)
    yield Block(Heading("Cost", size=12), keep=True)
    yield Block(TableChart(sections.cost_table(study), colors))


def _family(study: Study, family: Family, colors: Mapping[str, str]) -> Iterator[Block]:
    """Designs, what was asked for and measured, and losses of one family."""
    cost = family.runs[0].cost
    known = [
        (scaled(cost.parameters), "parameters"),
        (duration(cost.training_seconds), "training"),
        (duration(cost.seconds_per_1000), "for 1000 designs"),
    ]
    note = ", ".join(f"{value} {what}" for value, what in known)
    yield Block(Heading(family.model, color=colors[family.model], note=note), keep=True, fresh=True)
    whole = [row for gallery in family.galleries if gallery.given is None for row in _pairs(study, gallery)]
    if whole:
        yield Block(DesignRows(whole, COLUMNS))
    around = [list(_triptych(study, gallery)) for gallery in family.galleries if gallery.given is not None]
    if around:
        yield Block(Heading("Around a given component", size=12), keep=True)
        yield from (Block(DesignRows(rows, COLUMNS // 2), half=True) for rows in around)
    training = charts.training_chart(family, colors)
    if training is not None:
        yield Block(training.drawing)
    yield from (Block(each.drawing, half=True) for _, each in charts.adherence_charts(family, colors))
    yield from (Block(Paragraph(words, size=SMALL, alpha=QUIET)) for words in family.notes)


def _pairs(study: Study, gallery: Gallery) -> Iterator[tuple[str, Pictures]]:
    """Generated designs, and below each the train design nearest to it."""
    label = f"{gallery.mode}, SYNTHETIC" if study.spec.values == "grey" else gallery.mode
    yield label, colored(facing(gallery.samples, gallery.asked, study.spec), study.spec)
    if study.private:
        return
    if gallery.truth is not None:
        yield "test design", colored(facing(gallery.truth, gallery.asked, study.spec), study.spec)
    elif len(gallery.nearest):
        near = facing(gallery.nearest, gallery.asked, study.spec)
        yield "nearest train design", colored(near, study.spec)


def _triptych(study: Study, gallery: Gallery) -> Iterator[tuple[str, Pictures]]:
    """What was given, what was made of it, what it was taken from."""
    place = study.spec.component_names.index(str(gallery.given))
    label = study.spec.components[place].label
    if gallery.truth is not None:
        alone = np.zeros_like(gallery.truth)
        alone[:, place] = gallery.truth[:, place]
        yield f"given: {label}", colored(alone, study.spec)
    yield "generated", colored(gallery.samples, study.spec)
    if gallery.truth is not None:
        yield "test design", colored(gallery.truth, study.spec)


def _amiss(study: Study) -> Iterator[Block]:
    """What limits the comparison, and how to make it again."""
    missing = sections.missing_table(study)
    troubles = [f"{each.job}, {each.status}: {each.error}" for each in study.troubles]
    lost = [_sentence(row) for row in missing.rows] if missing else []
    parts = {
        "What makes runs hard to compare": list(study.summary["warnings"]),
        "Jobs that did not end well": troubles,
        "Figures that do not exist": lost,
        "Make it again": list(study.commands),
    }
    if any(parts.values()):
        yield Block(Heading("What to know"), keep=True, fresh=True)
    for title, lines in parts.items():
        if lines:
            yield Block(Heading(title, size=12), keep=True)
            yield from (Block(Paragraph(line)) for line in lines)


def _sentence(row: Sequence[tables.Cell]) -> str:
    """A row of words: the last cell explains the others."""
    *what, why = [cell.text for cell in row if cell.text]
    return f"{', '.join(what)}: {why}"
