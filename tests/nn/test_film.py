"""Blocks that start as if there were no condition, and as if they were not there."""

from __future__ import annotations

import torch

from epuredgm.nn.film import AttentionBlock, FiLMLayer, ResidualBlock


def test_film_is_the_identity_at_the_start_and_learns_from_the_first_step() -> None:
    layer, x = FiLMLayer(8, 5), torch.randn(3, 8, 4, 4)
    out = layer(x, torch.randn(3, 5))
    assert torch.equal(out, x)
    out.square().sum().backward()
    assert layer.out.weight.grad is not None
    assert layer.out.weight.grad.abs().sum() > 0


def test_film_scales_by_one_plus_g_and_shifts_by_b() -> None:
    layer, x = FiLMLayer(2, 3), torch.randn(1, 2, 4, 4)
    with torch.no_grad():
        layer.out.bias.copy_(torch.tensor([0.5, -1.0, 2.0, 0.0]))
    out = layer(x, torch.randn(1, 3))
    torch.testing.assert_close(out[:, 0], 1.5 * x[:, 0] + 2)
    torch.testing.assert_close(out[:, 1], 0 * x[:, 1])


def test_blocks_are_the_identity_at_the_start() -> None:
    x = torch.randn(2, 32, 4, 4)
    assert torch.equal(ResidualBlock(32, 32, 5)(x, torch.randn(2, 5)), x)
    assert torch.equal(AttentionBlock(32)(x), x)
