"""A design as categorical variables, which a diffusion over classes takes, whether components overlap or not.

Exclusive masks are one variable per pixel, with the classes background and components; masks that overlap
are a binary variable per pixel and component, so that nothing is lost. Whoever works on *states*
(B, G, H, W), G variables of K classes, need not know which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from epuredgm.core.spec import DataSpec
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.heads import labels_of


class States(ABC):
    """How images, logits and evidence turn into states and probabilities of their classes.

    Attributes:
        variables: per pixel, G.
        classes: of a variable, K.
        channels: logits per pixel that a network has to give.
    """

    variables: int
    classes: int
    channels: int

    @abstractmethod
    def of(self, images: Tensor) -> Tensor:
        """The states of binary images: (B, C, H, W) -> (B, G, H, W) of integers below K."""

    @abstractmethod
    def images(self, states: Tensor) -> Tensor:
        """The inverse of :meth:`of`: (B, G, H, W) -> (B, C, H, W), 0 or 1."""

    @abstractmethod
    def hidden(self, evidence: Evidence) -> Tensor:
        """Which states the evidence does not tell: (B, G, H, W) bool."""

    @abstractmethod
    def open(self, evidence: Evidence) -> Tensor:
        """Which classes a hidden state may have: (B, G, K, 1, 1) bool."""

    @abstractmethod
    def by_class(self, logits: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, G, K, H, W)."""

    def log_probabilities(self, logits: Tensor, evidence: Evidence) -> Tensor:
        """Log probabilities of the classes: (B, channels, H, W) -> (B, G, K, H, W).

        Evidence counts both ways: a pixel of a given component is of its class, and no other pixel is.
        """
        told = one_hot(self.of(evidence.values), self.classes) > 0
        possible = torch.where(self.hidden(evidence)[:, :, None], self.open(evidence), told)
        return self.by_class(logits.float()).masked_fill(~possible, -torch.inf).log_softmax(2)


class ExclusiveStates(States):
    """One variable per pixel: 0 is background, k + 1 is component k."""

    def __init__(self, components: int) -> None:
        self.variables, self.classes, self.channels = 1, components + 1, components + 1

    def of(self, images: Tensor) -> Tensor:
        """The label map; see :meth:`States.of`."""
        return labels_of(images)[:, None]

    def images(self, states: Tensor) -> Tensor:
        """One-hot components; see :meth:`States.images`."""
        return one_hot(states, self.classes)[:, 0, 1:]

    def hidden(self, evidence: Evidence) -> Tensor:
        """The pixels of no given component; see :meth:`States.hidden`."""
        return evidence.values.sum(1, keepdim=True) <= 0.5

    def open(self, evidence: Evidence) -> Tensor:
        """Background and the components that are not given; see :meth:`States.open`."""
        background = torch.ones_like(evidence.given[:, :1])
        return torch.cat([background, ~evidence.given], dim=1)[:, None, :, None, None]

    def by_class(self, logits: Tensor) -> Tensor:
        """One logit per class; see :meth:`States.by_class`."""
        return logits[:, None]


class OverlappingStates(States):
    """A binary variable per pixel and component: 0 is outside, 1 inside."""

    def __init__(self, components: int) -> None:
        self.variables, self.classes, self.channels = components, 2, components

    def of(self, images: Tensor) -> Tensor:
        """The masks; see :meth:`States.of`."""
        return (images > 0.5).long()

    def images(self, states: Tensor) -> Tensor:
        """The masks; see :meth:`States.images`."""
        return states.float()

    def hidden(self, evidence: Evidence) -> Tensor:
        """All of the components that are not given; see :meth:`States.hidden`."""
        return ~evidence.given[:, :, None, None].expand(evidence.values.shape)

    def open(self, evidence: Evidence) -> Tensor:
        """Both; see :meth:`States.open`."""
        return torch.ones_like(evidence.given)[:, :, None, None, None]

    def by_class(self, logits: Tensor) -> Tensor:
        """The logit of inside against outside; see :meth:`States.by_class`."""
        return torch.stack([torch.zeros_like(logits), logits], dim=2)


def states_for(spec: DataSpec) -> States:
    """The states of a data set of binary masks."""
    return ExclusiveStates(spec.channels) if spec.exclusive else OverlappingStates(spec.channels)


def one_hot(states: Tensor, classes: int) -> Tensor:
    """States (B, G, H, W) as indicators of their class: (B, G, K, H, W) of float."""
    kinds = torch.arange(classes, device=states.device)[:, None, None]
    return (states[:, :, None] == kinds).float()
