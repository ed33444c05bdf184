"""The learning rate and the moving average have closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from epuredgm.core.settings import OptimizerSettings
from epuredgm.training.ema import MovingAverage
from epuredgm.training.schedule import learning_rate


def optimizer(warmup: float, final_lr: float, lr: float = 2.0) -> OptimizerSettings:
    return OptimizerSettings("adamw", lr, [0.9, 0.99], 0.0, warmup, final_lr)


@given(st.integers(1, 2000), st.floats(0, 0.9), st.floats(0, 1))
def test_rate_rises_then_falls_between_its_bounds(steps: int, warmup: float, final: float) -> None:
    settings = optimizer(warmup, final)
    rates = [learning_rate(step, steps, settings) for step in range(steps)]
    warm = round(warmup * steps)
    assert all(0 < rate <= 2.0 or (final == 0 and rate >= 0) for rate in rates)
    assert all(math.isclose(rate, 2.0 * (i + 1) / warm) for i, rate in enumerate(rates[:warm]))
    assert all(a >= b - 1e-12 for a, b in zip(rates[warm:], rates[warm + 1 :], strict=False))
    if warm < steps - 1:
        assert rates[warm] == pytest.approx(2.0)
        assert rates[-1] == pytest.approx(2.0 * final)


def test_rate_halfway_down_is_the_mean_of_both_ends() -> None:
    assert learning_rate(50, 101, optimizer(0.0, 0.1)) == pytest.approx(2.0 * 0.55)


def test_average_is_the_closed_form_and_buffers_and_weights_are_untouched() -> None:
    torch.manual_seed(0)
    net = nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
    average = MovingAverage([list(net.parameters())], 0.6)
    expected = [p.detach().double().clone() for p in net.parameters()]
    for count in range(40):
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(torch.randn_like(parameter))
        before = [p.detach().clone() for p in net.parameters()]
        average.step(0, count)
        kept = min(0.6, (1 + count) / (10 + count))
        expected = [
            kept * e + (1 - kept) * p.detach().double()
            for e, p in zip(expected, net.parameters(), strict=True)
        ]
        assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    for a, e in zip(average.state(), expected, strict=True):
        torch.testing.assert_close(a.double(), e, rtol=1e-5, atol=1e-6)


def test_weights_come_back_bit_for_bit_even_after_an_error() -> None:
    net = nn.Linear(3, 3)
    average = MovingAverage([list(net.parameters())], 0.9)
    with torch.no_grad():
        net.weight.add_(1)
    own = net.weight.detach().clone()
    with pytest.raises(RuntimeError, match="within"), average.in_place():
        assert torch.equal(net.weight + 1, own)
        raise RuntimeError("within")
    assert torch.equal(net.weight, own)


def test_a_parameter_of_two_groups_has_one_average_and_decay_zero_has_none() -> None:
    net = nn.Linear(3, 3)
    both = list(net.parameters())
    assert len(MovingAverage([both, both], 0.9).state()) == 2
    off = MovingAverage([both], 0.0)
    off.step(0, 0)
    assert not off.active
    assert off.state() == []
