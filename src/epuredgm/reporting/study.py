"""What a report is made of: one study as plain numbers and arrays, gathered by the stage, drawn by writers.

Nothing here reads a file, and nothing knows of jobs or of torch. Designs are kept as stored
((N, C, H, W) as stored); how they look is the writers' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored

Json = Mapping[str, Any]
Designs = Stored
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One curve of a training: a value at each of some steps of its phase."""

    steps: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Phase:
    """The losses of one phase of a training, by what they are called (``train``, ``validation``)."""

    name: str
    curves: Mapping[str, Series]


@dataclass(frozen=True)
class Draw:
    """What drawing one set of samples cost.

    Attributes:
        mode: the set's mode.
        given: the given component of an inpainting set, else None.
        seconds_per_1000: for a thousand designs.
        evaluations: of the network for each batch.
        device: where it was drawn.
    """

    mode: str
    given: str | None
    seconds_per_1000: float
    evaluations: int
    device: str


@dataclass(frozen=True)
class Cost:
    """What a run cost; None where nobody wrote it down.

    Attributes:
        parameters: numbers in the weights.
        training_seconds: interrupted attempts included.
        peak_memory, peak_device_memory: bytes, while training.
        device: where it was trained.
        draws: its sets of samples.
    """

    parameters: int | None = None
    training_seconds: float | None = None
    peak_memory: int | None = None
    peak_device_memory: int | None = None
    device: str = ""
    draws: tuple[Draw, ...] = ()

    @property
    def seconds_per_1000(self) -> float | None:
        """Mean over the sets of samples."""
        return self._mean([draw.seconds_per_1000 for draw in self.draws])

    @property
    def evaluations(self) -> float | None:
        """Mean over the sets of samples."""
        return self._mean([float(draw.evaluations) for draw in self.draws])

    @staticmethod
    def _mean(values: list[float]) -> float | None:
        return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class Gallery:
    """Some designs of one set of samples; rows correspond.

    Attributes:
        mode: the set's mode.
        given: the given component of an inpainting set, else None.
        samples: (N, C, H, W), generated.
        asked: (N, K) conditions asked for; NaN where none was.
        measured: (N, K) the same read back from the designs; NaN where they cannot be.
        nearest: (N, C, H, W), the train design nearest to each by it; none where nobody looked.
        nearest_ids: (N,) their identities.
        distances: (N,) how much they differ, over all components: pixels, or of grey pictures the distance
            that the privacy gate measures (:mod:`epuredgm.evaluation.nearness`).
        truth: (N, C, H, W), the test designs whose component was given, or that were encoded and decoded;
            None for other modes, and where real pictures must not be shown.
        truth_ids: (N,) their identities; empty strings where no test design is behind a sample.
        intensities: shares of intensities of the whole set, see :class:`Study`; empty for masks.
    """

    mode: str
    given: str | None
    samples: Designs
    asked: Floats
    measured: Floats
    nearest: Designs
    nearest_ids: tuple[str, ...]
    distances: Floats
    truth: Designs | None
    truth_ids: tuple[str, ...]
    intensities: tuple[float, ...] = ()


@dataclass(frozen=True)
class Adherence:
    """All designs of one set: a condition as asked for, (N,), and as measured, (N,)."""

    mode: str
    condition: str
    unit: str
    asked: Floats
    measured: Floats
    train_range: tuple[float, float]


@dataclass(frozen=True)
class Worst:
    """The grey pictures that lost most on their way through the latent space, worst first.

    Attributes:
        errors: (N,) root mean square of the difference in intensity.
        typical: median error of the whole set.
        names: (N,) which test pictures they are.
        asked: (N, K) their conditions.
        truth, samples: (N, C, H, W) before and after; none where real pictures must not be shown.
    """

    errors: Floats
    typical: float
    names: tuple[str, ...]
    asked: Floats
    truth: Designs
    samples: Designs


@dataclass(frozen=True)
class Run:
    """One family at one seed.

    Attributes:
        result: the run's result file.
        phases: its losses.
        learned: what it told of what it learned; empty for most families.
        folder: its run folder, relative to the workspace; empty if it is gone.
        weights: name of its weights file; empty if there is none.
        config_sha256: of ``config.yaml`` in its run folder; empty if there is none.
    """

    seed: int
    result: Json
    phases: tuple[Phase, ...]
    learned: Json
    cost: Cost
    folder: str
    weights: str = ""
    config_sha256: str = ""


@dataclass(frozen=True)
class Family:
    """One family: all its runs, and pictures of its first one.

    Attributes:
        model: its name.
        runs: by seed.
        galleries: of the first run.
        adherence: of the first run, one for each mode that asks for conditions and each that can be measured.
        notes: what is missing here, and why.
        worst: of the first run, if it reconstructs grey pictures.
    """

    model: str
    runs: tuple[Run, ...]
    galleries: tuple[Gallery, ...] = ()
    adherence: tuple[Adherence, ...] = ()
    notes: tuple[str, ...] = ()
    worst: Worst | None = None


@dataclass(frozen=True)
class Counted:
    """How many train and test designs have a condition, or a value of it; numbers are summed up in words."""

    condition: str
    value: str
    train: int | str
    test: int | str


@dataclass(frozen=True)
class Trouble:
    """A job that did not end well: ``failed``, ``interrupted``, ``lost``, or ``blocked`` by another."""

    job: str
    status: str
    error: str
    log: str


@dataclass(frozen=True)
class Study:
    """All that is known of the runs on one data set.

    Attributes:
        spec: the data set.
        description: what it is, in words.
        counts: ``train`` and ``test`` designs.
        summary: ``summary.json``.
        families: in the order of the main ranking.
        real: (N, C, H, W), a few test designs.
        train_ranges: condition -> smallest and largest value of the train split.
        troubles: jobs that did not end well.
        settings: the sections of the configuration that all runs share.
        commands: what to type to have it all made again.
        typed: what was typed in this workspace so far, oldest first.
        glossary: metric -> what it is: one line, then as many paragraphs as there is to say.
        private: real pictures must not be shown, nor what holds parts of them; the study has none then.
        real_conditions: (N, K) of ``real``.
        statistics: how designs are spread over conditions.
        split_hashes: split -> SHA-256 of the identities in it.
        intensities: shares of real test pixels above 0 in equal bins from 0 to 1; empty for masks.
        alone: of grey data each run by itself, with its own pictures, for a report of its own.
    """

    spec: DataSpec
    description: str
    counts: Mapping[str, int]
    summary: Json
    families: tuple[Family, ...]
    real: Designs
    train_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    settings: Json = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    glossary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    private: bool = False
    real_conditions: Floats | None = None
    statistics: tuple[Counted, ...] = ()
    split_hashes: Mapping[str, str] = field(default_factory=dict)
    intensities: tuple[float, ...] = ()
    alone: tuple[Family, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the families, best first."""
        return tuple(family.model for family in self.families)
