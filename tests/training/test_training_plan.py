"""A training that does not fit its model is refused before the first batch, with every reason at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import training_fakes as fakes
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.core.errors import BadRequest
from epuredgm.interface import Phase, Update
from epuredgm.training.plan import plan_phases
from epuredgm.training.trainer import train


@pytest.mark.parametrize(
    ("phases", "reason"),
    [
        ({}, "training.phases.main is missing"),
        ({"main": fakes.phase({"all": fakes.update()}), "prior": fakes.phase({})}, "prior is not a phase"),
        ({"main": fakes.phase({})}, "updates.all is missing"),
        ({"main": fakes.phase({"all": fakes.update(), "other": fakes.update()})}, "other is not an update"),
        ({"main": fakes.phase({"all": fakes.update()}, epochs=3)}, "exactly one of epochs and steps"),
        ({"main": fakes.phase({"all": fakes.update()}, steps=None)}, "exactly one of epochs and steps"),
        ({"main": fakes.phase({"all": fakes.update()}, steps=0)}, "steps must be null or from 1"),
        ({"main": fakes.phase({"all": fakes.update()}, keep="newest")}, "keep must be best or last"),
    ],
)
def test_a_mismatch_is_refused_and_nothing_is_written(
    phases: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BadRequest, match=reason):  # of the settings alone, or beside what the model says
        train(fakes.inputs(fakes.fresh("plain"), fakes.settings(phases)), tmp_path, {}, "")
    assert not list(tmp_path.iterdir())


def test_all_reasons_are_told_at_once() -> None:
    phases = {"other": fakes.phase({})}
    with pytest.raises(BadRequest) as refused:
        plan_phases(fakes.fresh("staged").phases(), fakes.settings(phases), 0, 1)
    for reason in (
        "no train designs",
        "training.phases.other",
        "phases.marginal is missing",
        "phases.meta is missing",
    ):
        assert reason in str(refused.value)


def test_best_weights_need_validation_designs_and_an_update_needs_parameters() -> None:
    model = fakes.fresh("plain")
    empty = Phase("main", (Update("all", (), model.phases()[0].updates[0].loss),), model.phases()[0].validate)
    with pytest.raises(BadRequest, match="no validation designs") as refused:
        plan_phases([empty], fakes.settings(fakes.PHASES["plain"]), 10, 0)
    assert "no parameters" in str(refused.value)


@given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 50), st.booleans())
def test_budgets(designs: int, size: int, budget: int, in_steps: bool) -> None:
    chosen = fakes.phase(
        {"all": fakes.update()}, steps=budget if in_steps else None, epochs=None if in_steps else budget
    )
    phases = fakes.Plain().phases()
    (plan,) = plan_phases(phases, fakes.settings({"main": chosen}, batch_size=size), designs, 5)
    assert plan.steps_per_epoch == max(1, designs // size)  # drops a last batch only beside a whole one
    assert plan.steps == (budget if in_steps else budget * plan.steps_per_epoch)
    assert (plan.epochs - 1) * plan.steps_per_epoch < plan.steps <= plan.epochs * plan.steps_per_epoch


def test_phases_are_looked_up_by_the_part_before_the_slash() -> None:
    plans = plan_phases(fakes.fresh("staged").phases(), fakes.settings(fakes.PHASES["staged"]), 32, 5)
    assert [(plan.phase.name, plan.steps, plan.offset) for plan in plans] == [
        ("marginal/a", 4, 0),
        ("marginal/b", 4, 4),
        ("meta", 5, 8),
    ]


def test_what_the_family_froze_itself_is_not_trained() -> None:
    model = fakes.fresh("plain")
    (plan,) = plan_phases(model.phases(), fakes.settings(fakes.PHASES["plain"]), 32, 5)
    trained = {id(parameter) for parameter in plan.parameters["all"]}
    assert trained == {id(parameter) for parameter in model.net.parameters()}
