"""MMVAE+: the folded objective is the sum that the paper writes; each code comes from where it should."""

from __future__ import annotations

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
from torch.distributions import Laplace, Normal

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import DataSpec
from epuredgm.models.mmvaeplus import MMVAEPlus
from epuredgm.nn.importance import BOUNDS

TOY = make_spec(3, 2)
FORMS = ("ours", "paper")


def build(spec: DataSpec = TOY, **changed: object) -> MMVAEPlus:
    model = family_called("mmvaeplus").build(spec, **changed)
    assert isinstance(model, MMVAEPlus)
    awaken(model)
    return model


def awaken(model: MMVAEPlus) -> None:
    """Random weights everywhere, also where the layers start at zero."""
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
            parameter.add_(0.1 * noise)


def mixture(model: MMVAEPlus, z: Tensor, shared: object, b: int) -> Tensor:
    """log sum_e share_e q_e(z), one expert after the other."""
    mean, second = (part[:, b] for part in shared)  # type: ignore[attr-defined]
    each = [density(model, z, mean[e], second[e]) + model.shares[e].log() for e in range(len(model.shares))]
    return torch.stack(each).logsumexp(0)


def density(model: MMVAEPlus, z: Tensor, mean: Tensor, second: Tensor) -> Tensor:
    kind = Laplace(mean, second) if model.as_published else Normal(mean, (0.5 * second).exp())
    return kind.log_prob(z).sum()


@pytest.mark.parametrize("fidelity", FORMS)
@pytest.mark.parametrize("sources", ["all", "one"])
def test_the_folded_objective_is_a_double_loop(fidelity: str, sources: str) -> None:
    """Sources, draws and designs one by one; targets decoded one by one, each with its own private code."""
    model, batch = build(fidelity=fidelity, sources=sources, draws=2), make_batch(TOY, 3)
    context = model.condition(batch.conditions)
    shared, private = model.encode(batch.images)
    codes, _ = model.draw_codes(shared, private, torch.Generator().manual_seed(5))
    folded = model.log_likelihood(codes, batch.images, context)
    folded = folded + 2.5 * model.log_densities(codes, shared, private)
    standard = model.standard(4), model.standard(2)
    for s, k, b in torch.cartesian_prod(*(torch.arange(n) for n in folded.shape)).tolist():
        source = int(codes.sources[s, b])
        z, own = codes.shared[s, k, b], codes.own[s, k, b]
        logits = []
        for target in range(3):
            w = own if target == source else codes.borrowed[s, target, k, b]
            latents = torch.cat([w, z]).expand(1, 3, -1)
            logits.append(model.decoder(latents, context[b : b + 1])[:, target])
        joined = model.head.of_components(torch.stack(logits, dim=1))
        total = -model.head.nll(joined, batch.images[b : b + 1])[0]
        total = total + 2.5 * (density(model, z, *standard[0]) - mixture(model, z, shared, b))
        if source < 3:
            q = (part[source, b] for part in private)
            total = total + 2.5 * (density(model, own, *standard[1]) - density(model, own, *q))
        torch.testing.assert_close(folded[s, k, b], total, rtol=1e-5, atol=2e-3)


@pytest.mark.parametrize("objective", BOUNDS)
@pytest.mark.parametrize("fidelity", FORMS)
def test_every_objective_reaches_every_parameter(objective: str, fidelity: str) -> None:
    model = build(objective=objective, fidelity=fidelity, draws=3, sources="all", condition_dropout=0.5)
    model.loss(make_batch(TOY, 8), progress(3))["loss"].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert (parameter.grad != 0).any(), name


def test_dreg_changes_the_gradient_of_the_encoder_and_nothing_else() -> None:
    gradients = {}
    for objective in ("iwae", "dreg"):
        model = build(objective=objective, draws=4, sources="all")
        loss = model.validate(make_batch(TOY, 4), progress())["loss"]
        loss.backward()
        gradients[objective] = (loss.detach(), {n: p.grad for n, p in model.named_parameters()})
    torch.testing.assert_close(gradients["iwae"][0], gradients["dreg"][0])
    for name, plain in gradients["iwae"][1].items():
        twice = gradients["dreg"][1][name]
        if name.startswith(("encoder", "to_")):
            assert not torch.allclose(plain, twice), name
        else:
            torch.testing.assert_close(plain, twice)


@pytest.mark.parametrize("fidelity", FORMS)
def test_the_private_code_of_a_missing_component_knows_nothing_of_the_design(fidelity: str) -> None:
    """Given: the posterior. Missing: the auxiliary prior, or p(w) as published."""
    model = build(fidelity=fidelity)
    with torch.no_grad():
        model.auxiliary.copy_(torch.tensor([[2.0, -3.0], [-4.0, 1.0], [0.0, 3.0]]))
        private = model.family.of(torch.cat([torch.full((3, 4000, 2), 50.0), torch.zeros(3, 4000, 2)], -1))
        given = torch.tensor([True, False, False]).expand(4000, -1)
        w = model.private_codes(private, given, torch.Generator().manual_seed(0))
        assert (w[:, 0] > 25).all()
        assert (w[:, 1:].mean(0).abs() < 0.3 * w[:, 1:].std(0)).all()
        wanted = model.standard(2) if fidelity == "paper" else model.auxiliary_priors()
        deviation = wanted.deviation.expand(3, -1)[1:]
        torch.testing.assert_close(w[:, 1:].std(0), deviation, rtol=0.08, atol=0)


def test_the_codes_of_the_source_are_its_own_and_the_others_are_borrowed() -> None:
    model, batch = build(sources="all"), make_batch(TOY, 4)
    codes, _ = model.draw_codes(*model.encode(batch.images), torch.Generator().manual_seed(0))
    latents = codes.of_targets()
    for source in range(4):
        for target in range(3):
            w, z = latents[source, :, :, target].split([2, 4], dim=-1)
            assert torch.equal(w, codes.own[source] if source == target else codes.borrowed[source, target])
            assert torch.equal(z, codes.shared[source])


def test_several_given_components_tell_more_than_one_and_mixed_requests_are_served() -> None:
    """Rows of one request may give different components; each is completed from its own."""
    model = build()
    train(model, lambda step: make_batch(TOY, 16, step), 5)
    batch = make_batch(TOY, 6, seed=9)
    given = torch.tensor([[1, 0, 0], [0, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 0], [0, 1, 1]]).bool()
    shared, _ = model.encode(batch.images * given[:, :, None, None])
    tail = torch.cat([shared.mean[1, [1, 5]], shared.mean[2, [1, 5]]], dim=1)
    columns = torch.cat([torch.arange(6), torch.arange(10, 18)])
    both = model.prior.marginal(columns).given(tail)[2]
    one = model.prior.marginal(columns[:10]).given(tail[:, :4])[2]
    assert (both.diagonal(dim1=1, dim2=2) <= one.diagonal(dim1=1, dim2=2) * (1 + 1e-6)).all()
    request = request_for("inpainting", batch)
    images = draw(model, type(request)(6, None, batch.images * given[:, :, None, None], given))
    assert torch.equal(images[given], batch.images[given])


@pytest.mark.parametrize("spec", [TOY, make_spec(1, 0), make_spec(5, 4, exclusive=False)])
def test_the_published_form_trains_and_samples(spec: DataSpec) -> None:
    model = build(spec, fidelity="paper")
    assert len(model.shares) == spec.channels
    before = model.prior.means.clone()
    train(model, lambda step: make_batch(spec, 8, step), 3)
    assert torch.equal(model.prior.means, before), "the published form refits no prior"
    batch = make_batch(spec, 8)
    for mode in ("unconditional", "conditional", "inpainting"):
        images = draw(model.eval(), request_for(mode, batch))
        assert images.shape == batch.images.shape
        assert not torch.equal(images, draw(model, request_for(mode, batch), seed=1)) or spec.channels == 1
        if spec.exclusive:
            assert ((images > 0.5).sum(1) <= 1).all()


def test_what_was_learned_is_counted() -> None:
    model = build()
    train(model, lambda step: make_batch(TOY, 16, step), 10)
    found = model.learned()
    assert len(found["shared_nats"]) == 4
    assert len(found["private_nats"]) == 3
    assert all(nats > 0 for nats in found["shared_nats"] + found["private_nats"])
    assert all(0 <= units <= 4 for units in found["shared_active_units"])
    assert all(0 <= units <= 2 for units in found["private_active_units"])
    assert torch.tensor(found["auxiliary_deviations"]).shape == (3, 2)


@pytest.mark.parametrize("setting", ["fidelity", "objective", "sources"])
def test_a_word_that_is_no_choice_is_refused(setting: str) -> None:
    with pytest.raises(BadRequest, match=f"model.network.{setting} must be .*, not 'else'"):
        build(**{setting: "else"})
