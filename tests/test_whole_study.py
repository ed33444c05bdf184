"""The main job, as a user gives it: a small study in the test profile, from nothing to a ranking."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from epuredgm.core.files import tree_sha256
from epuredgm.data.samples import SampleSet

pytestmark = pytest.mark.slow

COMPONENTS = ("group_nc", "group_km", "fpu")
STUDY = ("run", "--dataset", "toy", "--profile", "test", "--device", "cpu")
MODELS = "vae,flow_matching"
SMALL = ("dataset.reader.count=600", "sampling.num_samples=20", "training.batch_size=32")


def start(workspace: Path, *words: str, models: str = MODELS) -> subprocess.Popen[str]:
    """The command in a process of its own, with one thread so that results do not depend on the machine."""
    place = ("--models", models, "--workspace", str(workspace))
    return subprocess.Popen(
        [sys.executable, "-m", "epuredgm", *STUDY, *SMALL, *place, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def epuredgm(workspace: Path, *words: str, code: int = 0, models: str = MODELS) -> str:
    """Its standard output, after the exit code that is expected."""
    process = start(workspace, *words, models=models)
    out, err = process.communicate()
    assert process.returncode == code, err
    assert "Traceback" not in err
    return out


def results(workspace: Path) -> dict[str, str]:
    """What a study made: hashes of weights, samples and metrics by their stable names."""
    base = workspace / "test_runs"
    found = {}
    for pointer in sorted(base.glob("outputs/*/run_seed*")):
        for weights in pointer.glob("check/*.safetensors"):
            found[f"{pointer.relative_to(base)}/{weights.name}"] = tree_sha256(weights)
    for pattern in ("samples/**/samples.npz", "evaluation_results/**/*.*"):
        files = (file for file in base.glob(pattern) if file.stem != "report")  # which tells times
        found.update({str(file.relative_to(base)): tree_sha256(file) for file in files})
    return found


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("study")
    epuredgm(workspace)
    return workspace


def test_every_model_is_ranked_and_every_mode_sampled(study: Path) -> None:
    base = study / "test_runs"
    summary = json.loads((base / "evaluation_results/toy/summary.json").read_text())
    assert sorted(row["model"] for row in summary["rankings"]) == ["flow_matching", "vae"]
    for model in ("vae", "flow_matching"):
        assert summary["model_aggregates"][model]["num_runs"] == 1
        folders = [f"{model}_toy/{mode}" for mode in ("unconditional", "conditional")]
        folders += [f"{model}_toy/inpainting/{name}" for name in COMPONENTS]
        for folder in folders:
            place = base / "samples" / folder / "run_seed0"
            assert (place / "contact_sheet.png").stat().st_size > 1000
            assert len(SampleSet.read(place / "samples.npz")) == 20


def test_samples_keep_their_promises(study: Path) -> None:
    place = study / "test_runs/samples/vae_toy"
    with np.load(place / "inpainting/fpu/run_seed0/samples.npz", allow_pickle=False) as file:
        assert set(file["images"].ravel().tolist()) <= {0, 1}
        assert file["images"].shape == (20, 3, 64, 32)
        assert file["images"].dtype == np.uint8
        assert file["conditions"].dtype == np.float32
        assert file["condition_names"].tolist() == ["width_px", "height_px"]
        assert file["components"].tolist() == list(COMPONENTS)
        assert file["given"].tolist() == [[False, False, True]] * 20
        assert all(name.startswith("toy_") for name in file["ids"].tolist())
        assert {"seed", "weights"} <= {key.split("_")[0] for key in json.loads(str(file["meta"]))}
    conditional = SampleSet.read(place / "conditional/run_seed0/samples.npz")
    other = SampleSet.read(study / "test_runs/samples/flow_matching_toy/conditional/run_seed0/samples.npz")
    assert conditional.ids.tolist() == other.ids.tolist()  # families are compared on the same designs
    assert len(set(conditional.ids.tolist())) == 20
    assert np.isfinite(conditional.conditions).all()


def test_the_same_command_again_does_nothing_and_a_dry_run_leaves_no_trace(study: Path) -> None:
    before = tree_sha256(study)
    plan = json.loads(epuredgm(study, "--dry-run", "--json"))
    assert {job["action"] for job in plan["jobs"]} == {"up to date"}
    assert tree_sha256(study) == before
    made = results(study)
    answer = json.loads(epuredgm(study, "--json"))
    assert answer["done"] == 0
    assert results(study) == made


def test_a_dry_run_says_what_changed(study: Path) -> None:
    before = tree_sha256(study)
    words = ("vae:training.lr=0.5e-3", "evaluation.bootstrap=50")
    plan = json.loads(epuredgm(study, "--dry-run", "--json", *words))
    jobs = {job["key"]: job for job in plan["jobs"]}
    assert any("lr 0.002 -> 0.0005" in reason for reason in jobs["train/vae_toy/seed0"]["reasons"])
    assert jobs["train/flow_matching_toy/seed0"]["action"] == "up to date"
    assert jobs["evaluate/flow_matching_toy/seed0"]["reasons"] == ["evaluation.bootstrap 100 -> 50"]
    assert jobs["train/vae_toy/seed0"]["seconds"] > 0
    assert tree_sha256(study) == before


def test_what_is_removed_or_damaged_is_made_again_and_comes_out_the_same(study: Path) -> None:
    made = results(study)
    base = study / "test_runs"
    (base / "samples/vae_toy/conditional/run_seed0/samples.npz").unlink()
    damaged = base / "samples/flow_matching_toy/unconditional/run_seed0/samples.npz"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    (base / "evaluation_results/toy/summary.json").write_text("{}")
    answer = json.loads(epuredgm(study, "--json"))
    assert answer["failed"] == 0
    assert results(study) == made


@pytest.mark.parametrize("trial", range(2))
def test_killed_anywhere_the_same_command_ends_as_unbroken(study: Path, tmp_path: Path, trial: int) -> None:
    random_moments = random.Random(trial)
    for _ in range(4):
        process = start(tmp_path)
        time.sleep(random_moments.uniform(3.0, 9.0))
        if process.poll() is not None:
            process.communicate()
            break
        children = psutil.Process(process.pid).children(recursive=True)
        orchestrator = not children or random_moments.random() < 0.5
        os.kill(process.pid if orchestrator else random_moments.choice(children).pid, signal.SIGKILL)
        process.communicate(timeout=300)
    epuredgm(tmp_path)
    assert results(tmp_path) == results(study)


def test_another_seed_joins_the_ranking(study: Path) -> None:
    epuredgm(study, "--seeds", "1", models="vae")
    summary = json.loads((study / "test_runs/evaluation_results/toy/summary.json").read_text())
    assert summary["model_aggregates"]["vae"]["seeds"] == [0, 1]
    assert summary["model_aggregates"]["flow_matching"]["seeds"] == [0]
