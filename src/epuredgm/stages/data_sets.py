"""From a job to its data: the declared spec, the reader that the configuration names, the decoded designs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epuredgm.core.errors import DataError
from epuredgm.core.jobs import JobFile
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs, Reader
from epuredgm.stages.build import build, resolve


def spec_of(job: JobFile) -> DataSpec:
    """What the job's data set declares."""
    return DataSpec.from_config(job.config["dataset"])


def reader_of(job: JobFile) -> Reader:
    """The reader of the job's data set; touches no file."""
    return make_reader(job.config["dataset"], Workspace(Path(job.workspace), job.branch))


def make_reader(dataset: Mapping[str, Any], workspace: Workspace) -> Reader:
    """The reader that a composed ``dataset`` section names.

    Raises:
        BadRequest: if it does not exist or does not take the section's arguments, or if a condition's measure
            does not exist.
    """
    arguments = dict(dataset["reader"])
    spec = DataSpec.from_config(dataset)
    for condition in spec.conditions:  # not first when samples are evaluated, hours later
        if condition.measure is not None:
            resolve(condition.measure)
    reader: Reader = build(arguments.pop("_target_"), spec, workspace.data(spec.name), **arguments)
    return reader


def designs_of(job: JobFile) -> Designs:
    """The designs that the job's ``prepare`` made.

    Raises:
        CorruptArtefact: if they are not what was written.
        DataError: if their shape is not the declared one.
    """
    return load(reader_of(job), Path(job.workspace) / job.inputs["designs"].path, spec_of(job))


def load(reader: Reader, entry: Path, spec: DataSpec) -> Designs:
    """Read a prepared entry and hold it against the spec.

    Raises:
        CorruptArtefact: if it is not what was written.
        DataError: if its shape is not the declared one.
    """
    designs = reader.load(entry)
    declared = (len(designs), spec.channels, spec.height, spec.width), spec.dtype
    made = designs.images.shape, str(designs.images.dtype)
    if made != declared or designs.conditions.shape != (len(designs), len(spec.conditions)):
        raise DataError(
            f"data set {spec.name}: its reader gave images {made} and conditions "
            f"{designs.conditions.shape}, not {declared} with {len(spec.conditions)} conditions"
        )
    return designs
