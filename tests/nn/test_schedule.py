"""Every schedule falls from all signal to exactly none."""

from __future__ import annotations

import pytest
import torch

from epuredgm.nn.flow import logit_normal_times
from epuredgm.nn.schedule import SCHEDULES, strides


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_signal_falls_from_one_to_exactly_zero(name: str) -> None:
    times = torch.linspace(0, 1, 1001)
    alpha_bar = SCHEDULES[name](times)
    assert alpha_bar[0] == 1
    assert alpha_bar[-1] == 0
    assert (alpha_bar.diff() < 0).all()


def test_the_cosine_schedule_is_its_formula() -> None:
    t = torch.tensor([0.25, 0.5, 2 / 3], dtype=torch.float64)
    expected = torch.tensor([0.5 + 0.5 * 0.5**0.5, 0.5, 0.25], dtype=torch.float64)
    torch.testing.assert_close(SCHEDULES["cosine"](t), expected)


def test_the_sigmoid_schedule_is_symmetric() -> None:
    t = torch.linspace(0, 1, 11)
    torch.testing.assert_close(SCHEDULES["sigmoid"](t) + SCHEDULES["sigmoid"](1 - t), torch.ones(11))


def test_the_strides_fall_from_noise_to_the_design_and_are_quantiles() -> None:
    times = torch.tensor(strides(8, 1.5, 1.4), dtype=torch.float64)
    assert times[0] == 1
    assert times[-1] == 0
    assert (times.diff() < 0).all()
    draws = logit_normal_times(40_000, 1.5, 1.4, torch.Generator().manual_seed(0)).double()
    later = torch.stack([(draws > time).double().mean() for time in times])
    torch.testing.assert_close(later, torch.linspace(0, 1, 9, dtype=torch.float64), rtol=0, atol=0.01)
