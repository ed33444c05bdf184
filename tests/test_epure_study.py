"""A five-component data set in the layout of the private one goes through every family, to a ranking."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epuredgm.config import Conf, compose
from epuredgm.core.jobs import Mode
from epuredgm.data.samples import SampleSet

pytestmark = pytest.mark.slow

COMPONENTS = ("group_nc", "group_km", "bt", "fpu", "tpc")
CONF = Conf(Path(__file__).parents[1] / "conf")
FAMILIES = tuple(
    name for name in CONF.names("model") if "binary" in compose(CONF, "epure", name, "test")["model"]["draws"]
)
DESIGNS, SAMPLES = 120, 12


def write_epure(root: Path) -> None:
    """Bands whose place and width vary; neighbours overlap by a row, and every fifth design has no tread."""
    rng = np.random.default_rng(0)
    lines = ["matching,train,test,width_px,height_px,d_cons,d_rigid,d_life,d_stab\n"]
    for number in range(DESIGNS):
        prefix, train = f"pneu_{number:03d}", number % 4 != 0
        top, left = int(rng.integers(2, 10)), int(rng.integers(0, 10))
        rest = ",".join(f"{value:.3f}" for value in rng.normal(size=4))
        lines.append(f"{prefix.upper()},{train},{not train},{2 * (32 - left)},{5 * 9 + 2},{rest}\n")
        for k, name in enumerate(COMPONENTS):
            image = np.zeros((64, 32), dtype=np.uint8)
            if name != "tpc" or number % 5:
                image[top + 9 * k : top + 9 * k + 10, left:] = 255
            folder = root / ("train" if train else "test") / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"mdbk_{prefix}_{name}.png")
    (root / "performances.csv").write_text("".join(lines))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("epure")
    write_epure(workspace / "data" / "epure")
    words = ("--profile", "test", "--device", "cpu", "--workspace", str(workspace), "--json")
    settings = (f"sampling.num_samples={SAMPLES}", "sampling.completions=2", "training.batch_size=32")
    run = subprocess.run(
        [sys.executable, "-m", "epuredgm", "run", "--dataset", "epure", *words, *settings],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return workspace / "test_runs"


def test_every_family_is_ranked(study: Path) -> None:
    summary = json.loads((study / "evaluation_results/epure/summary.json").read_text())
    assert sorted(row["model"] for row in summary["rankings"]) == sorted(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_five_components_in_every_mode_that_it_supports(study: Path, family: str) -> None:
    result = json.loads((study / f"evaluation_results/epure/{family}/run_seed0.json").read_text())
    for mode in result["modes"]:
        folders = COMPONENTS if mode == Mode.INPAINTING else ("",)
        for given in folders:
            drawn = SampleSet.read(study / f"samples/{family}_epure" / mode / given / "run_seed0/samples.npz")
            assert drawn.components == COMPONENTS
            assert drawn.images.shape[1:] == (5, 64, 32)
            assert len(drawn) == (2 * SAMPLES if mode == Mode.INPAINTING else SAMPLES)
    for given in COMPONENTS if Mode.INPAINTING in result["modes"] else ():
        assert result["modes"]["inpainting"][given]["fidelity"]["exact"]["value"] == 1
