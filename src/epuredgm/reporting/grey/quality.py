"""How good grey pictures are: what reconstruction keeps, distances, diversity, and the same in strata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from epuredgm.core.spec import DataSpec
from epuredgm.reporting.grey.part import (
    Blocks,
    Json,
    Part,
    at,
    blocks_of,
    everything,
    figure_cells,
    figure_part,
    is_figure,
    named,
    reason_of,
    without,
)
from epuredgm.reporting.numbers import NOTHING, short
from epuredgm.reporting.study import Worst
from epuredgm.reporting.tables import Cell, Head, Table

RECONSTRUCTION = (
    ("SSIM", "reconstruction.ssim"),
    ("MS-SSIM", "reconstruction.ms_ssim"),
    ("PSNR (dB)", "reconstruction.psnr"),
    ("L1", "reconstruction.l1"),
    ("SSIM of the mean picture", "reconstruction.mean_picture.ssim"),
    ("gain over the mean picture", "reconstruction.gain"),
    ("KL (nats per picture)", "latent.kl"),
    ("active units", "latent.active_units"),
    ("units", "latent.units"),
)
DISTANCES = (
    ("FD, learned features", "fd_domain.distance"),
    ("KID, learned features", "kid_domain.distance"),
    ("FD, texture features", "texture.distance"),
    ("FD of the mean picture", "trivial.mean_picture.fd_domain"),
    ("FD of the mean picture with noise", "trivial.mean_with_noise.fd_domain"),
    ("FD over that of the better trivial one", "trivial.ratio"),
    ("FID, Inception", "fid.distance"),
    ("KID, Inception", "kid.distance"),
)
DIVERSITY = ("ms_ssim", "diversity", "manifold")


def reconstruction(result: Json) -> Part:
    """What is left of test pictures that were encoded and decoded."""
    blocks = blocks_of(result)
    own: Blocks = [(mode, block) for mode, block in blocks if "reconstruction" in block or "latent" in block]
    rows = named(own, RECONSTRUCTION)
    absent = (
        without(own, "reconstruction", "Reconstruction")
        if own
        else (
            "Reconstruction: this run has no reconstructions that were evaluated; "
            "the family does not encode pictures, or the mode was not asked for."
        )
    )
    part = figure_part(
        "Reconstruction",
        rows,
        absent,
        "Test pictures were encoded and decoded. The mean picture is that of the train pictures of the same "
        "stratum: a model that does not beat it has learned nothing about the single picture.",
    )
    strata = [
        table
        for mode, block in own
        if (
            table := strata_table(
                f"Reconstruction in strata, {mode}", at(block, "reconstruction.per_stratum")
            )
        )
    ]
    return Part(part.title, part.words, (*part.tables, *strata))


def worst_part(worst: Worst | None, spec: DataSpec) -> Part:
    """Which test pictures came back least like themselves, in numbers."""
    if worst is None:
        return Part("Worst cases", ("There are no reconstructions to look for worst cases in.",))
    heads = (Head("Place"), Head("Error", "root mean square"), Head("Conditions", numeric=False))
    rows = tuple(
        (Cell(str(k + 1)), Cell(short(float(error))), Cell(told(worst.asked[k], spec)))
        for k, error in enumerate(worst.errors)
    )
    line = f"The median error is {short(worst.typical)}; 1 is the whole range of intensities."
    return Part("Worst cases", (line,), (Table("Worst cases", heads, rows, sortable=False),))


def told(values: Any, spec: DataSpec) -> str:
    """Conditions of one picture in words; those that nobody asked for are left out."""
    known = [
        f"{condition.name.replace('_', ' ')} {condition.text(float(value))}"
        for condition, value in zip(spec.conditions, values, strict=True)
        if value == value  # not NaN
    ]
    return ", ".join(known) or "no condition"


def distances(result: Json) -> Part:
    """How far generated pictures are from real ones, against real ones and against trivial generators."""
    blocks = blocks_of(result)
    return figure_part(
        "Distance from real pictures",
        named(blocks, DISTANCES),
        without(blocks, "fd_domain", "Distance"),
        "Lower is better. Real against real is the same figure of train pictures against test pictures. "
        "A generator must beat the mean picture, with and without noise.",
    )


def diversity(result: Json) -> Part:
    """Whether generated pictures differ from each other as real ones do."""
    blocks = blocks_of(result)
    rows = [row for key in DIVERSITY for row in everything(blocks, key)]
    return figure_part(
        "Diversity",
        rows,
        without(blocks, "ms_ssim", "Diversity"),
        "MS-SSIM is between pairs of pictures of one set: much above that of real pictures means that the "
        "generated ones repeat themselves.",
    )


def strata(result: Json) -> Part:
    """The distance in each stratum, with how many pictures it is over."""
    blocks = blocks_of(result)
    tables = [
        table
        for mode, block in blocks
        if (table := strata_table(f"Strata, {mode}", block.get("strata"))) is not None
    ]
    if not tables:
        return Part("Strata", (without(blocks, "strata", "Strata"),))
    line = "Small strata have no value, and small numbers of pictures make large distances: read the ratio."
    return Part("Strata", (line,), tuple(tables))


def strata_table(title: str, content: Any) -> Table | None:
    """A stratum a line: its figures, how many pictures, and why a value is missing."""
    leaves = list(_leaves(content, ""))
    if not leaves:
        return None
    names = list(dict.fromkeys(name for _, leaf in leaves for name in _figures(leaf)))
    counts = list(dict.fromkeys(name for _, leaf in leaves for name in _counts(leaf)))
    floored = [name for name in names if any(_ratio(_figures(leaf).get(name)) for _, leaf in leaves)]
    heads = (
        Head("Stratum", numeric=False),
        *(Head(name.replace("_", " ")) for name in names),
        *(Head("Ratio", f"of {name.replace('_', ' ')} to its floor") for name in floored),
        *(Head("pictures" if name == "n" else name.replace("_", " ")) for name in counts),
        Head("Why no value", numeric=False),
    )
    rows = []
    for label, leaf in leaves:
        own, sizes = _figures(leaf), _counts(leaf)
        cells = [figure_cells(own[name])[0] if name in own else Cell(NOTHING) for name in names]
        cells += [figure_cells(own.get(name))[3] for name in floored]
        numbers = [Cell(str(sizes.get(name, NOTHING))) for name in counts]
        why = {reason_of(leaf), *(reason_of(each) for each in own.values())} - {""}
        rows.append((Cell(label), *cells, *numbers, Cell("; ".join(sorted(why)))))
    if not any(row[-1].text for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return Table(title, heads, tuple(rows), sortable=False)


COUNTS = ("n", "count", "pictures", "generated", "real")


def _leaves(content: Any, label: str) -> Iterator[tuple[str, Json]]:
    """(stratum in words, its content); a stratum is what has figures or counts of its own."""
    if not isinstance(content, Mapping):
        return
    own = (each for each in content.values() if isinstance(each, Mapping))
    if is_figure(content) or _counts(content) or any(is_figure(each) for each in own):
        yield label or "all", content
        return
    for key, each in content.items():
        yield from _leaves(each, f"{label} {key}".strip().replace("_", " "))


def _figures(leaf: Json) -> dict[str, Any]:
    if is_figure(leaf):
        return {"value": leaf}
    counts = _counts(leaf)
    missing = {key: each for key, each in leaf.items() if each is None}
    return {
        **{key: each for key, each in leaf.items() if key not in counts and is_figure(each)},
        **{key: {"value": None} for key in missing},
    }


def _ratio(figure: Any) -> float | None:
    return figure.get("ratio") if isinstance(figure, Mapping) else None


def _counts(leaf: Json) -> dict[str, int]:
    return {key: leaf[key] for key in COUNTS if isinstance(leaf.get(key), int)}
