"""What is revealed stays, what is hidden is revealed at the schedule's rate, and the loss is the bound."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from epuredgm.nn.absorbing import AbsorbingDiffusion
from epuredgm.nn.multinomial import Jump

K = 3
DIFFUSION = AbsorbingDiffusion(K)
SHAPE = (20, 2, 40, 40)


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def states() -> Tensor:
    return torch.randint(K, SHAPE, generator=rng(0))


def log_probabilities() -> Tensor:
    return torch.randn(20, 2, K, 40, 40, generator=rng(1)).log_softmax(2)


def jump(alpha_bar_t: float, alpha_bar_s: float) -> Jump:
    left_t, left_s = torch.full((20,), alpha_bar_t), torch.full((20,), alpha_bar_s)
    return Jump(DIFFUSION.corrupt(states(), left_t, rng(2)), left_t, left_s)


def test_states_are_kept_or_hidden() -> None:
    x_t = jump(0.3, 1.0).x_t
    kept = x_t < K
    assert torch.equal(x_t[kept], states()[kept])
    assert float(kept.float().mean()) == pytest.approx(0.3, abs=0.01)
    assert (DIFFUSION.start(SHAPE, rng(0)) == K).all()


def test_revealed_states_never_change() -> None:
    back = jump(0.3, 0.6)
    x_s = DIFFUSION.back(log_probabilities(), back, rng(3))
    kept = back.x_t < K
    assert torch.equal(x_s[kept], back.x_t[kept])
    assert torch.equal(DIFFUSION.finish(log_probabilities(), back, rng(3))[kept], back.x_t[kept])


def test_hidden_states_are_revealed_so_that_the_share_of_s_is_visible() -> None:
    x_s = DIFFUSION.back(log_probabilities(), jump(0.3, 0.6), rng(3))
    assert float((x_s < K).float().mean()) == pytest.approx(0.6, abs=0.01)
    assert (DIFFUSION.back(log_probabilities(), jump(0.3, 1.0), rng(3)) < K).all()


def test_what_is_revealed_follows_the_prediction() -> None:
    p = torch.tensor([0.5, 0.0, 0.5])[:, None, None]
    x_s = DIFFUSION.back(p.log().expand(20, 2, K, 40, 40), jump(0.0, 0.5), rng(3))
    counts = torch.bincount(x_s.flatten(), minlength=K + 1) / x_s.numel()
    torch.testing.assert_close(counts, torch.tensor([0.25, 0.0, 0.25, 0.5]), rtol=0, atol=0.01)


def test_the_loss_is_of_hidden_states_only_and_over_their_expected_share() -> None:
    back, log_p = jump(0.3, 1.0), log_probabilities()
    own = log_p.gather(2, states()[:, :, None])[:, :, 0]
    expected = -(own * (back.x_t == K)).sum((1, 2, 3)) / 0.7
    torch.testing.assert_close(DIFFUSION.loss(log_p, states(), back), expected)


def test_the_mean_loss_over_uniform_alpha_bar_is_the_bound_of_the_discrete_chain() -> None:
    """One pixel whose prediction is the same at all times: the bound is -log p(x_0), however it is drawn."""
    log_p = torch.tensor([0.2, 0.3, 0.5]).log()[:, None, None].expand(20_000, 1, K, 1, 1)
    x_0 = torch.full((20_000, 1, 1, 1), 2)
    alpha_bar = torch.rand(20_000, generator=rng(4))
    x_t = DIFFUSION.corrupt(x_0, alpha_bar, rng(5))
    losses = DIFFUSION.loss(log_p, x_0, Jump(x_t, alpha_bar, torch.ones(20_000)))
    # the weight has a heavy tail, so the mean is taken within strata of alpha_bar
    strata = (alpha_bar * 20).long().clamp_max(18)
    means = torch.stack([losses[strata == k].mean() for k in range(19)])
    assert float(means.mean()) == pytest.approx(-float(torch.tensor(0.5).log()), rel=0.05)
