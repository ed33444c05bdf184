"""The job that trains one model with one seed on one data set."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from epuredgm import __version__
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import read
from epuredgm.core.files import digest, write_json, write_text
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.seeds import derive
from epuredgm.core.settings import AugmentationSettings, TrainingSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.balance import Balance
from epuredgm.data.conditions import ConditionNormaliser
from epuredgm.data.designs import Designs
from epuredgm.data.resident import ResidentDesigns
from epuredgm.data.splits import carve
from epuredgm.data.weights import load_weights, restore
from epuredgm.stages.data_sets import designs_of, spec_of
from epuredgm.stages.gallery import RunGallery
from epuredgm.stages.models import build_model, prepare_device, remembered
from epuredgm.training.augmentation import Augmentation
from epuredgm.training.inputs import Inputs
from epuredgm.training.precision import Precision
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
    balance = _balance(job, normaliser.within(designs.conditions[fit]), spec, folder, monitor)
    held = _resident(designs, validation, spec, normaliser, device)
    inputs = Inputs(
        model=model,
        train=_resident(designs, fit, spec, normaliser, device),
        validation=held,
        settings=read(TrainingSettings, job.config["training"]),
        seed=job.seed,
        monitor=monitor,
        augmentation=Augmentation(
            read(AugmentationSettings, job.config["dataset"].get("augmentation") or {}), spec
        ),
        weights=None if balance is None else torch.from_numpy(balance.weights),
        gallery=_gallery(job, held, designs.conditions[validation], device),
        remembered=partial(remembered, job, device),
    )
    trained = train(
        inputs, folder, _facts(job, spec, normaliser, designs.fingerprint, balance), _identity(job)
    )
    final = load_weights(trained.weights)
    restore(model, final.for_use)
    learned = folder / "learned.json"
    write_json(learned, {**model.eval().learned(), **_told(final.facts["phases"], balance)})
    if inputs.gallery is not None and inputs.settings.gallery_every:
        inputs.gallery(model, folder / "galleries" / "final_samples", True)
    return {
        "weights": trained.weights,
        "last": trained.last,
        "history": trained.history,
        "config": config,
        "learned": learned,
    }


def _facts(
    job: JobFile, spec: DataSpec, normaliser: ConditionNormaliser, data: str, balance: Balance | None
) -> dict[str, Any]:
    """What the result depends on alone: a run that went on with another log cadence is the same run."""
    model = job.config["model"]
    facts = {
        "spec": spec.to_dict(),
        "model": {key: model[key] for key in ("name", "target", "network")},
        "settings": dict(job.hashed),
        "precision": job.config["training"]["precision"],
        "normaliser": normaliser.to_dict(),
        "seed": job.seed,
        "data_fingerprint": data,
        "package_version": __version__,
    }
    return facts if balance is None else {**facts, "balance": balance.to_dict()}


def _balance(
    job: JobFile, conditions: NDArray[np.float64], spec: DataSpec, folder: Path, monitor: Monitor
) -> Balance | None:
    """How often train designs are drawn, said in ``balance.json`` and aloud; None: each once an epoch."""
    asked = job.config["dataset"].get("balance") or ()
    names = [name for name in asked if name in spec.condition_names]
    if left := [name for name in asked if name not in names]:
        monitor.note(f"designs are not balanced by {', '.join(left)}: not among the chosen conditions")
    if not names:
        return None
    balance = Balance.of(conditions, spec, names)
    write_json(folder / "balance.json", balance.to_dict())
    heaviest = max(balance.strata, key=lambda stratum: stratum["weight"])
    rare = ", ".join(f"{name} {value}" for name, value in heaviest["stratum"].items())
    monitor.note(
        f"designs are drawn by {len(balance.strata)} strata of {', '.join(names)}: weights up to "
        f"{heaviest['weight']:.3g} ({rare}); worth {balance.effective:.0f} of {len(conditions)} designs"
    )
    return balance


def _gallery(
    job: JobFile, validation: ResidentDesigns, conditions: NDArray[np.float64], device: torch.device
) -> RunGallery:
    assert job.seed is not None
    assert job.model is not None
    return RunGallery(
        validation,
        conditions,
        supports=tuple(job.config["model"]["supports"]),
        private=job.config["dataset"].get("private", True),
        model=job.model,
        dataset=job.dataset,
        seed=job.seed,
        precision=Precision.resolve(job.config["training"]["precision"], device),
    )


def _told(phases: list[dict[str, Any]], balance: Balance | None) -> dict[str, Any]:
    """What the training did otherwise than planned, and how it drew designs; empty if there is nothing."""
    keys = ("steps", "of_steps", "stopped_early", "micro_batch")
    changed = {
        phase["name"]: {key: phase[key] for key in keys if key in phase}
        for phase in phases
        if phase.keys() & {"stopped_early", "micro_batch"}
    }
    told: dict[str, Any] = {"training": changed} if changed else {}
    if balance is not None:
        told["balance"] = [
            {**each, "stratum": ", ".join(f"{name} {value}" for name, value in each["stratum"].items())}
            for each in balance.strata
        ]
    return told


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
