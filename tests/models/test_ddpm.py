"""What is ddpm's own: which predictions go with which objective, and the solvers on one trained network."""

from __future__ import annotations

import pytest
import torch
from family_at_test_size import Family, draw, make_batch, make_spec, request_for, train
from torch import Tensor

from epuredgm.core.errors import BadRequest
from epuredgm.interface import SampleRequest
from epuredgm.nn.diffusion_solvers import SOLVERS

TOY = make_spec(3, 2)


@pytest.fixture(scope="module")
def ddpm(families: dict[str, Family]) -> Family:
    return families["ddpm"]


@pytest.mark.parametrize("prediction", ["v", "epsilon"])
def test_only_the_design_has_a_likelihood(ddpm: Family, prediction: str) -> None:
    with pytest.raises(BadRequest, match="prediction"):
        ddpm.build(TOY, fidelity="ours", prediction=prediction)


@pytest.mark.parametrize("setting", ["fidelity", "prediction", "schedule", "solver"])
def test_an_unknown_choice_is_refused_by_its_key(ddpm: Family, setting: str) -> None:
    with pytest.raises(BadRequest, match=rf"{setting} must be .*, not 'other'"):
        ddpm.build(TOY, **{setting: "other"})


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_evaluates_the_network_once_per_step_and_once_to_decide(
    ddpm: Family, solver: str
) -> None:
    model, calls = ddpm.build(TOY, solver=solver, steps=6), []
    model.denoiser.register_forward_hook(lambda *_: calls.append(1))
    draw(model, request_for("conditional", make_batch(TOY, 2)))
    assert len(calls) == 7


def test_guidance_one_is_conditional_and_zero_unconditional(ddpm: Family) -> None:
    model = ddpm.build(TOY)
    train(model, lambda step: make_batch(TOY, 8, step), 12)
    batch = make_batch(TOY, 4, 9)

    def drawn(guidance: float, conditions: Tensor | None) -> Tensor:
        return draw(model.eval(), SampleRequest(4, conditions, guidance=guidance))

    assert torch.equal(drawn(0.0, batch.conditions), drawn(1.0, None))
    assert torch.equal(drawn(1.0, batch.conditions), draw(model, request_for("conditional", batch)))
    assert not torch.equal(drawn(3.0, batch.conditions), drawn(1.0, batch.conditions))
