"""The transformer looks back only, and steps give what the whole sequence gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from epuredgm.nn.transformer import CausalTransformer


@pytest.fixture
def transformer() -> CausalTransformer:
    network = CausalTransformer(16, 3, 4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    return network


@pytest.mark.parametrize("changed", range(6))
def test_no_position_sees_a_later_one(transformer: CausalTransformer, changed: int) -> None:
    x = torch.randn(2, 6, 16)
    other = x.clone()
    other[:, changed] = torch.randn(2, 16)
    one, two = transformer(x), transformer(other)
    torch.testing.assert_close(one[:, :changed], two[:, :changed], rtol=0, atol=1e-6)
    assert ((one - two)[:, changed:].abs().amax(2) > 1e-4).all()  # and each sees all that are not later


def test_steps_with_a_cache_give_the_whole_sequence(transformer: CausalTransformer) -> None:
    x = torch.randn(3, 7, 16)
    cache = transformer.cache(3, 7)
    with torch.no_grad():
        stepped = torch.stack([transformer.step(x[:, i], cache, i) for i in range(7)], 1)
    torch.testing.assert_close(stepped, transformer(x), rtol=1e-4, atol=1e-5)


def test_attention_is_softmax_attention_over_the_past(transformer: CausalTransformer) -> None:
    block, x = transformer.blocks[0], torch.randn(2, 5, 16)

    def heads(part: Tensor) -> Tensor:
        return part.view(2, 5, 4, 4).transpose(1, 2)

    query, key, value = (heads(part) for part in block.mix(block.norm(x)).chunk(3, dim=2))
    scores = (query @ key.mT / 2).masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
    mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(2, 5, 16)
    attended = x + block.out(mixed)
    torch.testing.assert_close(block(x), attended + block.perceptron(attended), rtol=1e-4, atol=1e-5)
