"""What drawing a set cost: designs, seconds, and how often the network was evaluated for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass
class Cost:
    """Of the batches that were drawn; those of an earlier, stopped job are not in it.

    Attributes:
        designs: drawn.
        seconds: taken, from request to stored values.
        evaluations: how often a batch went through the layer that it went through most often: 1 for a
            decoder, the steps of a sampler for a denoiser, the tokens for an autoregressive prior. Guidance
            evaluates both branches as one batch, of twice the size, and counts once.
    """

    designs: int = 0
    seconds: float = 0.0
    evaluations: int = 0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {
            "designs": self.designs,
            "seconds": self.seconds,
            "seconds_per_1000": 1000 * self.seconds / max(1, self.designs),
            "evaluations": self.evaluations,
        }


@contextmanager
def counted(model: nn.Module) -> Iterator[Counter[nn.Module]]:
    """Within the block, how often each of the model's layers was called."""
    calls: Counter[nn.Module] = Counter()

    def count(module: nn.Module, _: Any) -> None:
        calls[module] += 1

    layers = [module for module in model.modules() if not any(module.children())]
    handles = [layer.register_forward_pre_hook(count) for layer in layers]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
