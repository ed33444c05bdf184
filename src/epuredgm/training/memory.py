"""How many designs are computed at once: as many as the memory takes, found by halves.

When a step runs out of memory, the model is put back as it was before the step, half as many designs are
taken at once, and the step is made again with the same random stream. Its gradient is then the weighted
mean of those of the parts, so that the effective batch stays what the settings say.

That is the gradient of the whole batch, up to rounding, for losses that are means over designs. Random
draws are other ones (each part draws its own), and statistics of a batch (batch norm, a codebook's running
means, the mean KL that free bits are taken off) are taken part by part. Validations are made in the same
parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

from epuredgm.interface import Batch, LossTerms

T = TypeVar("T")
FULL = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED")
"""What allocators and libraries (cuBLAS, cuDNN) say that raise no error class of their own."""

Owned = tuple[dict[str, Tensor | None], str, Tensor, Tensor]


def parts(batch: Batch, size: int) -> Iterator[tuple[Batch, float]]:
    """A batch in parts of at most ``size`` designs, each with its share of the batch."""
    count = len(batch.images)
    if size >= count:
        yield batch, 1.0
        return
    for images, conditions in zip(batch.images.split(size), batch.conditions.split(size), strict=True):
        yield Batch(images, conditions), len(images) / count


def averaged(terms: Iterable[tuple[LossTerms, float]]) -> LossTerms:
    """Means of the terms of parts, which come with their shares; without gradient if there are several."""
    means: dict[str, Tensor] = {}
    for part, share in terms:
        if share == 1:
            return part
        for name, value in part.items():
            means[name] = means.get(name, 0) + value.detach().float() * share
    return means


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a smaller batch may help."""
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in FULL)


class MicroBatches:
    """The size that fits, and the retries that find it.

    Args:
        size: to begin with.
        modules: whose buffers a failed attempt may have changed.
        halved: told of every new size.
    """

    def __init__(self, size: int, modules: Iterable[nn.Module], halved: Callable[[int], None]) -> None:
        self.size, self._halved = size, halved
        owners = {id(part): part for module in modules for part in module.modules()}
        self._owners = [(part._buffers, name) for part in owners.values() for name in part._buffers]

    def fit(self, work: Callable[[int], T]) -> T:
        """``work(size)``; where it runs out of memory, again with half the size.

        Raises:
            torch.OutOfMemoryError: if a single design is too much.
        """
        while True:
            before = self._buffers()
            try:
                return work(self.size)
            except RuntimeError as error:
                if not is_out_of_memory(error) or self.size == 1:
                    raise
            # outside of the handler: the error holds on to the tensors of the attempt
            _restore(before)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self.size = (self.size + 1) // 2
            self._halved(self.size)

    @contextmanager
    def on_trial(self) -> Iterator[None]:
        """Within the block buffers may change; after it they are as before."""
        before = self._buffers()
        try:
            yield
        finally:
            _restore(before)

    def _buffers(self) -> list[Owned]:
        owned = [(place, name, place[name]) for place, name in self._owners]
        return [(place, name, now, now.clone()) for place, name, now in owned if now is not None]


def runs_out(device: torch.device) -> bool:
    """Whether a device has a memory of its own, which tells when it is full."""
    return device.type == "cuda"


@torch.no_grad()
def _restore(before: list[Owned]) -> None:
    for place, name, tensor, value in before:
        tensor.copy_(value)
        place[name] = tensor
