"""The job that trains one model with one seed on one data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from epuredgm import __version__
from epuredgm.core.errors import BadRequest
from epuredgm.core.files import digest, write_json, write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.seeds import derive
from epuredgm.core.settings import TrainingSettings, read
from epuredgm.core.spec import DataSpec
from epuredgm.data.conditions import ConditionNormaliser
from epuredgm.data.designs import Designs
from epuredgm.data.resident import ResidentDesigns
from epuredgm.data.splits import carve
from epuredgm.data.weights import load_weights, restore
from epuredgm.stages.data_sets import designs_of, spec_of
from epuredgm.stages.models import build_model, prepare_device
from epuredgm.training.inputs import Inputs
from epuredgm.training.trainer import train


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Train in the folder ``job.run``, or go on with what is there.

    Input: ``designs``. Outputs: ``weights``, ``last``, ``history``, ``config``, ``learned``.

    Raises:
        BadRequest: if the settings do not fit the model.
        TrainingDiverged: if a loss or a weight is no longer finite.
        Interrupted: if the monitor asks to stop; the same job continues.
    """
    if job.seed is None or not job.run:
        raise BadRequest(f"job {job.key} names no run")
    folder = Path(job.workspace) / job.run
    config = folder / "config.yaml"
    write_text(config, yaml.safe_dump({**job.config, "seed": job.seed}, sort_keys=False, allow_unicode=True))
    device, spec = prepare_device(job), spec_of(job)
    torch.manual_seed(derive(job.seed, "initial weights"))
    model = build_model(job.config, spec).to(device)
    designs = designs_of(job)
    fit, validation = _split(designs, job)
    normaliser = ConditionNormaliser.fit(designs.conditions[fit], spec.conditions)
    inputs = Inputs(
        model=model,
        train=_resident(designs, fit, spec, normaliser, device),
        validation=_resident(designs, validation, spec, normaliser, device),
        settings=read(TrainingSettings, job.config["training"]),
        seed=job.seed,
        monitor=monitor,
    )
    model_section = job.config["model"]
    facts = {  # only what the result depends on: a run that went on with another log cadence is the same run
        "spec": spec.to_dict(),
        "model": {key: model_section[key] for key in ("name", "target", "network")},
        "settings": dict(job.hashed),
        "precision": job.config["training"]["precision"],
        "normaliser": normaliser.to_dict(),
        "seed": job.seed,
        "data_fingerprint": designs.fingerprint,
        "package_version": __version__,
    }
    trained = train(inputs, folder, facts, _identity(job))
    restore(model, load_weights(trained.weights).for_use)
    learned = folder / "learned.json"
    write_json(learned, dict(model.eval().learned()))
    return {
        "weights": trained.weights,
        "last": trained.last,
        "history": trained.history,
        "config": config,
        "learned": learned,
    }


def _split(designs: Designs, job: JobFile) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to fit on and rows to choose weights by: as the data set says, else at random."""
    rows = np.flatnonzero(designs.train)
    if designs.validation is not None:
        held = designs.validation[rows]
        return rows[~held], rows[held]
    assert job.seed is not None
    carved = carve(len(rows), job.config["dataset"]["validation_fraction"], job.seed)
    return rows[carved.fit], rows[carved.validation]


def _resident(
    designs: Designs,
    rows: NDArray[np.int64],
    spec: DataSpec,
    normaliser: ConditionNormaliser,
    device: torch.device,
) -> ResidentDesigns:
    encoded = normaliser.encode(normaliser.within(designs.conditions[rows]))
    return ResidentDesigns.place(designs.images[rows], encoded, spec, device)


def _identity(job: JobFile) -> str:
    """Digest of the job's fingerprint and the content of its inputs."""
    return digest([job.fingerprint, {name: artefact.sha256 for name, artefact in job.inputs.items()}])
