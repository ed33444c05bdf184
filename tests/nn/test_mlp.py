"""The perceptron: rows are independent, and it starts as a network without blocks."""

from __future__ import annotations

import torch

from epuredgm.nn.mlp import Perceptron


def test_a_row_depends_on_its_own_input_and_context_only() -> None:
    net = Perceptron(3, 5, context=4, width=16, blocks=2)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x, context = torch.randn(6, 3), torch.randn(6, 4)
    out = net(x, context)
    assert out.shape == (6, 5)
    torch.testing.assert_close(net(x[2:3], context[2:3]), out[2:3])
    for changed in (net(x + 1, context), net(x, context + 1)):
        assert ((changed - out).abs() > 1e-4).any(1).all()


def test_blocks_start_as_nothing() -> None:
    net = Perceptron(3, 2, context=4, width=16, blocks=3)
    x = torch.randn(5, 3)
    assert torch.equal(net(x, torch.randn(5, 4)), net(x, torch.randn(5, 4)))
