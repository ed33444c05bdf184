"""The kernel distance against its definition and independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_kid import kernel_mmd
from torchmetrics.image.kid import poly_mmd

from epuredgm.evaluation.kernel_distance import kernel_distance, kernel_left_out
from epuredgm.evaluation.view import View, jackknife_groups


def by_hand(x: np.ndarray, y: np.ndarray) -> float:
    def mean(a: np.ndarray, b: np.ndarray, same: bool) -> float:
        values = [
            (a[i] @ b[j] / a.shape[1] + 1) ** 3
            for i in range(len(a))
            for j in range(len(b))
            if not (same and i == j)
        ]
        return float(np.mean(values))

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


@settings(max_examples=30)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 6), st.integers(0, 1000))
def test_is_its_definition(n: int, m: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, width)), rng.normal(size=(m, width)) + 0.5
    assert kernel_distance(x, y) == pytest.approx(by_hand(x, y), rel=1e-9, abs=1e-12)


def test_equals_torchmetrics_and_torch_fidelity() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((1500, 64)), rng.random((1500, 64)) ** 1.2  # more rows than one block
    expected = float(poly_mmd(torch.from_numpy(x), torch.from_numpy(y)))
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-9)
    kernel = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None}
    assert kernel_distance(x, y) == pytest.approx(kernel_mmd(x, y, **kernel, kid_kernel_poly_coef0=1))


def test_estimates_nothing_between_equal_laws_at_any_count() -> None:
    rng = np.random.default_rng(1)
    for count in (5, 50):
        draws = np.array([kernel_distance(*rng.normal(size=(2, count, 8))) for _ in range(400)])
        assert abs(draws.mean()) < 4 * draws.std() / np.sqrt(len(draws))
        assert (draws < 0).any()


@pytest.mark.parametrize("count", [3, 40, 41])
def test_left_out_is_the_distance_without_each_group(count: int) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(count, 5)), rng.normal(size=(count, 5)) + 0.3
    groups = jackknife_groups(rng, count, 7)
    view = View(x, y, x, y, groups, repeats=2)
    expected = [kernel_distance(x[groups != g], y[groups != g]) for g in range(int(groups.max()) + 1)]
    np.testing.assert_allclose(kernel_left_out(view), expected, rtol=1e-9, atol=1e-12)
