"""Train and sample jobs of every registered family on a few toy designs, as an orchestrator writes them."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from epuredgm.config import Conf, compose
from epuredgm.core.files import tree_sha256
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.stages import prepare, sample, train

CONF = Conf(Path(__file__).parents[2] / "conf")
SMALL = (
    "dataset.reader.count=150",
    "training.batch_size=16",
    "training.log_every=2",
    "training.epochs=2",
    "sampling.num_samples=9",
    "sampling.batch_size=4",
)


def artefact(root: Path, path: Path) -> Artefact:
    return Artefact(path.relative_to(root).as_posix(), tree_sha256(path), 0, 0)


def job(root: Path, model: str, stage: Stage, **changed: Any) -> JobFile:
    made = JobFile(
        key=f"{stage}/{model}_toy/seed0",
        stage=stage,
        dataset="toy",
        model=model,
        seed=0,
        mode=None,
        config=compose(CONF, "toy", model, "test", SMALL),
        fingerprint="f",
        hashed={},
        workspace=str(root),
        branch="",
        inputs={},
        log="",
        run=f"outputs/{model}_toy/now" if stage is Stage.TRAIN else "",
    )
    entry = prepare.run(made, SILENT)["designs"]
    return replace(made, **{"inputs": {"designs": artefact(root, entry)}, **changed})


def trained(root: Path, model: str, monitor: Monitor = SILENT) -> dict[str, Path]:
    return train.run(job(root, model, Stage.TRAIN), monitor)


def sample_job(root: Path, model: str, mode: str, weights: Path) -> JobFile:
    made = job(root, model, Stage.SAMPLE, mode=mode)
    return replace(made, inputs={**made.inputs, "weights": artefact(root, weights)})


def sampled(root: Path, model: str, mode: str, weights: Path, monitor: Monitor = SILENT) -> dict[str, Path]:
    return sample.run(sample_job(root, model, mode, weights), monitor)


@dataclass
class Killer(Monitor):
    """Kills its process, as the system would, at the poll number ``at``."""

    at: int
    polls: int = 0

    def stopping(self) -> bool:
        self.polls += 1
        if self.polls == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return False


def killed(root: Path, model: str, at: int) -> None:
    """What the child process of a kill test does: a training with a resume point after every move."""
    made = job(root, model, Stage.TRAIN)
    training = {**made.config["training"], "checkpoint_seconds": 1e-9}
    train.run(replace(made, config={**made.config, "training": training}), Killer(at))
