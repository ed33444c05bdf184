"""The chapter of the page on grey pictures: privacy first, then what is good and bad about each family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from epuredgm.evaluation import copies
from epuredgm.reporting.grey import conditions, looks, privacy, quality, shown
from epuredgm.reporting.grey.part import Part
from epuredgm.reporting.numbers import short
from epuredgm.reporting.pictures import data_address, says
from epuredgm.reporting.study import Family, Gallery, Study
from epuredgm.reporting.tables import Table


@dataclass(frozen=True)
class Shown:
    """One generated picture: its address, what it is, a real picture beside it if there may be one.

    Attributes:
        alt: for those who cannot see it.
        beside, beside_alt: a real picture, or empty strings.
        lines: below.
    """

    image: str
    alt: str
    beside: str
    beside_alt: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Own:
    """What the chapter says of one family."""

    model: str
    parts: tuple[Part, ...]
    galleries: tuple[tuple[str, tuple[Shown, ...]], ...]


@dataclass(frozen=True)
class Chapter:
    """The chapter.

    Attributes:
        verdict: how many sets of samples passed, in a sentence.
        tone: ``good`` if all did, ``warn`` if the others are not decided, else ``bad``.
        privacy: every set of samples of every run.
        unseen: what the tests of privacy cannot see.
        private: no real picture is in the report.
        families: best first.
    """

    verdict: str
    tone: str
    privacy: Table
    unseen: tuple[str, ...]
    private: bool
    label: str
    families: tuple[Own, ...]


def chapter_of(study: Study, colors: Mapping[str, str]) -> Chapter | None:
    """The chapter of a study of grey pictures; None for masks."""
    if study.spec.values != "grey":
        return None
    found = privacy.verdicts(study.families)
    counts = Counter(each.word for each in found)
    return Chapter(
        verdict=(
            f"Of {len(found)} sets of generated pictures {counts[copies.PASSED]} passed every privacy test, "
            f"{counts[copies.FAILED]} failed, {counts[copies.NOT_DECIDED]} are not decided, "
            f"{counts[copies.NOT_CHECKED]} were not checked."
        ),
        tone=privacy.tone_of(found),
        privacy=privacy.verdict_table(found),
        unseen=privacy.UNSEEN,
        private=study.private,
        label=shown.LABEL,
        families=tuple(_own(study, family, colors) for family in study.families),
    )


def _own(study: Study, family: Family, colors: Mapping[str, str]) -> Own:
    result = family.runs[0].result
    parts = (
        quality.reconstruction(result),
        quality.distances(result),
        conditions.fidelity(result, study.spec),
        quality.diversity(result),
        looks.looks(study, family, colors[family.model]),
        quality.strata(result),
        privacy.panel(family, study.private),
    )
    galleries = tuple(
        (gallery.mode, tuple(_shown(study, family, gallery)))
        for gallery in family.galleries
        if gallery.given is None and len(gallery.samples)
    )
    return Own(family.model, parts, galleries)


def _shown(study: Study, family: Family, gallery: Gallery) -> list[Shown]:
    """The pictures of a gallery; a real one stands beside only where real ones may be shown."""
    pictures = shown.turned(gallery.samples, gallery.asked, study)
    real = gallery.truth if gallery.truth is not None else gallery.nearest
    beside = (
        shown.turned(real, gallery.asked, study) if len(real) == len(pictures) and not study.private else ()
    )
    encoded, stamp = gallery.truth is not None, says(study, family, gallery)
    found = []
    for k, (picture, told) in enumerate(zip(pictures, shown.captions(gallery, study), strict=True)):
        alt = f"{shown.LABEL}, {family.model}, {gallery.mode}: picture {k + 1}, {told}"
        lines = [shown.LABEL, told]
        what = ""
        if len(beside):
            name = gallery.truth_ids[k] if encoded else gallery.nearest_ids[k]
            what = f"real test picture {name}" if encoded else f"nearest train picture {name}"
            lines.append(f"beside it the {what}")
            if not encoded:
                apart = float(gallery.distances[k])
                alike = short(copies.correlation_of(apart))
                lines.append(f"{short(apart)} apart, correlation {alike}: the privacy gate's measure")
        found.append(
            Shown(
                image=data_address(picture, stamp),
                alt=alt,
                beside=data_address(beside[k]) if len(beside) else "",
                beside_alt=what,
                lines=tuple(lines),
            )
        )
    return found
