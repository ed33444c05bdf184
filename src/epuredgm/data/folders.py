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
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError, Interrupted
from epuredgm.core.files import atomic_writer, digest, file_sha256, read_json, write_json
from epuredgm.core.monitor import Monitor
from epuredgm.core.sources import (
    FOLDER_CHECKS,
    SPLITS,
    column_faults,
    pictures_folder,
    require_table,
    root_of,
)
from epuredgm.core.spec import DataSpec
from epuredgm.data.arrays import open_array
from epuredgm.data.designs import Designs
from epuredgm.data.entries import is_whole, new_entry, open_entry, read_arrays, write_arrays
from epuredgm.data.listing import Listing, list_images
from epuredgm.data.pictures import THRESHOLD, UnreadablePicture, decode, decode_mask
from epuredgm.data.tables import Table, TableFormat, read_table

VERSION = 2  # raise when the same files would give another entry
DARK, DARK_SHARE = (
    1 / 8,
    0.999,
)  # grey pictures are too dark if this share of what is drawn is below this level
INSIDE = 0.5  # masks of a component that cover more than this on average may be inverted
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
        bits: how many bits the values of 16-bit grey pictures use, e.g. 12; None for all 16.
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
        bits: int | None = None,
    ) -> None:
        if "{prefix}" not in pattern or "/" in pattern or "\\" in pattern:
            raise BadRequest(
                f"data set {spec.name}: the pattern {pattern!r} is not a file name with {{prefix}} in it",
                'Write for example dataset.reader.pattern: "{prefix}_{component}.png".',
            )
        if bits is not None and not 1 <= bits <= 16:
            raise BadRequest(f"data set {spec.name}: dataset.reader.bits is {bits}", "It is from 1 to 16.")
        self.spec, self.pattern, self.table, self.bits = spec, pattern, table, bits
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
        pictures = pictures_folder(self.root)
        listing = list_images(pictures, self.spec.component_names, table, self.pattern, path.name, faults)
        self._remark(monitor, table, listing)
        if faults:
            self._decode_all(listing, faults, monitor)  # so that damaged pictures are reported too
            raise self._error(faults)
        source = {"table": file_sha256(path), "reader": self._identity(), "seen": listing.signature()}
        checked = digest({**source, "checks": FOLDER_CHECKS, "optional": self._optional()})
        known = self._recall(cache, checked)
        if known is not None:
            return known
        facts: dict[str, Any] = {"kind": "folders", **source, "images": _hash_all(listing, monitor)}
        del facts["seen"]  # what was read counts, not when it was written
        facts["fingerprint"] = digest(facts)
        entry = cache / f"{self.spec.name}-{facts['fingerprint'][:16]}"
        self._write(entry, facts, table, listing, monitor)
        again = list_images(pictures, self.spec.component_names, table, self.pattern, path.name, [])
        if again != listing:
            shutil.rmtree(entry)
            raise self._error(["the pictures changed while they were read"])
        write_json(self._memory(cache), {"source": checked, "entry": entry.name})
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
        deep = (
            {"bits": [spec.bits, self.bits]}
            if spec.values == "grey" and (spec.bits, self.bits) != (8, None)
            else {}
        )
        return {
            "version": VERSION,
            "size": [spec.height, spec.width],
            "components": list(spec.component_names),
            "values": spec.values,
            "exclusive": spec.exclusive,
            "pattern": self.pattern,
            "columns": [form.id_column, form.split_column, form.prefix_case],
            **deep,
        }

    def _optional(self) -> list[str]:
        return [component.name for component in self.spec.components if component.optional]

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
            faults.extend(found.faults)

    def _design(self, listing: Listing, row: int) -> _Decoded:
        """The components of one design, and what is wrong with them."""
        found = [_guarded(image, self._component, listing.whereof(row, image)) for image in listing.rows[row]]
        faults = [item for item in found if isinstance(item, str)]
        drawn = [item for item in found if not isinstance(item, str)]
        masks = [levels for levels, _ in drawn]
        if self.spec.exclusive and self.spec.values == "binary" and len(masks) == self.spec.channels:
            shared = int((np.sum(masks, axis=0) > 1).sum())
            if shared:
                faults.append(
                    f"{listing.labels[row]}: {shared} pixels are in several components (exclusive is true)"
                )
        return _Decoded(masks, faults, sum(faint for _, faint in drawn))

    def _component(self, content: bytes) -> tuple[NDArray[np.unsignedinteger[Any]], bool]:
        """The stored values of one picture, and whether most of what is drawn in it is not among them."""
        spec = self.spec
        if spec.values == "binary":
            return decode_mask(content, spec.height, spec.width)
        return decode(content, spec.height, spec.width, spec.bits, self.bits), False

    def _write(
        self, entry: Path, facts: dict[str, Any], table: Table, listing: Listing, monitor: Monitor
    ) -> None:
        """Decode and check every picture; write the entry unless it is there.

        Raises:
            DataError: listing every fault.
        """
        spec = self.spec
        with ExitStack() as stack:
            file = None
            if not is_whole(entry):
                folder = stack.enter_context(new_entry(entry, facts))
                # written in order, not mapped: a full disk is an error
                file = stack.enter_context(atomic_writer(folder / "images.npy"))
                write_arrays(folder / "table.npz", _as_arrays(table))
                header = {
                    "descr": np.lib.format.dtype_to_descr(np.dtype(spec.dtype)),
                    "fortran_order": False,
                    "shape": (len(listing), spec.channels, spec.height, spec.width),
                }
                np.lib.format.write_array_header_1_0(file, header)
            faults: list[str] = []
            seen = _Seen(spec)
            designs = _in_order(
                lambda row: self._design(listing, row), len(listing), "decoding pictures", monitor
            )
            for row, design in enumerate(designs):
                faults.extend(design.faults)
                seen.add(table.split(row), design)
                if file is not None:
                    file.writelines(levels.tobytes() for levels in design.levels)
            faults = faults or seen.faults()
            if faults:
                raise self._error(faults)
        for note in seen.notes():
            monitor.note(f"{spec.name}: {note}")


@dataclass(frozen=True)
class _Decoded:
    """One design.

    Attributes:
        levels: stored values of each readable picture, (H, W).
        faults: a line for each fault.
        faint: how many pictures have most of what is drawn at or below the threshold.
    """

    levels: list[NDArray[np.unsignedinteger[Any]]]
    faults: list[str]
    faint: int


class _Seen:
    """What was drawn, summed over all designs: what no single picture can be blamed for shows here."""

    def __init__(self, spec: DataSpec) -> None:
        self.spec = spec
        self.designs = dict.fromkeys(SPLITS, 0)
        self.drawn = {split: np.zeros(spec.channels, dtype=np.int64) for split in SPLITS}  # designs
        self.inside = np.zeros(spec.channels, dtype=np.int64)  # pixels
        self.foreground, self.dark, self.brightest, self.faint = 0, 0, 0, 0

    def add(self, split: str, design: _Decoded) -> None:
        """Count one design; one with unreadable pictures is left out."""
        if design.faults:
            return
        areas = np.array([np.count_nonzero(levels) for levels in design.levels])
        self.designs[split] += 1
        self.drawn[split] += areas > 0
        self.inside += areas
        self.faint += design.faint
        if self.spec.values == "grey":
            limit = DARK * self.spec.levels
            self.foreground += int(areas.sum())
            self.dark += sum(int(((levels > 0) & (levels < limit)).sum()) for levels in design.levels)
            self.brightest = max(self.brightest, *(int(levels.max()) for levels in design.levels))

    def faults(self) -> list[str]:
        """Components that are declared and never drawn; grey levels that use a small part of their range."""
        found = [
            f"{component.name} is empty in every {split} design ({self.designs[split]}): its pictures are "
            f"blank (say optional: true under dataset.components.{component.name} if that is meant)"
            for k, component in enumerate(self.spec.components)
            for split in SPLITS
            if not component.optional and not self.drawn[split][k]
        ]
        if self.foreground and self.dark >= DARK_SHARE * self.foreground:
            found.append(
                f"the pictures are nearly black: {self.dark / self.foreground:.1%} of what is drawn is below "
                f"an eighth of the range (the brightest value is {self.brightest} of {self.spec.levels}); "
                "set dataset.reader.bits to the bits that the values use, e.g. 12"
            )
        return found

    def notes(self) -> list[str]:
        """What a user should look at, though it may be meant."""
        found = []
        if self.faint:
            found.append(
                f"in {self.faint} pictures most of what is drawn is at or below grey level {THRESHOLD}"
            )
        share = self.inside / (sum(self.designs.values()) * self.spec.height * self.spec.width)
        for component, inside in zip(self.spec.components, share, strict=True):
            if inside == 0:
                found.append(f"{component.name} is empty in every design (it is optional)")
            elif inside > INSIDE and self.spec.values == "binary":
                found.append(
                    f"{component.name} covers {inside:.0%} of the pictures on average: "
                    "are masks black on white? Inside must be white"
                )
        return found


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
