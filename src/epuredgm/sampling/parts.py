"""Finished batches of a set that is being drawn, so that a stopped job draws only what is left."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.files import atomic_writer


class Parts:
    """Batches on disk, in a folder named after everything that they depend on.

    Args:
        folder: the set's folder.
        key: digest of what the set depends on; parts of another key are never read.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._root = folder / ".parts"
        self._folder = self._root / key

    def read(self, number: int, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
        """Batch ``number``, or None if it is not there whole with this shape."""
        try:
            part: NDArray[np.uint8] = np.load(self._path(number), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return part if part.shape == shape and part.dtype == np.uint8 else None

    def write(self, number: int, part: NDArray[np.uint8]) -> None:
        """Keep batch ``number``."""
        with atomic_writer(self._path(number)) as file:
            np.save(file, part, allow_pickle=False)

    def remove(self) -> None:
        """Forget all parts, those of other keys too."""
        shutil.rmtree(self._root, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.npy"
