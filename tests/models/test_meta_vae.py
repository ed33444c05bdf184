"""The Meta-VAE: components learned alone and truly frozen, and a meta VAE that learns how they depend."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from family_at_test_size import (
    draw,
    family_called,
    make_batch,
    make_spec,
    progress,
    request_for,
    train,
)
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from epuredgm.core.fields import read
from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import TrainingSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.resident import ResidentDesigns
from epuredgm.data.weights import load_weights
from epuredgm.interface import Batch, SampleRequest
from epuredgm.models.meta_vae import MetaVAE
from epuredgm.nn.gaussian import DiagonalGaussian
from epuredgm.training.inputs import Inputs
from epuredgm.training.trainer import train as train_in_earnest

FAMILY = family_called("meta_vae")
SPEC = make_spec(3, 2)
SMALL = make_spec(2, 1, size=(16, 8))


def build(spec: DataSpec = SPEC, **changed: Any) -> MetaVAE:
    model = FAMILY.build(spec, **changed)
    assert isinstance(model, MetaVAE)
    return model


def awake(model: MetaVAE) -> MetaVAE:
    """As after some training: no layer is at zero any more."""
    rng = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn(parameter.shape, generator=rng))
    return model


def state_of(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def settings(**steps: int) -> TrainingSettings:
    phases = {
        name: {**phase, "epochs": None, "steps": steps[name]}
        for name, phase in FAMILY.training["phases"].items()
    }
    return read(TrainingSettings, {**FAMILY.training, "phases": phases, "batch_size": 8})


def designs(count: int, seed: int) -> ResidentDesigns:
    batch = make_batch(SMALL, count, seed)
    return ResidentDesigns(batch.images.to(torch.uint8), batch.conditions, torch.device("cpu"))


def trained_by_the_trainer(folder: Path, **steps: int) -> Mapping[str, Tensor]:
    inputs = Inputs(build(SMALL), designs(32, 0), designs(8, 1), settings(**steps), 0, SILENT)
    return load_weights(train_in_earnest(inputs, folder, {}, "this run").weights).for_use


def test_the_meta_phase_leaves_parameters_and_buffers_of_the_marginals_as_they_were(tmp_path: Path) -> None:
    short = trained_by_the_trainer(tmp_path / "short", marginal=3, meta=1)
    long = trained_by_the_trainer(tmp_path / "long", marginal=3, meta=9)
    frozen = [name for name in short if name.startswith("marginals.")]
    assert any(name.endswith("units.spread") and short[name].any() for name in frozen)  # a filled buffer
    assert all(torch.equal(short[name], long[name]) for name in frozen)
    assert not torch.equal(short["parts.out.weight"], long["parts.out.weight"])
    assert not torch.equal(short["prior.mixture.means"], long["prior.mixture.means"])


def test_a_marginal_does_not_depend_on_the_other_components() -> None:
    batch = make_batch(SPEC, 4)
    other = batch._replace(images=batch.images.index_copy(1, torch.tensor([0]), 1 - batch.images[:, :1]))
    model = awake(build())
    own, first = model.phases()[1], model.phases()[0]
    for one in (own.updates[0].loss, own.validate):
        assert torch.equal(one(batch, progress())["loss"], one(other, progress())["loss"])
    assert first.validate(batch, progress())["loss"] != first.validate(other, progress())["loss"]
    z = torch.randn(4, 3, model.latent)
    changed = model.decode(z.index_add(1, torch.tensor([0]), torch.ones(4, 1, model.latent)))
    assert torch.equal(model.decode(z)[:, 1:], changed[:, 1:])
    assert not torch.equal(model.decode(z)[:, 0], changed[:, 0])


def test_a_marginals_elbo_is_the_closed_form() -> None:
    marginal, images = awake(build()).marginals[0], make_batch(SPEC, 4).images[:, 0]
    terms = marginal.elbo(images, 0.5, torch.Generator().manual_seed(3))
    posterior = marginal.encode(images)
    z = posterior.draw(torch.Generator().manual_seed(3))
    likelihood = torch.distributions.Bernoulli(logits=marginal.decode(z)).log_prob(images).sum((1, 2))
    torch.testing.assert_close(terms["reconstruction"], -likelihood.mean())
    torch.testing.assert_close(terms["kl"], divergence(posterior, standard(posterior)).mean())
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 0.5 * terms["kl"])


def divergence(q: DiagonalGaussian, p: DiagonalGaussian) -> Tensor:
    normals = (Independent(Normal(each.mean, (each.log_variance / 2).exp()), 1) for each in (q, p))
    return kl_divergence(*normals)


def standard(like: DiagonalGaussian) -> DiagonalGaussian:
    return DiagonalGaussian(torch.zeros_like(like.mean), torch.zeros_like(like.mean))


def test_the_meta_loss_is_the_sum_of_its_divergences() -> None:
    model, batch = awake(build(condition_dropout=0.0)), make_batch(SPEC, 4)
    terms = model.validate(batch, progress())
    rng = progress().rng
    torch.rand(4, generator=rng)  # the condition dropout's
    codes, context = model.encode(batch.images), model.condition(batch.conditions)
    posterior = model.whole_posterior(codes, context)
    parts = model.parts_of(posterior.draw(rng), context)
    torch.testing.assert_close(terms["reconstruction"], divergence(codes, parts).sum(1).mean())
    torch.testing.assert_close(terms["kl"], divergence(posterior, standard(posterior)).mean())
    assert terms["matching"] > 0
    total = terms["reconstruction"] + terms["kl"] + terms["matching"]
    torch.testing.assert_close(terms["loss"], total)


@pytest.mark.parametrize("fidelity", ["ours", "paper"])
def test_a_component_that_may_be_hidden_always_counts(fidelity: str) -> None:
    """Each component is a target of the meta VAE: the gradient of its part of p(z | zeta) is never zero."""
    model, batch = awake(build(fidelity=fidelity)), make_batch(SPEC, 4)
    model.loss(batch, progress())["loss"].backward()
    gradient = model.parts.out.weight.grad
    assert gradient is not None
    for part in gradient.unflatten(0, (SPEC.channels, -1)):
        assert part.abs().sum() > 0


def test_what_is_given_decides_whatever_the_hidden_pixels_are() -> None:
    model, batch = awake(build()), make_batch(SPEC, 4)
    request = request_for("inpainting", batch)
    noisy = dataclasses.replace(
        request,
        known=torch.rand(batch.images.shape).where(
            ~torch.as_tensor(request.given)[:, :, None, None], torch.as_tensor(request.known)
        ),
    )
    assert torch.equal(draw(model, request), draw(model, noisy))
    codes, hidden = model.encode(batch.images), torch.zeros(4, 3, dtype=torch.bool)
    context = model.condition(batch.conditions)
    assert torch.equal(
        model.partial_posterior(codes, hidden, context).mean,
        model.partial_posterior(DiagonalGaussian(codes.mean + 1, codes.log_variance), hidden, context).mean,
    )


def linked_blocks(step: int) -> Batch:
    """Component 0 is a block anywhere along the left edge; component 1 the block across from it."""
    rng = torch.Generator().manual_seed(step)
    row = torch.randint(0, 25, (32,), generator=rng)
    block = (torch.arange(32) - row[:, None]) // 8 == 0
    left, right = (block[:, :, None] & side for side in (torch.arange(16) < 6, torch.arange(16) > 9))
    return Batch(torch.stack([left, right], 1).float(), torch.zeros(32, 0))


def heights(component: Tensor) -> Tensor:
    return (component.sum(2) * torch.arange(32)).sum(1) / component.sum((1, 2))


@pytest.mark.slow
@pytest.mark.parametrize("fidelity", ["ours", "paper"])
def test_components_that_are_drawn_together_belong_together(fidelity: str) -> None:
    model = build(make_spec(2, 0, size=(32, 16)), fidelity=fidelity)
    train(model, linked_blocks, 200)
    images = draw(model.eval(), SampleRequest(300))
    images = images[(images.sum((2, 3)) > 0).all(1)]
    assert len(images) > 240
    left, right = (heights(part) for part in images.unbind(1))
    apart, shuffled = (left - right).abs().median(), (left - right.roll(1)).abs().median()
    assert left.std() > 5
    assert apart < 0.3 * shuffled


@pytest.mark.parametrize("spec", [SPEC, make_spec(1, 0), make_spec(5, 4, exclusive=False)])
def test_the_published_form_trains_and_draws(spec: DataSpec) -> None:
    model = build(spec, fidelity="paper")
    unseen = make_batch(spec, 8, 99)
    before = model.validate(unseen, progress())["loss"].detach()
    train(model, lambda step: make_batch(spec, 8, step), 8)
    assert model.validate(unseen, progress())["loss"] < before
    assert (model.prior.mixture.means == 0).all()  # nothing was refitted: zeta is N(0, I)
    for mode in ("unconditional", "inpainting", *(["conditional"] if spec.condition_width else [])):
        request = request_for(mode, make_batch(spec, 4), given=spec.channels - 1)
        images = draw(model.eval(), request)
        assert images.shape == make_batch(spec, 4).images.shape
        assert torch.equal(images, draw(model, request))


def test_what_is_learned_can_be_read() -> None:
    model = build()
    train(model, lambda step: make_batch(SPEC, 8, step), 3)
    told = json.loads(json.dumps(model.learned(), allow_nan=False))
    assert list(told["components"]) == list(told["unpredicted_kl"]) == list(SPEC.component_names)
    assert told["meta"]["units"] == model.meta_latent
    assert all(np.isfinite(nats) and nats > 0 for nats in told["unpredicted_kl"].values())
