"""From logits to designs: the likelihood of the images, their expectation, and the most probable design.

Two heads share one interface. The exclusive head is a softmax over background + components: no pixel can
belong to two components. The independent head has one logit per component. Both take the given components
into account: these cost nothing, are returned as given, and (exclusive) leave no probability for another
component on their pixels.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from epuredgm.core.spec import DataSpec
from epuredgm.nn.evidence import Evidence

DOUBT = 0.05  # least probability of the background where components that know nothing of each other say more


class Head(ABC):
    """What the last layer of a network means.

    Attributes:
        channels: number of logits per pixel.
    """

    channels: int

    @abstractmethod
    def nll(self, logits: Tensor, images: Tensor, evidence: Evidence | None = None) -> Tensor:
        """Negative log likelihood of each design in nats, summed over its pixels: (B,).

        Args:
            logits: (B, channels, H, W).
            images: (B, C, H, W) in [0, 1].
            evidence: given components, which are left out of the sum.
        """

    def nll_of_given(self, logits: Tensor, evidence: Evidence) -> Tensor:
        """Negative log likelihood in nats of the given components alone: (B,).

        By the chain rule, whatever the hidden ones are taken to be: here, nothing.
        """
        return self.nll(logits, evidence.values) - self.nll(logits, evidence.values, evidence)

    @abstractmethod
    def expectation(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """Expected design: (B, C, H, W) in [0, 1]."""

    def of_components(self, logits: Tensor) -> Tensor:
        """Logits of this head from one logit map per component: (B, C, H, W) -> (B, channels, H, W)."""
        return logits

    def of_marginals(self, logits: Tensor) -> Tensor:
        """As :meth:`of_components`, from the Bernoulli logits of components that were learned apart."""
        return logits

    @abstractmethod
    def decide(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """The design to hand out: (B, C, H, W) in [0, 1]."""


class ExclusiveHead(Head):
    """A softmax over background (logit 0) and the components (logits 1..C), for masks that never overlap."""

    def __init__(self, components: int) -> None:
        self.channels = components + 1

    def nll(self, logits: Tensor, images: Tensor, evidence: Evidence | None = None) -> Tensor:
        """Cross-entropy of the label map; see :meth:`Head.nll`."""
        labels = labels_of(images)
        if evidence is not None:
            logits = _without_given(logits, evidence)
            labels = labels.masked_fill(evidence.values.sum(1) > 0.5, -1)
        losses = functional.cross_entropy(logits.float(), labels, reduction="none", ignore_index=-1)
        return losses.flatten(1).sum(1)

    def expectation(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """Class probabilities of the components; see :meth:`Head.expectation`."""
        if evidence is None:
            return logits.float().softmax(1)[:, 1:]
        free = evidence.values.sum(1, keepdim=True) <= 0.5
        return evidence.paste(_without_given(logits, evidence).float().softmax(1)[:, 1:] * free)

    def of_components(self, logits: Tensor) -> Tensor:
        """The components beside a background of logit 0; see :meth:`Head.of_components`."""
        return torch.cat([torch.zeros_like(logits[:, :1]), logits], dim=1)

    def of_marginals(self, logits: Tensor) -> Tensor:
        """The background has what the components leave of 1, so that none is left between two that touch.

        A pixel on the border of two components, at 0.45 for each, is background with probability 0.1, which
        the odds of the two, taken apart, do not say. See :meth:`Head.of_marginals`.
        """
        logits = logits.float()
        background = (1 - logits.sigmoid().sum(1, keepdim=True)).clamp_min(DOUBT)
        return self.of_components(functional.logsigmoid(logits) - background.log())

    def decide(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """The most probable class of each pixel, as one-hot components; see :meth:`Head.decide`."""
        if evidence is not None:
            logits = _without_given(logits, evidence)
        labels = logits.argmax(1)
        if evidence is not None:
            labels = labels.masked_fill(evidence.values.sum(1) > 0.5, 0)
        classes = torch.arange(1, self.channels, device=logits.device)
        images = (labels[:, None] == classes[:, None, None]).float()
        return images if evidence is None else evidence.paste(images)


class IndependentHead(Head):
    """One Bernoulli logit per component: masks that may overlap, and grey intensities.

    For grey images the cross-entropy against an intensity in [0, 1] stands in for a likelihood: it is a
    proper score of the mean, which both families need, though not a normalised density.
    """

    def __init__(self, components: int) -> None:
        self.channels = components

    def nll(self, logits: Tensor, images: Tensor, evidence: Evidence | None = None) -> Tensor:
        """Binary cross-entropy; see :meth:`Head.nll`."""
        losses = functional.binary_cross_entropy_with_logits(logits.float(), images.float(), reduction="none")
        if evidence is not None:
            losses = losses.masked_fill(evidence.given[:, :, None, None], 0.0)
        return losses.flatten(1).sum(1)

    def expectation(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """Probabilities or intensities; see :meth:`Head.expectation`."""
        images = logits.float().sigmoid()
        return images if evidence is None else evidence.paste(images)

    def decide(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """The expectation: whoever needs masks cuts it at 1/2; see :meth:`Head.decide`."""
        return self.expectation(logits, evidence)


class LaplaceHead(Head):
    """Laplace densities of one fixed scale around unbounded outputs, as published for MMVAE+.

    The components know nothing of each other; where the data are exclusive, a decision leaves each pixel to
    the strongest component.

    Args:
        components: C.
        exclusive: whether no pixel belongs to two of them.
        scale: of the densities.
    """

    def __init__(self, components: int, exclusive: bool, scale: float) -> None:
        self.channels, self.exclusive, self.scale = components, exclusive, scale

    def nll(self, logits: Tensor, images: Tensor, evidence: Evidence | None = None) -> Tensor:
        """Absolute errors over the scale, and log(2 scale), per pixel; see :meth:`Head.nll`."""
        losses = (logits.float() - images.float()).abs() / self.scale + math.log(2 * self.scale)
        if evidence is not None:
            losses = losses.masked_fill(evidence.given[:, :, None, None], 0.0)
        return losses.flatten(1).sum(1)

    def expectation(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """The centres of the densities, cut to [0, 1]; see :meth:`Head.expectation`."""
        images = logits.float().clamp(0, 1)
        return images if evidence is None else evidence.paste(images)

    def decide(self, logits: Tensor, evidence: Evidence | None = None) -> Tensor:
        """The expectation; where the data are exclusive, one component a pixel. See :meth:`Head.decide`."""
        images = self.expectation(logits, evidence)
        if not self.exclusive:
            return images
        strength = images if evidence is None else images + evidence.values
        strongest = strength.argmax(1, keepdim=True)
        images = torch.zeros_like(images).scatter(1, strongest, images.gather(1, strongest))
        return images if evidence is None else evidence.paste(images)


def head_for(spec: DataSpec) -> Head:
    """The head that suits the data: exclusive for masks that never overlap, else independent."""
    exclusive = spec.exclusive and spec.values == "binary"
    return ExclusiveHead(spec.channels) if exclusive else IndependentHead(spec.channels)


def labels_of(images: Tensor) -> Tensor:
    """Exclusive masks (B, C, H, W) as a label map (B, H, W): 0 is background, k + 1 is component k."""
    strength, component = images.max(1)
    return torch.where(strength > 0.5, component + 1, 0)


def _without_given(logits: Tensor, evidence: Evidence) -> Tensor:
    """Logits with no probability left for the given components, whose pixels are all known."""
    background = torch.zeros_like(evidence.given[:, :1])
    return logits.masked_fill(torch.cat([background, evidence.given], 1)[:, :, None, None], -torch.inf)
