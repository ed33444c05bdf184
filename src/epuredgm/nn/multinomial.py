"""Diffusion of categorical variables: the uniform kernel, its posteriors, what one trains and draws with.

A state keeps its class with probability alpha_bar and is otherwise drawn anew from all K classes (Hoogeboom
et al. 2021). States are (B, G, H, W) integers, probabilities of their classes (B, G, K, H, W), and alpha_bar
comes from :mod:`epuredgm.nn.schedule`.
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
    def loss(self, log_p: Tensor, x_0: Tensor, jump: Jump) -> Tensor:
        """Of predicted log probabilities of x_0, in nats, summed over the states of each design: (B,)."""

    @abstractmethod
    def back(self, log_p: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """x_s, drawn given x_t and the predicted log probabilities of x_0."""

    @abstractmethod
    def finish(self, log_p: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """The design to hand out, for a jump to 0."""


class UniformDiffusion(Diffusion):
    """Trained by the cross-entropy of x_0; the exact posterior makes p(x_s | x_t) of its optimum, p(x_0 | x_t).

    Args:
        classes: K.
    """

    def __init__(self, classes: int) -> None:
        self.seen = classes

    def start(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Any class; see :meth:`Diffusion.start`."""
        return torch.randint(self.seen, shape, generator=rng, device=rng.device)

    def loss(self, log_p: Tensor, x_0: Tensor, jump: Jump) -> Tensor:
        """Cross-entropy; see :meth:`Diffusion.loss`."""
        return cross_entropy(log_p, x_0)

    def back(self, log_p: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """By the exact posterior; see :meth:`Diffusion.back`."""
        return draw(exact_posterior(log_p.exp(), jump), rng)

    def finish(self, log_p: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """The most probable classes: draws would leave stray pixels; see :meth:`Diffusion.finish`."""
        return log_p.argmax(2)


class PlugInDiffusion(UniformDiffusion):
    """As published: trained by the variational bound, with x_0's prediction put in the place of x_0."""

    def loss(self, log_p: Tensor, x_0: Tensor, jump: Jump) -> Tensor:
        """KL(q(x_s | x_t, x_0) || p(x_s | x_t)); for s = 0, -log p(x_0 | x_t). See :meth:`Diffusion.loss`."""
        true = plug_in_posterior(one_hot(x_0, self.seen).log(), jump)
        return (true.exp() * (true - plug_in_posterior(log_p, jump))).flatten(1).sum(1)

    def back(self, log_p: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """By the plug-in posterior, which is the pair of this loss; see :meth:`Diffusion.back`."""
        return draw(plug_in_posterior(log_p, jump).exp(), rng)

    def finish(self, log_p: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """One more draw; see :meth:`Diffusion.finish`."""
        return self.back(log_p, jump, rng)


def cross_entropy(log_p: Tensor, x_0: Tensor) -> Tensor:
    """-log p(x_0), summed over the states of each design: (B,)."""
    return -log_p.gather(2, x_0[:, :, None]).flatten(1).sum(1)


def exact_posterior(p: Tensor, jump: Jump) -> Tensor:
    """p(x_s | x_t) = sum over k of q(x_s | x_t, x_0 = k) p(x_0 = k | x_t), in closed form.

    With Z_k = q(x_t | x_0 = k) and w = p / Z it is, for a = alpha_bar_t / alpha_bar_s and W the sum of w,
    (a [j = x_t] + (1 - a) / K) (alpha_bar_s w_j + (1 - alpha_bar_s) W / K), which sums to 1 as it stands.

    Args:
        p: (B, G, K, H, W) probabilities of x_0 given x_t.
        jump: from x_t to s.
    """
    here, left_t, left_s = _terms(jump, p.shape[2])
    w = p / _mixed(here, left_t)
    return _mixed(here, left_t / left_s) * _mixed(w, left_s, w.sum(2, keepdim=True))


def plug_in_posterior(log_p: Tensor, jump: Jump) -> Tensor:
    """Log of q(x_s | x_t, x_0) with probabilities in the place of x_0 (Hoogeboom et al. 2021, equation 13).

    It is the exact posterior where x_0 is certain. Elsewhere the network that makes it exact says w / W of
    :func:`exact_posterior`, not p(x_0 | x_t): a network trained through one formula cannot use the other.

    Args:
        log_p: (B, G, K, H, W) logarithms of what stands for x_0; may be -inf.
        jump: from x_t to s.
    """
    here, left_t, left_s = _terms(jump, log_p.shape[2])
    anew = ((1 - left_s) / log_p.shape[2]).log().clamp_min(IMPOSSIBLE)
    earlier = torch.logaddexp(left_s.log() + log_p.clamp_min(IMPOSSIBLE), anew)
    return (_mixed(here, left_t / left_s).log() + earlier).log_softmax(2)


def draw(weights: Tensor, rng: torch.Generator) -> Tensor:
    """States drawn in proportion to ``weights`` (B, G, K, H, W) >= 0; never a class of weight zero."""
    edges = weights.cumsum(2)
    uniform = torch.rand(weights[:, :, :1].shape, generator=rng, device=rng.device) * edges[:, :, -1:]
    return (edges[:, :, :-1] <= uniform).sum(2)


def _mixed(weights: Tensor, left: Tensor, total: Tensor | float = 1.0) -> Tensor:
    """``weights``: a share ``left`` stayed, and the rest of their ``total`` went evenly to all classes."""
    return left * weights + (1 - left) / weights.shape[2] * total


def _terms(jump: Jump, classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """x_t one-hot, and both alpha_bar as (B, 1, 1, 1, 1)."""
    left_t, left_s = (numbers[:, None, None, None, None] for numbers in jump[1:])
    return one_hot(jump.x_t, classes), left_t, left_s
