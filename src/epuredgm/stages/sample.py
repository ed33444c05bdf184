"""The job that draws the samples of one trained model in one mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import read
from epuredgm.core.files import digest, remove_leftovers, write_json
from epuredgm.core.jobs import JobFile, Mode, shows_real
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.settings import SamplingSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.conditions import ConditionNormaliser
from epuredgm.data.facing import facing
from epuredgm.data.memory import FittingSize
from epuredgm.data.stamp import stamp
from epuredgm.data.weights import Weights, load_weights, restore
from epuredgm.interface import GenerativeModel
from epuredgm.reporting.contact_sheet import contact_sheet
from epuredgm.sampling.parts import Parts
from epuredgm.sampling.requests import (
    SetRequest,
    conditional,
    extrapolation,
    inpainting,
    reconstruction,
    unconditional,
)
from epuredgm.sampling.sampler import Sampler
from epuredgm.stages.data_sets import designs_of, spec_of
from epuredgm.stages.models import make_model, prepare_device, remembered
from epuredgm.training.precision import Precision


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Draw one set, or for inpainting one per given component.

    Inputs: ``designs`` (not read in unconditional mode), ``weights``. Outputs: ``samples`` and ``sheet``; for
    inpainting ``samples/<component>`` and ``sheet/<component>``. Of a private data set, no sheet is drawn of
    samples that hold real designs or parts of them.

    Raises:
        BadRequest: if the weights are of another data set.
        CorruptArtefact: if they are damaged or do not fit the model.
        UnsupportedMode: if the model cannot do what is asked.
        Interrupted: if the monitor asks to stop; the same job continues.
    """
    if job.model is None or job.seed is None or job.mode is None:
        raise BadRequest(f"job {job.key} names no run or no mode")
    artefact = job.inputs["weights"]
    weights = load_weights(Path(job.workspace) / artefact.path)
    device, spec = prepare_device(job), spec_of(job)
    settings = read(SamplingSettings, job.config["sampling"])
    sampler = Sampler(
        model=_model(job, weights, spec).to(device),
        normaliser=ConditionNormaliser.from_dict(weights.facts["normaliser"]),
        settings=settings,
        seed=job.seed,
        precision=Precision.resolve(weights.facts["precision"], device).dtype,
        monitor=monitor,
        at_once=_at_once(job, device, settings, monitor),
    )
    facts = {
        "model": job.model,
        "dataset": job.dataset,
        "weights": artefact.sha256,
        "data_fingerprint": weights.facts.get("data_fingerprint"),  # of what it was trained on
        "averaged": weights.ema is not None,
        "sampler": dict(job.config["model"]["sampler"]),
    }
    outputs: dict[str, Path] = {}
    drawn: list[Parts] = []
    for asked in _requests(job, spec, settings, job.seed):
        request = asked if asked.conditions is None else _within(asked, sampler.normaliser)
        folder = _folder(job, request)
        remove_leftovers(folder)
        key = digest([job.fingerprint, facts, request.component])[:16]
        drawn.append(Parts(folder, key, monitor.note))
        hidden = job.config["dataset"].get("private", True) and shows_real(
            str(request.mode), request.component
        )
        outputs.update(_draw(sampler, request, facts, folder, drawn[-1], hidden))
    for parts in drawn:  # not before the last set is whole: a job that stops between two draws none twice
        parts.remove()
    return outputs


def _at_once(job: JobFile, device: torch.device, settings: SamplingSettings, monitor: Monitor) -> FittingSize:
    """How many designs are drawn at once: a batch, or what fits."""

    def halved(size: int) -> None:
        monitor.note(f"out of memory: {size} designs are drawn at once from here on (sampling.batch_size)")

    return FittingSize(settings.batch_size, halved, remembered(job, device, str(job.mode)))


def _requests(job: JobFile, spec: DataSpec, settings: SamplingSettings, seed: int) -> Iterator[SetRequest]:
    """The job's sets."""
    mode, count = Mode(job.mode), settings.num_samples
    if mode is Mode.UNCONDITIONAL:
        yield unconditional(spec, count)
    elif mode is Mode.CONDITIONAL:
        yield conditional(spec, designs_of(job), count, seed)
    elif mode is Mode.RECONSTRUCTION:
        yield reconstruction(spec, designs_of(job), count, seed)
    elif mode is Mode.EXTRAPOLATION:
        yield extrapolation(spec, designs_of(job), count, seed, settings.beyond)
    else:
        designs = designs_of(job)
        for component in spec.component_names:
            yield inpainting(spec, designs, count, seed, component, settings.completions)


def _within(request: SetRequest, normaliser: ConditionNormaliser) -> SetRequest:
    """The request of test rows, with categories that training never saw taken for unknown."""
    assert request.conditions is not None
    return replace(request, conditions=normaliser.within(request.conditions))


def _folder(job: JobFile, request: SetRequest) -> Path:
    assert job.seed is not None
    place = Workspace(Path(job.workspace), job.branch)
    return place.samples(f"{job.model}_{job.dataset}", job.seed, str(request.mode), request.component)


def _draw(
    sampler: Sampler, request: SetRequest, facts: Mapping[str, Any], folder: Path, parts: Parts, hidden: bool
) -> dict[str, Path]:
    """Draw one set and write it with its picture, unless hidden; what it cost goes beside it, not into it."""
    samples, cost = sampler.draw(request, facts, parts)
    path, sheet = folder / "samples.npz", folder / "contact_sheet.png"
    samples.write(path)
    if cost.designs:  # a set whose batches were all found drawn cost nothing, and says nothing about its cost
        write_json(folder / "timing.json", {**cost.to_dict(), "device": str(sampler.model.device)})
    suffix = f"/{request.component}" if request.component else ""
    if hidden:
        sheet.unlink(missing_ok=True)  # of a time when the data set was not private
        return {f"samples{suffix}": path}
    around = f", given {request.component}" if request.component else ""
    title = f"{facts['model']} on {facts['dataset']}, seed {sampler.seed}: {request.mode}{around}"
    spec = sampler.model.spec
    shown = facing(samples.images, samples.conditions, spec)
    given = (request.component,) if request.component else ()
    contact_sheet(shown, spec, sheet, title=title, stamp=stamp(samples.meta, given=given))
    return {f"samples{suffix}": path, f"sheet{suffix}": sheet}


def _model(job: JobFile, weights: Weights, spec: DataSpec) -> GenerativeModel:
    """The trained model: its network as trained, its sampler as this job asks."""
    trained = DataSpec.from_dict(weights.facts["spec"])
    if _signature(trained) != _signature(spec):
        raise BadRequest(
            f"the weights are of {_signature(trained)}, the data set is {_signature(spec)}",
            "Train again: --force train",
        )
    settings = weights.facts["model"]
    with torch.random.fork_rng(devices=[]):  # what building draws is overwritten
        model = make_model(settings["target"], spec, settings["network"], job.config["model"]["sampler"])
    restore(model, weights.for_use)
    return model.eval()


def _signature(spec: DataSpec) -> dict[str, Any]:
    """What weights depend on; labels and colours are for people."""
    return {
        "size": (spec.height, spec.width),
        "components": spec.component_names,
        "conditions": [(each.name, each.values, each.optional) for each in spec.conditions],
        "values": spec.values,
        "bits": spec.bits,
    }
