"""Designs resident on the device as stored and expanded there, in an order derived from seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epuredgm.core.seeds import derive
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Stored
from epuredgm.interface import Batch

SHARE_OF_FREE_MEMORY = 0.25  # of a GPU, at most, for the designs; the model needs the rest


def epoch_order(count: int, seed: int, epoch: int, weights: Tensor | None = None) -> Tensor:
    """The order of ``count`` rows in one epoch, int64 (count,) on the CPU.

    A function of its arguments: a resumed run needs no stored state to see the rows that an unbroken run
        sees.

    Args:
        count: rows.
        seed: of the run.
        epoch: from 0.
        weights: (count,) positive: rows are drawn in proportion, with replacement; None shuffles them.
    """
    rng = torch.Generator().manual_seed(derive(seed, "order", epoch))
    if weights is None:
        return torch.randperm(count, generator=rng)
    # not torch.multinomial, which takes 2^24 rows at most and whose draws may change with its version
    ends = weights.double().cumsum(0)
    drawn = torch.rand(count, generator=rng, dtype=torch.float64) * ends[-1]
    return torch.searchsorted(ends, drawn, right=True).clamp_(max=count - 1)


class ResidentDesigns:
    """Designs ready for batching.

    Args:
        images: uint8 (N, C, H, W), or the bits of uint16 as int16, which every device can index; on
            ``device`` or, if they do not fit there, on the host.
        conditions: float32 (N, W), encoded, beside the images.
        device: where batches are wanted.
        scale: what a stored value is divided by.
    """

    def __init__(self, images: Tensor, conditions: Tensor, device: torch.device, scale: float = 1.0) -> None:
        if images.dtype not in (torch.uint8, torch.int16) or len(images) != len(conditions):
            raise ValueError(
                f"images {images.dtype} {tuple(images.shape)}, conditions {tuple(conditions.shape)}"
            )
        self.images, self.conditions, self.device, self.scale = images, conditions, device, scale

    @classmethod
    def place(
        cls,
        images: Stored,
        conditions: NDArray[np.float32],
        spec: DataSpec,
        device: torch.device,
        room: int | None = None,
    ) -> ResidentDesigns:
        """Copy designs to the device, or to the host's memory if they would take too much of it.

        Args:
            images: (N, C, H, W), as in :class:`epuredgm.data.designs.Designs`.
            conditions: (N, W), encoded.
            spec: the data set.
            device: where batches are wanted.
            room: bytes that the designs may take on the device; None for a quarter of what is free now.
        """
        stored = np.array(images, dtype=spec.dtype)
        pictures = torch.from_numpy(stored.view(np.int16) if spec.dtype == "uint16" else stored)
        encoded = torch.from_numpy(np.array(conditions, dtype=np.float32))
        allowed = _room(device) if room is None else room
        if pictures.nbytes + encoded.nbytes <= allowed:
            pictures, encoded = pictures.to(device), encoded.to(device)
        return cls(pictures, encoded, device, float(spec.levels))

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, index: Tensor) -> Batch:
        """The designs at ``index`` (B,) int64: images float32 (B, C, H, W) in [0, 1], conditions (B, W)."""
        stored = self._take(self.images, index)
        if stored.dtype == torch.int16:
            stored = stored.int().bitwise_and_(0xFFFF)
        return Batch(stored.float().div_(self.scale), self._take(self.conditions, index))

    def batches(self, order: Tensor, size: int) -> Iterator[Batch]:
        """Batches of ``size`` designs in ``order`` (M,) int64; the last one may be smaller."""
        for index in torch.split(order, size):
            yield self.batch(index)

    def _take(self, rows: Tensor, index: Tensor) -> Tensor:
        if rows.device == self.device:
            return rows[index.to(self.device, non_blocking=True)]
        picked = rows[index.to(rows.device)]
        if self.device.type == "cuda":  # page-locked memory lets the copy run beside the computation
            picked = picked.pin_memory()
        return picked.to(self.device, non_blocking=self.device.type == "cuda")


def _room(device: torch.device) -> float:
    """Bytes that designs may take on a device; a CPU keeps them wherever they are."""
    if device.type != "cuda":
        return float("inf")
    free, _ = torch.cuda.mem_get_info(device)
    return SHARE_OF_FREE_MEMORY * free
