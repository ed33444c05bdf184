"""Finished batches of a set that is being drawn, so that a stopped job draws only what is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import atomic_writer
from epuredgm.data.arrays import read_arrays

Part = dict[str, Any]
"""Arrays by name, ``images`` among them; rows correspond."""


class Parts:
    """Batches on disk, in a folder named after everything that they depend on.

    Args:
        folder: the set's folder.
        key: digest of what the set depends on; parts of another key are never read.
        say: told of a part that is there and cannot be used.
    """

    def __init__(self, folder: Path, key: str, say: Callable[[str], None] = lambda text: None) -> None:
        self._say = say
        self._root = folder / ".parts"
        self._folder = self._root / key

    def read(self, number: int, shape: tuple[int, ...], kind: str) -> Part | None:
        """Batch ``number``, or None if its images are not there whole with this shape and type."""
        try:
            return read_arrays(self._path(number), {"images": (shape, kind)}, hint="")
        except FileNotFoundError:
            return None
        except (CorruptArtefact, OSError) as error:
            self._say(f"{error}: this batch is drawn again")
            return None

    def write(self, number: int, part: Part) -> None:
        """Keep batch ``number``."""
        with atomic_writer(self._path(number)) as file:
            np.savez(file, **part)

    def remove(self) -> None:
        """Forget all parts, those of other keys too."""
        shutil.rmtree(self._root, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.npz"
