"""Jobs: the units of work that a plan is made of, and the file in which one reaches its worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.typed import misfits


class Stage(str, Enum):
    """What a job does; the order is the order of the pipeline."""

    PREPARE = "prepare"
    REFERENCE = "reference"
    TRAIN = "train"
    SAMPLE = "sample"
    EXPORT = "export"
    EVALUATE = "evaluate"
    AGGREGATE = "aggregate"
    REPORT = "report"

    def __str__(self) -> str:
        return self.value


class Mode(str, Enum):
    """What a model is asked for.

    Any design; a design under conditions; one around a given component; one under conditions that reach
    beyond those it was trained on; or a real design, encoded and decoded.
    """

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    INPAINTING = "inpainting"
    EXTRAPOLATION = "extrapolation"
    RECONSTRUCTION = "reconstruction"

    def __str__(self) -> str:
        return self.value


TASKS = (Mode.UNCONDITIONAL, Mode.CONDITIONAL, Mode.INPAINTING)
"""The modes in which a family generates; extrapolation is the conditional one, asked for more."""

GENERATED = (*TASKS, Mode.EXTRAPOLATION)
"""The modes whose samples a model made up; a reconstruction shows a real design."""


def shows_real(mode: str, given: str | None = None) -> bool:
    """Whether samples hold real designs, whole or in part: encoded and decoded, or given components."""
    return given is not None or mode not in GENERATED


SUPPORTED = (*TASKS, Mode.RECONSTRUCTION)
"""The modes that a family supports or not."""


@dataclass(frozen=True)
class Job:
    """One unit of work, as the planner sees it.

    Attributes:
        key: unique name, e.g. ``sample/vae_toy/seed0/conditional``; also its record's place.
        stage: what it does.
        dataset: data set name.
        model: model name, or None for jobs of a whole data set.
        seed: run seed, or None.
        mode: sampling mode, or None.
        config: the composed configuration, as plain data.
        inputs: input name -> (key of the job that makes it, name of its output).
        fingerprint: SHA-256 of ``hashed``.
        hashed: what the job's result depends on, beside its inputs, as a flat dictionary.
        log: the job's log file, relative to the folder of the invocation.
        tolerant: it runs with those of its inputs that could be made (a summary of what there is).
        essential: inputs that even a tolerant job cannot do without.
    """

    key: str
    stage: Stage
    dataset: str
    model: str | None
    seed: int | None
    mode: str | None
    config: Mapping[str, Any]
    inputs: Mapping[str, tuple[str, str]]
    fingerprint: str
    hashed: Mapping[str, Any]
    log: str
    tolerant: bool = False
    essential: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of the jobs that must be done before this one."""
        return tuple(dict.fromkeys(key for key, _ in self.inputs.values()))

    @property
    def run(self) -> str | None:
        """Name of the run's folder, ``<model>_<dataset>``, or None for jobs of a whole data set."""
        return f"{self.model}_{self.dataset}" if self.model else None


@dataclass(frozen=True)
class Artefact:
    """A file or folder that a job made: ``path`` relative to the workspace, SHA-256 of the content, size."""

    path: str
    sha256: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class JobFile:
    """All that a worker needs to carry out one job; written by whoever launches it.

    Attributes:
        key, stage, dataset, model, seed, mode, config, fingerprint, hashed: as in :class:`Job`.
        workspace: absolute path of the workspace.
        branch: sub-folder of the workspace for the outputs of this profile; often empty.
        inputs: input name -> artefact, with the hash that must be found on reading.
        log: absolute path of the job's log.
        device: ``cpu``, ``cuda:0``, ...
        threads: threads the job may use.
        run: the run's folder relative to the workspace (train jobs: where to work and, if it holds a resume
            point, what to continue); empty for other stages.
    """

    key: str
    stage: Stage
    dataset: str
    model: str | None
    seed: int | None
    mode: str | None
    config: Mapping[str, Any]
    fingerprint: str
    hashed: Mapping[str, Any]
    workspace: str
    branch: str
    inputs: Mapping[str, Artefact]
    log: str
    device: str = "cpu"
    threads: int = 1
    run: str = ""

    def write(self, path: Path) -> None:
        """Write the job file atomically."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> JobFile:
        """Read a job file back.

        Raises:
            FileNotFoundError: if there is none.
            CorruptArtefact: if it is not one.
        """
        content = read_json(path)
        try:
            content["stage"] = Stage(content["stage"])
            content["inputs"] = {name: Artefact(**artefact) for name, artefact in content["inputs"].items()}
            job = cls(**content)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptArtefact(f"{path} is not a job file: {error}") from error
        wrong = misfits(job)
        if wrong:
            raise CorruptArtefact(f"{path} is not a job file: {', '.join(wrong)} make no sense")
        return job
