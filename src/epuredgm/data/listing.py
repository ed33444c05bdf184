"""Which picture belongs to which row: the files that a table names, found by one look into each folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from epuredgm.core.files import digest
from epuredgm.core.sources import SPLITS, look
from epuredgm.data.tables import Table, is_plain_name

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".npy", ".pgm")
About = Mapping[str, tuple[int, int]]  # file name -> size, modification time in ns


@dataclass(frozen=True)
class Listing:
    """The pictures of every row.

    Attributes:
        root: the data set's folder.
        rows: for each row of the table, the paths of its pictures in channel order; where one is missing it
            is left out, and a fault says so.
        labels: for each row, how faults call it.
        facts: relative name, size and modification time of each picture.
        unnamed: files that the table does not name.
    """

    root: Path
    rows: tuple[tuple[Path, ...], ...]
    labels: tuple[str, ...]
    facts: tuple[tuple[str, int, int], ...]
    unnamed: int

    def __len__(self) -> int:
        return len(self.rows)

    def signature(self) -> str:
        """SHA-256 over names, sizes and times: equal for files that were not touched."""
        return digest(self.facts)

    def whereof(self, row: int, image: Path) -> str:
        """How a fault names a picture and its row."""
        return f"{self.labels[row]}: {image.relative_to(self.root).as_posix()}"


def list_images(
    root: Path, components: Sequence[str], table: Table, pattern: str, name: str, faults: list[str]
) -> Listing:
    """Find the pictures of every row; each one that is not there is a line in ``faults``.

    Args:
        root: the data set's folder.
        components: names of the components in order.
        table: the rows.
        pattern: file name with ``{prefix}`` and ``{component}``.
        name: the table's file name, for the faults.
        faults: takes one line per missing folder or file.
    """
    places = [(split, component) for split in SPLITS for component in components]
    folders = {place: look(root.joinpath(*place)) for place in places}
    used = {table.split(row) for row in range(len(table.ids))}
    for split, component in places:
        if split in used and not folders[split, component]:  # one fault for all of its files
            faults.append(f"missing or empty folder {split}/{component}")
    rows: list[tuple[Path, ...]] = []
    labels = tuple(f"{name} row {number}" for number in table.numbers)
    facts: dict[str, tuple[int, int]] = {}

    @cache  # one look at every name of a folder, however many of its files are missing
    def alike(split: str, component: str) -> Mapping[str, str]:
        return {_plain(name): name for name in folders[split, component]}

    for row, prefix in enumerate(table.prefixes):
        split, found = table.split(row), []
        for component in components if is_plain_name(prefix) else ():
            there = folders[split, component]
            file = pattern.replace("{component}", component).replace("{prefix}", prefix)
            place = f"{split}/{component}/{file}"
            if file in there:
                found.append(root / place)
                facts[place] = there[file]
            elif there:
                faults.append(f"{labels[row]}: missing file {place}{_remark(alike(split, component), file)}")
        rows.append(tuple(found))
    unnamed = sum(len(there) for there in folders.values()) - len(facts)
    return Listing(
        root, tuple(rows), labels, tuple((place, *about) for place, about in facts.items()), unnamed
    )


def _plain(name: str) -> str:
    """A file name without what people do not see: case, and how its accents are stored."""
    return unicodedata.normalize("NFC", name).lower()


def _remark(there: Mapping[str, str], file: str) -> str:
    """What is there instead of a missing file: the same name in another form, or with another ending."""
    plain = _plain(file)
    if plain in there:
        return f" (there is {there[plain]}: upper and lower case count, and how accents are stored)"
    stem = plain.rpartition(".")[0]
    other = next((there[stem + ending] for ending in ENDINGS if stem + ending in there), None)
    return f" (there is {other}: pictures must be PNG, and the pattern names the ending)" if other else ""
