"""Cache entries: folders that appear whole, sealed with the hash of every file, and checked on reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import atomic_folder, file_sha256, read_json, write_json
from epuredgm.data.arrays import read_arrays, write_arrays

__all__ = ["SEAL", "is_whole", "new_entry", "open_entry", "read_arrays", "write_arrays"]

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
    except (
        FileNotFoundError,
        NotADirectoryError,
        IsADirectoryError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise CorruptArtefact(f"{entry} is not a complete cache entry: {error}", hint) from error


def is_whole(entry: Path) -> bool:
    """Whether the entry is there and every file is what was written."""
    try:
        open_entry(entry)
    except CorruptArtefact:
        return False
    return True
