"""Finished batches of a set that is being drawn, so that a stopped job draws only what is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from epuredgm.core.files import atomic_writer

Part = dict[str, Any]
"""Arrays by name, ``images`` among them; rows correspond."""


class Parts:
    """Batches on disk, in a folder named after everything that they depend on.

    Args:
        folder: the set's folder.
        key: digest of what the set depends on; parts of another key are never read.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._root = folder / ".parts"
        self._folder = self._root / key

    def read(self, number: int, shape: tuple[int, ...], kind: str) -> Part | None:
        """Batch ``number``, or None if its images are not there whole with this shape and type."""
        try:
            with np.load(self._path(number), allow_pickle=False) as file:
                part = dict(file)
        except (OSError, ValueError, EOFError, BadZipFile):
            return None
        images = part.get("images")
        return part if images is not None and images.shape == shape and images.dtype == kind else None

    def write(self, number: int, part: Part) -> None:
        """Keep batch ``number``."""
        with atomic_writer(self._path(number)) as file:
            np.savez(file, **part)

    def remove(self) -> None:
        """Forget all parts, those of other keys too."""
        shutil.rmtree(self._root, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.npz"
