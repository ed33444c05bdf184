"""Embeddings tell times and conditions apart, and dropping a condition is the null vector."""

from __future__ import annotations

import torch

from epuredgm.nn.embedding import ConditionEmbedding, random_drop, sinusoids


def test_times_are_told_apart_over_the_whole_range() -> None:
    features = sinusoids(torch.linspace(0, 1, 101), 64)
    distances = torch.cdist(features, features) + 10 * torch.eye(101)
    assert distances.min() > 1.0
    # the fault of an unscaled time: most features hardly move from 0 to 1
    moved = (features.max(0).values - features.min(0).values) > 0.05
    assert moved.sum() >= 60


def test_a_dropped_condition_is_the_null_vector() -> None:
    embed = ConditionEmbedding(2, 8)
    conditions = torch.randn(3, 2)
    embedded = embed(conditions, torch.tensor([True, False, True]))
    assert torch.equal(embedded[[0, 2]], embed.null(2))
    assert torch.equal(embedded[1], embed(conditions)[1])
    assert not torch.equal(embedded[1], embed.null(1)[0])


def test_without_conditions_every_design_has_the_null_vector() -> None:
    embed = ConditionEmbedding(0, 8)
    assert torch.equal(embed(torch.zeros(4, 0)), embed.null(4))


def test_dropout_is_drawn_per_sample() -> None:
    rng = torch.Generator().manual_seed(0)
    dropped = random_drop(20_000, 0.1, rng).float()
    assert abs(dropped.mean() - 0.1) < 0.01
    assert not random_drop(1000, 0.0, rng).any()
    assert random_drop(1000, 1.0, rng).all()
