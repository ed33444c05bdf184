"""A child process that answers ``epuredgm verify``: devices, and one trial of each model on two images.

Models are built as a run would build them: from the whole configuration, at their real size. Reads
``{"device": ..., "configs": {model: config}}`` from standard input and prints a line of JSON for the machine
and one for each model as soon as it is tried: a trial that ends the process leaves the others known.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import psutil
import torch

from epuredgm.core.errors import EpureError
from epuredgm.core.fields import read
from epuredgm.core.jobs import Mode
from epuredgm.core.settings import TrainingSettings
from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, Progress, SampleRequest
from epuredgm.stages.models import build_model
from epuredgm.training.plan import plan_phases


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    machine = {
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().available,
        "cuda": {f"cuda:{index}": _cuda(index) for index in range(torch.cuda.device_count())},
    }
    print(json.dumps({"machine": machine}), flush=True)
    for name, config in question["configs"].items():
        print(json.dumps({"model": name, **_trial(config, question["device"])}), flush=True)


def _cuda(index: int) -> dict[str, Any]:
    free, total = torch.cuda.mem_get_info(index)
    return {"name": torch.cuda.get_device_name(index), "free": free, "total": total}


def _trial(config: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Build one model and try it; the error in one line, or None."""
    try:
        spec = DataSpec.from_config(config["dataset"])
        model = build_model(config, spec).to(device)
        settings = read(TrainingSettings, config["training"], "training")
        plan_phases(model.phases(), settings, settings.batch_size, validation=1)
        parameters = sum(p.numel() for p in model.parameters())
        _learn(model, spec, device)
        _draw(model, spec, config["model"]["supports"], device)
    except EpureError as error:
        return {"parameters": None, "error": str(error)}
    except Exception as error:  # whatever a model raises is what this check is here to find
        return {"parameters": None, "error": f"{type(error).__name__}: {error}"}
    return {"parameters": parameters, "error": None}


def _images(spec: DataSpec, device: str) -> torch.Tensor:
    """Two designs of stripes: component k owns every row r with r = k modulo C."""
    rows = torch.arange(spec.height, device=device).view(1, 1, -1, 1) % spec.channels
    channel = torch.arange(spec.channels, device=device).view(1, -1, 1, 1)
    return (rows == channel).float().expand(2, spec.channels, spec.height, spec.width).contiguous()


def _learn(model: GenerativeModel, spec: DataSpec, device: str) -> None:
    """One forward and backward of every update."""
    batch = Batch(_images(spec, device), torch.zeros(2, spec.condition_width, device=device))
    progress = Progress(0, 1, 0, 1, torch.Generator(device).manual_seed(0))
    for phase in model.phases():
        for update in phase.updates:
            loss = update.loss(batch, progress)["loss"]
            torch.autograd.backward(loss)
            if not torch.isfinite(loss):
                raise EpureError(f"the loss of {phase.name}/{update.name} is {loss.item()}")


def _draw(model: GenerativeModel, spec: DataSpec, supports: list[str], device: str) -> None:
    """Two samples in every mode that the model supports."""
    model.eval()
    conditions = torch.zeros(2, spec.condition_width, device=device)
    given = torch.zeros(2, spec.channels, dtype=torch.bool, device=device)
    given[:, 0] = True
    known = _images(spec, device) * given[:, :, None, None]
    requests = {
        Mode.UNCONDITIONAL: SampleRequest(2),
        Mode.CONDITIONAL: SampleRequest(2, conditions),
        Mode.INPAINTING: SampleRequest(2, conditions, known, given),
    }
    for mode, request in requests.items():
        if str(mode) in supports:
            with torch.inference_mode():
                _require(model.sample(request, torch.Generator(device).manual_seed(0)), mode, known)
    if str(Mode.RECONSTRUCTION) in supports:
        batch = Batch(_images(spec, device), conditions)
        with torch.inference_mode():
            made = model.reconstruct(batch, torch.Generator(device).manual_seed(0))
        _require(made.images, Mode.RECONSTRUCTION, known)


def _require(images: torch.Tensor, mode: Mode, like: torch.Tensor) -> None:
    if images.shape != like.shape or not torch.isfinite(images).all():
        raise EpureError(f"{mode} samples have shape {tuple(images.shape)} or are not finite")


if __name__ == "__main__":
    main()
