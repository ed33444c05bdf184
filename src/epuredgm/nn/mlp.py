"""The network of families that model latents instead of pixels: a residual perceptron with context."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from epuredgm.nn.blocks import zeroed


class PerceptronBlock(nn.Module):
    """Two linear layers around a scale and shift that the context decides (FiLM, Perez et al. 2018).

    Args:
        width: of the features.
        context: width of the context vector.
    """

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, width)
        self.film = nn.Linear(context, 2 * width)
        self.leave = zeroed(nn.Linear(width, width))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, width) and (B, context) -> (B, width)."""
        scale, shift = self.film(context).chunk(2, dim=1)
        hidden = self.enter(self.norm(x)) * (1 + scale) + shift
        return x + self.leave(functional.silu(hidden))


class Perceptron(nn.Module):
    """Vectors and their context -> vectors.

    Args:
        inputs, outputs: widths of the vectors.
        context: width of the context vector.
        width: of the hidden features.
        blocks: residual blocks between the first and the last layer.
    """

    def __init__(self, inputs: int, outputs: int, *, context: int, width: int, blocks: int) -> None:
        super().__init__()
        self.start = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(PerceptronBlock(width, context) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, outputs)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(B, inputs) and (B, context) -> (B, outputs)."""
        x, context = self.start(x), functional.silu(context)
        for block in self.blocks:
            x = block(x, context)
        return self.out(functional.silu(self.norm(x)))
