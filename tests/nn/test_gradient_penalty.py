"""The gradient penalty is the squared distance of each row's slope from 1, and of nothing else."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from epuredgm.nn.gradient_penalty import gradient_penalty

SHAPE = (5, 2, 3, 4)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pairs(seed: int = 0) -> tuple[Tensor, Tensor]:
    return torch.rand(SHAPE, generator=rng(seed)), torch.rand(SHAPE, generator=rng(seed + 1))


def smooth_critic(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(24, 7), nn.Tanh(), nn.Linear(7, 1), nn.Flatten(0)).double()


@given(slope=st.floats(0.0, 5.0), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_of_a_linear_critic_it_is_the_square_of_slope_minus_one(slope: float, seed: int) -> None:
    """Also where the slope is spread over all pixels and channels, and wherever x lies between the two."""
    direction = torch.randn(24, generator=rng(seed))
    direction *= slope / direction.norm()
    penalty = gradient_penalty(lambda x: x.flatten(1) @ direction + 3, *pairs(seed), rng(seed))
    torch.testing.assert_close(penalty, torch.full((5,), (slope - 1) ** 2), rtol=1e-4, atol=1e-5)


def test_a_unit_slope_costs_nothing() -> None:
    direction = torch.ones(24) / 24**0.5
    assert gradient_penalty(lambda x: x.flatten(1) @ direction, *pairs(), rng()).abs().max() < 1e-10


def test_it_is_taken_between_each_real_design_and_its_own_fake() -> None:
    """Of the critic ||x||^2 / 2 the slope is ||x||: the penalty tells where x was."""
    real, fake = pairs()
    penalty = gradient_penalty(lambda x: x.flatten(1).square().sum(1) / 2, real, fake, rng(3))
    share = torch.rand(5, generator=rng(3)).view(-1, 1, 1, 1)
    expected = ((share * real + (1 - share) * fake).flatten(1).norm(dim=1) - 1).square()
    torch.testing.assert_close(penalty, expected)


def test_the_slope_agrees_with_finite_differences() -> None:
    critic, point, step = smooth_critic(), torch.rand(SHAPE, dtype=torch.float64, generator=rng()), 1e-5
    slopes = torch.zeros(5, 24, dtype=torch.float64)
    for pixel in range(24):
        moved = torch.zeros(24, dtype=torch.float64)
        moved[pixel] = step
        moved = moved.view(1, *SHAPE[1:])
        slopes[:, pixel] = (critic(point + moved) - critic(point - moved)) / (2 * step)
    expected = (slopes.norm(dim=1) - 1).square()
    penalty = gradient_penalty(lambda x: critic(x.double()), point, point, rng())
    torch.testing.assert_close(penalty.double(), expected, rtol=1e-4, atol=1e-6)


def test_its_gradient_in_the_critic_agrees_with_finite_differences() -> None:
    """The graph is kept: what is learned is the slope, through the second derivative."""
    critic, (real, fake), step = smooth_critic(), pairs(), 1e-3
    weight = critic[1].weight

    def penalty() -> Tensor:
        return gradient_penalty(lambda x: critic(x.double()), real, fake, rng()).double().sum()

    penalty().backward()
    with torch.no_grad():
        weight[2, 5] += step
        above = penalty()
        weight[2, 5] -= 2 * step
        below = penalty()
    assert weight.grad is not None
    assert float(weight.grad[2, 5]) == pytest.approx(float((above - below) / (2 * step)), rel=1e-2, abs=1e-4)


def test_rows_do_not_influence_each_other() -> None:
    critic, (real, fake) = smooth_critic(), pairs()
    whole = gradient_penalty(lambda x: critic(x.double()), real, fake, rng())
    changed = gradient_penalty(lambda x: critic(x.double()), real, torch.cat([fake[:4], fake[4:] + 1]), rng())
    assert torch.equal(whole[:4], changed[:4])
    assert not torch.equal(whole[4:], changed[4:])


def test_the_generator_gets_no_gradient_and_none_is_left_on_the_designs() -> None:
    critic, (real, fake) = smooth_critic(), pairs()
    fake.requires_grad_(True)
    gradient_penalty(lambda x: critic(x.double()), real, fake, rng()).sum().backward()
    assert fake.grad is None
    assert real.grad is None


def test_half_precision_around_it_changes_nothing() -> None:
    torch.manual_seed(0)
    critic, (real, fake) = nn.Sequential(nn.Flatten(), nn.Linear(24, 7), nn.Tanh(), nn.Linear(7, 1)), pairs()
    plain = gradient_penalty(lambda x: critic(x)[:, 0], real, fake, rng())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = gradient_penalty(lambda x: critic(x)[:, 0], real, fake, rng())
    assert torch.equal(plain, mixed)


def test_it_can_be_taken_where_no_gradient_is_wanted() -> None:
    with torch.no_grad():
        assert torch.isfinite(gradient_penalty(lambda x: x.flatten(1).sum(1), *pairs(), rng())).all()
