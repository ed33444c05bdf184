"""The path has the stated orientation, and the solvers converge with the order that they claim."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from epuredgm.nn.flow import SOLVERS, VELOCITY, logit_normal_times, straight, time_grid, velocity

DEVIATION, MEAN, LAST = 0.5, 1.5, 0.9


def denoise(x_t: Tensor, t: Tensor) -> Tensor:
    """E[data | x_t] for data ~ N(MEAN, DEVIATION^2)."""
    t = t[:, None, None, None]
    variance = (1 - t) ** 2 + (t * DEVIATION) ** 2
    return MEAN + t * DEVIATION**2 / variance * (x_t - t * MEAN)


def exact(noise: Tensor) -> Tensor:
    """The flow of a Gaussian moves each quantile: x_t = t MEAN + sqrt(var_t) noise."""
    return LAST * MEAN + ((1 - LAST) ** 2 + (LAST * DEVIATION) ** 2) ** 0.5 * noise


def error(solver: str, steps: int) -> float:
    noise = torch.linspace(-2, 2, 9, dtype=torch.double)[:, None, None, None]
    return float((SOLVERS[solver](denoise, noise, time_grid(steps, LAST)) - exact(noise)).abs().max())


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2)])
def test_the_solvers_converge_to_the_closed_form(solver: str, order: int) -> None:
    assert error(solver, 32) / error(solver, 64) > 2**order * 0.9
    assert error(solver, 64) < 10 * 64.0**-order


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2)])
def test_halving_the_step_divides_the_error_by_two_to_the_order(solver: str, order: int) -> None:
    """On data -1 or 1, where E[data | x_t] = tanh(t x_t / (1 - t)^2) and no term of the error vanishes."""
    noise = torch.linspace(-2, 2, 9, dtype=torch.double)[:, None, None, None]

    def two_points(x_t: Tensor, t: Tensor) -> Tensor:
        t = t[:, None, None, None]
        return torch.tanh(t * x_t / (1 - t) ** 2)

    results = [SOLVERS[solver](two_points, noise, time_grid(steps, 0.6)) for steps in (64, 128, 256)]
    coarse, fine = (float((one - two).abs().max()) for one, two in pairwise(results))
    assert 2**order * 0.9 < coarse / fine < 2**order * 1.1


def test_noise_is_at_zero_and_data_at_one() -> None:
    noise, data = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2)
    assert torch.equal(straight(torch.zeros(2)).mix(data, noise), noise)
    assert torch.equal(straight(torch.ones(2)).mix(data, noise), data)


def test_the_velocity_is_the_derivative_of_the_path_and_tells_the_data() -> None:
    noise, data, t = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2), torch.tensor([0.3, 0.8])
    x_t, said = straight(t).mix(data, noise), VELOCITY.target(data, noise, straight(t))
    torch.testing.assert_close(straight(t + 0.1).mix(data, noise), x_t + 0.1 * said)
    torch.testing.assert_close(velocity(x_t, data, t), said)
    torch.testing.assert_close(VELOCITY.data(said, x_t, straight(t)), data)


def test_the_grid_runs_from_noise_to_just_before_the_data() -> None:
    assert time_grid(4, 0.8) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_the_logit_of_the_times_is_normal() -> None:
    logits = logit_normal_times(50_000, -0.5, 1.2, torch.Generator().manual_seed(0)).logit()
    assert float(logits.mean()) == pytest.approx(-0.5, abs=0.02)
    assert float(logits.std()) == pytest.approx(1.2, abs=0.02)
