"""The feature network takes any size, knows one design at a time, and gives whitened features."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.nn.feature_network import FAINTEST, FeatureNetwork, patch_of


@settings(max_examples=15)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 5), st.integers(2, 9))
def test_any_size_and_number_of_components(rows: int, columns: int, components: int, features: int) -> None:
    network = FeatureNetwork((rows, columns), components, features).eval()
    images = torch.rand(3, components, rows, columns)
    found = network(images)
    reading = network.read(images)
    assert found.shape == (3, features) and found.isfinite().all()
    assert reading.clean.shape == images.shape
    network.loss(images, images.round(), 1.0).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    assert torch.allclose(found[1:2], network(images[1:2]), atol=1e-4)  # a row is of its own design only


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_a_large_image_costs_no_more_positions_until_patches_are_large(rows: int, columns: int) -> None:
    patch = patch_of((rows, columns))
    positions = rows * columns / patch**2
    assert patch in (1, 2, 4, 8, 16)
    assert patch == 1 or positions >= 128
    assert patch == 16 or positions < 4 * 128


def test_whitening_gives_mean_zero_and_covariance_one() -> None:
    network = FeatureNetwork((16, 8), 2, 6)
    axes, _ = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))
    deviations = torch.tensor([3.0, 2.0, 1.0, 0.5, 0.2, 0.1], dtype=torch.float64)
    codes = torch.randn(500, 6, dtype=torch.float64) * deviations @ axes + 3
    network.whiten(codes.float())
    features = (codes.float() - network.centre) @ network.stretch
    assert torch.allclose(features.mean(0), torch.zeros(6), atol=1e-3)
    assert torch.allclose(features.T.cov(), torch.eye(6), atol=1e-2)


def test_a_direction_fainter_than_the_least_is_stretched_like_the_least() -> None:
    network = FeatureNetwork((16, 8), 2, 3)
    codes = torch.randn(500, 3) * torch.tensor([1.0, 1.0, FAINTEST / 10])
    network.whiten(codes)
    deviations = torch.linalg.eigvalsh(((codes - network.centre) @ network.stretch).T.cov()).sqrt()
    assert deviations[1:].tolist() == pytest.approx([1, 1], rel=1e-3)
    assert float(deviations[0]) == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("codes", [torch.ones(5, 4), torch.arange(20.0).view(5, 4)])
def test_directions_without_variance_stay_finite(codes: torch.Tensor) -> None:
    network = FeatureNetwork((16, 8), 2, 4)
    network.whiten(codes)
    assert network.stretch.isfinite().all()
    assert network(torch.rand(2, 2, 16, 8)).isfinite().all()
