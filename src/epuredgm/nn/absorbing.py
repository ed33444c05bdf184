"""Diffusion of categorical variables with an absorbing kernel: states are hidden, and revealed for good.

A state is visible with probability alpha_bar and otherwise shows one more class, K: "hidden" (Austin et al.
2021; Sahoo et al. 2024, MDLM). Shapes are those of :mod:`epuredgm.nn.multinomial`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from epuredgm.nn.multinomial import Diffusion, Jump, cross_entropy, draw
from epuredgm.nn.states import one_hot


class AbsorbingDiffusion(Diffusion):
    """Trained by the cross-entropy of the hidden states; the visible ones are certain.

    Args:
        classes: K, without the one of hidden states.
    """

    def __init__(self, classes: int) -> None:
        self.hidden, self.seen = classes, classes + 1

    def start(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """All hidden; see :meth:`Diffusion.start`."""
        return torch.full(shape, self.hidden, device=rng.device)

    def loss(self, log_w: Tensor, x_0: Tensor, jump: Jump) -> Tensor:
        """Cross-entropy over the share that is hidden; see :meth:`Diffusion.loss`.

        That weight makes its mean over uniform alpha_bar the variational bound (Sahoo et al. 2024, equation
        10, where the schedule's derivative is the change of variables to alpha_bar).
        """
        return cross_entropy(self._kept(log_w, jump), x_0) / (1 - jump.alpha_bar_t)

    def back(self, log_w: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """Each hidden state is revealed with the chance that s still shows it; see :meth:`Diffusion.back`."""
        chance = ((jump.alpha_bar_s - jump.alpha_bar_t) / (1 - jump.alpha_bar_t))[:, None, None, None]
        revealed = torch.rand(jump.x_t.shape, generator=rng, device=rng.device) < chance
        return torch.where(revealed & (jump.x_t == self.hidden), draw(log_w.exp(), rng), jump.x_t)

    def finish(self, log_w: Tensor, jump: Jump, rng: torch.Generator) -> Tensor:
        """The most probable classes of what is hidden; see :meth:`Diffusion.finish`."""
        return self._kept(log_w, jump).argmax(2)

    def _kept(self, log_w: Tensor, jump: Jump) -> Tensor:
        """What the network says where states are hidden, and certainty where they are not."""
        visible = (jump.x_t < self.hidden)[:, :, None]
        return torch.where(visible, one_hot(jump.x_t, self.hidden).log(), log_w)
