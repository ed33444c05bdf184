"""The training loop of the networks that extractors learn from real designs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from epuredgm.core.errors import Interrupted
from epuredgm.core.monitor import Monitor
from epuredgm.data.memory import FittingSize

WARM_UP = 0.1  # share of the steps
CLIP_NORM = 1.0
LOG_EVERY = 20  # steps between two reports, for each of which a device is waited for


def learn(
    network: nn.Module,
    draw: Callable[[], tuple[Tensor, ...]],
    loss_of: Callable[..., Tensor],
    optimiser: Optimizer,
    schedule: LRScheduler,
    steps: int,
    monitor: Monitor,
    what: str,
    at_once: FittingSize,
) -> None:
    """Train a network with clipped gradients; what it learns is kept whole or not at all.

    Args:
        network: what the optimiser changes; left in training mode.
        draw: gives the next batch, tensors whose rows correspond.
        loss_of: takes them, or a part of their rows, and gives the mean loss.
        optimiser: steps once a batch.
        schedule: steps after it.
        steps: how many.
        monitor: told about progress.
        what: is learned, for people.
        at_once: how many rows are computed at once.

    Raises:
        Interrupted: if the monitor asks to stop.
    """
    network.train()
    for step in range(steps):
        if monitor.stopping():
            raise Interrupted(f"stopped while learning {what}; nothing of the reference is kept")
        loss = at_once.fit(partial(_gradient, draw(), loss_of, optimiser))
        nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimiser.step()
        schedule.step()
        if step % LOG_EVERY == 0 or step + 1 == steps:
            monitor.progress(step + 1, steps, f"learning {what}", loss=loss.item())


def _gradient(
    batch: tuple[Tensor, ...], loss_of: Callable[..., Tensor], optimiser: Optimizer, size: int
) -> Tensor:
    """The mean loss of a batch, and its gradient, with ``size`` rows at once."""
    optimiser.zero_grad(set_to_none=True)
    count, means = len(batch[0]), []
    for rows in zip(*(torch.split(tensor, size) for tensor in batch), strict=True):
        loss = loss_of(*rows) * (len(rows[0]) / count)
        torch.autograd.backward(loss)
        means.append(loss.detach())
    return torch.stack(means).sum()
