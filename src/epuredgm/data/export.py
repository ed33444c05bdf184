"""Designs and samples as folders of PNGs, in the layouts that earlier tools read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest, Interrupted
from epuredgm.core.files import atomic_folder, write_text
from epuredgm.core.monitor import Monitor
from epuredgm.core.sources import SPLITS
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs, Stored
from epuredgm.data.facing import facing
from epuredgm.data.pictures import encode
from epuredgm.data.rendering import levels8, silhouettes
from epuredgm.data.samples import SampleSet
from epuredgm.data.stamp import asked, given, png, stamp

if TYPE_CHECKING:
    import pandas as pd

UNION = "full"  # folder of the union of all components
TABLE = "performances.csv"
Picture = NDArray[np.uint8]


def export_designs(
    designs: Designs,
    table: pd.DataFrame,
    spec: DataSpec,
    folder: Path,
    monitor: Monitor,
    subset: Sequence[int] = (),
) -> None:
    """Write a data set as ``{train,test}/{<component>,full}/<id>_<component>.png`` and ``performances.csv``.

    The folder appears complete or not at all, so an interrupted export is simply repeated.

    Args:
        designs: what to write.
        table: its whole table; rows correspond.
        spec: the data set.
        folder: must not exist, or be empty.
        monitor: told about progress.
        subset: rows that ``performances_<number of rows>.csv`` lists too; none for no such table.

    Raises:
        BadRequest: if the folder holds something.
        Interrupted: if the monitor asks to stop; nothing is left behind.
    """
    _require_free(folder)
    names = spec.component_names
    with atomic_folder(folder, replace=True) as draft:
        for split in SPLITS:
            for name in (*names, UNION):
                (draft / split / name).mkdir(parents=True)
        for row in range(len(designs)):
            split = SPLITS[0] if designs.train[row] else SPLITS[1]
            for name, picture in _pictures(designs.images[row], spec):
                _write(draft / split / name / f"{designs.ids[row]}_{name}.png", picture)
            _report(monitor, row + 1, len(designs), "writing designs")
        write_text(draft / TABLE, table.to_csv(index=False))
        if len(subset):
            write_text(
                draft / f"performances_{len(subset)}.csv", table.iloc[list(subset)].to_csv(index=False)
            )


def export_samples(samples: SampleSet, folder: Path, monitor: Monitor, spec: DataSpec) -> None:
    """Write samples as ``{full,<component>}/img<number>_00.png``, 8-bit grey; an earlier export is replaced.

    Every file is stamped (:mod:`epuredgm.data.stamp`).

    Args:
        samples: what to write.
        folder: appears complete, or stays as it was.
        monitor: told about progress.
        spec: the data set.

    Raises:
        Interrupted: if the monitor asks to stop; the folder stays as it was.
    """
    with atomic_folder(folder, replace=True) as draft:
        for name in (*samples.components, UNION):
            (draft / name).mkdir()
        shown = facing(samples.images, samples.conditions, spec)
        for row in range(len(samples)):
            says = stamp(samples.meta, asked(samples, row, spec), given(samples, row))
            for name, picture in _pictures(shown[row], spec):
                path = draft / name / f"img{row:04d}_00.png"
                path.write_bytes(png(picture, says))
            _report(monitor, row + 1, len(samples), "writing samples")


def _pictures(channels: Stored, spec: DataSpec) -> list[tuple[str, Picture]]:
    """The components (C, H, W) of one design and their union, each by name, as grey levels 0..255."""
    grey = levels8(channels, spec)
    return [*zip(spec.component_names, grey, strict=True), (UNION, silhouettes(channels[None], spec)[0])]


def _write(path: Path, picture: Picture) -> None:
    path.write_bytes(encode(picture))  # the folder is still a draft: its one rename publishes all files


def _report(monitor: Monitor, done: int, total: int, what: str) -> None:
    monitor.progress(done, total, what)
    if monitor.stopping():
        raise Interrupted(f"stopped while {what}")


def _require_free(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise BadRequest(f"{folder} is not empty", "Choose another folder with --to, or remove that one.")
