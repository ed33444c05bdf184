"""Where a data set's own files are and whether they changed: the planner's view, standard library only.

A component-folder data set is one table and images at ``<root>/{train,test}/<component>/<pattern>``. Its
signature is cheap (names, sizes and times of the images, content of the table), so that a plan can tell
"unchanged" at once; the decoded cache is keyed by content.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import file_sha256
from epuredgm.core.places import expanded
from epuredgm.core.spec import DataSpec

SPLITS = ("train", "test")
TABLE_KEYS = ("table", "id_column", "split_column")  # what every reader of a table is told


def root_of(root: str | None, folder: Path) -> Path:
    """The folder of table and images: ``root`` (relative to ``folder`` unless absolute), else ``folder``."""
    return folder / expanded(root) if root else folder


def signature(dataset: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """What a plan must know to tell whether the data set's files changed; ``{}`` for generated data.

    Args:
        dataset: the composed ``dataset`` section.
        folder: the data set's folder in the workspace.

    Returns:
        ``table`` (SHA-256 of the CSV), ``files`` (number of images) and ``images`` (SHA-256 over name, size
        and modification time of each).

    Raises:
        BadRequest: if the root, the table or a needed column does not exist; names all of them and how to
            mend it.
    """
    reader = dataset["reader"]
    if "metadata" in reader:
        return _of_mammograms(dataset["name"], reader, folder)
    if "table" not in reader:
        return {}
    absent = [key for key in ("root", *TABLE_KEYS) if key not in reader]
    if absent:
        raise BadRequest(
            f"data set {dataset['name']}: dataset.reader lacks {', '.join(absent)}",
            "docs/data.md shows them all.",
        )
    root = root_of(reader["root"], folder)
    spec = DataSpec.from_config(dataset)
    needed = (reader["id_column"], reader["split_column"], *spec.condition_names)
    table = require_table(spec.name, root, reader["table"])
    problems = column_faults(needed, _header(table))
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise BadRequest(
            f"data set {spec.name}: {table} lacks {len(problems)} of the columns it needs\n{listed}",
            "Add them, or name others in the data set's YAML (id_column, split_column, condition_sets).",
        )
    lines = sorted(_image_lines(root, spec.component_names))
    return {
        "table": file_sha256(table),
        "files": str(len(lines)),
        "images": hashlib.sha256("".join(lines).encode()).hexdigest(),
    }


def required_root(dataset: str, root: str | None, folder: Path) -> Path:
    """The folder of a data set that has no place of its own in the workspace.

    Raises:
        BadRequest: if it is not said, or does not exist.
    """
    if not root:
        raise BadRequest(
            f"data set {dataset}: dataset.root does not say where its files are",
            "Add dataset.root=FOLDER to the command, the folder of the table (docs/data.md, Mammograms).",
        )
    place = root_of(root, folder)
    if not place.is_dir():
        raise BadRequest(
            f"data set {dataset}: its folder {place} does not exist",
            "Set dataset.root=FOLDER to where it is.",
        )
    return place


def metadata_table(dataset: str, root: Path, name: str | None) -> Path:
    """The table of a folder of mammograms: ``name``, else the only CSV file that is called metadata.

    Raises:
        BadRequest: if there is none, or more than one.
    """
    if name is not None:
        return require_table(dataset, root, name)
    names = [(path.name.lower(), path) for path in root.iterdir() if path.is_file()]
    found = sorted(  # a hidden one is what another system keeps beside a file
        path for name, path in names if "metadata" in name and name.endswith(".csv") and name[0] != "."
    )
    if len(found) != 1:
        raise BadRequest(
            f"data set {dataset}: {len(found)} CSV files in {root} are called metadata, not one",
            "Say which is the table: dataset.reader.metadata=NAME.csv",
        )
    return found[0]


def _of_mammograms(dataset: str, reader: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The signature of a folder of mammograms; names of files go into one hash alone."""
    root = required_root(dataset, reader["root"], folder)
    table = metadata_table(dataset, root, reader["metadata"])
    lines = []
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            with suppress(OSError):  # a loop of links, say: the reader puts it aside, and no folder is named
                about = (Path(place) / name).stat()
                if stat.S_ISREG(about.st_mode):
                    named = f"{os.path.relpath(place, root)}/{name}"
                    lines.append(f"{named} {about.st_size} {about.st_mtime_ns}\n")
    return {
        "table": file_sha256(table),
        "files": str(len(lines)),
        "images": hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest(),
    }


def require_table(dataset: str, root: Path, name: str) -> Path:
    """The path of the table.

    Raises:
        BadRequest: if it or its folder does not exist.
    """
    if not root.is_dir():
        raise BadRequest(
            f"data set {dataset}: its folder {root} does not exist",
            "Put the files there (docs/data.md shows the layout) or set dataset.reader.root=FOLDER.",
        )
    table = root / name
    if not table.is_file():
        near = difflib.get_close_matches(name, sorted(path.name for path in root.glob("*.csv")), n=1)
        raise BadRequest(
            f"data set {dataset}: its table {table} does not exist",
            f"Set dataset.reader.table={near[0]}?"
            if near
            else "Put the CSV there or set dataset.reader.table=NAME.",
        )
    return table


def column_faults(needed: Iterable[str], columns: Sequence[str]) -> list[str]:
    """One line for each needed column that is not there, with the nearest one that is."""
    faults = []
    for name in dict.fromkeys(needed):
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
            faults.append(f"no column {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if faults and len(columns) == 1:
        faults.append(f"the header is one word, {columns[0]!r}: columns must be separated by commas")
    return faults


def _header(table: Path) -> list[str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"cannot read {table}: {error}", "It must be a CSV file in UTF-8.") from error


def _image_lines(root: Path, components: Iterable[str]) -> Iterator[str]:
    for component in components:
        for split in SPLITS:
            folder = root / split / component
            for name, (size, time) in look(folder).items():
                yield f"{split}/{component}/{name} {size} {time}\n"


def look(folder: Path) -> dict[str, tuple[int, int]]:
    """The files of one folder: name -> size and modification time in ns; nothing if there is no such folder.

    Raises:
        BadRequest: if the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name: ((about := entry.stat()).st_size, about.st_mtime_ns)
                for entry in entries
                if entry.is_file()
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise BadRequest(
            f"cannot read {folder}: {error.strerror}", "Give yourself the right to read it."
        ) from error
