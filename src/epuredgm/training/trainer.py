"""The one trainer: phases, epochs, batches, updates, repeats, with no test on a family.

Three rules hold: (R1) on entering a phase all modules are in evaluation mode, the phase's own in training
mode; (R2) in an update only the update's modules take gradients; (R3) on leaving a phase its kept weights are
loaded, the averaged ones where an average is kept, and the family's ``finish`` works on them.

Between any two moves of a phase the run can be stopped, and a resumed run makes the very moves that an
unbroken one would have made: randomness is derived from the place of a move, and nothing from the clock.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from epuredgm.core.errors import CorruptArtefact, Interrupted
from epuredgm.core.files import remove_leftovers
from epuredgm.core.monitor import Monitor
from epuredgm.data.weights import load_weights, save_weights
from epuredgm.training.batches import stopped
from epuredgm.training.checkpoint import Checkpoints
from epuredgm.training.figures import require_finite_weights
from epuredgm.training.history import History
from epuredgm.training.inputs import Inputs
from epuredgm.training.phase_run import PhaseRun
from epuredgm.training.plan import PhasePlan, plan_phases
from epuredgm.training.precision import Precision
from epuredgm.training.snapshot import Snapshot


@dataclass(frozen=True)
class Trained:
    """Where a finished training left what it made.

    Attributes:
        weights: the weights for use.
        last: those of the last step.
        history: one JSON line per log interval and per validation.
    """

    weights: Path
    last: Path
    history: Path


def train(inputs: Inputs, folder: Path, facts: Mapping[str, Any], identity: str) -> Trained:
    """Train a model, or go on with its training, or find that it is finished.

    Args:
        inputs: model, designs, settings, seed, monitor. The model is changed.
        folder: the run's folder; resume points and weights are in ``check`` below it.
        facts: JSON-ready, free of times: travels in the weights' metadata.
        identity: digest of all that the result depends on: tells whether what the folder holds is this run's.

    Raises:
        BadRequest: if settings do not fit the model, or the folder holds another run's resume point.
        TrainingDiverged: if a loss or a weight is no longer finite; nothing of it is saved.
        Interrupted: if the monitor asked to stop; a resume point was written.
        OSError: if something cannot be written.
    """
    check = folder / "check"
    places = Trained(check / "best.safetensors", check / "last.safetensors", folder / "history.jsonl")
    plans = plan_phases(inputs.model.phases(), inputs.settings, len(inputs.train), len(inputs.validation))
    checkpoints = Checkpoints(check, identity)
    remove_leftovers(check)
    if not _finished(places, identity, inputs.monitor):
        frozen = [parameter.requires_grad for parameter in inputs.model.parameters()]
        if inputs.settings.channels_last:
            inputs.model.to(memory_format=torch.channels_last)
        trainer = _Trainer(inputs, plans, checkpoints, folder, {**facts, "identity": identity})
        places.weights.unlink(missing_ok=True)  # the sign that all is done, which it is not
        try:
            trainer.run(places)
        finally:
            trainer.history.close()
            for parameter, takes in zip(inputs.model.parameters(), frozen, strict=True):
                parameter.requires_grad_(takes)
    checkpoints.remove()
    return places


def _finished(places: Trained, identity: str, monitor: Monitor) -> bool:
    """Whether the last file that a training writes is there: then only its job's record was lost."""
    if not (places.weights.exists() and places.last.exists() and places.history.exists()):
        return False
    try:
        facts = load_weights(places.weights).facts
    except CorruptArtefact as error:
        monitor.note(f"{error.message}: making it again")
        return False
    return facts.get("identity") == identity


class _Trainer:
    """The phases in order, the resume points between their moves, the weights at the end."""

    def __init__(
        self,
        inputs: Inputs,
        plans: tuple[PhasePlan, ...],
        checkpoints: Checkpoints,
        folder: Path,
        facts: Mapping[str, Any],
    ) -> None:
        self._inputs, self._plans, self._checkpoints, self._folder = inputs, plans, checkpoints, folder
        self._precision = Precision.resolve(inputs.settings.precision, inputs.model.device)
        self._resume = checkpoints.load(inputs.monitor)
        self._facts = dict(facts)
        self._phases: list[dict[str, Any]] = self._resume["phases"] if self._resume else []
        step = plans[self._resume["phase"]].offset + self._resume["run"]["step"] if self._resume else 0
        self.history = History(folder, self._resume["history"] if self._resume else 0, step)
        self._total = plans[-1].offset + plans[-1].steps
        self._saved_at = time.monotonic()
        if step:
            inputs.monitor.note(f"continuing at step {step} of {self._total}")

    def run(self, places: Trained) -> None:
        """Make all that is left, then write the weights: those for use last, as the sign that all is done."""
        first = self._resume["phase"] if self._resume else 0
        for number in range(first, len(self._plans)):
            kept, last, how = self._phase(number)
            self._phases.append({**kept.facts(), **how})
        self._save(places.last, last)
        self._save(places.weights, kept)

    def _phase(self, number: int) -> tuple[Snapshot, Snapshot, dict[str, Any]]:
        """One phase from its start, or from the resume point, to its end."""
        plan = self._plans[number]

        def report(kind: str, epoch: int, step: int, rest: Mapping[str, Any]) -> None:
            line = {"kind": kind, "phase": plan.phase.name, "epoch": epoch, "step": step, **rest}
            self.history.write(plan.offset + step, line)

        run = PhaseRun(self._inputs, plan, self._precision, report)
        if self._resume:
            run.load(self._resume["run"])
            self._resume = None
        else:
            run.probe()
        while not run.done:
            self._move(run, number)
        self._checkpoint(run, number)
        return *run.leave(), run.facts()

    def _move(self, run: PhaseRun, number: int) -> None:
        """One move and, if it is time or the user asks to stop, a resume point after it.

        Raises:
            Interrupted: if asked to stop.
        """
        try:
            run.move()
            self._keep_epoch(run)
            self._show_epoch(run, number)
            run.progress(self._total)
            if self._inputs.monitor.stopping():
                raise stopped()
        except Interrupted:
            self._checkpoint(run, number)
            raise
        if time.monotonic() - self._saved_at >= self._inputs.settings.checkpoint_seconds:
            self._checkpoint(run, number)

    def _checkpoint(self, run: PhaseRun, number: int) -> None:
        """Write a resume point."""
        state = {"phase": number, "run": run.state(), "phases": self._phases, "history": self.history.sync()}
        self._checkpoints.save(state)
        self._saved_at = time.monotonic()

    def _keep_epoch(self, run: PhaseRun) -> None:
        """Weights for use of every ``check_every``-th epoch, once its validation is made."""
        every, epoch = self._inputs.settings.check_every, run.epochs_done
        if not every or epoch is None or epoch % every:
            return
        self._save(self._folder / "check" / f"{self._moment(run, epoch)}.safetensors", run.snapshot(None))

    def _show_epoch(self, run: PhaseRun, number: int) -> None:
        """Pictures of every ``gallery_every``-th epoch, of the weights for use; they change no result."""
        every, epoch, gallery = self._inputs.settings.gallery_every, run.epochs_done, self._inputs.gallery
        if not every or gallery is None or epoch is None or epoch % every:
            return
        folder = self._folder / "galleries" / self._moment(run, epoch)
        with run.evaluating():
            made = gallery(self._inputs.model, folder, number == len(self._plans) - 1)
        pictures = {f"galleries/{name}": path.read_bytes() for name, path in made.items()}
        self.history.show(run.plan.offset + run.step, pictures)

    def _moment(self, run: PhaseRun, epoch: int) -> str:
        """What the files of an epoch are called."""
        name = f"epoch_{epoch:03d}"
        return name if len(self._plans) == 1 else f"{run.plan.phase.name.replace('/', '-')}_{name}"

    def _save(self, path: Path, snapshot: Snapshot) -> None:
        require_finite_weights(snapshot.weights.live, snapshot.phase, snapshot.step)
        facts = {**self._facts, "phases": self._phases, "moment": snapshot.facts()}
        save_weights(path, replace(snapshot.weights, facts=facts))
