"""A mixture of experts as posterior, drawn by strata: from each expert in turn, or from one per design.

An expert is a posterior given a part of the evidence. Drawing from the mixture means choosing an expert, the
*source*, and drawing from it; the density of the draw is that of the mixture, whatever its source.

Sizes: E experts, S sources, K draws, B designs, D latents. Experts are (E, B, D), draws (S, K, B, D).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from epuredgm.nn.gaussian import DiagonalGaussian
from epuredgm.nn.laplace import DiagonalLaplace

Posterior = DiagonalGaussian | DiagonalLaplace

SOURCES = ("all", "one")


def mapped(posterior: Posterior, change: Callable[[Tensor], Tensor]) -> Posterior:
    """The posterior with ``change``, of shape or choice of rows, made to each of its parameters."""
    return type(posterior)(*(change(part) for part in posterior))


def choose_sources(shares: Tensor, count: int, sources: str, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which experts are drawn from, and what each draw counts.

    Args:
        shares: (E,) weights of the mixture, of sum 1.
        count: number of designs, B.
        sources: ``all`` experts, each counting its share, or ``one`` per design, drawn by the shares and
            counting fully: the same in expectation, and E times cheaper.
        rng: of the choice.

    Returns:
        (S, B) numbers of experts and (S,) what they count.
    """
    if sources == "all":
        return torch.arange(len(shares), device=shares.device)[:, None].expand(-1, count), shares
    return torch.multinomial(shares.expand(count, -1), 1, generator=rng).T, torch.ones_like(shares[:1])


def of_sources(experts: Posterior, sources: Tensor) -> Posterior:
    """The experts (E, B, D) that ``sources`` (S, B) names: (S, B, D)."""
    designs = torch.arange(sources.shape[1], device=sources.device)
    return mapped(experts, lambda part: part[sources, designs])


def draw_each(posterior: Posterior, draws: int, rng: torch.Generator) -> Tensor:
    """K draws of each row: (S, B, D) -> (S, K, B, D)."""
    return mapped(posterior, lambda part: part[:, None].expand(-1, draws, -1, -1)).draw(rng)


def mixture_log_density(experts: Posterior, shares: Tensor, z: Tensor) -> Tensor:
    """log sum_e shares_e q_e(z), every expert evaluated at every draw.

    Args:
        experts: (E, B, D).
        shares: (E,), of sum 1.
        z: (S, K, B, D).

    Returns:
        (S, K, B) in nats.
    """
    each = mapped(experts, lambda part: part[:, None, None]).log_density(z)
    return (each + shares.log()[:, None, None, None]).logsumexp(0)
