"""The toy data set: 20,000 synthetic tyre cross-sections, made by the tool itself, bit for bit as published.

What is kept is one compressed label map, the split flags, the drawn parameters and the table; the component
masks are unfolded from the label map on reading.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest, DataError, Interrupted
from epuredgm.core.files import digest
from epuredgm.core.monitor import Monitor
from epuredgm.core.sources import column_faults
from epuredgm.core.spec import DataSpec
from epuredgm.data import toy_table
from epuredgm.data.designs import Designs
from epuredgm.data.entries import is_whole, new_entry, open_entry, read_arrays, write_arrays
from epuredgm.data.toy_shapes import COMPONENTS, HALF, SIDE, render, split_channels
from epuredgm.data.toy_stream import Parameters, draw

VERSION = 1  # raise when the same count and seed would give other bytes
PUBLISHED = {(20000, 42): "a0cb27b842803ebc8afb1606272770b995cd9de4d0fa60e53ca0202b748c406f"}
CHUNK = 1000  # designs rendered at once: about 100 MB


@dataclass(frozen=True)
class ToyTable:
    """What an entry holds beside the pictures; rows correspond.

    Attributes:
        train: bool (N,).
        parameters: what each design was drawn from.
        columns: the numeric columns of the performance table, float64 (N,) each.
    """

    train: NDArray[np.bool_]
    parameters: Parameters
    columns: dict[str, NDArray[np.float64]]


class ToyReader:
    """Makes the toy data, or finds them in the cache.

    Args:
        spec: must declare the three toy components at 64 x 32.
        folder: unused, since the data are generated.
        count: number of designs.
        seed: of the random stream; 42 with 20,000 designs gives the published data.
    """

    def __init__(self, spec: DataSpec, folder: Path, *, count: int, seed: int) -> None:
        if spec.component_names != COMPONENTS or (spec.height, spec.width) != (SIDE, HALF):
            raise BadRequest(
                f"data set {spec.name}: the toy generator makes {', '.join(COMPONENTS)} at {SIDE} x {HALF}",
                "Set dataset.size and dataset.components as in conf/dataset/toy.yaml.",
            )
        self.spec, self.count, self.seed = spec, count, seed

    def prepare(self, cache: Path, monitor: Monitor) -> Path:
        """Make the entry ``toy-<key>`` below ``cache``, or find it there.

        Raises:
            Interrupted: if the monitor asks to stop; nothing is left behind.
            DataError: if this numpy does not draw the published stream.
        """
        facts: dict[str, Any] = {"kind": "toy", "version": VERSION, "count": self.count, "seed": self.seed}
        entry = cache / f"toy-{digest(facts)[:16]}"
        if is_whole(entry):
            return entry
        train, parameters = draw(self.count, self.seed, monitor)
        labels, areas = _render_all(parameters, monitor)
        facts["labels_sha256"] = _hash(labels)
        self._compare_with_published(facts["labels_sha256"])
        columns = toy_table.measure(parameters, areas, self.seed)
        facts["fingerprint"] = digest(
            {
                "facts": facts,
                "train": _hash(train),
                "columns": {name: _hash(c) for name, c in columns.items()},
            }
        )
        with new_entry(entry, facts) as folder:
            write_arrays(folder / "labels.npz", {"labels": labels})
            drawn = {f"drawn_{name}": column for name, column in parameters._asdict().items()}
            write_arrays(folder / "table.npz", {"train": train, **drawn, **columns})
        monitor.progress(self.count, self.count, "rendering toy designs")
        return entry

    def load(self, entry: Path) -> Designs:
        """Read a prepared entry.

        Raises:
            CorruptArtefact: if it is not what ``prepare`` wrote.
            DataError: if the table has no such condition column.
        """
        facts = open_entry(entry)
        table = self.table(entry)
        faults = column_faults(self.spec.condition_names, list(table.columns))
        if faults:
            raise DataError(
                f"data set {self.spec.name}: {len(faults)} condition columns do not exist", faults
            )
        conditions = np.empty((self.count, self.spec.condition_width))
        for k, name in enumerate(self.spec.condition_names):
            conditions[:, k] = table.columns[name]
        return Designs(
            images=split_channels(read_arrays(entry / "labels.npz")["labels"]),
            ids=toy_table.matching(self.count),
            train=table.train,
            conditions=conditions,
            condition_names=self.spec.condition_names,
            fingerprint=facts["fingerprint"],
        )

    def frame(self, entry: Path) -> pd.DataFrame:
        """The performance table of a prepared entry, as published."""
        table = self.table(entry)
        return toy_table.frame(table.train, table.columns)

    def table(self, entry: Path) -> ToyTable:
        """Split flags, drawn parameters and performance table of a prepared entry."""
        arrays = read_arrays(entry / "table.npz")
        train = arrays.pop("train")
        drawn = Parameters(*(arrays.pop(f"drawn_{name}") for name in Parameters._fields))
        return ToyTable(train, drawn, arrays)

    def _compare_with_published(self, labels_sha256: str) -> None:
        published = PUBLISHED.get((self.count, self.seed), labels_sha256)
        if labels_sha256 != published:
            raise DataError(
                f"the toy data differ from the published ones under numpy {np.__version__}",
                hint="This numpy draws another stream: install another release, and report it.",
            )


def _render_all(parameters: Parameters, monitor: Monitor) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    count = len(parameters.crown)
    labels = np.empty((count, SIDE, HALF), dtype=np.uint8)
    areas = np.empty((count, len(COMPONENTS)), dtype=np.int64)
    for start in range(0, count, CHUNK):
        rows = slice(start, start + CHUNK)
        labels[rows], areas[rows] = render(parameters.rows(rows))
        monitor.progress(min(count, start + CHUNK), count, "rendering toy designs")
        if monitor.stopping():
            raise Interrupted("stopped while rendering the toy data")
    return labels, areas


def _hash(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
