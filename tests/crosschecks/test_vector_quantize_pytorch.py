"""Finite scalars against the independent implementation of vector-quantize-pytorch."""

from __future__ import annotations

import pytest
import torch

from epuredgm.nn.quantisers import FiniteScalars

peer = pytest.importorskip("vector_quantize_pytorch", exc_type=ImportError)


@pytest.mark.parametrize("levels", [[8, 8, 8], [8, 5, 5, 5], [3], [7, 4, 6, 9, 5]])
def test_values_indices_and_gradients_are_those_of_the_peer(levels: list[int]) -> None:
    theirs, ours = peer.FSQ(levels), FiniteScalars(levels)
    z = 2 * torch.randn(4, 50, len(levels), generator=torch.Generator().manual_seed(0))
    weights = torch.randn(z.shape, generator=torch.Generator().manual_seed(1))
    leaves = [z.clone().requires_grad_() for _ in range(2)]
    values, indices = theirs(leaves[0])
    result = ours(leaves[1])
    torch.testing.assert_close(result.values, values)
    assert torch.equal(result.indices, indices.long())
    (values * weights).sum().backward()
    (result.values * weights).sum().backward()
    torch.testing.assert_close(leaves[1].grad, leaves[0].grad)


@pytest.mark.parametrize("levels", [[8, 8, 8], [7, 4, 6, 5]])
def test_codes_stand_for_the_same_values(levels: list[int]) -> None:
    ours = FiniteScalars(levels)
    every = torch.arange(ours.codes)
    torch.testing.assert_close(ours.values_of(every), peer.FSQ(levels).indices_to_codes(every))
