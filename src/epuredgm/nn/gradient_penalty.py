"""The gradient penalty: a critic whose slope is 1 on the way from real designs to generated ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, rng: torch.Generator
) -> Tensor:
    """``(||grad critic(x)||_2 - 1)^2`` at a random x between each real design and its fake.

    Gulrajani et al. 2017, eq. 3. The gradient is that of the *sum* of the scores, so that each row's is its
    own; its norm goes over all pixels and channels. Computed in single precision: half precision loses the
    second derivatives.

    Args:
        critic: (B, ...) -> (B,) scores, no score depending on another row.
        real, fake: (B, ...).
        rng: decides where between the two.

    Returns:
        (B,), differentiable with respect to the critic.
    """
    share = torch.rand(len(real), generator=rng, device=real.device)
    between = torch.lerp(fake.detach().float(), real.float(), share.view(-1, *[1] * (real.ndim - 1)))
    with torch.enable_grad(), torch.autocast(real.device.type, enabled=False):
        between.requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square()
