"""What a training tells while it runs: history, TensorBoard, kept epochs, progress."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
import training_fakes as fakes
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from epuredgm.core.monitor import Monitor
from epuredgm.data.weights import load_weights


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_history_has_every_interval_and_validation_and_its_means_are_right(tmp_path: Path) -> None:
    _, trained = fakes.run("plain", tmp_path, log_every=1)
    each = [line for line in lines(trained.history) if line["kind"] == "train"]
    assert [line["step"] for line in each] == list(range(1, 12))
    _, trained = fakes.run("plain", tmp_path / "other", log_every=5)
    every_fifth = [line for line in lines(trained.history) if line["kind"] == "train"]
    assert [line["step"] for line in every_fifth] == [5, 10, 11]
    mean = math.fsum(line["terms"]["all.loss"] for line in each[:5]) / 5
    assert every_fifth[0]["terms"]["all.loss"] == pytest.approx(mean, rel=1e-6)
    assert every_fifth[0]["lr"] == each[4]["lr"]
    validated = [line["step"] for line in lines(trained.history) if line["kind"] == "validation"]
    assert validated == [4, 8, 11]


def test_tensorboard_has_the_figures(tmp_path: Path) -> None:
    fakes.run("plain", tmp_path)
    (file,) = (tmp_path / "tb").iterdir()
    found = {value.tag for event in EventFileLoader(str(file)).Load() for value in event.summary.value}
    assert {"main/train/all.loss", "main/train/all.lr", "main/validation/loss"} <= found


@pytest.mark.parametrize("eval_every", [1, 2, 5])
def test_validation_comes_every_so_many_epochs_and_at_the_end(eval_every: int, tmp_path: Path) -> None:
    _, trained = fakes.run("plain", tmp_path, eval_every=eval_every)
    validated = [line["step"] for line in lines(trained.history) if line["kind"] == "validation"]
    assert validated == {1: [4, 8, 11], 2: [8, 11], 5: [11]}[eval_every]


def test_kept_epochs_have_files_of_their_own(tmp_path: Path) -> None:
    fakes.run("plain", tmp_path, check_every=2)
    assert sorted(path.name for path in (tmp_path / "check").iterdir()) == [
        "best.safetensors",
        "epoch_002.safetensors",
        "last.safetensors",
    ]
    fakes.run("staged", tmp_path / "staged", check_every=2)
    kept = load_weights(tmp_path / "staged" / "check" / "meta_epoch_002.safetensors")
    assert kept.facts["moment"]["step"] == 5


@dataclass
class Listener(Monitor):
    heard: list[tuple[float, float, str]] = field(default_factory=list)

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        self.heard.append((done, total, what))
        assert all(math.isfinite(value) for value in figures.values())


def test_progress_counts_steps_over_all_phases(tmp_path: Path) -> None:
    listener = Listener()
    fakes.run("staged", tmp_path, listener)
    assert {total for _, total, _ in listener.heard} == {13}
    done = [step for step, _, _ in listener.heard]
    assert done == sorted(done)
    assert set(done) == set(range(1, 14))
    assert listener.heard[-1][2] == "meta, epoch 2/2"
