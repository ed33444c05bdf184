"""A design as categorical variables, which a diffusion over classes takes, whether components overlap or not.

Exclusive masks are one variable per pixel, with the classes background and components; masks that overlap
are a binary variable per pixel and component, so that nothing is lost. Whoever works on *states*
(B, G, H, W), G variables of K classes, need not know which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from epuredgm.core.spec import DataSpec
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.heads import labels_of, without_given


class States(ABC):
    """How images and logits turn into states and probabilities of their classes.

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
    def log_probabilities(self, logits: Tensor, evidence: Evidence) -> Tensor:
        """Log probabilities of the classes: (B, channels, H, W) -> (B, G, K, H, W).

        The evidence counts both ways: a pixel of a given component is of its class, and no other pixel is.
        """


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

    def log_probabilities(self, logits: Tensor, evidence: Evidence) -> Tensor:
        """A softmax over the classes that are left; see :meth:`States.log_probabilities`."""
        log_p = without_given(logits, evidence).float().log_softmax(1)
        return certain(log_p[:, None], self.of(evidence.values), ~self.hidden(evidence))


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

    def log_probabilities(self, logits: Tensor, evidence: Evidence) -> Tensor:
        """A sigmoid for each component; see :meth:`States.log_probabilities`."""
        logits = logits.float()
        log_p = torch.stack([functional.logsigmoid(-logits), functional.logsigmoid(logits)], dim=2)
        return certain(log_p, self.of(evidence.values), ~self.hidden(evidence))


def states_for(spec: DataSpec) -> States:
    """The states of a data set of binary masks."""
    return ExclusiveStates(spec.channels) if spec.exclusive else OverlappingStates(spec.channels)


def one_hot(states: Tensor, classes: int) -> Tensor:
    """States (B, G, H, W) as indicators of their class: (B, G, K, H, W) of float."""
    kinds = torch.arange(classes, device=states.device)[:, None, None]
    return (states[:, :, None] == kinds).float()


def certain(log_p: Tensor, states: Tensor, known: Tensor) -> Tensor:
    """Log probabilities (B, G, K, H, W) with all of the mass on ``states`` where ``known`` (B, G, H, W)."""
    sure = one_hot(states, log_p.shape[2]).log()
    return torch.where(known[:, :, None], sure, log_p)
