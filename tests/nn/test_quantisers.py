"""Finite scalars are a bijection with bounded error; codes of a codebook follow their vectors and live on."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from epuredgm.nn.quantisers import DEAD, SMOOTHING, Codebook, FiniteScalars

LEVELS = st.lists(st.integers(2, 9), min_size=1, max_size=4)


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reaching(levels: list[int]) -> Tensor:
    """A vector for every code, (codes, D), by the inverse of the bound."""
    quantiser = FiniteScalars(levels)
    rounded = quantiser.values_of(torch.arange(quantiser.codes)) * (quantiser.levels // 2)
    reach = (quantiser.levels - 1).double() * 1.001 / 2
    offset = 0.5 * (quantiser.levels % 2 == 0)
    return (((rounded + offset) / reach).atanh() - (offset / reach).atanh()).float()


@settings(max_examples=30, deadline=None)
@given(LEVELS)
def test_indices_and_values_are_a_bijection_and_every_code_can_be_reached(levels: list[int]) -> None:
    quantiser = FiniteScalars(levels)
    indices = torch.arange(math.prod(levels))
    values = quantiser.values_of(indices)
    assert len(values.unique(dim=0)) == quantiser.codes == math.prod(levels)
    assert values.abs().max() <= 1
    reached = quantiser(reaching(levels))
    assert torch.equal(reached.indices, indices)
    torch.testing.assert_close(reached.values, values)


@settings(max_examples=30, deadline=None)
@given(LEVELS, st.integers(0, 2**31))
def test_any_vector_goes_to_a_code_and_at_most_half_a_level_away(levels: list[int], seed: int) -> None:
    quantiser = FiniteScalars(levels)
    z = 3 * torch.randn(50, len(levels), generator=stream(seed))
    result = quantiser(z)
    assert result.indices.min() >= 0
    assert result.indices.max() < quantiser.codes
    torch.testing.assert_close(result.values, quantiser.values_of(result.indices))
    away = quantiser.bound(z) / (quantiser.levels // 2) - result.values
    assert (away.abs() * (quantiser.levels // 2) <= 0.5 + 1e-5).all()
    torch.testing.assert_close(result.distance, away.square().sum(1))


def test_rounding_passes_the_gradient_of_the_bound_straight_through() -> None:
    quantiser = FiniteScalars([8, 5, 3])
    z = torch.randn(20, 3, requires_grad=True)
    weights = torch.randn(20, 3)
    (quantiser(z).values * weights).sum().backward()
    smooth = z.detach().clone().requires_grad_()
    (quantiser.bound(smooth) / (quantiser.levels // 2) * weights).sum().backward()
    assert z.grad is not None
    assert torch.equal(z.grad, smooth.grad)
    assert (z.grad != 0).all()


def clusters(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points close to 8 far corners, (count, 3), and the corner of each."""
    corner = torch.randint(8, (count,), generator=stream(seed))
    centre = 10.0 * (corner[:, None] >> torch.arange(3) & 1)
    return centre + 0.1 * torch.randn(count, 3, generator=stream(seed + 1)), corner


def test_a_codebook_starts_consistent_on_vectors_of_the_first_batch() -> None:
    codebook = Codebook(16, 3, decay=1.0).train()  # all of the old mean is kept: only the start is seen
    codebook._place(clusters(40)[0], stream())
    z, _ = clusters(40)
    assert torch.equal(codebook.sizes, torch.ones(16))
    torch.testing.assert_close(codebook.table(), codebook.sums)
    assert ((codebook.table()[:, None] - z).abs().amax(2).amin(1) < 1e-5).all()


def test_codes_are_the_smoothed_running_means_of_their_vectors() -> None:
    """van den Oord et al. 2017, appendix A.1, spelt out code by code."""
    codebook = Codebook(4, 2, decay=0.9).train()
    z = torch.tensor([[0.0, 0.0], [0.2, 0.0], [5.0, 5.0], [0.0, 9.0]])
    codebook.placed.fill_(True)
    codebook.sums.copy_(torch.tensor([[0.0, 0.0], [5.0, 5.0], [0.0, 9.0], [9.0, 0.0]]))
    result = codebook(z, stream())
    assert result.indices.tolist() == [0, 0, 1, 2]
    sizes = [0.9 + 0.1 * n for n in (2, 1, 1, 0)]
    sums = [[0.1 * 0.2, 0.0], [5.0, 5.0], [0.0, 9.0], [0.9 * 9.0, 0.0]]
    total = sum(sizes)
    smoothed = [(n + SMOOTHING) / (total + 4 * SMOOTHING) * total for n in sizes]
    expected = torch.tensor([[m / n for m in row] for row, n in zip(sums, smoothed, strict=True)])
    torch.testing.assert_close(codebook.table(), expected)


def test_no_code_serves_two_separable_clusters_and_most_codes_serve_one() -> None:
    codebook = Codebook(32, 3, decay=0.8).train()
    for step in range(100):
        codebook(clusters(64, seed=2 * step)[0], stream(step))
    z, corner = clusters(4000, seed=9999)
    pairs = torch.stack([corner, codebook.eval()(z).indices], 1).unique(dim=0)
    assert set(pairs[:, 0].tolist()) == set(range(8))
    assert len(pairs[:, 1].unique()) == len(pairs)
    assert len(pairs) > 24


def test_a_dead_code_moves_to_a_vector_of_the_batch_with_the_mean_size() -> None:
    codebook = Codebook(3, 2, decay=0.9).train()
    codebook.placed.fill_(True)
    codebook.sizes.copy_(torch.tensor([4.0, 4.0, 1e-3]))
    codebook.sums.copy_(codebook.sizes[:, None] * torch.tensor([[0.0, 0.0], [1.0, 1.0], [700.0, 700.0]]))
    z = torch.tensor([[0.1, 0.0], [1.0, 1.1]])
    codebook(z, stream())
    mean = (0.9 * (8 + 1e-3) + 0.1 * 2) / 3
    assert codebook.sizes[2] > DEAD * mean
    torch.testing.assert_close(codebook.sizes[2], torch.tensor(mean))
    assert (codebook.table()[2] - z).abs().sum(1).min() < 1e-3


def test_the_codebook_has_no_gradient_and_moves_in_training_only() -> None:
    codebook = Codebook(8, 3, decay=0.9)
    assert not list(codebook.parameters())
    z = clusters(40)[0].requires_grad_()
    codebook.train()(z, stream())
    before = {name: value.clone() for name, value in codebook.state_dict().items()}
    result = codebook.eval()(z, stream())
    assert all(torch.equal(value, before[name]) for name, value in codebook.state_dict().items())
    codebook.train()(z)  # without a stream it only reads
    assert all(torch.equal(value, before[name]) for name, value in codebook.state_dict().items())
    weights = torch.randn(40, 3)
    (straight,) = torch.autograd.grad((result.values * weights).sum(), z, retain_graph=True)
    assert torch.equal(straight, weights)
    (pull,) = torch.autograd.grad(result.distance.sum(), z)
    torch.testing.assert_close(pull, 2 * (z - codebook.values_of(result.indices)))


@pytest.mark.parametrize("quantiser", [FiniteScalars([4, 3]), Codebook(12, 2, 0.9)])
def test_shapes_are_kept_and_indices_lead_back_to_the_values(quantiser: FiniteScalars | Codebook) -> None:
    z = torch.randn(2, 3, 5, 2)
    result = quantiser.eval()(z)
    assert result.values.shape == z.shape
    assert result.indices.shape == result.distance.shape == z.shape[:-1]
    torch.testing.assert_close(quantiser.values_of(result.indices), result.values)
