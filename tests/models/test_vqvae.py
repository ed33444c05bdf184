"""VQ-VAE: phases leave each other alone, the codebook resumes, a component's tokens are its own."""

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

from epuredgm.core.errors import BadRequest
from epuredgm.interface import Batch
from epuredgm.models.vqvae import VQVAE
from epuredgm.nn.quantisers import Codebook

TOY = make_spec(3, 2)
FIDELITY = pytest.mark.parametrize("fidelity", ["ours", "paper"])


def build(fidelity: str = "ours", seed: int = 0) -> VQVAE:
    model = family_called("vqvae").build(TOY, seed, fidelity=fidelity)
    assert isinstance(model, VQVAE)
    return model


def batches(step: int) -> Batch:
    return make_batch(TOY, 8, step)


def run_phase(model: VQVAE, number: int, first: int, last: int) -> None:
    """Steps of one phase by plain gradient descent, in the modes that the trainer sets (rule R1)."""
    phase = model.phases()[number]
    model.eval()
    (update,) = phase.updates
    for module in update.modules:
        module.train()
    own = [parameter for module in update.modules for parameter in module.parameters()]
    optimizer = torch.optim.SGD(own, lr=1e-3)
    for step in range(first, last):
        optimizer.zero_grad()
        update.loss(batches(step), progress(step))["loss"].backward()
        torch.nn.utils.clip_grad_norm_(own, 1.0)
        optimizer.step()


def state_of(model: VQVAE, prefix: str = "") -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items() if name.startswith(prefix)}


@FIDELITY
def test_the_prior_phase_leaves_weights_and_buffers_of_the_autoencoder_untouched(fidelity: str) -> None:
    model = build(fidelity)
    run_phase(model, 0, 0, 3)
    before = state_of(model)
    run_phase(model, 1, 0, 3)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("prior.") for name in changed)


@FIDELITY
def test_the_autoencoder_phase_leaves_the_prior_untouched(fidelity: str) -> None:
    model = build(fidelity)
    before = state_of(model, "prior.")
    run_phase(model, 0, 0, 3)
    assert all(torch.equal(value, before[name]) for name, value in state_of(model, "prior.").items())


@pytest.mark.parametrize("mode", ["unconditional", "conditional", "inpainting"])
def test_the_published_form_trains_and_draws_every_mode(mode: str) -> None:
    model = build("paper")
    train(model.train(), batches, 12)
    batch = make_batch(TOY, 6, seed=50)
    request = request_for(mode, batch)
    drawn = draw(model.eval(), request, seed=1)
    assert (drawn.sum(1) <= 1).all()
    assert torch.equal(drawn, draw(model, request, seed=1))
    assert not torch.equal(drawn, draw(model, request, seed=2))
    if mode == "inpainting":
        assert torch.equal(drawn[:, 0], batch.images[:, 0])


def test_the_codebook_moves_in_training_and_a_resumed_training_equals_an_unbroken_one() -> None:
    whole, first, second = build("paper"), build("paper"), build("paper", seed=9)
    run_phase(whole, 0, 0, 4)
    run_phase(first, 0, 0, 2)
    assert not torch.equal(
        first.tokeniser.quantiser.values_of(torch.arange(16)),
        build("paper").tokeniser.quantiser.values_of(torch.arange(16)),
    )
    second.load_state_dict(first.state_dict())
    run_phase(second, 0, 2, 4)
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in second.state_dict().items())


def test_the_commitment_is_part_of_the_published_loss_only() -> None:
    for fidelity, weight in (("ours", 0.0), ("paper", 0.25)):
        terms = build(fidelity).autoencode(batches(0), progress())
        torch.testing.assert_close(terms["loss"], terms["reconstruction"] + weight * terms["distance"])
        assert terms["distance"] > 0
    assert isinstance(build("paper").tokeniser.quantiser, Codebook)
    with pytest.raises(BadRequest, match=r"model\.network\.fidelity"):
        build("theirs")


@FIDELITY
def test_the_tokens_of_a_component_are_its_own(fidelity: str) -> None:
    model = build(fidelity)
    run_phase(model, 0, 0, 4)
    images = batches(7).images
    other = images.clone()
    other[:, 1] = 1 - other[:, 1]
    one, two = (model.eval().tokeniser(each).indices for each in (images, other))
    assert torch.equal(one[:, [0, 2]], two[:, [0, 2]])
    assert not torch.equal(one[:, 1], two[:, 1])


def test_the_last_token_of_the_last_component_does_not_help_to_predict_any_token() -> None:
    """The prior as the phase trains it is causal: the likelihood of all tokens but one ignores that one."""
    model = build()
    train(model, batches, 3)
    codes, order = model.tokeniser(batches(0).images).indices, torch.arange(3).expand(8, -1)
    other = codes.clone()
    other[:, 2, -1] = (other[:, 2, -1] + 1) % 16
    condition = model.prior.condition(batches(0).conditions)
    one, two = (model.prior(each, order, condition) for each in (codes, other))
    torch.testing.assert_close(one, two, rtol=0, atol=1e-6)


def test_what_is_learned_counts_every_token_once() -> None:
    model = build()
    train(model, batches, 2)
    tokens = model.tokeniser.tokens
    assert (model.usage.sum(1) == 4 * 8 * tokens).all()  # the finish sees four batches of eight
    learned = model.learned()
    for name in TOY.component_names:
        assert 1 <= learned["perplexity"][name] <= learned["codes_used"][name] + 1e-9
        assert learned["codes_used"][name] <= learned["codes"] == 16
    model.usage.copy_(torch.tensor([[5.0] * 16, [1.0] + [0.0] * 15, [2.0, 2.0] + [0.0] * 14]))
    assert list(model.learned()["perplexity"].values()) == pytest.approx([16.0, 1.0, 2.0])
    assert list(build().learned()["perplexity"].values()) == [1.0, 1.0, 1.0]  # untrained: nothing counted
