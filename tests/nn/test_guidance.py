"""Guidance extrapolates from the null to the conditional branch and evaluates no branch in vain."""

from __future__ import annotations

import torch
from torch import Tensor

from epuredgm.nn.guidance import guided

calls: list[int] = []


def predict(x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
    calls.append(len(x_t))
    return x_t * t[:, None] + condition


X, T, C, NULL = torch.randn(3, 2), torch.rand(3), torch.randn(3, 2), torch.randn(3, 2)


def evaluate(scale: float) -> Tensor:
    calls.clear()
    return guided(predict, (C,), (NULL,), scale)(X, T)


def test_scale_one_is_conditional_and_zero_is_null_by_one_branch() -> None:
    assert torch.equal(evaluate(1.0), predict(X, T, C))
    assert calls[:-1] == [3]
    assert torch.equal(evaluate(0.0), predict(X, T, NULL))
    assert calls[:-1] == [3]


def test_other_scales_extrapolate_in_one_batched_call() -> None:
    torch.testing.assert_close(evaluate(2.5), X * T[:, None] + NULL + 2.5 * (C - NULL))
    assert calls == [6]


def test_it_is_continuous_at_the_special_scales() -> None:
    for scale in (0.0, 1.0):
        torch.testing.assert_close(evaluate(scale), evaluate(scale + 1e-6), rtol=1e-4, atol=1e-4)
