"""What the output of a denoising network means: how it is scored, and which design it stands for.

Two readings share one interface. *Likelihood*: logits of the design itself, scored by its cross-entropy; on
masks this is learned many times faster. *Regression*: a quantity that is linear in data and noise, scored by
its squared error, as the papers have it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from epuredgm.nn.diffusion import Level, Prediction
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.heads import Head

EDGE = 1e-6  # keeps the logits of a regressed design finite


class Readout(ABC):
    """The meaning of an output (B, channels, H, W) of a network that has seen x_t.

    Attributes:
        channels: of the output.
    """

    channels: int

    @abstractmethod
    def losses(
        self, output: Tensor, images: Tensor, noise: Tensor, level: Level, evidence: Evidence
    ) -> Tensor:
        """(B,): loss of each design, summed over the pixels of its hidden components.

        Args:
            output: (B, channels, H, W).
            images: (B, C, H, W) in [0, 1], the designs.
            noise: (B, C, H, W), what was mixed with them.
            level: the shares of both.
            evidence: the known components.
        """

    @abstractmethod
    def data(self, output: Tensor, x_t: Tensor, level: Level, evidence: Evidence) -> Tensor:
        """The expected design, coded in [-1, 1]: (B, C, H, W)."""

    @abstractmethod
    def decide(self, output: Tensor, x_t: Tensor, level: Level, evidence: Evidence) -> Tensor:
        """The design to hand out: (B, C, H, W) in [0, 1]."""


class Likelihood(Readout):
    """The output is the logits of a head."""

    def __init__(self, head: Head) -> None:
        self.head, self.channels = head, head.channels

    def losses(
        self, output: Tensor, images: Tensor, noise: Tensor, level: Level, evidence: Evidence
    ) -> Tensor:
        """Negative log likelihood in nats; see :meth:`Readout.losses`."""
        return self.head.nll(output, images, evidence)

    def data(self, output: Tensor, x_t: Tensor, level: Level, evidence: Evidence) -> Tensor:
        """From the head's probabilities; see :meth:`Readout.data`."""
        return 2 * self.head.expectation(output, evidence) - 1

    def decide(self, output: Tensor, x_t: Tensor, level: Level, evidence: Evidence) -> Tensor:
        """As the head does; see :meth:`Readout.decide`."""
        return self.head.decide(output, evidence)


class Regression(Readout):
    """The output is a prediction per component; the head only decides.

    Args:
        head: of the data set.
        components: C.
        prediction: what is predicted.
    """

    def __init__(self, head: Head, components: int, prediction: Prediction) -> None:
        self.head, self.channels, self.prediction = head, components, prediction

    def losses(
        self, output: Tensor, images: Tensor, noise: Tensor, level: Level, evidence: Evidence
    ) -> Tensor:
        """Weighted squared error; see :meth:`Readout.losses`."""
        target = self.prediction.target(2 * images - 1, noise, level)
        errors = self.prediction.weight(level) * (output.float() - target).square()
        return errors.masked_fill(evidence.given[:, :, None, None], 0.0).flatten(1).sum(1)

    def data(self, output: Tensor, x_t: Tensor, level: Level, evidence: Evidence) -> Tensor:
        """What the prediction means, cut to the range; see :meth:`Readout.data`."""
        return self.prediction.data(output.float(), x_t, level).clamp(-1, 1)

    def decide(self, output: Tensor, x_t: Tensor, level: Level, evidence: Evidence) -> Tensor:
        """The design as if its values were probabilities; see :meth:`Readout.decide`."""
        images = (self.data(output, x_t, level, evidence) + 1) / 2
        return self.head.decide(self.head.of_components(torch.logit(images, EDGE)), evidence)
