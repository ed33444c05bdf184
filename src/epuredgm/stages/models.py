"""From a configuration to a model on its device: the one place that sets up torch for speed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from epuredgm.core.declared import family_settings
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import collect, refuse
from epuredgm.core.files import digest
from epuredgm.core.jobs import JobFile
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.data.memory import RememberedSize
from epuredgm.interface import GenerativeModel
from epuredgm.stages.build import build, resolve


def build_model(config: Mapping[str, Any], spec: DataSpec) -> GenerativeModel:
    """The model of a composed configuration, on the CPU.

    Raises:
        BadRequest: if its class is not a model, or does not take the arguments in ``model.network`` and
            ``model.sampler``.
    """
    model = config["model"]
    return make_model(model["target"], spec, model["network"], model["sampler"])


def make_model(
    target: str, spec: DataSpec, network: Mapping[str, Any], sampler: Mapping[str, Any]
) -> GenerativeModel:
    """Build ``target(spec, **network, **sampler)``.

    Raises:
        BadRequest: naming every argument that is unknown, missing or makes no sense.
    """
    kind = resolve(target)
    if not (isinstance(kind, type) and issubclass(kind, GenerativeModel)):
        raise BadRequest(f"model.target {target} is not a model")
    problems: list[str] = []
    groups = [
        collect(settings, content, key, problems, spec)
        for settings, content, key in zip(
            family_settings(target), (network, sampler), ("model.network", "model.sampler"), strict=True
        )
    ]
    refuse(problems)
    arguments = {name: value for group in groups for name, value in vars(group).items()}
    made: GenerativeModel = build(target, spec, **arguments)
    return made


def prepare_device(job: JobFile) -> torch.device:
    """The job's device, with torch set up for it.

    Raises:
        BadRequest: if there is no such device.
    """
    torch.set_num_threads(max(1, job.threads))
    torch.set_float32_matmul_precision("high")  # TF32 where the device has it
    try:
        device = torch.device(job.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        reason = str(error).strip().splitlines()[0]
        raise BadRequest(
            f"device {job.device!r} cannot be used: {reason}", "Choose another: --device cpu"
        ) from error
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = True
    return device


def remembered(job: JobFile, device: torch.device, task: str) -> RememberedSize:
    """How many designs of the job's data set fitted at once in the same task on such a device.

    Args:
        job: whose model and data set count, with the model's size.
        device: as :func:`prepare_device` returned it.
        task: a phase of training, or the job's mode.
    """
    kind = "cpu"
    if device.type == "cuda":
        about = torch.cuda.get_device_properties(device)
        kind = f"{about.name}, {about.total_memory} bytes"
    dataset = job.config["dataset"]
    network = job.config["model"]["network"] if job.model else None
    work = {
        "stage": str(job.stage),
        "task": task,
        "model": job.model,
        "dataset": job.dataset,
        "device": kind,
        "settings": digest([network, dataset["size"], list(dataset["components"])]),
    }
    return RememberedSize(Workspace(Path(job.workspace), job.branch).batch_sizes, work)
