"""What the keys of ``dataset.reader`` may be, for the readers of mammograms.

Each class holds the arguments of the reader of its name beside the data set and its folder, which a test
holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from epuredgm.core.fields import Problem, Seed, Share, between
from epuredgm.core.spec import DataSpec
from epuredgm.data.settings import Name

Workers = Annotated[int, between(1, 1024)]
SomeShare = Annotated[float, between(0, 1, below=True)]
Pixels = Annotated[int, between(1, 65_536)]


@dataclass(frozen=True)
class Patches:
    """How patches are cut; they are as large as the data set's pictures.

    Attributes:
        canvas: rows and columns of the canonical picture that they are cut from.
        stride: steps of the grid in pixels.
        foreground: smallest share of breast in a patch.
        most: how many of one picture at most; None for all.
        seed: of the choice among too many.
    """

    canvas: Pixels
    stride: Pixels
    foreground: Share = 0.2
    most: Annotated[int, between(1, 10**6)] | None = None
    seed: Seed = 0

    def fits(self, spec: DataSpec) -> Iterator[Problem]:
        """Patches are square, and smaller than what they are cut from."""
        if spec.height != spec.width:
            yield "", f"are square, and dataset.size is {spec.height} x {spec.width}"
        elif spec.height > self.canvas:
            least = f"a patch's edge (dataset.size), {spec.height}"
            yield "canvas", f"must be at least {least}, not {self.canvas}"


@dataclass(frozen=True)
class _Cut:
    """What both readers take.

    Attributes:
        exams_by_class: see :func:`epuredgm.data.mammography.metadata.read_rows`.
        patient_column, patient_path, patient_header, patient_single: what names the patient; see
            :class:`epuredgm.data.mammography.patients.Asked`.
        bits: bits in use in stored values, where files have room for more; None for all that they say.
        foreground: smallest share of breast in a whole view.
        patches: None for whole views.
        split_seed: of the split of the patients.
        workers: processes that decode; None for as many as there are processors.
        admit_identified: why files that are not de-identified are let in; None to refuse them.
    """

    exams_by_class: bool = False
    patient_column: Name | None = None
    patient_path: Name | None = None
    patient_header: bool | None = None
    patient_single: bool = False
    bits: Annotated[int, between(1, 16)] | None = None
    foreground: SomeShare = 0.02
    patches: Patches | None = None
    split_seed: Seed = 0
    workers: Workers | None = None
    admit_identified: Name | None = None


@dataclass(frozen=True)
class _Folder:
    """What only the reader of real files takes.

    Attributes:
        root: folder of table and files, absolute or relative to ``folder``.
        metadata: name of the table below the root; None if it is the only one that is called metadata.
        density: name of another table below the root, with the columns ``path`` and ``density``; None if
            density is not known.
    """

    root: Name | None
    metadata: Name | None
    density: Name | None = field(default=None)


@dataclass(frozen=True)
class MammographyReaderSettings(_Cut, _Folder):
    """Of :class:`epuredgm.data.mammography.reader.MammographyReader`."""


@dataclass(frozen=True)
class _Drawn:
    """What only the phantom takes.

    Attributes:
        size: ``tiny`` (24 patients), ``small`` (200), or ``full``: one patient at full resolution.
        layout: the generation of the real data that its folders and its table look like.
        seed: everything is drawn from it.
    """

    size: Literal["tiny", "small", "full"]
    layout: Literal["new", "old", "one_column", "shuffled"]
    seed: Seed


@dataclass(frozen=True)
class PhantomReaderSettings(_Cut, _Drawn):
    """Of :class:`epuredgm.data.mammography.phantom_reader.PhantomReader`."""
