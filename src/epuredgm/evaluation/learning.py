"""The training loop of the networks that extractors learn from real designs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from epuredgm.core.errors import Interrupted
from epuredgm.core.monitor import Monitor

WARM_UP = 0.1  # share of the steps
CLIP_NORM = 1.0
LOG_EVERY = 20  # steps between two reports, for each of which a device is waited for


def learn(
    network: nn.Module,
    loss_of: Callable[[], Tensor],
    optimiser: Optimizer,
    schedule: LRScheduler,
    steps: int,
    monitor: Monitor,
    what: str,
) -> None:
    """Train a network with clipped gradients; what it learns is kept whole or not at all.

    Args:
        network: what the optimiser changes; left in training mode.
        loss_of: draws the next batch and gives its loss.
        optimiser: steps once a batch.
        schedule: steps after it.
        steps: how many.
        monitor: told about progress.
        what: is learned, for people.

    Raises:
        Interrupted: if the monitor asks to stop.
    """
    network.train()
    for step in range(steps):
        if monitor.stopping():
            raise Interrupted(f"stopped while learning {what}; nothing of the reference is kept")
        loss = loss_of()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimiser.step()
        schedule.step()
        if step % LOG_EVERY == 0 or step + 1 == steps:
            monitor.progress(step + 1, steps, f"learning {what}", loss=loss.item())
