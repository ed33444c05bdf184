"""Mammograms as a data set: a table and its DICOM or PNG files, decoded once into a cache that names nobody.

Rows become keyed names before anything is opened. The gate fails closed: one file that is not de-identified
stops the preparation, unless somebody says why not, which goes to the audit log.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact, DataError
from epuredgm.core.files import digest, file_sha256, read_json, write_json, write_text
from epuredgm.core.monitor import Monitor
from epuredgm.core.sources import column_faults, metadata_table, required_root
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.entries import is_whole, new_entry, open_entry, read_arrays, write_arrays
from epuredgm.data.mammography import identity
from epuredgm.data.mammography.assembly import account_of, quarantine_of, table_of, without_shared
from epuredgm.data.mammography.cutting import cutting_of
from epuredgm.data.mammography.findings import Override, admit
from epuredgm.data.mammography.intake import Item
from epuredgm.data.mammography.listing import densities_of, listed, signature_of
from epuredgm.data.mammography.metadata import read_rows
from epuredgm.data.mammography.parts import Decoded, decode_all

if TYPE_CHECKING:
    import pandas as pd

GATE = 2  # raise when the gate looks for more: files are looked at again, and what they give stays as it is
VERSION = 2  # raise when the same files would give another entry
IMAGES, TABLE, QUARANTINE = "images.npy", "table.npz", "quarantine.csv"
AUDIT = "audit.jsonl"
Table = dict[str, NDArray[Any]]


class MammographyReader:
    """Reads a folder of mammograms by its table.

    Args:
        spec: one grey component of 16 bits.
        folder: the data set's folder in the workspace; the audit log lies beside it.
        root: folder of table and files, absolute or relative to ``folder``.
        metadata: name of the table below the root; None if it is the only one that is called metadata.
        density: name of another table below the root, with the columns ``path`` and ``density``; None if
            density is not known.
        exams_by_class: see :func:`epuredgm.data.mammography.metadata.read_rows`.
        foreground: smallest share of breast in a whole view.
        patches: None for whole views, else the fields of :class:`epuredgm.data.mammography.cutting.Patches`.
        split_seed: of the split of the patients.
        workers: processes that decode; None for as many as there are processors.
        admit_identified: why files that are not de-identified are let in; None to refuse them.
        secret: of the keyed names; None for the user's own.
    """

    def __init__(
        self,
        spec: DataSpec,
        folder: Path,
        *,
        root: str | None,
        metadata: str | None,
        density: str | None = None,
        exams_by_class: bool = False,
        foreground: float = 0.02,
        patches: Mapping[str, Any] | None = None,
        split_seed: int = 0,
        workers: int | None = None,
        admit_identified: str | None = None,
        secret: identity.Secret | None = None,
    ) -> None:
        self.spec, self.folder, self.root, self.metadata = spec, folder, root, metadata
        self.density, self.exams_by_class = density, exams_by_class
        self.cutting = cutting_of(spec.size, foreground, patches)
        self.split_seed, self.workers, self._secret = split_seed, workers, secret
        self.override = None if admit_identified is None else Override(admit_identified)

    def prepare(self, cache: Path, monitor: Monitor) -> Path:
        """Decode the files into a new entry below ``cache``, or find it there.

        Raises:
            BadRequest: if root or table do not exist, or the secret cannot be used.
            DataError: if the table cannot be used, files are not de-identified, or nothing is left.
            Interrupted: if the monitor asks to stop; what is decoded stays for the next time.
        """
        root = required_root(self.spec.name, self.root, self.folder)
        path = metadata_table(self.spec.name, root, self.metadata)
        secret = self._secret or identity.secret(workspace=self.folder.parent.parent)
        densities = densities_of(self.spec.name, root, self.density)
        items = listed(read_rows(path, self.exams_by_class), densities, self.spec.name, secret)
        seen = signature_of(root, items)
        told = {"table": file_sha256(path), "density": sorted((str(p), d) for p, d in densities.items())}
        source = digest({"reader": self._identity(secret), "gate": GATE, **told, "files": seen})
        known = self._recall(cache, source)
        if known is not None:
            return known
        kind = "parts" if self.override is None else "admitted"
        parts = cache / f".{self.spec.name}-{source[:16]}.{kind}"
        admitted = self.override is not None
        decoded = decode_all(items, root, self.cutting, admitted, parts, monitor, self.workers)
        try:
            if signature_of(root, items) != seen:
                raise self._error(["the files changed while they were read"])
            entry = self._write(cache, items, decoded, secret, monitor)
        finally:
            shutil.rmtree(parts, ignore_errors=True)
        write_json(self._memory(cache), {"source": source, "entry": entry.name})
        return entry

    def load(self, entry: Path) -> Designs:
        """Read a prepared entry; the pictures stay on disk, memory-mapped.

        Raises:
            CorruptArtefact: if it is not what ``prepare`` wrote.
            DataError: if the table lacks a condition, or says something of it that is not declared.
        """
        facts = open_entry(entry)
        table = read_arrays(entry / TABLE)
        faults = column_faults(self.spec.condition_names, [name for name in table if name != "ids"])
        if faults:
            raise self._error(faults)
        conditions = np.empty((len(table["ids"]), len(self.spec.conditions)))
        for k, condition in enumerate(self.spec.conditions):
            conditions[:, k] = self._column(condition, table[condition.name])
        return Designs(
            images=np.load(entry / IMAGES, mmap_mode="r", allow_pickle=False),
            ids=table["ids"],
            train=table["split"] != "test",
            conditions=conditions,
            condition_names=self.spec.condition_names,
            fingerprint=facts["fingerprint"],
            validation=table["split"] == "validation",
        )

    def frame(self, entry: Path) -> pd.DataFrame:
        """The table of a prepared entry: keyed names, split, labels, mm per pixel; no identifier, no path."""
        import pandas as pd

        table = read_arrays(entry / TABLE)
        return pd.DataFrame({"id" if name == "ids" else name: column for name, column in table.items()})

    def account(self, entry: Path) -> dict[str, Any]:
        """What is in a prepared entry, in numbers, and what was put aside and why."""
        facts = open_entry(entry)
        sizes = {file.name: file.stat().st_size for file in sorted(entry.iterdir())}
        kept = {key: facts[key] for key in ("files", "quarantine", "admitted")}
        return {**account_of(read_arrays(entry / TABLE)), **kept, "bytes": sizes}

    # what is read -----------------------------------------------------------------------------------

    def _identity(self, secret: identity.Secret) -> dict[str, Any]:
        """What the entry's content depends on, beside the files."""
        return {
            "version": VERSION,
            "name": self.spec.name,
            "cutting": repr(self.cutting),
            "density": self.density,
            "exams_by_class": self.exams_by_class,
            "split_seed": self.split_seed,
            "secret": secret.mark,
        }

    def _memory(self, cache: Path) -> Path:
        return cache / f"{self.spec.name}.{digest(repr(self.cutting))[:8]}.seen.json"

    def _recall(self, cache: Path, source: str) -> Path | None:
        """The entry that was made from the very same files, by name, size and time; None if there is none."""
        try:
            seen = read_json(self._memory(cache))
            entry = cache / str(seen["entry"])
        except (FileNotFoundError, CorruptArtefact, KeyError, TypeError):
            return None
        return entry if seen["source"] == source and is_whole(entry) else None

    # what is written ---------------------------------------------------------------------------------

    def _write(
        self, cache: Path, items: Sequence[Item], parts: Decoded, secret: identity.Secret, monitor: Monitor
    ) -> Path:
        """The entry of all parts, after the gate."""
        given = parts.facts()
        taken = without_shared(items, given)
        findings = {one.name: one.findings for one in given}
        rows = {item.name: item.row.number for item in items}
        admit(findings, self.spec.name, self.folder.parent / AUDIT, self.override, rows)
        table = table_of(items, taken, secret, self.split_seed)
        quarantine, reasons = quarantine_of(items, taken)
        self._require_use(table, reasons)
        facts: dict[str, Any] = {
            "kind": "mammography",
            "reader": self._identity(secret),
            "files": {"listed": len(items), "used": sum(not one.reasons for one in taken)},
            "quarantine": reasons,
            "admitted": sum(bool(found) for found in findings.values()),
            "content": digest([one.content for one in taken]),
        }
        columns = {name: column.tolist() for name, column in table.items()}
        facts["fingerprint"] = digest({"facts": facts, "table": repr(columns), "quarantine": quarantine})
        entry = cache / f"{self.spec.name}-{facts['fingerprint'][:16]}"
        if not is_whole(entry):
            with new_entry(entry, facts) as folder:
                used = {one.name for one in taken if not one.reasons}
                parts.write(folder / IMAGES, used, (len(table["ids"]), 1, *self.spec.size))
                write_arrays(folder / TABLE, table)
                write_text(folder / QUARANTINE, quarantine)
        if reasons:
            monitor.note(
                f"{self.spec.name}: {sum(bool(one.reasons) for one in taken)} of {len(items)} files are put "
                f"aside; {entry / QUARANTINE} says why"
            )
        return entry

    def _require_use(self, table: Table, reasons: Mapping[str, int]) -> None:
        splits = set(table["split"].tolist())
        if not {"train", "test"} <= splits:
            faults = [f"{reason}: {count} files" for reason, count in reasons.items()]
            patients = len(set(table["patient"].tolist()))
            raise DataError(
                f"data set {self.spec.name}: of its files too few can be used for a train and a test split",
                [*faults, f"{patients} patients are left; five can be split"],
                "docs/data.md says what each reason means.",
            )

    def _column(self, condition: Condition, column: NDArray[Any]) -> NDArray[np.float64]:
        """A condition's stored values: places of categories or numbers, NaN where unknown."""
        if not condition.values:
            return column.astype(np.float64)
        places = {value: float(place) for place, value in enumerate(condition.values)} | {"": np.nan}
        strange = set(column.tolist()) - set(places)
        if strange:
            raise self._error(
                [f"{condition.name} has {len(strange)} values that are none of {', '.join(condition.values)}"]
            )
        return np.array([places[value] for value in column.tolist()], dtype=np.float64)

    def _error(self, faults: Sequence[str]) -> DataError:
        return DataError(
            f"data set {self.spec.name}: {len(faults)} fault{'s' if len(faults) > 1 else ''}",
            faults,
            "Mend the files, or the data set's YAML where it is wrong; docs/data.md shows the layout.",
        )
