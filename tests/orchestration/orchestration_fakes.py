"""A whole study in seconds: real plans, processes and records, and stages that only hash their inputs.

``carry_out`` here is the real worker's, with the fake stages. What they do is steered by ``fake.json`` in the
workspace: key of a job -> ``fail``, ``full``, ``memory``, ``kill`` (every time), ``kill once``, ``mute``,
    ``hang``, ``stop``. Every job that begins writes a line to ``ran.log``.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from copy import deepcopy
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from epuredgm import worker
from epuredgm.config import compose, find_conf
from epuredgm.core.errors import EpureError, Interrupted
from epuredgm.core.files import atomic_folder, canonical, read_json, write_json, write_text
from epuredgm.core.jobs import Job, JobFile, Mode, Stage
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.orchestration.assess import assess
from epuredgm.orchestration.execute import Outcome, execute
from epuredgm.orchestration.observer import Observer
from epuredgm.orchestration.plan import plan, sample_names

STEPS = 20
CONF = Path(__file__).parents[2] / "conf"


if "FAKE_NO_LOCKS" in os.environ:

    def _refuse(*_: object) -> None:
        raise OSError(int(os.environ["FAKE_NO_LOCKS"]), "no locks here")

    fcntl.flock = _refuse  # type: ignore[assignment]  # as some network disks do


# composing ----------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _composed(dataset: str, profile: str) -> dict[str, Any]:
    return compose(find_conf(CONF), dataset, "vae", profile)


def config(model: str = "a", dataset: str = "toy", profile: str = "full", **changes: Any) -> dict[str, Any]:
    """A real configuration under another model's name; ``changes`` are ``section__key=value``."""
    content = deepcopy(_composed(dataset, profile))
    content["model"]["name"] = model
    content["training"]["batch_size"] = 64
    content["study"]["full_disk_minutes"] = 0
    for key, value in changes.items():
        *path, last = key.split("__")
        section = content
        for part in path:
            section = section[part]
        section[last] = value
    return content


def study(models: str = "ab", seeds: tuple[int, ...] = (0,), **changes: Any) -> tuple[Job, ...]:
    """The plan of a study of one-letter models."""
    return plan({name: config(name, **changes) for name in models}, seeds, stages=list(Stage))


# running ------------------------------------------------------------------------------------------


class Witness:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.started_jobs: list[str] = []
        self.ended: dict[str, str] = {}
        self.errors: dict[str, str | None] = {}
        self.progress: list[tuple[str, float]] = []
        self.notes: list[str] = []
        self.outcome: Outcome | None = None

    def started(self, assessments: Any) -> None: ...

    def job_started(self, job: Job) -> None:
        self.started_jobs.append(job.key)

    def job_progress(self, job: Job, done: float, total: float, what: str, figures: Any) -> None:
        self.progress.append((job.key, done))

    def job_finished(
        self, job: Job, status: str, seconds: float | None, error: str | None, log: str | None
    ) -> None:
        self.ended[job.key], self.errors[job.key] = status, error

    def note(self, text: str) -> None:
        self.notes.append(text)

    def finished(self, outcome: Outcome) -> None:
        self.outcome = outcome


def go(root: Path, jobs: tuple[Job, ...] | None = None, **options: Any) -> tuple[Outcome, Witness]:
    """Assess and execute a study in a workspace with the fake stages."""
    workspace = Workspace(root)
    force = options.pop("force", ())
    witness = options.pop("observer", None) or Witness()
    outcome = execute(
        assess(jobs or study(), workspace, force),
        workspace,
        **{
            "devices": ["cpu"],
            "threads": 1,
            "observer": witness,
            "force": force,
            "worker": "orchestration_fakes",
            "preload": ["orchestration_fakes"],
            **options,
        },
    )
    return outcome, witness


def steer(root: Path, **orders: str) -> None:
    """Tell the fake stages what to do; keys are written with ``__`` for ``/``."""
    write_json(root / "fake.json", {key.replace("__", "/"): order for key, order in orders.items()})


def ran(root: Path) -> list[str]:
    """Keys of the jobs that began, in order."""
    log = root / "ran.log"
    return log.read_text().split() if log.exists() else []


def results(root: Path) -> dict[str, str]:
    """Every result file of a workspace with its content's hash; the run folders go by their pointers."""
    found = {}
    for folder in ("outputs", "samples", "evaluation_results"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            dated = folder == "outputs" and "run_seed" not in name
            if path.is_file() and not dated and path.suffix != ".tmp" and path.name != "record.json":
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    for pointer in sorted((root / "outputs").glob("*/run_seed*")):
        found[pointer.relative_to(root).as_posix()] = hashlib.sha256(
            (pointer / "check" / "best.safetensors").read_bytes()
        ).hexdigest()
    return found


# the fake stages ----------------------------------------------------------------------------------


def carry_out(path: str, channel: Connection | None = None) -> int:
    return worker.carry_out(path, channel, run=run)


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    root = Path(job.workspace)
    with (root / "ran.log").open("a") as file:
        file.write(f"{job.key}\n")
    _obey(job, monitor)
    content = hashlib.sha256(
        canonical([job.key, job.fingerprint, {name: made.sha256 for name, made in job.inputs.items()}])
    ).hexdigest()
    return _MAKERS[job.stage](job, monitor, content)


def _obey(job: JobFile, monitor: Monitor) -> None:
    orders = Path(job.workspace) / "fake.json"
    order = read_json(orders).get(job.key, "") if orders.exists() else ""
    once = Path(job.workspace) / f"{job.key.replace('/', '.')}.once"
    if order == "fail":
        raise ValueError("made to fail")
    if order == "refuse":
        raise EpureError("made to refuse", "Do not ask.")
    if order == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if order == "fill":
        with (Path(job.workspace) / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
    if order == "memory":
        raise MemoryError
    if order == "mute":
        os._exit(3)
    if order == "kill" or (order == "kill once" and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if order == "hang":
        monitor.note("hanging")
        while not monitor.stopping():
            time.sleep(0.01)
        raise Interrupted("stopped")


def _prepare(job: JobFile, monitor: Monitor, content: str) -> dict[str, Path]:
    return {"designs": _folder(Workspace(Path(job.workspace)).cache / job.dataset, content)}


def _train(job: JobFile, monitor: Monitor, content: str) -> dict[str, Path]:
    """A chain of hashes, kept at every step, so that it can be taken up where it was left."""
    folder = Path(job.workspace) / job.run
    kept = folder / "check" / "state.json"
    state = read_json(kept) if kept.exists() else {"step": 0, "value": content}
    while state["step"] < STEPS:
        value = hashlib.sha256(f"{state['value']} {state['step']}".encode()).hexdigest()
        state = {"step": state["step"] + 1, "value": value}
        write_json(kept, state)
        monitor.progress(state["step"], STEPS, "step", loss=1.0 / state["step"])
        if monitor.stopping():
            raise Interrupted("stopped")
        time.sleep(float(os.environ.get("FAKE_STEP_SECONDS", "0")))
    weights = folder / "check" / "best.safetensors"
    write_text(weights, state["value"])
    write_text(folder / "history.jsonl", "{}\n")
    write_text(folder / "config.yaml", json.dumps(job.config, sort_keys=True))
    return {"weights": weights, "history": folder / "history.jsonl", "config": folder / "config.yaml"}


def _sample(job: JobFile, monitor: Monitor, content: str) -> dict[str, Path]:
    assert job.seed is not None and job.mode is not None
    workspace = Workspace(Path(job.workspace), job.branch)
    made = {}
    for name in sample_names(job.config, Mode(job.mode)):
        given = name.partition("/")[2] or None
        path = workspace.samples(f"{job.model}_{job.dataset}", job.seed, job.mode, given) / "samples.npz"
        write_text(path, f"{content} {name}")
        made[name] = path
    return made


def _evaluate(job: JobFile, monitor: Monitor, content: str) -> dict[str, Path]:
    assert job.seed is not None and job.model is not None
    workspace = Workspace(Path(job.workspace), job.branch)
    made = {
        "result": workspace.result(job.dataset, job.model, job.seed),
        "resamples": workspace.resamples(job.dataset, job.model, job.seed),
    }
    for path in made.values():
        write_text(path, content)
    return made


def _aggregate(job: JobFile, monitor: Monitor, content: str) -> dict[str, Path]:
    path = Workspace(Path(job.workspace), job.branch).summary(job.dataset)
    write_json(path, {"of": sorted(job.inputs), "content": content})
    return {"summary": path}


def _reference(job: JobFile, monitor: Monitor, content: str) -> dict[str, Path]:
    place = Workspace(Path(job.workspace), job.branch).reference(job.dataset)
    return {"reference": _folder(place, content)}


def _folder(path: Path, content: str) -> Path:
    """A folder that appears whole, as the real stages make them."""
    with atomic_folder(path, replace=True) as folder:
        write_text(folder / "content", content)
    return path


def _report(job: JobFile, monitor: Monitor, content: str) -> dict[str, Path]:
    path = Workspace(Path(job.workspace), job.branch).report(job.dataset) / "report.html"
    write_text(path, content)
    return {"page": path}


_MAKERS = {
    Stage.PREPARE: _prepare,
    Stage.REFERENCE: _reference,
    Stage.TRAIN: _train,
    Stage.SAMPLE: _sample,
    Stage.EVALUATE: _evaluate,
    Stage.AGGREGATE: _aggregate,
    Stage.REPORT: _report,
}


def start(root: Path, step_seconds: float = 0.0, search: str = "", **options: Any) -> subprocess.Popen[str]:
    """The same study, executed by a process of its own in a process group of its own, as from a terminal.

    ``hang_seconds`` and ``models`` go to :func:`study`; ``search`` is where more modules are.
    """
    return subprocess.Popen(
        [sys.executable, __file__, str(root), json.dumps(options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "FAKE_STEP_SECONDS": str(step_seconds), "PYTHONPATH": search},
    )


def main() -> int:
    options = json.loads(sys.argv[2])
    changes = {key: options.pop(key) for key in list(options) if "__" in key}
    try:
        changes.setdefault("study__hang_seconds", options.pop("hang_seconds", 300))
        outcome, witness = go(Path(sys.argv[1]), study(options.pop("models", "ab"), **changes), **options)
    except EpureError as error:
        print(error)
        return error.exit_code
    print(*witness.notes, outcome.text(), sep="\n")
    heavy = {"torch", "numpy", "pandas", "PIL", "matplotlib"} & set(sys.modules)
    assert not heavy, f"the orchestrating process imported {heavy}"
    return outcome.exit_code


_observes: type[Observer] = Witness  # checked by mypy where it is run on tests

if __name__ == "__main__":
    sys.exit(main())
