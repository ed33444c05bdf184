"""One phase at work: a row of moves (a step on one batch, or a validation); it can be stopped between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from epuredgm.core.seeds import derive
from epuredgm.data.resident import ResidentDesigns
from epuredgm.data.weights import restore
from epuredgm.interface import Batch, LossTerms, Progress
from epuredgm.training.batches import OrderedBatches, ShuffledBatches
from epuredgm.training.ema import MovingAverage
from epuredgm.training.figures import Figures, require_finite, require_finite_weights
from epuredgm.training.inputs import Inputs
from epuredgm.training.memory import MicroBatches, averaged, parts, runs_out
from epuredgm.training.optimisers import Optimiser, only
from epuredgm.training.plan import PhasePlan
from epuredgm.training.precision import Precision
from epuredgm.training.randomness import StepStream
from epuredgm.training.snapshot import Snapshot, filled_buffers, saved_buffers

Report = Callable[[str, int, int, Mapping[str, Any]], None]
"""Takes kind (``train``, ``validation``), epoch, step and the rest of a history line."""


class PhaseRun:
    """The phase ``plan``, entered: rules R1 and R2 of the design hold from here to :meth:`leave`.

    Attributes:
        step: steps done.
        pending: whether the validation of the epoch that just ended is still to be made.
        kept: the weights chosen so far; None before the first choice.
        stale: validations since these were chosen.
    """

    def __init__(self, inputs: Inputs, plan: PhasePlan, precision: Precision, report: Report) -> None:
        self.plan, self.step, self.pending, self.stale = plan, 0, False, 0
        self.kept: Snapshot | None = None
        self._inputs, self._precision, self._report = inputs, precision, report
        self._device = inputs.model.device
        self._stream = StepStream(self._device, inputs.seed, plan.phase.name)
        order = derive(inputs.seed, "order", plan.phase.name)
        laid_out = inputs.settings.channels_last
        self._batches = ShuffledBatches(inputs.train, plan.batch_size, order, laid_out, inputs.weights)
        largest = min(plan.batch_size, inputs.settings.micro_batch or plan.batch_size)
        known = None if inputs.remembered is None else inputs.remembered(plan.phase.name)
        self._memory = MicroBatches(largest, plan.modules, self._halved, known)
        if self._memory.size < largest:
            inputs.monitor.note(
                f"phase {plan.phase.name}: {self._memory.size} designs at once, as fitted the last time "
                f"(remove {known and known.path.name} from .epuredgm/batch_sizes to try more)"
            )
        self._loss: float | None = None
        self._enter()
        self.average = MovingAverage(list(plan.parameters.values()), inputs.settings.ema_decay)
        self._optimisers = [
            Optimiser(
                update,
                plan.parameters[update.name],
                plan.settings.updates[update.name],
                plan.steps,
                self.average,
                group,
                precision,
            )
            for group, update in enumerate(plan.phase.updates)
        ]
        self._figures = Figures()

    @property
    def done(self) -> bool:
        """Whether no move is left."""
        return (self.step == self.plan.steps or self.stopped_early) and not self.pending

    @property
    def stopped_early(self) -> bool:
        """Whether validations have not become better for so long that the phase ends before its budget."""
        patience = self._inputs.settings.patience
        chooses = self.plan.settings.keep == "best" and self.step < self.plan.steps
        return chooses and patience is not None and self.stale >= patience

    def facts(self) -> dict[str, Any]:
        """How the phase went, JSON-ready; what is as planned is not said."""
        facts: dict[str, Any] = {"name": self.plan.phase.name, "steps": self.step}
        if self.stopped_early:
            facts |= {"stopped_early": True, "of_steps": self.plan.steps}
        if self._memory.size < self.plan.batch_size:
            facts["micro_batch"] = self._memory.size
        return facts

    @property
    def epochs_done(self) -> int | None:
        """Epochs finished, if an epoch has just ended, with its validation; None within an epoch."""
        return self._epoch() + 1 if self._epoch_ended() and not self.pending else None

    def probe(self) -> None:
        """How many designs fit, before the first step: each update's gradient once, then undone."""
        if not runs_out(self._device):
            return
        batch = self._batch()
        with self._memory.on_trial():
            for optimiser in self._optimisers:
                self._gradient(optimiser, batch, "probe", optimiser.update.name)
                optimiser.clear()

    def move(self) -> None:
        """Make the next move.

        Raises:
            TrainingDiverged: if a figure or a weight is not finite.
            Interrupted: if asked to stop in a validation, which then is still pending.
        """
        if self.pending:
            self._validate()
        else:
            self._advance()

    def leave(self) -> tuple[Snapshot, Snapshot]:
        """Load the kept weights (R3) and let the family finish the phase on them.

        Returns:
            The kept weights and the last ones, both with the buffers that the finish filled.
        """
        model, plan = self._inputs.model, self.plan
        require_finite_weights(model.state_dict(), plan.phase.name, self.step)
        last = self.snapshot(None)
        kept = last if plan.settings.keep == "last" else self.kept
        assert kept is not None, "a phase that keeps the best weights ends with a validation"
        kept.restore(model)
        model.eval()
        before = {name: buffer.clone() for name, buffer in saved_buffers(model).items()}
        progress = self._progress(self._stream.at("finish"))
        with torch.no_grad():
            plan.phase.finish(self._ordered(self._inputs.train, self._memory.size), progress)
        filled = filled_buffers(before, model)
        return kept.with_buffers(filled), last.with_buffers(filled)

    def snapshot(self, score: float | None) -> Snapshot:
        """The model as it is now."""
        moment = self.plan.phase.name, self._epoch(), self.step
        return Snapshot.take(self._inputs.model, self.average, *moment, score)

    def progress(self, total: int) -> None:
        """Tell the monitor where the run is; ``total`` steps over all phases."""
        plan = self.plan
        what = f"{plan.phase.name}, epoch {self._epoch() + 1}/{plan.epochs}"
        figures = {} if self._loss is None else {"loss": self._loss}
        self._inputs.monitor.progress(plan.offset + self.step, total, what, **figures)

    def _enter(self) -> None:
        model = self._inputs.model
        model.eval()
        for module in self.plan.modules:
            module.train()
        model.requires_grad_(False)
        if self._inputs.settings.compile:
            for module in self.plan.modules:
                for part in module.children() if module is model else (module,):
                    part.compile()

    def _advance(self) -> None:
        """One step: every update, with its repeats, on one batch."""
        batch = self._batch()
        for optimiser in self._optimisers:
            for repeat in range(optimiser.settings.repeats):
                place = "train", optimiser.update.name, repeat, self.step
                terms, progress = self._gradient(optimiser, batch, *place)
                optimiser.step(terms, progress, repeat, self._figures)
        self.step += 1
        if self.step % self._inputs.settings.log_every == 0 or self.step == self.plan.steps:
            self._log()
        if self._epoch_ended():
            epoch = self._epoch()
            self.plan.phase.after_epoch(self._progress(self._stream.at("after_epoch", epoch)))
            due = (epoch + 1) % self._inputs.settings.eval_every == 0 or self.step == self.plan.steps
            self.pending = due and len(self._inputs.validation) > 0

    def _batch(self) -> Batch:
        """The train batch of this step, varied."""
        batch, augmentation = self._batches.at(self.step), self._inputs.augmentation
        if augmentation is None or not augmentation.active:
            return batch
        return augmentation(batch, self._stream.at("augmentation", self.step))

    def _gradient(self, optimiser: Optimiser, batch: Batch, *stream: str | int) -> tuple[LossTerms, Progress]:
        """The gradient of one update in its parameters, with as many designs at once as fit."""

        def attempt(size: int) -> tuple[LossTerms, Progress]:
            progress = self._progress(self._stream.at(*stream))
            return optimiser.gradient(batch, progress, size), progress

        with only(optimiser.parameters):
            return self._memory.fit(attempt)

    def _halved(self, size: int) -> None:
        """Record that fewer designs are computed at once."""
        for optimiser in self._optimisers:
            optimiser.clear()
        self._report("memory", self._epoch(), self.step, {"terms": {"micro_batch": size}})
        self._inputs.monitor.note(
            f"out of memory in phase {self.plan.phase.name} at step {self.step}: "
            f"{size} designs at once from here on, in batches of {self.plan.batch_size} as before"
        )

    def _log(self) -> None:
        terms = self._figures.read()
        require_finite(terms, self.plan.phase.name, self.step)
        self._loss = terms[f"{self.plan.phase.updates[0].name}.loss"]
        rates = {optimiser.update.name: optimiser.rate() for optimiser in self._optimisers}
        self._report("train", self._epoch(), self.step, {"terms": terms, "lr": rates})

    def _validate(self) -> None:
        """Mean terms over the validation designs, on the averaged weights; keeps these if they are best."""
        epoch, name = self._epoch(), self.plan.phase.name
        figures = Figures()
        with self.evaluating(), torch.no_grad():
            for number, batch in enumerate(self._ordered(self._inputs.validation, self.plan.batch_size)):
                terms = self._memory.fit(partial(self._validated, batch, number))
                figures.add(terms, weight=len(batch.images))
        terms_read = figures.read()
        require_finite(terms_read, f"{name} (validation)", self.step)
        score = terms_read["loss"]
        best_before = None if self.kept is None else self.kept.score
        better = self.plan.settings.keep == "best" and (best_before is None or score < best_before)
        if better:
            require_finite_weights(self._inputs.model.state_dict(), name, self.step)
            self.kept = self.snapshot(score)
        self.stale = 0 if better else self.stale + 1
        rest = {"terms": terms_read, "kept": better}
        if self.stopped_early:
            rest["stopped_early"] = True
            self._say_stopped()
        self._report("validation", epoch, self.step, rest)
        self.pending = False

    def _validated(self, batch: Batch, number: int, size: int) -> LossTerms:
        progress = self._progress(self._stream.at("validation", number))
        with self._precision.autocast():
            found = ((self.plan.phase.validate(part, progress), share) for part, share in parts(batch, size))
            return averaged(found)

    def _say_stopped(self) -> None:
        if self.step % self._inputs.settings.log_every:
            self._log()
        place = f"phase {self.plan.phase.name} ends at step {self.step} of {self.plan.steps}"
        self._inputs.monitor.note(f"{place}: no better validation in the last {self.stale}")

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """The averaged weights in place and all modules in evaluation mode; then as before."""
        self._inputs.model.eval()
        try:
            with self.average.in_place():
                yield
        finally:
            for module in self.plan.modules:
                module.train()

    def state(self) -> dict[str, Any]:
        """Everything that the next move depends on, for a resume point."""
        model = self._inputs.model
        require_finite(self._figures.means(), self.plan.phase.name, self.step)
        require_finite_weights(model.state_dict(), self.plan.phase.name, self.step)
        return {
            "step": self.step,
            "pending": self.pending,
            "stale": self.stale,
            "micro_batch": self._memory.size,
            "model": dict(model.state_dict()),
            "average": self.average.state(),
            "optimisers": [optimiser.state() for optimiser in self._optimisers],
            "figures": self._figures.state(),
            "kept": None if self.kept is None else self.kept.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from a resume point."""
        restore(self._inputs.model, state["model"])
        self.step, self.pending, self.stale = state["step"], state["pending"], state["stale"]
        self._memory.size = state["micro_batch"]
        self.average.load(state["average"])
        for optimiser, kept in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load(kept)
        self._figures.load(state["figures"], self._device)
        self.kept = None if state["kept"] is None else Snapshot.from_state(state["kept"], self._device)

    def _ordered(self, designs: ResidentDesigns, size: int) -> OrderedBatches:
        return OrderedBatches(designs, size, self._inputs.settings.channels_last, self._inputs.monitor)

    def _epoch_ended(self) -> bool:
        """Whether the last step made was the last of its epoch; a budget in steps may cut that short."""
        whole = self.step % self.plan.steps_per_epoch == 0
        return self.step > 0 and (whole or self.step == self.plan.steps)

    def _epoch(self) -> int:
        """The epoch of the last step made; 0 before the first."""
        return max(0, self.step - 1) // self.plan.steps_per_epoch

    def _progress(self, rng: torch.Generator) -> Progress:
        epoch = min(self.step // self.plan.steps_per_epoch, self.plan.epochs - 1)
        return Progress(epoch, self.plan.epochs, self.step, self.plan.steps, rng)
