"""Cache entries: folders that appear whole, sealed with the hash of every file, and checked on reading."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import atomic_folder, atomic_writer, file_sha256, read_json, write_json

SEAL = "entry.json"


@contextmanager
def new_entry(entry: Path, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Fill a folder that becomes ``entry``, with its seal; a broken one in its place is replaced.

    Args:
        entry: the entry's final folder.
        facts: JSON-ready facts about the entry; may still be filled in by the block.
    """
    with atomic_folder(entry, replace=True) as folder:
        yield folder
        files = {file.name: file_sha256(file) for file in sorted(folder.iterdir())}
        write_json(folder / SEAL, {"facts": dict(facts), "files": files})


def open_entry(entry: Path) -> dict[str, Any]:
    """The entry's facts, after checking every file against the seal.

    Raises:
        CorruptArtefact: if a file is missing or not what was written.
    """
    hint = "Remove the folder; the tool makes it again."
    try:
        seal = read_json(entry / SEAL)
        for name, sha256 in seal["files"].items():
            if file_sha256(entry / name) != sha256:
                raise CorruptArtefact(f"{entry / name} is not what was written", hint)
        return dict(seal["facts"])
    except (FileNotFoundError, NotADirectoryError, KeyError, TypeError, AttributeError) as error:
        raise CorruptArtefact(f"{entry} is not a complete cache entry: {error}", hint) from error


def is_whole(entry: Path) -> bool:
    """Whether the entry is there and every file is what was written."""
    try:
        open_entry(entry)
    except CorruptArtefact:
        return False
    return True


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as one compressed file that loads without pickle."""
    with atomic_writer(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read named arrays back.

    Raises:
        CorruptArtefact: if the file holds something else.
    """
    try:
        # opened here: numpy leaves a file open that is no archive
        with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (BadZipFile, zlib.error, ValueError, EOFError) as error:
        hint = "Remove it; the tool makes it again."
        raise CorruptArtefact(f"{path} holds no arrays: {error}", hint) from error
