"""Which code made a result: the commit of the checkout it runs from, read from git's files alone."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


@lru_cache
def commit(package: Path = PACKAGE) -> str | None:
    """The commit that is checked out, in hex; None for an installed package.

    Git is not run: changes that are not committed are not seen, and a wheel in a folder below somebody's
    repository is not taken for a checkout of it.

    Args:
        package: the package's folder; in a checkout that is ``src/epuredgm``.
    """
    root = package.parent.parent
    if package.parent.name != "src" or not (root / "pyproject.toml").is_file():
        return None
    try:
        return _head(_git_folder(root / ".git"))
    except OSError:
        return None


def _git_folder(place: Path) -> Path:
    """Git's folder; a further worktree has a file that names it."""
    if place.is_file():
        return place.parent / place.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    return place


def _head(folder: Path) -> str | None:
    head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    shared = folder / "commondir"
    common = folder / shared.read_text(encoding="utf-8").strip() if shared.is_file() else folder
    for place in (folder / name, common / name):
        if place.is_file():
            return place.read_text(encoding="utf-8").strip()
    packed = common / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)
