"""A decoded data set in memory: what every reader makes and every other module of the data plane takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import DataSpec

if TYPE_CHECKING:
    import pandas as pd


Stored = NDArray[np.unsignedinteger[Any]]
"""Pictures as they are kept; see :attr:`epuredgm.core.spec.DataSpec.levels`."""


@dataclass(frozen=True)
class Designs:
    """Designs with their identities and conditions; rows correspond.

    Attributes:
        images: (N, C, H, W) as stored: uint8 masks in {0, 1}, or grey intensities up to ``spec.levels`` of
            type ``spec.dtype``; may be memory-mapped.
        ids: (N,) unique strings, in the order of the table.
        train: (N,) bool; the other rows are the test split.
        conditions: float64 (N, K), the chosen condition set: numbers in the data set's own units, places of
            categories; NaN where unknown.
        condition_names: names of the K columns.
        fingerprint: SHA-256 of what was decoded.
        validation: (N,) bool, the train rows that are held out to choose weights; None leaves the choice to
            the trainer.
    """

    images: Stored
    ids: NDArray[np.str_]
    train: NDArray[np.bool_]
    conditions: NDArray[np.float64]
    condition_names: tuple[str, ...]
    fingerprint: str
    validation: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, index: NDArray[np.bool_] | NDArray[np.int64] | Sequence[int]) -> Designs:
        """The designs at ``index``, in that order."""
        return Designs(
            images=self.images[index],
            ids=self.ids[index],
            train=self.train[index],
            conditions=self.conditions[index],
            condition_names=self.condition_names,
            fingerprint=self.fingerprint,
            validation=None if self.validation is None else self.validation[index],
        )

    def split(self, name: str) -> Designs:
        """The ``train`` or the ``test`` designs."""
        return self.rows(self.train if name == "train" else ~self.train)


class Reader(Protocol):
    """One kind of source. Built from ``dataset.reader`` with the spec and the data set's folder."""

    def prepare(self, cache: Path, monitor: Monitor) -> Path:
        """Decode the source into a new entry below the folder ``cache``, or find it there, and return it.

        The entry is keyed by content, written atomically and checked on reading.

        Raises:
            DataError: listing every fault of the source.
        """

    def load(self, entry: Path) -> Designs:
        """Read a prepared entry.

        Raises:
            CorruptArtefact: if it is not what ``prepare`` wrote.
            DataError: if it lacks a condition column that the spec asks for.
        """

    def frame(self, entry: Path) -> pd.DataFrame:
        """The whole table of a prepared entry; rows as in :meth:`load`."""


@runtime_checkable
class Accounting(Protocol):
    """A reader that can say more of an entry than its table does."""

    def account(self, entry: Path) -> dict[str, Any]:
        """What is in a prepared entry and what was left out, in JSON-ready numbers; no identifier."""


class ReaderType(Protocol):
    """How a reader class is called: ``Kind(spec, folder, **arguments of dataset.reader)``."""

    def __call__(self, spec: DataSpec, folder: Path, **arguments: object) -> Reader:
        """Build the reader; touches no file."""
