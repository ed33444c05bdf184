"""Guidance extrapolates from the null to the conditional branch and evaluates no branch in vain."""

from __future__ import annotations

import torch
from torch import Tensor

from epuredgm.interface import SampleRequest
from epuredgm.nn.embedding import ConditionEmbedding
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.guidance import guided

CONDITION = ConditionEmbedding(1, 2)
X, T, ASKED = torch.randn(3, 2), torch.rand(3), torch.randn(3, 1)
C, NULL = CONDITION(ASKED), CONDITION.null(3)
EVIDENCE = Evidence.none((3, 1, 1, 1), X.device)

calls: list[int] = []


def predict(x_t: Tensor, t: Tensor, condition: Tensor, evidence: Evidence) -> Tensor:
    assert len(evidence.values) == len(evidence.given) == len(x_t)
    calls.append(len(x_t))
    return x_t * t[:, None] + condition


def evaluate(scale: float, conditions: Tensor | None = ASKED) -> Tensor:
    calls.clear()
    return guided(predict, CONDITION, SampleRequest(3, conditions, guidance=scale), EVIDENCE)(X, T)


def test_scale_one_is_conditional_and_zero_is_null_by_one_branch() -> None:
    assert torch.equal(evaluate(1.0), X * T[:, None] + C)
    assert calls == [3]
    assert torch.equal(evaluate(0.0), X * T[:, None] + NULL)
    assert calls == [3]


def test_without_conditions_it_is_unconditional_whatever_the_scale() -> None:
    assert torch.equal(evaluate(2.5, None), X * T[:, None] + NULL)
    assert calls == [3]


def test_other_scales_extrapolate_in_one_batched_call() -> None:
    torch.testing.assert_close(evaluate(2.5), X * T[:, None] + NULL + 2.5 * (C - NULL))
    assert calls == [6]


def test_it_is_continuous_at_the_special_scales() -> None:
    for scale in (0.0, 1.0):
        torch.testing.assert_close(evaluate(scale), evaluate(scale + 1e-6), rtol=1e-4, atol=1e-4)
