"""What is trained, in full: the family's phases matched with the settings, before the first batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from epuredgm.core.errors import BadRequest
from epuredgm.core.settings import PhaseSettings, TrainingSettings
from epuredgm.interface import Phase, Update


@dataclass(frozen=True)
class PhasePlan:
    """One phase with its settings and its length.

    Attributes:
        phase: the family's phase.
        settings: found by the part of its name before ``/``.
        parameters: update name -> the parameters that it may change, each once.
        batch_size: designs in a batch.
        steps_per_epoch: batches in a whole epoch.
        steps: batches in the phase.
        offset: batches in the phases before it.
    """

    phase: Phase
    settings: PhaseSettings
    parameters: Mapping[str, list[nn.Parameter]]
    batch_size: int
    steps_per_epoch: int
    steps: int
    offset: int

    @property
    def epochs(self) -> int:
        """Epochs in the phase; a budget in steps may cut the last one short."""
        return -(-self.steps // self.steps_per_epoch)

    @property
    def modules(self) -> list[nn.Module]:
        """The phase's own modules: those that one of its updates changes."""
        return [module for update in self.phase.updates for module in update.modules]


def plan_phases(
    phases: Sequence[Phase], settings: TrainingSettings, designs: int, validation: int
) -> tuple[PhasePlan, ...]:
    """Match the phases with the settings.

    Args:
        phases: of the family, in order.
        settings: of the training.
        designs: number of train designs; an incomplete last batch is dropped if a complete one exists.
        validation: number of validation designs.

    Raises:
        BadRequest: listing everything that does not match.
    """
    problems = list(_problems(phases, settings, designs, validation))
    if problems:
        lines = (f"  - {problem}" for problem in problems)
        raise BadRequest("\n".join(["training does not fit the model:", *lines]))
    per_epoch = max(1, designs // settings.batch_size)
    plans: list[PhasePlan] = []
    offset = 0
    for phase in phases:
        chosen = settings.phases[settings_key(phase)]
        steps = chosen.steps if chosen.steps is not None else (chosen.epochs or 0) * per_epoch
        parameters = {update.name: trainable(update) for update in phase.updates}
        plans.append(PhasePlan(phase, chosen, parameters, settings.batch_size, per_epoch, steps, offset))
        offset += steps
    return tuple(plans)


def settings_key(phase: Phase) -> str:
    """The name under which a phase's settings are: ``marginal`` for ``marginal/group_km``."""
    return phase.name.partition("/")[0]


def trainable(update: Update) -> list[nn.Parameter]:
    """The parameters of the update's modules that the family has not frozen itself, each once."""
    found = {id(p): p for module in update.modules for p in module.parameters() if p.requires_grad}
    return list(found.values())


def _problems(
    phases: Sequence[Phase], settings: TrainingSettings, designs: int, validation: int
) -> Iterator[str]:
    names = [phase.name for phase in phases]
    keys = [settings_key(phase) for phase in phases]
    if designs == 0:
        yield "there are no train designs"
    if not phases:
        yield "the model has no phase"
    if len(set(names)) != len(names):
        yield f"the model's phases have equal names: {', '.join(names)}"
    for extra in settings.phases.keys() - set(keys):
        yield f"training.phases.{extra} is not a phase of the model (it has {', '.join(dict.fromkeys(keys))})"
    for key in dict.fromkeys(keys):
        if key not in settings.phases:
            yield f"training.phases.{key} is missing"
        else:
            yield from _budget_problems(key, settings.phases[key], validation)
    for phase in phases:
        if settings_key(phase) in settings.phases:
            yield from _update_problems(phase, settings.phases[settings_key(phase)])


def _budget_problems(key: str, settings: PhaseSettings, validation: int) -> Iterator[str]:
    budgets = [budget for budget in (settings.epochs, settings.steps) if budget is not None]
    if len(budgets) != 1 or budgets[0] < 1:
        yield (
            f"training.phases.{key} needs exactly one of epochs and steps, at least 1 "
            f"(now epochs {settings.epochs}, steps {settings.steps})"
        )
    if settings.keep not in ("best", "last"):
        yield f"training.phases.{key}.keep must be best or last, not {settings.keep!r}"
    if settings.keep == "best" and validation == 0:
        yield f"training.phases.{key}.keep is best, but there are no validation designs to choose by"


def _update_problems(phase: Phase, settings: PhaseSettings) -> Iterator[str]:
    key = f"training.phases.{settings_key(phase)}.updates"
    names = [update.name for update in phase.updates]
    if not names or len(set(names)) != len(names):
        yield f"phase {phase.name} needs updates of different names, not {names}"
    for extra in settings.updates.keys() - set(names):
        yield f"{key}.{extra} is not an update of phase {phase.name} (it has {', '.join(names)})"
    for update in phase.updates:
        if update.name not in settings.updates:
            yield f"{key}.{update.name} is missing"
        if not trainable(update):
            yield f"update {update.name} of phase {phase.name} has no parameters to change"
