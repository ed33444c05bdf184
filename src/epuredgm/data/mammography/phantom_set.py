"""A phantom data set on disk: patients in one of the real data's layouts, and the truth beside them.

A patient is whole or absent, so an interrupted making goes on where it stopped; the bytes depend on size,
seed and layout alone, not on how many processes drew them.

Beside the images lie the layout's table, ``phantom.json`` (what the set was asked to be), ``truth.csv`` (one
row an image) and ``truth/<patient>.npz`` (breast and muscle of each image, as written).
"""

from __future__ import annotations

import csv
import io
import json
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from epuredgm.core.errors import BadRequest, EpureError, Interrupted
from epuredgm.core.files import (
    atomic_folder,
    canonical,
    digest,
    read_json,
    remove_leftovers,
    write_bytes,
    write_json,
    write_text,
)
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.stops import deaf, end_with_parent
from epuredgm.data.entries import read_arrays, write_arrays
from epuredgm.data.mammography.phantom import VERSION, Exposure, expose
from epuredgm.data.mammography.phantom_cohort import Member, Size, draw_cohort, size_of
from epuredgm.data.mammography.phantom_dicom import content_of, dataset_of
from epuredgm.data.mammography.phantom_layouts import Row, layout_of

STOPPED = "stopped while drawing the phantom"
RECORD, TRUTH, MASKS = "phantom.json", "truth.csv", "truth"


@dataclass(frozen=True)
class Summary:
    """What was made, or found complete.

    Attributes:
        folder: the data set's root.
        table: the layout's CSV file.
        patients: how many.
        images: how many.
        groups: patients a class folder.
        repeats: images that repeat a view.
        missing: views that were not taken.
        made: patients that were drawn this time; the others were there.
        fingerprint: of what the set was asked to be.
    """

    folder: Path
    table: Path
    patients: int
    images: int
    groups: dict[str, int]
    repeats: int
    missing: int
    made: int
    fingerprint: str


def make_phantom(
    folder: Path,
    size: str | Size = "tiny",
    seed: int = 0,
    layout: str = "new",
    monitor: Monitor = SILENT,
    workers: int = 1,
) -> Summary:
    """Make a phantom data set in ``folder``, or what is missing of it.

    Args:
        folder: the root; empty, absent, or begun with the same arguments.
        size: a name of ``SIZES``, or a size.
        seed: everything is drawn from it.
        layout: a name of ``LAYOUTS``.
        monitor: hears of each patient.
        workers: processes; 1 draws in this one.

    Raises:
        BadRequest: if an argument names nothing, or the folder holds anything else.
        Interrupted: if the monitor asks to stop; whole patients stay.
        OSError: if the disk refuses.
    """
    wanted, form = size_of(size), layout_of(layout)
    record = {"version": VERSION, "seed": seed, "layout": layout, "size": asdict(wanted)}
    record = json.loads(canonical(record))  # as it will be read again
    _claim(folder, record)
    cohort = draw_cohort(wanted, seed)
    todo = [member for member in cohort if not (folder / form.folder(member)).is_dir()]
    draw = partial(_draw, folder=folder, size=wanted, layout=layout)
    done = len(cohort) - len(todo)
    try:
        for count in _each(draw, todo, workers):
            monitor.progress(done + count, len(cohort), "drawing phantom patients")
            if monitor.stopping() and count < len(todo):
                raise Interrupted(STOPPED)
    except BrokenProcessPool:
        if monitor.stopping():  # the signal reached the whole group
            raise Interrupted(STOPPED) from None
        raise EpureError(
            "a process that drew phantom patients died: it was killed, or memory ran out",
            "The same command goes on where it stopped.",
        ) from None
    rows = [row for member in cohort for row in form.rows(member)]
    write_text(folder / TRUTH, _truth_table(folder, cohort, layout))
    write_bytes(folder / form.table, form.write(rows, seed).encode())
    groups = [member.group for member in cohort]
    taken = {(row.member.patient.number, row.side, row.view) for row in rows}
    return Summary(
        folder=folder,
        table=folder / form.table,
        patients=len(cohort),
        images=len(rows),
        groups={group: groups.count(group) for group in sorted(set(groups))},
        repeats=sum(row.take > 0 for row in rows),
        missing=len(cohort) * len(wanted.slots) - len(taken),
        made=len(todo),
        fingerprint=digest(record),
    )


def masks_of(folder: Path, patient: int) -> dict[str, Any]:
    """The truth of one patient: file name of each image to bool (2, H, W), breast and pectoral muscle."""
    packed = read_arrays(folder / MASKS / f"{patient:04d}.npz")
    shape = packed.pop("shape")
    count = int(np.prod(shape))
    return {
        name: np.unpackbits(bits, count=count).reshape(shape).astype(np.bool_)
        for name, bits in packed.items()
    }


def _claim(folder: Path, record: dict[str, Any]) -> None:
    """Refuse a folder with anything else in it; write down what it will hold."""
    if (folder / RECORD).exists():
        if read_json(folder / RECORD) != record:
            raise BadRequest(f"{folder} holds another phantom", "Choose an empty folder, or remove this one.")
        for leftover in (folder, folder / MASKS):
            remove_leftovers(leftover)
        return
    if folder.exists() and any(folder.iterdir()):
        raise BadRequest(f"{folder} is not empty and holds no phantom", "Choose an empty folder.")
    write_json(folder / RECORD, record)


def _each(draw: partial[None], todo: Sequence[Member], workers: int) -> Iterator[int]:
    """Draw every member; yields how many are done. Stops the others when the caller gives up or one fails."""
    if workers <= 1 or len(todo) < 2:
        for count, member in enumerate(todo, start=1):
            draw(member)
            yield count
        return
    processes, context = min(workers, len(todo)), get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent) as pool:
        try:
            with deaf(signal.SIGTERM):  # when to stop is decided here
                running = [pool.submit(draw, member) for member in todo]
            for count, one in enumerate(as_completed(running), start=1):
                one.result()
                yield count
        finally:
            pool.shutdown(cancel_futures=True)


def _draw(member: Member, folder: Path, size: Size, layout: str) -> None:
    """Draw one patient: first the truth, then the images, which appear all at once."""
    form = layout_of(layout)
    home = form.folder(member)
    masks: dict[str, Any] = {"shape": np.array((2, *size.grid.shape))}
    facts = []
    with atomic_folder(folder / home) as hidden:
        for row in form.rows(member):
            exposure = expose(member.patient, row.side, row.view, size.grid, member.findings, row.take)
            write_bytes(hidden / row.path.relative_to(home), content_of(dataset_of(exposure)))
            masks[row.path.name] = np.packbits(np.stack([exposure.breast, exposure.pectoral]))
            facts.append(_facts(row, exposure))
        number = f"{member.patient.number:04d}"
        write_json(folder / MASKS / f"{number}.json", facts)
        write_arrays(folder / MASKS / f"{number}.npz", masks)


def _facts(row: Row, exposure: Exposure) -> dict[str, Any]:
    """What is true of one image, for ``truth.csv``."""
    patient = exposure.patient
    own = {finding.kind for finding in row.member.findings if finding.side == row.side}
    return {
        "path": str(row.path),
        "patient": patient.number,
        "laterality": row.side,
        "view": row.view,
        "take": row.take,
        "age": patient.age,
        "density": patient.density,
        "gland_fraction_asked": patient.gland_fraction,
        "gland_fraction": exposure.gland_fraction,
        "thickness_mm": patient.thickness,
        "mm_per_pixel": exposure.grid.pixel,
        "exam_cancer": row.cancer,
        "exam_false_positive": row.false_positive,
        "breast_cancer": int("malignant" in own),
        "breast_false_positive": int("benign" in own),
        "breast_pixels": int(exposure.breast.sum()),
        "pectoral_pixels": int(exposure.pectoral.sum()),
        "lesions": ";".join(f"{box.kind}:{box.x0}:{box.y0}:{box.x1}:{box.y1}" for box in exposure.lesions),
    }


def _truth_table(folder: Path, cohort: Sequence[Member], layout: str) -> str:
    rows = [row for m in cohort for row in read_json(folder / MASKS / f"{m.patient.number:04d}.json")]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
