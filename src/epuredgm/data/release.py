"""Samples that leave: one folder with every picture stamped, and a manifest of what they are.

What reaches this module may leave; whether it may is decided before (:mod:`epuredgm.stages.permit`). Nothing
of a real design goes out: no identifier of the rows that gave conditions, no path, no name of a machine.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest, CorruptArtefact, Interrupted
from epuredgm.core.files import atomic_folder, read_json, write_json
from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored
from epuredgm.data.facing import facing
from epuredgm.data.rendering import levels8
from epuredgm.data.samples import SampleSet
from epuredgm.data.stamp import SYNTHETIC, asked, given, png, stamp

MANIFEST = "manifest.json"
SCHEMA = 1


class LeftOut(Exception):
    """A sample that has no form here; the text says why, for the manifest."""


@dataclass(frozen=True)
class Set:
    """One set of samples that may leave.

    Attributes:
        folder: where its files go, below the release.
        samples: the samples.
        facts: JSON-ready, for the manifest: run, hashes, the gate's figures.
    """

    folder: str
    samples: SampleSet
    facts: Mapping[str, Any]


class Form(Protocol):
    """What a sample becomes."""

    @property
    def name(self) -> str:
        """For the manifest."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """JSON-ready remarks for the manifest."""

    def files(self, picture: Stored, samples: SampleSet, row: int) -> dict[str, bytes]:
        """Contents by the end of the file's name.

        Args:
            picture: (C, H, W) as stored, facing the way it is shown.
            samples: the set that it is of.
            row: its place there.

        Raises:
            LeftOut: if it cannot be said in this form.
        """


@dataclass(frozen=True)
class Pngs:
    """One PNG for each component, grey, of as many bits as the data set stores.

    A given component is left out: it was not drawn, but taken from a real design.
    """

    spec: DataSpec
    name: str = "png"

    @property
    def facts(self) -> Mapping[str, Any]:
        """Nothing to remark."""
        return {}

    def files(self, picture: Stored, samples: SampleSet, row: int) -> dict[str, bytes]:
        """``.png``, or ``_<component>.png`` where there are several."""
        known = given(samples, row)
        says = stamp(samples.meta, asked(samples, row, self.spec), known)
        names = self.spec.component_names
        return {
            ".png" if len(names) == 1 else f"_{name}.png": png(_grey(each, self.spec), says)
            for name, each in zip(names, picture, strict=True)
            if name not in known
        }


def release(
    sets: Sequence[Set],
    form: Form,
    spec: DataSpec,
    folder: Path,
    about: Mapping[str, Any],
    monitor: Monitor,
) -> dict[str, Any]:
    """Write a release; it appears whole, or nothing does.

    Args:
        sets: what leaves.
        form: as what.
        spec: the data set.
        folder: must not exist.
        about: JSON-ready facts that open the manifest.
        monitor: told about progress.

    Returns:
        The manifest.

    Raises:
        BadRequest: if the folder exists, or no sample has this form.
        Interrupted: if the monitor asks to stop; nothing is left behind.
    """
    require_absent(folder)
    token = uuid.uuid4().hex
    files: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    total = sum(len(each.samples) for each in sets)
    with atomic_folder(folder) as draft:
        for each in sets:
            made, left = _write(each, form, spec, draft, monitor, total)
            files |= made
            count = len(each.samples) - sum(left.values())
            rows.append({"folder": each.folder, **each.facts, "pictures": count, "left_out": dict(left)})
        if not files:
            reasons = sorted({reason for row in rows for reason in row["left_out"]})
            raise BadRequest(f"no sample can be written as {form.name}: {'; '.join(reasons)}")
        head = {"schema": SCHEMA, "release": token, "what": SYNTHETIC, **about, "format": form.name}
        manifest = {**head, **form.facts, "sets": rows, "files": files}
        write_json(draft / MANIFEST, manifest)
    if not _is(token, folder):  # another process was faster, and keeps its own
        require_absent(folder)
    return manifest


def _is(token: str, folder: Path) -> bool:
    """Whether the release in a folder is that of the token."""
    try:
        return bool(read_json(folder / MANIFEST)["release"] == token)
    except (OSError, KeyError, TypeError, CorruptArtefact):
        return False


def require_absent(folder: Path) -> None:
    """A release never overwrites and follows no link.

    Raises:
        BadRequest: if there is anything at ``folder``.
    """
    if folder.is_symlink() or folder.exists():
        raise BadRequest(f"{folder} exists", "An export never overwrites: name a new folder with --to.")


def _write(
    each: Set, form: Form, spec: DataSpec, draft: Path, monitor: Monitor, total: int
) -> tuple[dict[str, Any], Counter[str]]:
    """Write one set; what was written, and why how many were not."""
    made: dict[str, Any] = {}
    left: Counter[str] = Counter()
    shown = facing(each.samples.images, each.samples.conditions, spec)
    for row in range(len(each.samples)):
        if monitor.stopping():
            raise Interrupted("stopped while exporting; nothing was written")
        try:
            files = form.files(shown[row], each.samples, row)
        except LeftOut as reason:
            left[str(reason)] += 1
            continue
        for end, content in files.items():
            name = f"{each.folder}/{row:05d}{end}"
            path = draft / name  # plain writes: the folder is a draft, which its one rename publishes
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            made[name] = {
                "sha256": hashlib.sha256(content).hexdigest(),
                "conditions": asked(each.samples, row, spec),
            }
        monitor.progress(row + 1, total, "exporting samples")
    return made, left


def _grey(channel: Stored, spec: DataSpec) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """One component (H, W) as the grey levels of a PNG; 16 bits stay 16 bits."""
    return channel.astype(np.uint16) if spec.levels > 255 else levels8(channel, spec)
