"""What multinomial diffusion promises beyond the contract, with every kernel and in the paper's form."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from family_at_test_size import (
    Family,
    draw,
    family_called,
    make_batch,
    make_spec,
    progress,
    request_for,
    train,
)
from torch import Tensor, nn

from epuredgm.core.errors import BadRequest
from epuredgm.interface import SampleRequest
from epuredgm.models.mdm import MDM
from epuredgm.nn.embedding import TimeEmbedding
from epuredgm.nn.evidence import Evidence

TOY, OVERLAPPING = make_spec(3, 2), make_spec(2, 0, exclusive=False)
FORMS: dict[str, dict[str, Any]] = {
    "ours": {},
    "absorbing": {"kernel": "absorbing"},
    "paper": {"fidelity": "paper"},
}


@pytest.fixture(scope="module")
def mdm() -> Family:
    return family_called("mdm")


@pytest.fixture(params=FORMS, scope="module")
def trained(request: pytest.FixtureRequest, mdm: Family) -> MDM:
    model = mdm.build(TOY, **FORMS[request.param])
    assert isinstance(model, MDM)
    train(model, lambda step: make_batch(TOY, 8, step), 12)
    return model.eval()


def test_every_form_draws_masks_in_every_mode(trained: MDM) -> None:
    for mode in ("unconditional", "conditional", "inpainting"):
        images = draw(trained, request_for(mode, make_batch(TOY, 4)))
        assert ((images == 0) | (images == 1)).all()
        assert (images.sum(1) <= 1).all()


def test_the_given_component_neither_shrinks_nor_grows(trained: MDM) -> None:
    """Before the sampler pastes it: no pixel outside the given component takes its class."""
    for given in range(3):
        request = request_for("inpainting", make_batch(TOY, 8, seed=given), given)
        assert request.known is not None
        assert torch.equal(draw(trained, request)[:, given], request.known[:, given])


@pytest.mark.parametrize("changed", FORMS.values(), ids=FORMS)
def test_masks_that_overlap_are_drawn_so_and_given_ones_kept(mdm: Family, changed: dict[str, Any]) -> None:
    model = mdm.build(OVERLAPPING, **changed)
    request = request_for("inpainting", make_batch(OVERLAPPING, 8))
    assert request.known is not None
    images = draw(model, request)
    assert torch.equal(images[:, 0], request.known[:, 0])
    assert (images.sum(1) == 2).any()


def test_noise_on_known_pixels_is_not_seen(trained: MDM) -> None:
    images = make_batch(TOY, 4).images
    evidence = Evidence.of(images, torch.tensor([True, False, False]).expand(4, -1))
    x_t, other = torch.randint(4, (2, 4, 1, 64, 32), generator=torch.Generator().manual_seed(0))
    other = torch.where(trained.states.hidden(evidence), x_t, other)
    t, condition = torch.full((4,), 0.5), trained.condition.null(4)
    assert not torch.equal(x_t, other)
    assert torch.equal(
        trained.predict(x_t, t, condition, evidence), trained.predict(other, t, condition, evidence)
    )


def test_guidance_of_one_is_conditional_and_others_are_not(trained: MDM) -> None:
    batch = make_batch(TOY, 8)
    plain = request_for("conditional", batch)

    def changed(guidance: float) -> float:
        other = draw(trained, dataclasses.replace(plain, guidance=guidance))
        return float((other != draw(trained, plain)).float().mean())

    assert changed(1.0) == 0
    assert changed(1 + 1e-6) < 0.01 < changed(6.0)


def test_a_design_costs_one_evaluation_per_step(mdm: Family) -> None:
    model = mdm.build(TOY, steps=5)
    times: list[Tensor] = []
    embedding = next(module for module in model.modules() if isinstance(module, TimeEmbedding))
    embedding.register_forward_pre_hook(lambda module, inputs: times.append(inputs[0]))
    draw(model, SampleRequest(2))
    assert len(times) == 5
    assert (times[0] == 1).all()  # begins in pure noise
    assert (torch.stack(times).diff(dim=0) < 0).all()


def test_the_paper_s_loss_is_the_bound_on_the_log_likelihood(mdm: Family) -> None:
    """Even odds at every pixel are the exact reverse for data of noise: the bound is tight, log 4 a pixel."""
    spec = make_spec(3, 0, size=(8, 8))
    model = mdm.build(spec, fidelity="paper", given_share=0.0)
    assert isinstance(model, MDM)
    for layer in (model.network.pixels.spread, model.network.pixels.out):
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
    with torch.no_grad():
        losses = [model.loss(make_batch(spec, 4000, step), progress(step))["loss"] for step in range(4)]
    assert float(torch.stack(losses).mean()) == pytest.approx(8 * 8 * math.log(4), rel=0.05)


def test_the_paper_s_form_is_of_the_uniform_kernel(mdm: Family) -> None:
    with pytest.raises(BadRequest, match="absorbing"):
        mdm.build(TOY, fidelity="paper", kernel="absorbing")
