"""WGAN-GP: what the critic is told and judges, what its penalty acts on, what the latent vector is for."""

from __future__ import annotations

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
from torch import Tensor

from epuredgm.core.errors import BadRequest
from epuredgm.interface import SampleRequest
from epuredgm.models.wgan_gp import WGANGP
from epuredgm.nn.critic import Told
from epuredgm.nn.evidence import Evidence

TOY = make_spec(3, 2)
FAMILY = family_called("wgan_gp")


def build(**changed: Any) -> WGANGP:
    model = FAMILY.build(TOY, **changed)
    assert isinstance(model, WGANGP)
    return model


def trained(steps: int = 8, **changed: Any) -> WGANGP:
    model = build(**changed)
    train(model, lambda step: make_batch(TOY, 8, step), steps)
    return model.eval()


def told(given: list[bool], count: int = 8, dropped: bool = False, seed: int = 0) -> tuple[Tensor, Told]:
    batch = make_batch(TOY, count, seed)
    evidence = Evidence.of(batch.images, torch.tensor(given).expand(count, -1))
    return batch.images, Told(batch.conditions, torch.full((count,), dropped), evidence)


@pytest.mark.parametrize("fidelity", ["ours", "paper"])
def test_conditions_and_flags_reach_both_networks(fidelity: str) -> None:
    model = trained(fidelity=fidelity)
    images, plain = told([False, True, False])
    empty = Evidence(torch.zeros_like(images), plain.evidence.given)
    unflagged = Evidence(torch.zeros_like(images), ~plain.evidence.given)
    z = torch.randn(8, model.latent)
    with torch.no_grad():
        other = plain._replace(conditions=plain.conditions + 1)
        assert not torch.equal(model.critic(images, plain)[0], model.critic(images, other)[0])
        flags = [model.critic(images, plain._replace(evidence=e))[0] for e in (empty, unflagged)]
        assert not torch.equal(*flags)
        asked = [model.generator.condition(each.conditions) for each in (plain, other)]
        drawn = [model.generator(z, condition, plain.evidence) for condition in asked]
        assert not torch.equal(*drawn)
        assert not torch.equal(model.generator(z, asked[0], empty), model.generator(z, asked[0], unflagged))


def test_a_dropped_condition_is_unknown_to_both_networks() -> None:
    model = trained()
    images, one = told([False, True, False], dropped=True)
    other = one._replace(conditions=one.conditions + 1)
    with torch.no_grad():
        assert torch.equal(model.critic(images, one)[0], model.critic(images, other)[0])
        drawn = [model._imitate(each, torch.Generator().manual_seed(0)) for each in (one, other)]
        assert torch.equal(*drawn)


def test_the_critic_judges_designs_with_the_given_components_in_their_place() -> None:
    model = trained()
    _, task = told([False, True, False])
    fake = model._imitate(task, torch.Generator().manual_seed(0))
    assert torch.equal(fake[:, 1], task.evidence.values[:, 1])
    assert (fake.sum(1) <= 1 + 1e-5).all()


def test_the_penalty_acts_on_hidden_components_only() -> None:
    """Given ones are the same in a real design and in its fake: no way leads from one to the other there."""
    model = trained()
    images, task = told([False, True, False])
    images.requires_grad_(True)
    model.critic(task.evidence.paste(images), task)[0].sum().backward()
    assert images.grad is not None
    assert (images.grad[:, 1] == 0).all()
    assert (images.grad[:, [0, 2]] != 0).any()


def test_a_lazy_penalty_comes_every_so_often_with_as_much_more_weight() -> None:
    every, lazy = build(penalty_every=1), build(penalty_every=3)
    lazy.load_state_dict(every.state_dict())
    batch = make_batch(TOY, 8)
    for step in (0, 3):
        plain, scaled = (model.critic_loss(batch, progress(step)) for model in (every, lazy))
        assert torch.equal(plain["penalty"], scaled["penalty"])
        extra = 2 * every.penalty * plain["penalty"]
        torch.testing.assert_close(scaled["loss"] - plain["loss"], extra, rtol=1e-3, atol=1e-3)
    assert "penalty" not in lazy.critic_loss(batch, progress(1))
    assert "penalty" in build(penalty_every=3, fidelity="paper").critic_loss(batch, progress(1))


def test_the_published_losses_are_those_of_the_paper() -> None:
    """Critic: E D(fake) - E D(real) + weight * penalty; generator: -E D(fake)."""
    model, batch = build(fidelity="paper"), make_batch(TOY, 8)
    terms = model.critic_loss(batch, progress())
    torch.testing.assert_close(terms["loss"], model.penalty * terms["penalty"] - terms["gap"])
    rng = progress().rng
    both = model._tell(batch, rng).twice()
    score, _ = model.critic(model._imitate(both, rng), both)
    torch.testing.assert_close(model.generator_loss(batch, progress())["loss"], -score.mean())


def test_a_critic_tells_evidence_that_does_not_belong() -> None:
    """The second component is a copy of the given first one; that of another design is as real by itself."""
    spec = make_spec(2, 0)
    model = FAMILY.build(spec)
    assert isinstance(model, WGANGP)
    optimizer = torch.optim.Adam(model.critic.parameters(), lr=2e-3, betas=(0.0, 0.99))
    given = torch.tensor([True, False]).expand(16, -1)

    def gap(step: int) -> Tensor:
        block = make_batch(make_spec(1, 0), 16, step).images
        images = torch.cat([block, block], 1)
        shuffled = torch.cat([images[:, :1], images[:, 1:].roll(1, 0)], 1)
        task = Told(torch.zeros(16, 0), torch.zeros(16, dtype=torch.bool), Evidence.of(images, given))
        return (model.critic(images, task)[0] - model.critic(shuffled, task)[0]).mean()

    for step in range(60):
        optimizer.zero_grad()
        (-gap(step)).backward()
        torch.nn.utils.clip_grad_norm_(model.critic.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        assert all(gap(1000 + step) > 0 for step in range(5))


def test_the_latent_vector_changes_the_completion_and_never_what_is_given() -> None:
    model, batch = trained(), make_batch(TOY, 8, seed=5)
    request = request_for("inpainting", batch, given=1)
    draws = [draw(model, request, seed) for seed in range(3)]
    assert all(torch.equal(each[:, 1], batch.images[:, 1]) for each in draws)
    assert not torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[1], draws[2])


def test_unconditional_designs_follow_the_conditions_of_training() -> None:
    """The prior is fitted to them: designs are drawn with the conditions that train designs have."""
    model = trained()
    assert model.prior is not None
    drawn = model.prior.draw(4000, torch.Generator().manual_seed(0))
    seen = torch.cat([make_batch(TOY, 8, step).conditions for step in range(4)])
    assert (drawn.mean(0) - seen.mean(0)).abs().max() < 0.2
    assert (drawn.std(0) / seen.std(0) - 1).abs().max() < 0.2


def test_validation_is_lower_for_draws_that_are_the_designs(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = trained(), make_batch(TOY, 8)
    far = model.validate(batch, progress())["loss"]
    monkeypatch.setattr(model, "_imitate", lambda told, rng: batch.images)
    assert model.validate(batch, progress())["loss"].abs() < 1e-3 < far


def test_the_spread_tells_a_generator_that_has_one_design_only(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained()
    assert model.learned()["spread_of_draws"] > 0
    one = make_batch(TOY, 1).images

    def same(request: SampleRequest, rng: torch.Generator) -> Tensor:
        return one.expand(request.count, -1, -1, -1)

    monkeypatch.setattr(model, "sample", same)
    model.finish((make_batch(TOY, 8, step) for step in range(3)), progress())
    assert model.learned()["spread_of_draws"] == 0


def test_the_published_form_draws_in_every_mode() -> None:
    model, batch = trained(fidelity="paper"), make_batch(TOY, 4)
    for mode in FAMILY.supports:
        images = draw(model, request_for(mode, batch))
        assert images.shape == batch.images.shape
        assert (images.sum(1) <= 1).all()


def test_the_critic_may_go_without_normalisation() -> None:
    def norms(model: WGANGP) -> int:
        return sum(isinstance(module, torch.nn.GroupNorm) for module in model.critic.modules())

    assert norms(build(normalised=False)) == 0 < norms(build(normalised=True))
    assert not any("running" in name for name in build().critic.state_dict())  # no statistics of a batch


def test_a_fidelity_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadRequest, match="fidelity"):
        build(fidelity="papers")
