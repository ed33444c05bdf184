"""The two stages read what the plan names, write what it expects, and say where everything came from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import hypothesis
import jsonschema
import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm import __version__
from epuredgm.config import compose, find_conf
from epuredgm.core.errors import BadRequest
from epuredgm.core.files import tree_sha256
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.version import commit
from epuredgm.data.designs import Designs
from epuredgm.data.entries import read_arrays
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation.extractor import Setting, Unavailable
from epuredgm.evaluation.extractors import all_makers
from epuredgm.evaluation.reference import make_reference
from epuredgm.stages import aggregate, evaluate
from epuredgm.stages.data_sets import designs_of, reader_of, spec_of
from epuredgm.stages.reference import setting_of


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
    return replace(job, inputs={**job.inputs, **_reference(job), **_samples(job)})


def _reference(job: JobFile) -> dict[str, Artefact]:
    """A reference without any extractor."""

    def fit(setting: Setting, designs: Designs, folder: Path, monitor: Monitor) -> None:
        raise Unavailable("not in this test")

    root = Path(job.workspace)
    path = Workspace(root, job.branch).reference(job.dataset)
    makers = [replace(maker, fit=fit) for maker in all_makers()]
    make_reference(makers, setting_of(job, SILENT), designs_of(job), path, SILENT)
    return {"reference": _artefact(root, path)}


def _artefact(root: Path, path: Path) -> Artefact:
    return Artefact(path.relative_to(root).as_posix(), tree_sha256(path), 0, 0)


def _samples(job: JobFile, folder: str = "samples", holes: float = 0.0) -> dict[str, Artefact]:
    """Sample sets of every mode: the test designs, with a share of their pixels turned off."""
    root, spec, test = Path(job.workspace), spec_of(job), designs_of(job).split("test")
    kept = np.random.default_rng(0).random(test.images.shape) >= holes
    made = {}
    for name in ("unconditional", "conditional", *(f"inpainting/{each}" for each in spec.component_names)):
        asked = name != "unconditional"
        samples = SampleSet(
            images=(test.images * kept).astype(np.uint8),
            components=spec.component_names,
            conditions=(test.conditions if asked else np.full_like(test.conditions, np.nan)).astype(
                np.float32
            ),
            condition_names=spec.condition_names,
            ids=test.ids if asked else np.full(len(test), "", dtype=np.str_),
            given=np.tile(np.array([name.endswith(each) for each in spec.component_names]), (len(test), 1)),
            meta={"weights": "w" * 64, "mode": name},
        )
        path = root / "test_runs" / folder / name / "samples.npz"
        samples.write(path)
        made[f"samples/{name}"] = _artefact(root, path)
    return made


@pytest.fixture(scope="module")
def result(job: JobFile) -> dict[str, Any]:
    path = evaluate.run(job, SILENT)["result"]
    assert path == Workspace(Path(job.workspace), job.branch).result("toy", "vae", 0)
    return json.loads(path.read_text())


def test_the_result_has_the_guides_keys_and_every_mode(result: dict[str, Any]) -> None:
    assert (result["schema"], result["model"], result["dataset"], result["seed"]) == (2, "vae", "toy", 0)
    assert result["profile"] == "test" and result["mode"] == "unconditional"
    assert {"fid", "fid_reason", "iou_dice", "rce", "com"} <= set(result["metrics"])
    assert set(result["modes"]) == {"unconditional", "conditional", "inpainting"}
    assert set(result["modes"]["inpainting"]) == {"group_nc", "group_km", "fpu", "average"}


def test_the_result_says_where_it_came_from(job: JobFile, result: dict[str, Any]) -> None:
    origin = result["provenance"]
    assert origin["data_fingerprint"] == designs_of(job).fingerprint
    assert origin["weights_sha256"] == "w" * 64 and origin["package_version"] == __version__
    assert origin["settings"] == job.config["evaluation"] and origin["commit"] == commit()
    hashes = {name: each["sha256"] for name, each in origin["samples"].items()}
    assert hashes == {
        name.removeprefix("samples/"): each.sha256
        for name, each in job.inputs.items()
        if name.startswith("samples/")
    }


def test_evaluating_again_writes_the_same_bytes(job: JobFile, result: dict[str, Any]) -> None:
    path = Workspace(Path(job.workspace), job.branch).result("toy", "vae", 0)
    before = path.read_bytes()
    evaluate.run(job, SILENT)
    assert path.read_bytes() == before


@pytest.fixture(scope="module")
def outputs(job: JobFile, result: dict[str, Any]) -> dict[str, Path]:
    """The summary of two models: the second draws the same designs with holes in them."""
    root = Path(job.workspace)
    place = Workspace(root, job.branch)
    other = replace(job, model="ddpm", inputs={**job.inputs, **_samples(job, "holes", holes=0.02)})
    evaluate.run(other, SILENT)
    inputs = {}
    for model in ("vae", "ddpm"):
        inputs[f"result/{model}/seed0"] = _artefact(root, place.result("toy", model, 0))
        inputs[f"resamples/{model}/seed0"] = _artefact(root, place.resamples("toy", model, 0))
    return aggregate.run(replace(job, stage=Stage.AGGREGATE, model=None, seed=None, inputs=inputs), SILENT)


@pytest.fixture(scope="module")
def summary(outputs: dict[str, Path]) -> dict[str, Any]:
    return json.loads(outputs["summary"].read_text())


def test_the_summary_ranks_the_runs_it_is_given(
    job: JobFile, outputs: dict[str, Path], summary: dict[str, Any]
) -> None:
    assert outputs["summary"] == Workspace(Path(job.workspace), job.branch).summary("toy")
    assert summary["num_models"] == 2 and summary["rankings"][0]["model"] == "vae"
    assert not summary["warnings"]
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


def test_the_summary_has_the_difference_of_every_pair(job: JobFile, summary: dict[str, Any]) -> None:
    place = Workspace(Path(job.workspace), job.branch)
    kept = read_arrays(place.resamples("toy", "vae", 0))
    for mode, table in summary["differences"].items():
        told = {f"{mode}/{name}" for name in table}
        known = {
            f"{mode}/{name}"
            for name in summary["tasks"][mode]["vae"]
            if all(summary["tasks"][mode][model][name]["mean"] is not None for model in ("vae", "ddpm"))
        }
        assert told == known & set(kept)
    (row,) = summary["differences"]["unconditional"]["valid"]
    assert (row["a"], row["b"], row["num_seeds"]) == ("ddpm", "vae", 1)
    assert row["interval"][1] < 0  # holes are shown to cost validity


def test_both_tables_hold_the_figures(outputs: dict[str, Path], result: dict[str, Any]) -> None:
    assert (
        outputs["table"].read_text().startswith("dataset,model,seed,mode,given,metric,value,low,high,floor")
    )
    frame = pandas.read_parquet(outputs["parquet"])
    assert len(frame) == len(outputs["table"].read_text().splitlines()) - 1
    chosen = (
        (frame["model"] == "vae") & (frame["mode"] == "conditional") & (frame["metric"] == "validity.valid")
    )
    (row,) = frame[chosen].to_dict("records")
    figure = result["modes"]["conditional"]["validity"]["valid"]
    assert (row["value"], row["low"], row["high"]) == (figure["value"], *figure["interval"])
    assert row["better"] == "higher"


# schemas ----------------------------------------------------------------------------------------------------


def schema(name: str) -> Any:
    folder = resources.files("epuredgm.evaluation") / "schemas"
    content = json.loads((folder / f"{name}.schema.json").read_text())
    kind = jsonschema.validators.validator_for(content)
    kind.check_schema(content)
    return kind(content)


def test_outputs_follow_the_schemas(result: dict[str, Any], summary: dict[str, Any]) -> None:
    schema("run").validate(result)
    schema("summary").validate(summary)


@pytest.mark.parametrize("name", ["run", "summary"])
def test_every_part_is_described(name: str) -> None:
    content = schema(name).schema
    assert set(content["required"]) == set(content["properties"])
    for key, about in content["properties"].items():
        resolved = content["$defs"][about["$ref"].split("/")[-1]] if "$ref" in about else about
        assert about.get("description") or resolved.get("description"), key


CLOSED = (
    {"value", "interval"},
    {"mean", "min"},
    {"rank"},
    {"difference", "num_seeds"},
    {"better", "title"},
    {"drawn"},
)
"""Groups with one of these sets of keys have no key that may be missing, or be anything."""

FREE = re.compile("_mean$|_std$|^std$|^count$")


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of the keys that the schemas speak of."""
    if isinstance(content, dict):
        closed = not path or any(kind <= content.keys() for kind in CLOSED)
        yield from ((*path, key) for key in content if closed and not FREE.search(key))
    for key, inner in content.items() if isinstance(content, dict) else enumerate(content):
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


@pytest.fixture(scope="module")
def document(result: dict[str, Any], summary: dict[str, Any]) -> Callable[[str], Any]:
    """A fresh copy of an output by the name of its schema."""
    texts = {"run": json.dumps(result), "summary": json.dumps(summary)}
    return lambda name: json.loads(texts[name])


@pytest.mark.parametrize("name", ["run", "summary"])
@given(data=st.data())
@hypothesis.settings(max_examples=40)
def test_what_is_spoiled_is_refused(name: str, data: st.DataObject, document: Callable[[str], Any]) -> None:
    spoiled = document(name)
    *path, key = data.draw(st.sampled_from(list(places(spoiled))))
    group = spoiled
    for each in path:
        group = group[each]
    spoil = data.draw(st.sampled_from(["remove", "group", "list", "unknown"]))
    if spoil == "remove":
        del group[key]
    elif spoil == "unknown":
        group["no such key"] = 1
    else:
        group[key] = {"group": {"no": "such"}, "list": ["no"]}[spoil]
    hypothesis.assume((key, spoil) not in {("metrics", "group"), ("warnings", "list")})  # these may be so
    with pytest.raises(jsonschema.ValidationError):
        schema(name).validate(spoiled)


def test_nothing_to_summarise_is_said(job: JobFile) -> None:
    with pytest.raises(BadRequest, match="no run on toy"):
        aggregate.run(replace(job, stage=Stage.AGGREGATE, model=None, seed=None, inputs={}), SILENT)
