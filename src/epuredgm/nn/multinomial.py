"""Diffusion of categorical variables: the uniform kernel, its posterior, what one trains and draws with.

A state keeps its class with probability alpha_bar and is otherwise drawn anew from all K classes (Hoogeboom
et al. 2021). States are (B, G, H, W) integers, probabilities of their classes (B, G, K, H, W), and alpha_bar
comes from :mod:`epuredgm.nn.schedule`.

The network says w, what all *other* states tell of each x_0: p(x_0 | x_t) is w times the kernel's
q(x_t | x_0), normalised, so that it need not learn what the state itself tells. Of w the published "plug-in"
posterior makes p(x_s | x_t) exactly, for any s; of p(x_0 | x_t), which is often put there, it would not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from epuredgm.nn.states import one_hot

IMPOSSIBLE = -1e4  # a log probability that stays finite in sums and differences


class Jump(NamedTuple):
    """A noisy design and how far back one goes from it: from t to any earlier s, so that samplers may stride.

    Attributes:
        x_t: (B, G, H, W) states.
        alpha_bar_t: (B,) in [0, 1).
        alpha_bar_s: (B,) in (alpha_bar_t, 1]; 1 is the design itself.
    """

    x_t: Tensor
    alpha_bar_t: Tensor
    alpha_bar_s: Tensor


class Diffusion(ABC):
    """A kernel that destroys states, with the loss that trains its reverse and the step that draws from it.

    Attributes:
        seen: classes that a noisy state may have.
    """

    seen: int

    @abstractmethod
    def start(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """States at time 1, of ``shape`` (B, G, H, W)."""

    def corrupt(self, x_0: Tensor, alpha_bar: Tensor, rng: torch.Generator) -> Tensor:
        """x_t given x_0, of which a share ``alpha_bar`` (B,) is kept."""
        kept = torch.rand(x_0.shape, generator=rng, device=rng.device) < alpha_bar[:, None, None, None]
        return torch.where(kept, x_0, self.start(tuple(x_0.shape), rng))

    @abstractmethod
    def loss(self, log_w: Tensor, x_0: Tensor, jump: Jump) -> Tensor:
        """Of what a network says, in nats, summed over the states of each design: (B,)."""

    @abstractmethod
    def back(self, log_w: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """x_s, drawn given x_t and what the network says."""

    @abstractmethod
    def finish(self, log_w: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """The design to hand out, for a jump to 0."""


class UniformDiffusion(Diffusion):
    """Trained by the cross-entropy of x_0.

    Args:
        classes: K.
    """

    def __init__(self, classes: int) -> None:
        self.seen = classes

    def start(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Any class; see :meth:`Diffusion.start`."""
        return torch.randint(self.seen, shape, generator=rng, device=rng.device)

    def loss(self, log_w: Tensor, x_0: Tensor, jump: Jump) -> Tensor:
        """-log p(x_0 | x_t); see :meth:`Diffusion.loss`."""
        return cross_entropy(log_belief(log_w, jump), x_0)

    def back(self, log_w: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """By the posterior; see :meth:`Diffusion.back`."""
        return draw(log_posterior(log_w, jump).exp(), rng)

    def finish(self, log_w: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """What the other states make most probable; see :meth:`Diffusion.finish`.

        A stray pixel is its own noise: in trials the most probable classes of the belief left one in a third
        of the designs, and a draw leaves more.
        """
        return log_w.argmax(2)


class PublishedDiffusion(UniformDiffusion):
    """Trained by the terms of the variational bound, and drawn to the end."""

    def loss(self, log_w: Tensor, x_0: Tensor, jump: Jump) -> Tensor:
        """KL(q(x_s | x_t, x_0) || p(x_s | x_t)); for s = 0, -log p(x_0 | x_t). See :meth:`Diffusion.loss`."""
        true = log_posterior(one_hot(x_0, self.seen).log(), jump)
        return (true.exp() * (true - log_posterior(log_w, jump))).flatten(1).sum(1)

    def finish(self, log_w: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """One more draw; see :meth:`Diffusion.finish`."""
        return self.back(log_w, jump, rng)


def log_belief(log_w: Tensor, jump: Jump) -> Tensor:
    """Log of p(x_0 | x_t): prior times likelihood, normalised."""
    return (_log_kernel(jump.x_t, jump.alpha_bar_t, log_w.shape[2]) + log_w).log_softmax(2)


def log_posterior(log_w: Tensor, jump: Jump) -> Tensor:
    """Log of p(x_s | x_t), which is q(x_t | x_s) q(x_s | x_0) summed over x_0 with weights w, normalised.

    That is q(x_s | x_t, x_0) with w in the place of a one-hot x_0 (Hoogeboom et al. 2021, equation 13).

    Args:
        log_w: (B, G, K, H, W), normalised; may be -inf.
        jump: from x_t to s.
    """
    classes, left_s = log_w.shape[2], _per_state(jump.alpha_bar_s)
    anew = ((1 - left_s) / classes).log().clamp_min(IMPOSSIBLE)
    earlier = torch.logaddexp(left_s.log() + log_w.clamp_min(IMPOSSIBLE), anew)
    between = _log_kernel(jump.x_t, jump.alpha_bar_t / jump.alpha_bar_s, classes)
    return (between + earlier).log_softmax(2)


def cross_entropy(log_p: Tensor, x_0: Tensor) -> Tensor:
    """-log p(x_0), summed over the states of each design: (B,)."""
    return -log_p.gather(2, x_0[:, :, None]).flatten(1).sum(1)


def draw(weights: Tensor, rng: torch.Generator) -> Tensor:
    """States drawn in proportion to ``weights`` (B, G, K, H, W) >= 0; never a class of weight zero."""
    edges = weights.cumsum(2)
    uniform = torch.rand(weights[:, :, :1].shape, generator=rng, device=rng.device) * edges[:, :, -1:]
    return (edges[:, :, :-1] <= uniform).sum(2)


def _log_kernel(later: Tensor, left: Tensor, classes: int) -> Tensor:
    """Log probabilities of the ``later`` states given each earlier class, of which ``left`` is kept."""
    left = _per_state(left)
    other = (1 - left) / classes
    return torch.where(one_hot(later, classes) > 0, (left + other).log(), other.log())


def _per_state(numbers: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1, 1, 1)."""
    return numbers[:, None, None, None, None]
