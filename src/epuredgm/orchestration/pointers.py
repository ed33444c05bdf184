"""A name that stands for another folder: a symlink, or what comes nearest to one where symlinks are refused.

Where the system refuses symlinks (Windows without the privilege, some network disks), an NTFS junction is
made, and where that fails too, a small text file that holds the relative target. ``read_pointer`` resolves
all three.
"""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from pathlib import Path

from epuredgm.core.errors import EpureError
from epuredgm.core.files import write_text

LONGEST = 4096


def write_pointer(path: Path, target: Path) -> None:
    """Make ``path`` point to the folder ``target``, replacing a former pointer in one step.

    Raises:
        EpureError: if something that is not a pointer has the name; it is left alone.
        OSError: if nothing of the three can be written.
    """
    if _is_something_else(path):
        raise EpureError(
            f"{path} is not a pointer, so it was not moved to {target.name}", "Rename or remove it."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    relative = Path(os.path.relpath(target, path.parent))
    try:
        _replace_by_link(path, relative)
    except OSError:
        if not _make_junction(path, target):
            _clear(path)
            write_text(path, f"{relative.as_posix()}\n")


def read_pointer(path: Path) -> Path | None:
    """The folder that a pointer stands for; None if there is no such pointer, or nothing where it points."""
    if not os.path.lexists(path):
        return None
    if path.is_file() and not path.is_symlink() and path.stat().st_size <= LONGEST:
        with suppress(UnicodeDecodeError, ValueError):
            target = path.parent / path.read_text(encoding="utf-8").strip()
            return target.resolve() if target.is_dir() else None
        return None
    return path.resolve() if path.is_dir() else None


def _replace_by_link(path: Path, target: Path) -> None:
    """A symlink under a temporary name, renamed over the former pointer."""
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)
    os.symlink(target, temporary, target_is_directory=True)  # noqa: PTH211  (the name that tests make fail)
    try:
        _clear_junction(path)
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise


def _make_junction(path: Path, target: Path) -> bool:
    """A directory junction on NTFS; False where there is no such thing."""
    if os.name != "nt":
        return False
    windows = importlib.import_module("_winapi")
    with suppress(OSError):
        _clear(path)
        windows.CreateJunction(str(target.resolve()), str(path))
        return True
    return False


def _is_something_else(path: Path) -> bool:
    if not os.path.lexists(path) or path.is_symlink() or _is_junction(path):
        return False
    return path.is_dir() or path.stat().st_size > LONGEST


def _is_junction(path: Path) -> bool:
    if os.name != "nt" or not path.is_dir():
        return False
    with suppress(OSError):
        return bool(path.readlink())
    return False


def _clear_junction(path: Path) -> None:
    if _is_junction(path) and not path.is_symlink():
        path.rmdir()


def _clear(path: Path) -> None:
    """Take a former pointer of another form away."""
    _clear_junction(path)
    if path.is_symlink():
        path.unlink()  # only then is there a moment without a pointer
