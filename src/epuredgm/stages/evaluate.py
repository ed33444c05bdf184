"""Stage ``evaluate``: the sample sets of one run to ``run_seedN.json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epuredgm import __version__
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import read
from epuredgm.core.files import write_json
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.version import commit
from epuredgm.data.entries import write_arrays
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation import score_files
from epuredgm.evaluation.evaluator import Samples, evaluate
from epuredgm.evaluation.extractors import all_makers
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.reference import load_reference
from epuredgm.evaluation.resamples import replicates_of
from epuredgm.stages.data_sets import designs_of, spec_of
from epuredgm.stages.reference import setting_of

SCHEMA = 2


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Score the run's samples.

    Inputs: ``designs``, ``reference``, and ``samples/<mode>`` or ``samples/<mode>/<given component>``.
    Outputs: ``result``, ``resamples``; of grey pictures also ``fid_scores`` and ``ssim_scores``.
    """
    if job.model is None or job.seed is None:
        raise BadRequest(f"job {job.key} names no run")
    samples = _samples(job)
    designs = designs_of(job)
    settings = read(EvaluationSettings, job.config["evaluation"])
    place = Path(job.workspace) / job.inputs["reference"].path
    reference = load_reference(all_makers(), setting_of(job, monitor), designs, place)
    spec = spec_of(job)
    scores = evaluate(spec, designs, samples, settings, job.seed, monitor, reference)
    result = {
        "schema": SCHEMA,
        "model": job.model,
        "dataset": job.dataset,
        "seed": job.seed,
        "profile": job.config["profile"]["name"],
        **scores,
        "provenance": {
            "data_fingerprint": designs.fingerprint,
            "package_version": __version__,
            "commit": commit(),
            "settings": dict(job.config["evaluation"]),
            "extractors": reference.facts,
            **_provenance(job, samples),
        },
    }
    workspace = Workspace(Path(job.workspace), job.branch)
    path = workspace.result(job.dataset, job.model, job.seed)
    resamples = workspace.resamples(job.dataset, job.model, job.seed)
    write_json(path, result)
    write_arrays(resamples, replicates_of(scores["modes"], all_metrics()))
    made = {"result": path, "resamples": resamples}
    if spec.values != "grey":
        return made
    published = score_files.Run(result, designs, reference)
    return {**made, **_score_files(published, workspace)}


def _score_files(run: score_files.Run, workspace: Workspace) -> dict[str, Path]:
    """Write what is published of a run of grey pictures."""
    where = (run.result["dataset"], run.result["model"], run.result["seed"])
    made = {"fid_scores": workspace.fid_scores(*where), "ssim_scores": workspace.ssim_scores(*where)}
    write_json(made["fid_scores"], score_files.fid_scores(run))
    write_json(made["ssim_scores"], score_files.ssim_scores(run))
    return made


def _samples(job: JobFile) -> Samples:
    """The job's inputs called ``samples/...`` by mode, and by given component where their names have one."""
    found: dict[str, Any] = {}
    for name, artefact in sorted(job.inputs.items()):
        kind, _, rest = name.partition("/")
        if kind != "samples":
            continue
        mode, _, given = rest.partition("/")
        sample_set = SampleSet.read(Path(job.workspace) / artefact.path)
        if given:
            found.setdefault(mode, {})[given] = sample_set
        else:
            found[mode] = sample_set
    return found


def _provenance(job: JobFile, samples: Samples) -> dict[str, Any]:
    """The weights behind the samples, and hash and stated facts of every set by the name of its input."""
    stated: dict[str, Mapping[str, Any]] = {}
    for mode, content in samples.items():
        if isinstance(content, SampleSet):
            stated[mode] = content.meta
        else:
            stated.update({f"{mode}/{given}": each.meta for given, each in content.items()})
    weights = sorted({str(meta["weights"]) for meta in stated.values() if "weights" in meta})
    return {
        "weights_sha256": weights[0] if len(weights) == 1 else weights or None,
        "samples": {
            name: {"sha256": job.inputs[f"samples/{name}"].sha256, "meta": dict(meta)}
            for name, meta in stated.items()
        },
    }
