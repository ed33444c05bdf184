"""``evaluation_report.pdf``: all that is known of one run on grey pictures, on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from epuredgm.core.certainty import SAMPLING, confidence_in, legend
from epuredgm.data.rendering import colored
from epuredgm.reporting import charts
from epuredgm.reporting.figures.panel import QUIET, SMALL
from epuredgm.reporting.grey import conditions, looks, privacy, quality, shown
from epuredgm.reporting.grey.part import Part, at
from epuredgm.reporting.numbers import NOTHING, duration, scaled
from epuredgm.reporting.palette import family_colors
from epuredgm.reporting.sheets.grid import DesignRows
from epuredgm.reporting.sheets.pages import Block, pdf
from epuredgm.reporting.sheets.table import TableChart
from epuredgm.reporting.sheets.words import Facts, Heading, Paragraph
from epuredgm.reporting.study import Family, Gallery, Study
from epuredgm.reporting.tables import Cell, Head, Table

COLUMNS = 6  # pictures in a row

LIMITS = (
    "Generated pictures show no patient and support no diagnosis; every one of them is labelled SYNTHETIC.",
    "A privacy test that is passed is no proof: it finds copies that are near in pixels or in learned "
    "features, not facts about patients that a model could have kept otherwise.",
    "Distances depend on the features that they are measured in and on the number of pictures; compare them "
    "with the figure of real against real of the same count, not with those of other papers.",
    "Conditions are read by classifiers that err on real pictures too; a label of the whole examination need "
    "not be visible in each picture.",
    "Figures are of this run and this split of the data alone.",
)


def evaluation_report(study: Study, family: Family) -> bytes:
    """The document; the same study gives the same bytes.

    Args:
        study: what the run is part of.
        family: the run by itself, with its own pictures (see ``Study.alone``).
    """
    run = family.runs[0]
    title = f"{family.model} on {study.spec.name}, seed {run.seed}"
    facts: dict[str, str | None] = {"Title": title, "Subject": f"Evaluation; pictures are {shown.LABEL}"}
    return pdf(list(_blocks(study, family, title)), f"{title} · {shown.LABEL}", {}, facts)


def _blocks(study: Study, family: Family, title: str) -> Iterator[Block]:
    colors = family_colors(study.models if family.model in study.models else (family.model,))
    color, result = colors[family.model], family.runs[0].result
    yield from _cover(study, family, title)
    yield from _part(_data(study))
    yield from _part(Part("Learning curves", () if family.runs[0].phases else ("No curves were recorded.",)))
    training = charts.training_chart(family, colors)
    if training is not None:
        yield Block(training.drawing)
    yield from _part(quality.reconstruction(result))
    yield from _worst(study, family)
    yield from _part(quality.distances(result))
    yield from _part(quality.strata(result), fresh=False)
    yield from _part(conditions.fidelity(result, study.spec))
    yield from _part(quality.diversity(result))
    yield from _part(privacy.panel(family, study.private))
    yield from _part(looks.looks(study, family, color))
    yield from _galleries(study, family)
    yield from _part(Part("Limits", (*LIMITS, *study.summary.get("warnings", ()))))


def _part(part: Part, fresh: bool = True) -> Iterator[Block]:
    """A part of the report, from the top of a page."""
    yield Block(Heading(part.title), keep=True, fresh=fresh)
    yield from (Block(Paragraph(line)) for line in part.words if line)
    yield from (Block(each.drawing, half=True) for each in part.charts)
    for table in part.tables:
        if table.title != part.title:
            yield Block(Heading(table.title, size=11), keep=True)
        yield Block(TableChart(_uncaptioned(table), {}))


def _uncaptioned(table: Table) -> Table:
    """Its title stands above it already."""
    return Table(table.title, table.heads, table.rows, table.foot, sortable=table.sortable)


def _cover(study: Study, family: Family, title: str) -> Iterator[Block]:
    """What was evaluated, from which checkpoint, settings and data, and whether it may leave the house."""
    run = family.runs[0]
    about = run.result.get("provenance", {})
    found = tuple(privacy.verdicts_of(family.model, run.seed, run.result))
    yield Block(Heading(title, size=22))
    yield Block(Paragraph(study.description, alpha=QUIET))
    entries = [
        ("Checkpoint", run.weights or NOTHING),
        ("SHA-256 of weights", str(about.get("weights_sha256") or NOTHING)),
        ("Run folder", run.folder or NOTHING),
        ("SHA-256 of config", run.config_sha256 or NOTHING),
        ("Data", str(about.get("data_fingerprint") or NOTHING)),
        *((f"{name} split", digest) for name, digest in study.split_hashes.items()),
        ("Profile", str(run.result.get("profile", NOTHING))),
        ("Version", str(about.get("package_version") or NOTHING)),
        ("Commit", str(at(about, "commit") or NOTHING)),
        ("Parameters", scaled(run.cost.parameters)),
        ("Training", duration(run.cost.training_seconds)),
        ("Device", run.cost.device or NOTHING),
    ]
    yield Block(Facts([(name, _broken(value)) for name, value in entries]))
    yield Block(Paragraph(legend(confidence_in(study.summary), SAMPLING), size=SMALL, alpha=QUIET))
    yield Block(Heading("Privacy", size=12), keep=True)
    yield Block(TableChart(_uncaptioned(privacy.verdict_table(found, with_family=False)), {}))
    yield from (
        Block(Paragraph(f"{each.mode}: {'; '.join(each.reasons)}", size=SMALL))
        for each in found
        if each.reasons
    )
    yield from (Block(Paragraph(words, size=SMALL, alpha=QUIET)) for words in family.notes)


def _broken(text: str) -> str:
    """A hash in groups, so that it fits a line or breaks into two."""
    known = len(text) == 64 and " " not in text
    return " ".join(text[k : k + 16] for k in range(0, 64, 16)) if known else text


def _data(study: Study) -> Part:
    """How many pictures there are and how they are spread over conditions."""
    title = "Data"
    counts = ", ".join(f"{count} {name}" for name, count in study.counts.items())
    size = f"{study.spec.height} × {study.spec.width} pixels, {study.spec.bits} bits"
    line = f"{counts or 'No'} pictures, {size}."
    if not study.statistics:
        return Part(title, (line, "How they are spread over conditions is not known: the data are not here."))
    heads = (Head("Condition", numeric=False), Head("Value", numeric=False), Head("Train"), Head("Test"))
    rows = tuple(
        (
            Cell(each.condition.replace("_", " ")),
            Cell(each.value),
            Cell(str(each.train)),
            Cell(str(each.test)),
        )
        for each in study.statistics
    )
    return Part(title, (line,), (Table(title, heads, rows, sortable=False),))


def _worst(study: Study, family: Family) -> Iterator[Block]:
    *before, table = _part(quality.worst_part(family.worst, study.spec), fresh=False)
    yield from before
    worst = family.worst
    yield replace(table, keep=worst is not None)
    if worst is None:
        return
    if study.private or not len(worst.samples):
        yield Block(Paragraph("They are not shown: the data set is private."))
        return
    rows = [
        ("real test picture", shown.turned(worst.truth, worst.asked, study)),
        ("reconstruction", shown.turned(worst.samples, worst.asked, study)),
    ]
    yield Block(DesignRows(rows, COLUMNS))


def _galleries(study: Study, family: Family) -> Iterator[Block]:
    """Generated pictures with what was asked for; real ones beside only where they may be shown."""
    yield Block(Heading(f"Galleries: {shown.LABEL} pictures"), keep=True, fresh=True)
    own = [each for each in family.galleries if each.given is None and len(each.samples)]
    if not own:
        yield Block(Paragraph("There are no pictures: the samples that were evaluated are not here."))
    for gallery in own:
        yield Block(Heading(f"{gallery.mode}, {shown.LABEL}", size=12), keep=True)
        yield Block(DesignRows(list(_rows(study, gallery)), COLUMNS), keep=True)
        told = shown.captions(gallery, study)
        lines = shown.lines(told, COLUMNS) if len(set(told)) > 1 else [f"Of all of them: {told[0]}."]
        yield from (Block(Paragraph(line, size=SMALL, alpha=QUIET)) for line in lines)
    real = _real(study)
    if real:
        yield Block(Heading("Real test pictures", size=12), keep=True)
        yield Block(DesignRows(real, COLUMNS))


def _rows(study: Study, gallery: Gallery) -> Iterator[tuple[str, shown.Pictures]]:
    pictures = shown.turned(gallery.samples, gallery.asked, study)
    truth = None if gallery.truth is None or study.private else gallery.truth
    for start in range(0, len(pictures), COLUMNS):
        part = slice(start, start + COLUMNS)
        yield shown.LABEL, pictures[part]
        if truth is not None:
            yield "real test picture", shown.turned(truth[part], gallery.asked[part], study)


def _real(study: Study) -> Sequence[tuple[str, shown.Pictures]]:
    """A row or two of real pictures; none of private data."""
    if study.private or not len(study.real):
        return []
    some = study.real[: 2 * COLUMNS]
    if study.real_conditions is None:
        pictures = colored(some, study.spec)
    else:
        pictures = shown.turned(some, study.real_conditions[: 2 * COLUMNS], study)
    return [("test split", pictures[k : k + COLUMNS]) for k in range(0, len(pictures), COLUMNS)]
