"""Predictions, weights and levels say the same thing in different words."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from epuredgm.nn.diffusion import MIN_SNR_GAMMA, PREDICTIONS, Level, stratified_times, variance_preserving
from epuredgm.nn.schedule import SCHEDULES, shifted

PATH = variance_preserving(SCHEDULES["cosine"])
RNG = torch.Generator().manual_seed(0)
DATA, NOISE = (torch.randn(6, 2, 3, 4, generator=RNG, dtype=torch.float64) for _ in range(2))


def levels(*times: float) -> Level:
    return PATH(torch.tensor(times, dtype=torch.float64))


def snr(level: Level) -> Tensor:
    return (level.alpha / level.sigma).square()


def test_the_path_preserves_variance_from_data_only_to_noise_only() -> None:
    level = levels(0.0, 0.2, 0.5, 0.9, 1.0)
    torch.testing.assert_close(level.alpha**2 + level.sigma**2, torch.ones_like(level.alpha))
    assert (level.alpha[0], level.sigma[0]) == (1, 0)
    assert (level.alpha[-1], level.sigma[-1]) == (0, 1)
    assert torch.equal(level.mix(DATA[:5], NOISE[:5])[0], DATA[0])
    assert torch.equal(level.mix(DATA[:5], NOISE[:5])[-1], NOISE[4])


@pytest.mark.parametrize("name", PREDICTIONS)
def test_each_prediction_gives_the_data_back(name: str) -> None:
    level = levels(0.01, 0.2, 0.4, 0.6, 0.8, 0.98)
    x_t, prediction = level.mix(DATA, NOISE), PREDICTIONS[name]
    said = prediction.target(DATA, NOISE, level)
    torch.testing.assert_close(prediction.data(said, x_t, level), DATA)


def test_v_is_the_derivative_of_the_noisy_design_by_its_angle() -> None:
    before, here, after = (levels(*[t] * 6) for t in (0.3 - 1e-4, 0.3, 0.3 + 1e-4))
    angle = 2e-4 * torch.pi / 2  # of the cosine schedule
    change = (after.mix(DATA, NOISE) - before.mix(DATA, NOISE)) / angle
    torch.testing.assert_close(PREDICTIONS["v"].target(DATA, NOISE, here), change)


@given(st.floats(0.02, 0.98), st.floats(-3, 3), st.floats(-3, 3))
def test_an_error_in_the_data_costs_the_same_whatever_is_predicted(
    t: float, data: float, mistaken: float
) -> None:
    level = levels(t)
    x_t = level.mix(torch.tensor(data, dtype=torch.float64), torch.tensor(1.3, dtype=torch.float64))

    def cost(name: str) -> Tensor:
        said, true = (
            PREDICTIONS[name].target(x_0, (x_t - level.alpha * x_0) / level.sigma, level)
            for x_0 in torch.tensor([mistaken, data], dtype=torch.float64)
        )
        return PREDICTIONS[name].weight(level) * (said - true) ** 2

    expected = snr(level).clamp(max=5.0) * (mistaken - data) ** 2
    for name in PREDICTIONS:
        torch.testing.assert_close(cost(name), expected, rtol=1e-5, atol=1e-9)


def test_the_weights_are_the_published_ones_and_finite_at_both_ends() -> None:
    level = levels(0.0, 0.1, 0.27, 0.5, 0.9, 1.0)
    inner, clipped = Level(level.alpha[1:-1], level.sigma[1:-1]), snr(level)[1:-1].clamp(max=MIN_SNR_GAMMA)
    published = {"x0": clipped, "v": clipped / (snr(inner) + 1), "epsilon": clipped / snr(inner)}
    ends = {"x0": (MIN_SNR_GAMMA, 0.0), "v": (0.0, 0.0), "epsilon": (0.0, 1.0)}
    for name, weight in published.items():
        torch.testing.assert_close(PREDICTIONS[name].weight(inner), weight)
        first, last = PREDICTIONS[name].weight(level)[[0, -1]].flatten().tolist()
        assert (first, last) == ends[name]


def test_no_prediction_is_infinite_where_no_data_is_left() -> None:
    level = levels(*[1.0] * 6)
    for prediction in PREDICTIONS.values():
        assert torch.isfinite(prediction.data(NOISE, NOISE, level)).all()


@given(st.sampled_from(sorted(SCHEDULES)), st.floats(-1.5, 1.5), st.floats(0.05, 0.95))
def test_a_shift_lowers_the_log_ratio_by_itself_and_keeps_the_ends(name: str, shift: float, t: float) -> None:
    times = torch.tensor([0.0, t, 1.0], dtype=torch.float64)
    plain, moved = (SCHEDULES[name](times), shifted(SCHEDULES[name], shift)(times))
    assert moved[0] == 1
    assert moved[2] == 0
    torch.testing.assert_close(moved[1].logit() / 2, plain[1].logit() / 2 - shift, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("shift", [-0.7, 0.0, 0.7])
def test_levels_are_numbers_at_every_single_precision_time(name: str, shift: float) -> None:
    near_ends = torch.logspace(-9, -1, 20_000)
    times = torch.cat([near_ends, 1 - near_ends, torch.linspace(0, 1, 20_000)])
    level = variance_preserving(shifted(SCHEDULES[name], shift))(times)
    for share in level:
        assert ((share >= 0) & (share <= 1)).all()


@given(st.integers(1, 200), st.integers(0, 10))
def test_there_is_one_stratified_time_in_every_stretch(count: int, seed: int) -> None:
    times = stratified_times(count, torch.Generator().manual_seed(seed))
    assert ((times >= 0) & (times < 1)).all()
    gaps = times.sort().values.diff()
    torch.testing.assert_close(gaps, torch.full_like(gaps, 1 / count), rtol=0, atol=1e-5)


def test_each_stratified_time_is_uniform() -> None:
    draws = torch.stack([stratified_times(3, torch.Generator().manual_seed(seed)) for seed in range(2000)])
    torch.testing.assert_close(draws.mean(0), torch.full((3,), 0.5), rtol=0, atol=0.03)
    torch.testing.assert_close(draws.std(0), torch.full((3,), 12**-0.5), rtol=0, atol=0.02)
