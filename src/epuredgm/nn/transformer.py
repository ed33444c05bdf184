"""A causal transformer: each position sees those up to it, all at once or, in sampling, one by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.blocks import zeroed


class Cache:
    """Keys and values of the positions that were stepped through.

    Args:
        layers, batch, heads, length, head: of the transformer, and of the sequences to come.
        like: a tensor of their device and type.
    """

    def __init__(self, layers: int, batch: int, heads: int, length: int, head: int, like: Tensor) -> None:
        self.keys = like.new_empty(layers, batch, heads, length, head)
        self.values = torch.empty_like(self.keys)

    def extend(self, layer: int, position: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Note (B, heads, 1, head) at a position; keys and values of all positions up to it."""
        past = slice(0, position + 1)
        self.keys[layer, :, :, position] = key[:, :, 0]
        self.values[layer, :, :, position] = value[:, :, 0]
        return self.keys[layer, :, :, past].to(key.dtype), self.values[layer, :, :, past].to(value.dtype)


class Block(nn.Module):
    """Self-attention and a perceptron, each normalised before and added after (pre-norm).

    Args:
        width: of the features, a multiple of ``heads``.
        heads: of the attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.out = zeroed(nn.Linear(width, width))
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), zeroed(nn.Linear(4 * width, width))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) -> the same shape; each position sees itself and those before."""
        query, key, value = self._heads(x)
        return self._close(x, functional.scaled_dot_product_attention(query, key, value, is_causal=True))

    def step(self, x: Tensor, cache: Cache, layer: int, position: int) -> Tensor:
        """(B, 1, width) at one position, those before being in the cache -> the same shape."""
        query, key, value = self._heads(x)
        keys, values = cache.extend(layer, position, key, value)
        return self._close(x, functional.scaled_dot_product_attention(query, keys, values))

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, (B, heads, L, width / heads) each."""
        mixed = self.mix(self.norm(x)).unflatten(2, (3, self.heads, -1))
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        return query, key, value

    def _close(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        return x + self.perceptron(x)


class CausalTransformer(nn.Module):
    """Blocks and a last normalisation.

    Args:
        width, heads: of the blocks.
        layers: number of blocks.
    """

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) -> the same shape."""
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def cache(self, batch: int, length: int) -> Cache:
        """An empty cache for :meth:`step` over sequences of a length."""
        head = self.width // self.heads
        return Cache(len(self.blocks), batch, self.heads, length, head, self.norm.weight)

    def step(self, x: Tensor, cache: Cache, position: int) -> Tensor:
        """(B, width) at one position, after those before it -> (B, width), as :meth:`forward` would give."""
        x = x[:, None]
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x = block.step(x, cache, layer, position)
        return self.norm(x)[:, 0]
