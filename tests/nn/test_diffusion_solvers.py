"""The solvers converge to the closed form with their order; the noise they add is that of the posterior."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from epuredgm.nn.diffusion import variance_preserving
from epuredgm.nn.diffusion_solvers import SOLVERS, Knot, knots, posterior_variance, solve
from epuredgm.nn.schedule import SCHEDULES, shifted

DEVIATION, MEAN, LAST = 0.5, 0.7, 0.1
PATH = variance_preserving(SCHEDULES["cosine"])
QUANTILES = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None, None, None]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian(x_t: Tensor, t: Tensor) -> Tensor:
    """E[data | x_t] for data ~ N(MEAN, DEVIATION^2)."""
    alpha, sigma = PATH(t)
    gain = alpha * DEVIATION**2 / (alpha**2 * DEVIATION**2 + sigma**2)
    return MEAN + gain * (x_t - alpha * MEAN)


def error(solver: str, steps: int) -> float:
    """The flow of a Gaussian moves each quantile: x_t = alpha MEAN + sqrt(var_t) noise."""
    grid = knots(PATH, steps, LAST)
    _, alpha, sigma = grid[-1]
    exact = alpha * MEAN + math.hypot(alpha * DEVIATION, sigma) * QUANTILES
    return float((SOLVERS[solver](gaussian, QUANTILES, grid, rng()) - exact).abs().max())


ORDERS = pytest.mark.parametrize(("solver", "order"), [("ddim", 1), ("dpm_solver_2m", 2)])


@ORDERS
def test_the_solvers_converge_to_the_closed_form(solver: str, order: int) -> None:
    assert error(solver, 64) / error(solver, 128) > 2**order * 0.95
    assert error(solver, 64) < 1.5 * 64.0**-order


@ORDERS
def test_halving_the_step_divides_the_error_by_two_to_the_order(solver: str, order: int) -> None:
    """On data -1 or 1, where E[data | x_t] = tanh(alpha x_t / sigma^2) and no term of the error vanishes.

    From noise only: an extrapolation in the log SNR has an order of 1.7 here.
    """

    def two_points(x_t: Tensor, t: Tensor) -> Tensor:
        alpha, sigma = PATH(t)
        return torch.tanh(alpha * x_t / sigma**2)

    ends = [
        SOLVERS[solver](two_points, QUANTILES, knots(PATH, steps, 0.4), rng()) for steps in (64, 128, 256)
    ]
    coarse, fine = (float((one - two).abs().max()) for one, two in pairwise(ends))
    assert 2**order * 0.9 < coarse / fine < 2**order * 1.1


def test_sixteen_steps_of_second_order_beat_sixty_four_of_the_first() -> None:
    assert error("dpm_solver_2m", 16) < error("ddim", 64)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_first_step_from_noise_only_takes_the_prediction_as_it_is(solver: str) -> None:
    """With alpha = 0 the noise tells no data, so that every solver has one answer up to fresh noise."""
    grid = knots(PATH, 1, 0.6)
    assert grid[0] == Knot(1.0, 0.0, 1.0)
    assert grid[0].angle == 0
    noise = torch.randn(20_000, 1, 1, 1, generator=rng(), dtype=torch.float64)
    end = SOLVERS[solver](lambda x, t: torch.full_like(x, 0.3), noise, grid, rng(1))
    deviation, mean = torch.std_mean(end)
    assert float(mean) == pytest.approx(grid[1].alpha * 0.3, abs=0.02)
    assert float(deviation) == pytest.approx(grid[1].sigma, abs=0.02)
    if solver in ("ddim", "dpm_solver_2m"):
        torch.testing.assert_close(end, grid[1].alpha * 0.3 + grid[1].sigma * noise)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_network_that_knows_the_design_draws_it(solver: str) -> None:
    design = torch.tensor([-1.0, 1.0]).expand(3, 2)[:, :, None, None]
    grid = knots(variance_preserving(shifted(SCHEDULES["sigmoid"], 0.5)), 7, 1e-5)
    end = SOLVERS[solver](lambda x, t: design, torch.randn(design.shape, generator=rng()), grid, rng())
    torch.testing.assert_close(end, design, rtol=0, atol=0.05)


def test_the_posterior_is_that_of_the_joint_gaussian() -> None:
    """q(x_s | x_t, data) by conditioning (x_s, x_t) given the data, whose cross-covariance is known."""
    now, then = knots(PATH, 4, 0.2)[1:3]
    kept = now.alpha / then.alpha
    covariance, variance = kept * then.sigma**2, now.sigma**2
    assert posterior_variance(now, then) == pytest.approx(then.sigma**2 - covariance**2 / variance)
    x, data = torch.full((50_000, 1, 1, 1), 0.8, dtype=torch.float64), 0.4
    end = solve(lambda x, t: torch.full_like(x, data), x, [now, then], rng(), order=1, eta=1.0)
    mean = then.alpha * data + covariance / variance * (0.8 - now.alpha * data)
    assert float(end.mean()) == pytest.approx(mean, abs=0.005)
    assert float(end.var()) == pytest.approx(posterior_variance(now, then), rel=0.03)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_every_eta_has_the_marginal_of_the_path(order: int, eta: float) -> None:
    """With the data known, x at each knot is N(alpha data, sigma^2) whatever share of the noise is fresh."""
    grid, data = knots(PATH, 5, 0.3), 0.4
    noise = torch.randn(50_000, 1, 1, 1, generator=rng(), dtype=torch.float64)
    end = solve(lambda x, t: torch.full_like(x, data), noise, grid, rng(1), order=order, eta=eta)
    assert float(end.mean()) == pytest.approx(grid[-1].alpha * data, abs=0.01)
    assert float(end.std()) == pytest.approx(grid[-1].sigma, rel=0.02)


def test_the_stochastic_solvers_have_the_marginal_of_gaussian_data() -> None:
    """Mean and deviation of x at the last knot; the second order gets nearer with the same evaluations."""
    noise = torch.randn(50_000, 1, 1, 1, generator=rng(), dtype=torch.float64)
    grid = knots(PATH, 24, LAST)
    exact = math.hypot(grid[-1].alpha * DEVIATION, grid[-1].sigma)
    away = {}
    for solver in ("ancestral", "dpm_solver_2m_sde"):
        end = SOLVERS[solver](gaussian, noise, grid, rng(1))
        assert float(end.mean()) == pytest.approx(grid[-1].alpha * MEAN, abs=0.02)
        away[solver] = abs(float(end.std()) / exact - 1)
    assert away["dpm_solver_2m_sde"] < 0.02
    assert away["dpm_solver_2m_sde"] < 0.5 * away["ancestral"]


@pytest.mark.parametrize("solver", ["ddim", "dpm_solver_2m"])
def test_deterministic_solvers_leave_the_stream_alone(solver: str) -> None:
    stream = rng()
    SOLVERS[solver](gaussian, QUANTILES, knots(PATH, 4, LAST), stream)
    assert torch.equal(stream.get_state(), rng().get_state())


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_evaluation_per_interval(solver: str) -> None:
    times: list[float] = []

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        times.append(float(t[0]))
        return x_t

    SOLVERS[solver](denoise, QUANTILES, knots(PATH, 6, LAST), rng())
    assert times == pytest.approx([1 - 0.15 * step for step in range(6)])
