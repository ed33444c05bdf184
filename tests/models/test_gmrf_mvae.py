"""The family's own promises: it does not collapse, its prior obeys the graph, the paper's form works too."""

from __future__ import annotations

import json
from typing import Any

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

from epuredgm.core.errors import BadRequest
from epuredgm.interface import Batch, GenerativeModel
from epuredgm.models.gmrf_mvae import GmrfMvae
from epuredgm.nn.evidence import Evidence

TOY = make_spec(3, 2)
FAMILY = family_called("gmrf_mvae")


def trained(components: int = 3, conditions: int = 2, steps: int = 12, **changed: Any) -> GenerativeModel:
    spec = make_spec(components, conditions)
    model = FAMILY.build(spec, **changed)
    train(model, lambda step: make_batch(spec, 8, step), steps)
    return model.eval()


def two_factors(step: int) -> Batch:
    """Component 0 is a bar as high as the first factor says, component 1 as wide as the second, below it."""
    rng = torch.Generator().manual_seed(step)
    high, wide = torch.randint(4, 28, (2, 32), generator=rng)[:, :, None, None]
    y, x = torch.arange(64)[:, None], torch.arange(32)
    bar, foot = (y < high) & (x < 16), (y >= 40) & (x < wide)
    return Batch(
        torch.stack([bar.expand(32, 64, 32), foot.expand(32, 64, 32)], 1).float(), torch.zeros(32, 0)
    )


@pytest.mark.slow
@pytest.mark.parametrize("fidelity", ["ours", "paper"])
def test_the_posterior_does_not_collapse(fidelity: str) -> None:
    """Two factors are more than one nat of information, and tell most of the pixels' variance."""
    model = FAMILY.build(make_spec(2, 0), fidelity=fidelity)
    train(model, two_factors, 150)
    batch = two_factors(10**6)
    with torch.no_grad():
        terms = model.phases()[0].validate(batch, progress())
    assert terms["kl"] > 1
    assert isinstance(model, GmrfMvae)
    with torch.no_grad():
        context = model.condition.null(32)
        features = model.encoder(batch.images, context)
        field = model._under(model.field.fitted(), batch.conditions)
        z = model._posterior(field, model.messages(features), features).mean
        decoded = model.likelihood.expectation(model.likelihood.of_components(model._decode(z, context)))
    constant = (batch.images - batch.images.mean(0)).square().mean()
    assert (batch.images - decoded).square().mean() < 0.5 * constant


def test_a_prior_with_a_graph_keeps_it_through_training_and_fit() -> None:
    model = trained(edges=[[0, 1], [1, 2]])
    assert isinstance(model, GmrfMvae)
    one, _, three = model.field.nodes[1:]
    for form in (model.field.learned(), model.field.fitted()):
        block = form.precision[one.start : one.stop, three.start : three.stop]
        assert (block == 0).all()
    learned = model.learned()
    assert max(learned["edges"]["part_0 - part_2"]) == 0
    assert max(learned["edges"]["part_0 - part_1"]) > 0
    assert max(learned["correlations"]["part_0 - part_2"]) > 0


@pytest.mark.parametrize("fidelity", ["ours", "paper"])
def test_what_is_learned_can_be_written_and_is_in_range(fidelity: str) -> None:
    learned = json.loads(json.dumps(trained(fidelity=fidelity).learned()))
    for kind in ("correlations", "edges"):
        assert len(learned[kind]) == 3
        for values in learned[kind].values():
            assert all(-1e-6 <= value <= 1 + 1e-6 for value in values)
    assert all(-1e-6 <= share <= 1 + 1e-6 for share in learned["informative"])
    assert len(learned["informative"]) == 3 * FAMILY.config["network"]["latent"]


def test_after_training_the_prior_has_the_moments_of_the_encoded_designs() -> None:
    """One more closed-form update of the prior changes it less than the first did."""
    batches = [make_batch(TOY, 8, step) for step in range(4)]
    changes = []
    model = trained(prior_iterations=1)
    assert isinstance(model, GmrfMvae)
    before = model.field.learned().gaussian()
    for iterations in (1, 8, 9):
        model.prior_iterations = iterations
        with torch.no_grad():
            model.refit_prior(iter(batches), progress())
        after = model.field.fitted().gaussian()
        changes.append(float(before.kl_to(after).detach()))
        before = after
    assert changes[2] < 0.2 * changes[0]


@pytest.mark.parametrize("components", [1, 2, 5])
def test_the_paper_form_serves_every_mode_without_overlap(components: int) -> None:
    model = trained(components, 2, fidelity="paper")
    batch = make_batch(make_spec(components, 2), 8, seed=3)
    for mode in FAMILY.supports:
        images = draw(model, request_for(mode, batch))
        assert images.shape == batch.images.shape
        assert ((images > 0.5).sum(1) <= 1).all()
        if mode == "inpainting":
            assert torch.equal(images[:, 0], batch.images[:, 0])


@pytest.mark.parametrize("fidelity", ["ours", "paper"])
def test_completions_of_the_same_component_differ(fidelity: str) -> None:
    model = trained(2, fidelity=fidelity)
    request = request_for("inpainting", make_batch(make_spec(2, 2), 8, seed=3))
    assert not torch.equal(draw(model, request), draw(model, request, seed=1))


def test_the_paper_form_changes_only_what_is_declared() -> None:
    model, batch = FAMILY.build(TOY, fidelity="paper"), make_batch(TOY, 8)
    (update,) = model.phases()[0].updates
    assert {id(p) for module in update.modules for p in module.parameters()} == {
        id(p) for p in model.parameters()
    }
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for step in range(3):
        optimizer.zero_grad()
        update.loss(batch, progress(step))["loss"].backward()
        optimizer.step()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("fidelity", ["ours", "paper"])
def test_losses_and_draws_survive_half_precision(fidelity: str) -> None:
    model, batch = trained(fidelity=fidelity), make_batch(TOY, 8)
    loss = model.phases()[0].updates[0].loss
    with torch.no_grad():
        exact = loss(batch, progress())["loss"]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = loss(batch, progress())["loss"]
            images = draw(model, request_for("inpainting", batch))
    assert rough.dtype == images.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.02, atol=0)


def test_more_candidates_agree_better_with_the_given_component() -> None:
    model = trained(2)
    assert isinstance(model, GmrfMvae)
    batch = make_batch(make_spec(2, 2), 8, seed=3)
    evidence = Evidence.of(batch.images, torch.tensor([True, False]).expand(8, -1))
    misfits = []
    with torch.no_grad():
        context = model.condition(batch.conditions)
        messages = model.messages(model.encoder(evidence.values, context))
        field = model._under(model.field.fitted(), batch.conditions)
        for model.candidates in (1, 4, 16):
            rng = torch.Generator().manual_seed(0)
            logits = [model._completed(field, messages, evidence, context, rng) for _ in range(10)]
            misfits.append(sum(float(model.head.nll_of_given(each, evidence).mean()) for each in logits))
    assert misfits[0] > misfits[1] > misfits[2]


@pytest.mark.parametrize(
    "wrong", [{"fidelity": "legacy"}, {"edges": [[0, 3]]}, {"edges": [[1, 1]]}, {"edges": [[0, 1, 2]]}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=next(iter(wrong))):
        FAMILY.build(TOY, **wrong)
