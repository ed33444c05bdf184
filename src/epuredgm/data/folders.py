"""Component folders: any data set of one table and one PNG per design and component, by one YAML, no Python.

The layout is ``<root>/{train,test}/<component>/<pattern>``. Everything is checked before anything is kept,
all faults are reported at once, and the decoded designs go into one memory-mapped array keyed by content.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError, Interrupted
from epuredgm.core.files import atomic_writer, digest, file_sha256, read_json, write_json
from epuredgm.core.monitor import Monitor
from epuredgm.core.sources import SPLITS, column_faults, require_table, root_of
from epuredgm.core.spec import DataSpec
from epuredgm.data.arrays import open_array
from epuredgm.data.designs import Designs
from epuredgm.data.entries import is_whole, new_entry, open_entry, read_arrays, write_arrays
from epuredgm.data.listing import Listing, list_images
from epuredgm.data.pictures import THRESHOLD, UnreadablePicture, binary, decode
from epuredgm.data.tables import Table, TableFormat, read_table

VERSION = 2  # raise when the same files would give another entry
THREADS = min(8, os.cpu_count() or 1)  # decoding spends part of its time outside the interpreter's lock
T = TypeVar("T")


class FolderReader:
    """Reads component folders.

    Args:
        spec: the data set.
        folder: the data set's folder in the workspace.
        root: another folder that holds table and images, relative to ``folder`` or absolute; None for
            ``folder``.
        table: name of the CSV file below the root.
        pattern: a picture's file name; ``{prefix}`` stands for the design's id, ``{component}`` for the
            component.
        prefix_case: ``lower``, ``upper`` or ``keep``: the id's form in file names.
        id_column: column of the ids.
        split_column: column that says which rows are train.
    """

    def __init__(
        self,
        spec: DataSpec,
        folder: Path,
        *,
        root: str | None,
        table: str,
        pattern: str,
        prefix_case: str,
        id_column: str,
        split_column: str,
    ) -> None:
        if "{prefix}" not in pattern or "/" in pattern or "\\" in pattern:
            raise BadRequest(
                f"data set {spec.name}: the pattern {pattern!r} is not a file name with {{prefix}} in it",
                'Write for example dataset.reader.pattern: "{prefix}_{component}.png".',
            )
        self.spec, self.pattern, self.table = spec, pattern, table
        self.root = root_of(root, folder)
        self.form = TableFormat(id_column, split_column, prefix_case)

    def prepare(self, cache: Path, monitor: Monitor) -> Path:
        """Decode the pictures into a new entry below ``cache``, or find it there.

        Raises:
            BadRequest: if the root or the table does not exist.
            DataError: listing every fault of the table and the pictures.
            Interrupted: if the monitor asks to stop; nothing is left behind.
        """
        path = require_table(self.spec.name, self.root, self.table)
        faults: list[str] = []
        table = read_table(path, self.form, self.spec.condition_names, faults)
        if table is None:
            raise self._error(faults)
        listing = list_images(self.root, self.spec.component_names, table, self.pattern, path.name, faults)
        self._remark(monitor, table, listing)
        if faults:
            self._decode_all(listing, faults, monitor)  # so that damaged pictures are reported too
            raise self._error(faults)
        source = {"table": file_sha256(path), "reader": self._identity(), "seen": listing.signature()}
        known = self._recall(cache, digest(source))
        if known is not None:
            return known
        facts: dict[str, Any] = {"kind": "folders", **source, "images": _hash_all(listing, monitor)}
        del facts["seen"]  # what was read counts, not when it was written
        facts["fingerprint"] = digest(facts)
        entry = cache / f"{self.spec.name}-{facts['fingerprint'][:16]}"
        if not is_whole(entry):
            self._write(entry, facts, table, listing, monitor)
        if list_images(self.root, self.spec.component_names, table, self.pattern, path.name, []) != listing:
            shutil.rmtree(entry)
            raise self._error(["the pictures changed while they were read"])
        write_json(self._memory(cache), {"source": digest(source), "entry": entry.name})
        return entry

    def load(self, entry: Path) -> Designs:
        """Read a prepared entry; the images stay on disk, memory-mapped.

        Raises:
            CorruptArtefact: if it is not what ``prepare`` wrote.
            DataError: if a condition column does not exist or has gaps.
        """
        facts = open_entry(entry)
        arrays = read_arrays(entry / "table.npz")
        names = arrays["names"].tolist()
        faults = column_faults(self.spec.condition_names, names)
        if faults:
            raise self._error(faults)
        index = np.array([names.index(name) for name in self.spec.condition_names], dtype=np.int64)
        conditions = arrays["values"][:, index]
        gaps = np.isnan(conditions).sum(axis=0)
        faults = [
            f"{n} rows have no {name}" for n, name in zip(gaps, self.spec.condition_names, strict=True) if n
        ]
        if faults:
            raise self._error(faults)
        return Designs(
            images=open_array(entry / "images.npy"),
            ids=arrays["ids"],
            train=arrays["train"],
            conditions=conditions,
            condition_names=self.spec.condition_names,
            fingerprint=facts["fingerprint"],
        )

    def frame(self, entry: Path) -> pd.DataFrame:
        """The table of a prepared entry: ids, both split flags, and every numeric column."""
        arrays = read_arrays(entry / "table.npz")
        values = dict(zip(arrays["names"].tolist(), arrays["values"].T, strict=True))
        flags = {SPLITS[0]: arrays["train"], SPLITS[1]: ~arrays["train"]}
        return pd.DataFrame({self.form.id_column: arrays["ids"], **values, **flags})

    def _identity(self) -> dict[str, Any]:
        """What the entry's content depends on, beside the files."""
        spec, form = self.spec, self.form
        return {
            "version": VERSION,
            "size": [spec.height, spec.width],
            "components": list(spec.component_names),
            "values": spec.values,
            "exclusive": spec.exclusive,
            "pattern": self.pattern,
            "columns": [form.id_column, form.split_column, form.prefix_case],
        }

    def _memory(self, cache: Path) -> Path:
        return cache / f"{self.spec.name}.seen.json"

    def _recall(self, cache: Path, source: str) -> Path | None:
        """The entry that was made from the very same files, by name, size and time; None if there is none."""
        try:
            seen = read_json(self._memory(cache))
        except (FileNotFoundError, CorruptArtefact):
            return None
        entry = cache / str(seen["entry"])
        return entry if seen["source"] == source and is_whole(entry) else None

    def _error(self, faults: Sequence[str]) -> DataError:
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        return DataError(
            f"data set {self.spec.name}: {count} in {self.root}",
            faults,
            "Mend the files, or the data set's YAML where it is wrong; docs/data.md shows the layout.",
        )

    def _remark(self, monitor: Monitor, table: Table, listing: Listing) -> None:
        if table.unused:
            monitor.note(f"{self.spec.name}: {table.unused} rows are in neither split and are not used")
        if listing.unnamed:
            monitor.note(
                f"{self.spec.name}: {listing.unnamed} files are not named by the table and are not used"
            )

    def _decode_all(self, listing: Listing, faults: list[str], monitor: Monitor) -> None:
        """Decode without keeping anything; add what cannot be decoded to ``faults``."""
        for found in _in_order(
            lambda row: self._design(listing, row), len(listing), "checking pictures", monitor
        ):
            faults.extend(fault for fault in found if isinstance(fault, str))

    def _design(self, listing: Listing, row: int) -> list[NDArray[np.uint8] | str]:
        """The components of one design, each as (H, W) or as a fault; and what is wrong with all of them."""
        found = [_guarded(image, self._component, listing.whereof(row, image)) for image in listing.rows[row]]
        masks = [mask for mask in found if not isinstance(mask, str)]
        if self.spec.exclusive and self.spec.values == "binary" and len(masks) == self.spec.channels:
            shared = int((np.sum(masks, axis=0) > 1).sum())
            if shared:
                found.append(
                    f"{listing.labels[row]}: {shared} pixels are in several components (exclusive is true)"
                )
        return found

    def _component(self, content: bytes) -> NDArray[np.uint8]:
        grey = decode(content, self.spec.height, self.spec.width)
        return binary(grey) if self.spec.values == "binary" else grey

    def _write(
        self, entry: Path, facts: dict[str, Any], table: Table, listing: Listing, monitor: Monitor
    ) -> None:
        spec = self.spec
        shape = (len(listing), spec.channels, spec.height, spec.width)
        faults: list[str] = []
        drawn = np.zeros(spec.channels, dtype=np.bool_)  # components that some design has
        with new_entry(entry, facts) as folder:
            with atomic_writer(
                folder / "images.npy"
            ) as file:  # in order, not mapped: a full disk is an error
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for found in _in_order(
                    lambda row: self._design(listing, row), len(listing), "decoding pictures", monitor
                ):
                    faults.extend(item for item in found if isinstance(item, str))
                    masks = [item for item in found if not isinstance(item, str)]
                    file.writelines(mask.tobytes() for mask in masks)
                    if len(masks) == len(drawn):
                        drawn |= [bool(mask.any()) for mask in masks]
            if faults:
                raise self._error(faults)
            self._require_drawn(drawn, monitor)
            write_arrays(folder / "table.npz", _as_arrays(table))

    def _require_drawn(self, drawn: NDArray[np.bool_], monitor: Monitor) -> None:
        """Remark components that are empty in every design; if all are, the pictures are at fault."""
        level = THRESHOLD if self.spec.values == "binary" else 0
        if not drawn.any():
            raise self._error(
                [f"every picture is empty: no grey level is above {level} (are masks stored as 0 and 1?)"]
            )
        for name, found in zip(self.spec.component_names, drawn, strict=True):
            if not found:
                monitor.note(
                    f"{self.spec.name}: {name} is empty in every design (no grey level is above {level})"
                )


def _hash_all(listing: Listing, monitor: Monitor) -> str:
    """SHA-256 over the content of every picture, in order; unreadable ones are reported on decoding."""
    total = hashlib.sha256()

    def one(row: int) -> list[bytes | str]:
        return [
            _guarded(image, lambda content: hashlib.sha256(content).digest()) for image in listing.rows[row]
        ]

    for found in _in_order(one, len(listing), "reading pictures", monitor):
        for item in found:
            if isinstance(item, bytes):
                total.update(item)
    return total.hexdigest()


def _as_arrays(table: Table) -> dict[str, NDArray[Any]]:
    values = [table.columns[name] for name in table.columns]
    return {
        "ids": np.array(table.ids, dtype=np.str_),
        "train": table.train,
        "names": np.array(list(table.columns), dtype=np.str_),
        "values": np.stack(values, axis=1) if values else np.empty((len(table.ids), 0)),
    }


def _guarded(image: Path, use: Callable[[bytes], T], where: str = "") -> T | str:
    """``use`` of the picture's bytes, or one line that says what is wrong with it."""
    try:
        return use(image.read_bytes())
    except UnreadablePicture as error:
        return f"{where} {error}"
    except OSError as error:
        return f"{where} cannot be read: {error.strerror or error}"


def _in_order(one: Callable[[int], T], count: int, what: str, monitor: Monitor) -> Iterator[T]:
    """``one(row)`` for every row, computed by several threads, in order, with progress."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        try:
            for done, result in enumerate(pool.map(one, range(count)), start=1):
                yield result
                monitor.progress(done, count, what)
                if monitor.stopping():
                    raise Interrupted(f"stopped while {what}")
        finally:
            pool.shutdown(cancel_futures=True)
