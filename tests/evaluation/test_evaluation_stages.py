"""The two stages read what the plan names, write what it expects, and say where everything came from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epuredgm import __version__
from epuredgm.config import compose, find_conf
from epuredgm.core.errors import BadRequest
from epuredgm.core.files import tree_sha256
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.monitor import SILENT
from epuredgm.core.places import Workspace
from epuredgm.data.samples import SampleSet
from epuredgm.stages import aggregate, evaluate
from epuredgm.stages.data_sets import designs_of, reader_of, spec_of


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> JobFile:
    """An evaluation of samples of every mode, drawn by copying test designs."""
    root = tmp_path_factory.mktemp("workspace")
    overrides = ["dataset.reader.count=200", "evaluation.floor_repeats=3"]
    config = compose(find_conf(), "toy", "vae", "test", overrides)
    job = JobFile(
        key="evaluate/vae_toy/seed0",
        stage=Stage.EVALUATE,
        dataset="toy",
        model="vae",
        seed=0,
        mode=None,
        config=config,
        fingerprint="",
        hashed={},
        workspace=str(root),
        branch="test_runs",
        inputs={},
        log="",
    )
    entry = reader_of(job).prepare(Workspace(root, "").cache, SILENT)
    job = replace(job, inputs={"designs": _artefact(root, entry)})
    return replace(job, inputs={**job.inputs, **_samples(job)})


def _artefact(root: Path, path: Path) -> Artefact:
    return Artefact(path.relative_to(root).as_posix(), tree_sha256(path), 0, 0)


def _samples(job: JobFile) -> dict[str, Artefact]:
    root, spec, test = Path(job.workspace), spec_of(job), designs_of(job).split("test")
    made = {}
    for name in ("unconditional", "conditional", *(f"inpainting/{each}" for each in spec.component_names)):
        asked = name != "unconditional"
        samples = SampleSet(
            images=test.images,
            components=spec.component_names,
            conditions=(test.conditions if asked else np.full_like(test.conditions, np.nan)).astype(
                np.float32
            ),
            condition_names=spec.condition_names,
            ids=test.ids if asked else np.full(len(test), "", dtype=np.str_),
            given=np.tile(np.array([name.endswith(each) for each in spec.component_names]), (len(test), 1)),
            meta={"weights": "w" * 64, "mode": name},
        )
        path = root / "test_runs" / "samples" / name / "samples.npz"
        samples.write(path)
        made[f"samples/{name}"] = _artefact(root, path)
    return made


@pytest.fixture(scope="module")
def result(job: JobFile) -> dict[str, Any]:
    path = evaluate.run(job, SILENT)["result"]
    assert path == Workspace(Path(job.workspace), job.branch).result("toy", "vae", 0)
    return json.loads(path.read_text())


def test_the_result_has_the_guides_keys_and_every_mode(result: dict[str, Any]) -> None:
    assert (result["schema"], result["model"], result["dataset"], result["seed"]) == (1, "vae", "toy", 0)
    assert result["profile"] == "test" and result["mode"] == "unconditional"
    assert {"fid", "fid_reason", "iou_dice", "rce", "com"} <= set(result["metrics"])
    assert set(result["modes"]) == {"unconditional", "conditional", "inpainting"}
    assert set(result["modes"]["inpainting"]) == {"group_nc", "group_km", "fpu", "average"}


def test_the_result_says_where_it_came_from(job: JobFile, result: dict[str, Any]) -> None:
    origin = result["provenance"]
    assert origin["data_fingerprint"] == designs_of(job).fingerprint
    assert origin["weights_sha256"] == "w" * 64 and origin["package_version"] == __version__
    assert origin["settings"] == job.config["evaluation"]
    hashes = {name: each["sha256"] for name, each in origin["samples"].items()}
    assert hashes == {
        name.removeprefix("samples/"): each.sha256 for name, each in job.inputs.items() if name != "designs"
    }


def test_evaluating_again_writes_the_same_bytes(job: JobFile, result: dict[str, Any]) -> None:
    path = Workspace(Path(job.workspace), job.branch).result("toy", "vae", 0)
    before = path.read_bytes()
    evaluate.run(job, SILENT)
    assert path.read_bytes() == before


def test_the_summary_ranks_the_runs_it_is_given(job: JobFile, result: dict[str, Any]) -> None:
    root = Path(job.workspace)
    place = Workspace(root, job.branch)
    inputs = {"result/vae/seed0": _artefact(root, place.result("toy", "vae", 0))}
    outputs = aggregate.run(replace(job, stage=Stage.AGGREGATE, model=None, seed=None, inputs=inputs), SILENT)
    assert outputs["summary"] == place.summary("toy")
    summary = json.loads(outputs["summary"].read_text())
    assert summary["num_models"] == 1 and summary["rankings"][0]["model"] == "vae"
    aggregates = summary["model_aggregates"]["vae"]
    names = {
        "fid",
        "rce",
        "iou",
        "com_overall",
        "adherence_width_px",
        "adherence_height_px",
        "valid",
        "given_exact",
    }
    assert names <= set(aggregates) and aggregates["num_runs"] == 1
    assert outputs["table"].read_text().startswith("dataset,model,seed,mode,given,metric,value")


def test_nothing_to_summarise_is_said(job: JobFile) -> None:
    with pytest.raises(BadRequest, match="no run on toy"):
        aggregate.run(replace(job, stage=Stage.AGGREGATE, model=None, seed=None, inputs={}), SILENT)
