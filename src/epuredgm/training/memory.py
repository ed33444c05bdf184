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

from epuredgm.data.memory import FittingSize, RememberedSize
from epuredgm.interface import Batch, LossTerms

T = TypeVar("T")
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


class MicroBatches(FittingSize):
    """The size that fits, and the retries that find it; an attempt that fails leaves no trace in the buffers.

    Args:
        size: to begin with.
        modules: whose buffers a failed attempt may have changed.
        halved: told of every new size.
        remembered: what fitted the last time, if that is kept.
    """

    def __init__(
        self,
        size: int,
        modules: Iterable[nn.Module],
        halved: Callable[[int], None],
        remembered: RememberedSize | None = None,
    ) -> None:
        super().__init__(size, halved, remembered)
        owners = {id(part): part for module in modules for part in module.modules()}
        self._owners = [(part._buffers, name) for part in owners.values() for name in part._buffers]

    def fit(self, work: Callable[[int], T]) -> T:
        """As :meth:`FittingSize.fit`, each attempt from the same buffers."""
        before = self._buffers()
        tried = False

        def attempt(size: int) -> T:
            nonlocal tried
            if tried:
                _restore(before)
            tried = True
            return work(size)

        return super().fit(attempt)

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
