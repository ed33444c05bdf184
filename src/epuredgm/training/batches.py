"""The batches of one phase: shuffled by epoch for training, in their order for all else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from epuredgm.core.errors import Interrupted
from epuredgm.core.monitor import Monitor
from epuredgm.data.resident import ResidentDesigns, epoch_order
from epuredgm.interface import Batch


class ShuffledBatches:
    """Train batches by step.

    Args:
        designs: to learn.
        size: of a batch; an incomplete last one is dropped if a complete one exists.
        seed: of the order; epochs have different orders.
        channels_last: memory layout of the images.
        weights: (N,), how often each design is drawn, with replacement; None draws each once an epoch.
    """

    def __init__(
        self,
        designs: ResidentDesigns,
        size: int,
        seed: int,
        channels_last: bool,
        weights: Tensor | None = None,
    ) -> None:
        self._weights = weights
        self._designs, self._size, self._seed, self._channels_last = designs, size, seed, channels_last
        self._per_epoch = max(1, len(designs) // size)
        self._epoch, self._order = -1, torch.empty(0)

    def at(self, step: int) -> Batch:
        """The batch of a step; depends on nothing else."""
        epoch, place = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = (
                epoch,
                epoch_order(len(self._designs), self._seed, epoch, self._weights),
            )
        index = self._order[place * self._size : (place + 1) * self._size]
        return _laid_out(self._designs.batch(index), self._channels_last)


@dataclass(frozen=True)
class OrderedBatches:
    """All designs in their order, as often as they are asked for; the last batch may be smaller.

    Attributes:
        designs: what is served.
        size: of a batch.
        channels_last: memory layout of the images.
        monitor: polled before every batch.
    """

    designs: ResidentDesigns
    size: int
    channels_last: bool
    monitor: Monitor

    def __iter__(self) -> Iterator[Batch]:
        """Serve.

        Raises:
            Interrupted: as soon as the monitor asks to stop.
        """
        for start in range(0, len(self.designs), self.size):
            if self.monitor.stopping():
                raise stopped()
            index = torch.arange(start, min(start + self.size, len(self.designs)))
            yield _laid_out(self.designs.batch(index), self.channels_last)


def stopped() -> Interrupted:
    """What is raised when the monitor asks to stop."""
    return Interrupted("training was asked to stop; it was saved", "The same command continues from here.")


def _laid_out(batch: Batch, channels_last: bool) -> Batch:
    if not channels_last:
        return batch
    return Batch(batch.images.contiguous(memory_format=torch.channels_last), batch.conditions)
