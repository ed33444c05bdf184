"""The train and sample jobs of every registered family: named outputs, the same bytes after any kill."""

from __future__ import annotations

import multiprocessing
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stage_jobs as jobs
import torch
import yaml

from epuredgm.config import compose
from epuredgm.core.errors import BadRequest, CorruptArtefact, UnsupportedMode
from epuredgm.core.jobs import Mode, Stage
from epuredgm.data.samples import SampleSet
from epuredgm.data.weights import load_weights
from epuredgm.orchestration.plan import modes_of
from epuredgm.stages import sample, train
from epuredgm.stages.data_sets import designs_of, spec_of
from epuredgm.stages.models import make_model, prepare_device

FAMILIES = jobs.CONF.names("model")
Run = Callable[[str], tuple[Path, dict[str, Path]]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A workspace with one unbroken training of a family, made once."""
    made: dict[str, tuple[Path, dict[str, Path]]] = {}

    def find(model: str) -> tuple[Path, dict[str, Path]]:
        if model not in made:
            root = tmp_path_factory.mktemp(model)
            made[model] = root, jobs.trained(root, model)
        return made[model]

    return find


@pytest.mark.parametrize("model", FAMILIES)
def test_training_leaves_what_the_plan_expects(model: str, run: Run) -> None:
    root, outputs = run(model)
    folder = root / "outputs" / f"{model}_toy" / "now"
    assert outputs["weights"] == folder / "check" / "best.safetensors"
    assert outputs["history"] == folder / "history.jsonl"
    assert yaml.safe_load(outputs["config"].read_text())["model"]["name"] == model
    facts = load_weights(outputs["weights"]).facts
    assert facts["normaliser"]["names"] == ["width_px", "height_px"]
    assert facts["spec"]["name"] == "toy"
    assert not list(folder.rglob("state*.pt"))


@pytest.mark.slow
@pytest.mark.parametrize("model", FAMILIES)
def test_a_killed_training_equals_an_unbroken_one(model: str, run: Run, tmp_path: Path) -> None:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["epuredgm.stages.train"])
    dice = random.Random(f"kills {model}")
    for _ in range(4):
        child = server.Process(target=jobs.killed, args=(tmp_path, model, dice.randint(2, 12)))
        child.start()
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL)
    again = jobs.trained(tmp_path, model)
    for name, path in run(model)[1].items():
        assert again[name].read_bytes() == path.read_bytes(), name


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize("mode", [str(mode) for mode in Mode])
def test_samples_of_every_mode(model: str, mode: str, run: Run) -> None:
    root, outputs = run(model)
    if Mode(mode) not in modes_of(compose(jobs.CONF, "toy", model, "test")):
        with pytest.raises(UnsupportedMode):
            jobs.sampled(root, model, mode, outputs["weights"])
        return
    made = jobs.sampled(root, model, mode, outputs["weights"])
    names = spec_of(jobs.job(root, model, Stage.TRAIN)).component_names
    components = [f"/{name}" for name in names] if mode == "inpainting" else [""]
    assert set(made) == {f"{kind}{component}" for kind in ("samples", "sheet") for component in components}
    for component in components:
        path = made[f"samples{component}"]
        assert path == root / "samples" / f"{model}_toy" / (mode + component) / "run_seed0" / "samples.npz"
        assert made[f"sheet{component}"].read_bytes().startswith(b"\x89PNG")
        drawn = SampleSet.read(path)
        assert drawn.images.shape == (9, 3, 64, 32)
        assert drawn.images.max() <= 1
        assert drawn.meta["weights"] == jobs.artefact(root, outputs["weights"]).sha256
        assert drawn.meta["guidance"] == 1.0
        before = path.read_bytes()
        assert {child.name for child in path.parent.iterdir()} == {
            "samples.npz",
            "contact_sheet.png",
            "timing.json",
        }
    again = jobs.sampled(root, model, mode, outputs["weights"])
    assert again[f"samples{components[-1]}"].read_bytes() == before


def test_inpainting_is_around_the_test_rows_own_components(run: Run) -> None:
    model = next(
        name for name in FAMILIES if Mode.INPAINTING in modes_of(compose(jobs.CONF, "toy", name, "test"))
    )
    root, outputs = run(model)
    made = jobs.sampled(root, model, "inpainting", outputs["weights"])
    designs = designs_of(jobs.job(root, model, Stage.SAMPLE))
    place = {name: row for row, name in enumerate(designs.ids.tolist())}
    for channel, component in enumerate(("group_nc", "group_km", "fpu")):
        drawn = SampleSet.read(made[f"samples/{component}"])
        rows = [place[name] for name in drawn.ids.tolist()]
        assert not designs.train[rows].any()
        np.testing.assert_array_equal(drawn.images[:, channel], designs.images[rows, channel])


def test_weights_of_another_data_set_and_damaged_ones_are_refused(run: Run) -> None:
    model = FAMILIES[0]
    root, outputs = run(model)
    job = jobs.sample_job(root, model, "unconditional", outputs["weights"])
    other = {**job.config, "dataset": {**job.config["dataset"], "conditions": "none"}}
    with pytest.raises(BadRequest, match="the weights are of"):
        sample.run(replace(job, config=other), jobs.SILENT)
    damaged = root / "damaged.safetensors"
    damaged.write_bytes(outputs["weights"].read_bytes()[:-9])
    with pytest.raises(CorruptArtefact):
        jobs.sampled(root, model, "unconditional", damaged)


def test_settings_that_do_not_fit_are_named(run: Run) -> None:
    spec = spec_of(jobs.job(run(FAMILIES[0])[0], FAMILIES[0], Stage.TRAIN))
    config = compose(jobs.CONF, "toy", FAMILIES[0], "test")["model"]
    network = {**config["network"], "widdths": 3}
    removed = next(iter(config["network"]))
    del network[removed]
    with pytest.raises(BadRequest) as refused:
        make_model(config["target"], spec, network, config["sampler"])
    assert "unknown key model.network.widdths" in str(refused.value)
    assert f"missing key model.network.{removed}" in str(refused.value)
    with pytest.raises(BadRequest, match="is not a model"):
        make_model("epuredgm.data.toy.ToyReader", spec, {}, {})


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "nonsense:0"])
def test_a_device_that_is_not_there_is_refused(device: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot be used"):
        prepare_device(replace(jobs.job(tmp_path, FAMILIES[0], Stage.TRAIN), device=device))


def test_a_job_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="names no run"):
        train.run(jobs.job(tmp_path, FAMILIES[0], Stage.TRAIN, run=""), jobs.SILENT)
    with pytest.raises(BadRequest, match="names no run or no mode"):
        sample.run(jobs.job(tmp_path, FAMILIES[0], Stage.SAMPLE), jobs.SILENT)


def test_the_initial_weights_depend_on_the_seed_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    made = jobs.trained(tmp_path / "a", FAMILIES[0])["weights"].read_bytes()
    torch.manual_seed(8)
    assert jobs.trained(tmp_path / "b", FAMILIES[0])["weights"].read_bytes() == made
