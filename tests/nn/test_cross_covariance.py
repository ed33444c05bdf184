"""The published posterior lies between (1 - e) and (1 + e) times its variances, whatever the network says."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.nn.cross_covariance import SHARE, CrossCovariance, scaled_covariance
from epuredgm.nn.gaussian import FullGaussian


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.floats(-3, 3), st.integers(0, 1000))
def test_the_covariance_is_within_its_bounds(width: int, size: float, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    wished = 10**size * torch.randn(width, width, dtype=torch.float64, generator=rng)
    cross = (wished + wished.T).fill_diagonal_(0)
    variances = torch.rand(width, dtype=torch.float64, generator=rng) + 0.01
    covariance = scaled_covariance(variances, cross)
    for bound, sign in ((1 - SHARE, 1), (1 + SHARE, -1)):
        gap = sign * (covariance - bound * torch.diag(variances))
        assert torch.linalg.eigvalsh(gap).min() > -1e-9
    assert torch.equal(covariance.diagonal(), variances)


def test_small_wishes_are_granted() -> None:
    cross = torch.tensor([[0.0, 0.1], [0.1, 0.0]])
    assert torch.equal(scaled_covariance(torch.ones(2), cross), torch.eye(2) + cross)


@pytest.mark.parametrize("components", [1, 3, 5])
def test_components_covary_and_each_has_its_own_variances(components: int) -> None:
    network = CrossCovariance(components, 2, 6)
    features = torch.randn(4, components, 6)
    cross = network(features)
    width = 2 * components
    assert cross.shape == (4, width, width)
    assert torch.equal(cross, cross.mT)
    node = torch.arange(width) // 2
    within = node[:, None] == node
    assert (cross[:, within] == 0).all()
    assert (cross[:, ~within] != 0).all()
    variances = torch.rand(4, width) + 0.1
    posterior = FullGaussian.of_covariance(torch.zeros(4, width), scaled_covariance(variances, cross))
    torch.testing.assert_close(
        posterior.covariance().diagonal(dim1=1, dim2=2), variances, rtol=1e-4, atol=1e-5
    )
