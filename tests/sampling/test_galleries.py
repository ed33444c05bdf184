"""Pictures in the course of a training: stamped, and never of private designs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from stage_jobs import CONF, SMALL, job, sample_job, trained
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from epuredgm.config import compose
from epuredgm.core.jobs import Stage
from epuredgm.core.monitor import SILENT
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.resident import ResidentDesigns
from epuredgm.interface import GenerativeModel, Phase, SampleRequest
from epuredgm.reporting.contact_sheet import GAP
from epuredgm.stages import sample, train
from epuredgm.stages.gallery import RunGallery
from epuredgm.training.precision import Precision


def test_galleries_are_stamped_and_change_no_result(tmp_path: Path) -> None:
    made = {}
    for name, every in {"with": "1", "without": "null"}.items():
        config = compose(CONF, "toy", "vae", "test", [*SMALL, f"training.gallery_every={every}"])
        plain = job(tmp_path / name, "vae", Stage.TRAIN)
        made[name] = train.run(replace(plain, config=config), SILENT)
    folder = made["with"]["weights"].parents[1]
    pictures = sorted(path.relative_to(folder).as_posix() for path in folder.glob("galleries/*/*.png"))
    assert {"galleries/epoch_001/samples.png", "galleries/final_samples/samples.png"} <= set(pictures)
    for name in pictures:
        with Image.open(folder / name) as picture:
            real = "reconstruction" in name
            assert picture.info["Synthetic"].startswith("SYNTHETIC")
            assert (picture.info["Mode"] == "reconstruction") is real
            assert ("a real picture" in picture.info["Synthetic"]) is real
    assert not (made["without"]["weights"].parents[1] / "galleries").exists()
    assert made["with"]["weights"].read_bytes() == made["without"]["weights"].read_bytes()
    assert made["with"]["history"].read_bytes() == made["without"]["history"].read_bytes()
    events = EventAccumulator(str(folder / "tb")).Reload()
    assert "galleries/samples" in events.Tags()["images"]
    assert "training" not in json.loads(made["with"]["learned"].read_text())


class Left(GenerativeModel):
    """Draws and reconstructs what is lit on the left only."""

    def phases(self) -> list[Phase]:
        return []

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def sample(self, request: SampleRequest, rng: torch.Generator) -> torch.Tensor:
        images = torch.zeros(request.count, 1, 4, 4)
        images[..., :2] = 1
        return images


@pytest.mark.parametrize("mode", ["conditional", "unconditional"])
def test_pictures_of_the_second_side_are_shown_mirrored(tmp_path: Path, mode: str) -> None:
    side = Condition("laterality", values=("L", "R"), optional=True)
    spec = DataSpec(
        "sides", 4, 4, (Component("a", "a", "#ffffff"),), (side,), values="grey", side="laterality"
    )
    stored, encoded = np.array([[0.0], [1.0]]), np.eye(2, dtype=np.float32)
    held = ResidentDesigns.place(np.ones((2, 1, 4, 4), np.uint8), encoded, spec, torch.device("cpu"))
    gallery = RunGallery(held, stored, (mode,), True, "left", "sides", 3, Precision("cpu", None))
    made = gallery(Left(spec), tmp_path, True)
    with Image.open(made["samples"]) as picture:
        told = picture.info
        lit = np.asarray(picture.convert("L"))[-GAP - 8 : -GAP]  # the row of designs, each 8 pixels wide
    first, second = lit[:, GAP : GAP + 8], lit[:, 2 * GAP + 8 : 2 * GAP + 16]
    assert first[0, 0] > first[0, -1]
    assert (second[0, 0] < second[0, -1]) == (mode == "conditional")
    assert (told["Model"], told["Data set"], told["Seed"], told["Mode"]) == ("left", "sides", "3", mode)


def test_no_sheet_of_private_designs_is_drawn(tmp_path: Path) -> None:
    weights = trained(tmp_path, "vae")["weights"]
    for mode, given in (("conditional", False), ("inpainting", True)):
        open_job = sample_job(tmp_path, "vae", mode, weights)
        open_sheets = [
            path for name, path in sample.run(open_job, SILENT).items() if name.startswith("sheet")
        ]
        assert open_sheets and all(path.is_file() for path in open_sheets)
        for path in open_sheets:
            with Image.open(path) as picture:
                assert ("Given" in picture.info) is given
        dataset = {**open_job.config["dataset"], "private": True}
        closed = replace(open_job, config={**open_job.config, "dataset": dataset})
        made = sample.run(closed, SILENT)
        assert any(name.startswith("samples") for name in made)
        assert any(name.startswith("sheet") for name in made) is not given
        assert all(path.is_file() is not given for path in open_sheets)
