"""Whether a file or folder is still what a job made: size and time at once, the content only in doubt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from epuredgm.core.errors import CorruptArtefact, DamagedInput
from epuredgm.core.files import tree_sha256
from epuredgm.core.jobs import Artefact
from epuredgm.core.places import Workspace

SMALL = 1 << 18
"""Bytes up to which a file is read each time: a thousand such are read in a quarter of a second."""


def artefact(path: Path, workspace: Workspace) -> Artefact:
    """What a job made, as records store it: the file or folder with its hash.

    Raises:
        CorruptArtefact: if it is not there.
        ValueError: if it lies outside the workspace.
    """
    if not path.exists():
        raise CorruptArtefact(f"the job says it made {path}, which is not there")
    name = workspace.relative(path)  # first, so that nothing outside is read
    size, mtime = extent(path)
    return Artefact(name, tree_sha256(path), size, mtime)


def extent(path: Path) -> tuple[int, int]:
    """Size in bytes and newest modification time in ns of a file, or of everything in a folder.

    A folder's own time counts too, so that a file added, removed or renamed is seen without reading any.
    """
    about = path.stat()
    if path.is_file():
        return about.st_size, about.st_mtime_ns
    size, newest = 0, about.st_mtime_ns
    for entry in path.rglob("*"):
        about = entry.lstat()
        newest = max(newest, about.st_mtime_ns)
        size += about.st_size if entry.is_file() else 0
    return size, newest


def fault_of(made: Artefact, workspace: Workspace, read: bool = False) -> str | None:
    """None if an artefact is as recorded, else ``missing`` or ``changed``.

    Same size and time count as same content, unless the file is small or ``read`` asks for its content.
    """
    path = workspace.root / made.path
    if not path.exists():
        return "missing"
    if not read and made.bytes > SMALL and extent(path) == (made.bytes, made.mtime_ns):
        return None
    return None if tree_sha256(path) == made.sha256 else "changed"


def doubt(made: Artefact, workspace: Workspace) -> None:
    """Set the time of what was found damaged to now: whoever looks at it next reads its content."""
    with suppress(OSError):
        os.utime(workspace.root / made.path)


def remove_damaged(made: Mapping[str, Artefact], workspace: Workspace) -> list[str]:
    """Remove the files that are not what was written, so that they are made again; their paths."""
    removed = []
    for each in made.values():
        path = workspace.root / each.path
        if path.is_file() and tree_sha256(path) != each.sha256:
            path.unlink()
            removed.append(each.path)
    return removed


def require_intact(name: str, made: Artefact, workspace: Workspace) -> None:
    """Read an input's whole content before it is used.

    Raises:
        DamagedInput: naming the file and how to have it made again.
    """
    path = workspace.root / made.path
    if not path.exists():
        raise DamagedInput(
            f"input {name} is missing: {path}", "Give the same command again: it is made anew."
        )
    if tree_sha256(path) != made.sha256:
        doubt(made, workspace)
        raise DamagedInput(
            f"input {name} is not what was written: {path}",
            "Give the command that made it again: it is made anew.",
        )


def same_inputs(one: Mapping[str, Artefact], other: Mapping[str, Artefact]) -> bool:
    """Whether two jobs were given the same contents."""
    return {name: made.sha256 for name, made in one.items()} == {
        name: made.sha256 for name, made in other.items()
    }
