"""The contract between models and the one trainer and the one sampler.

A family says *what* is optimised (phases of updates) and *how it draws* (``sample``); configuration says how
long and with what. Nothing outside a family's own file tests which family it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from epuredgm.core.errors import UnsupportedMode
from epuredgm.core.spec import DataSpec

LossTerms = Mapping[str, Tensor]
"""Named scalar tensors; ``terms["loss"]`` is differentiated (in updates) or picks the best weights (in
validation), and all are logged."""


class Batch(NamedTuple):
    """Designs on the training device.

    Attributes:
        images: (B, C, H, W) float in [0, 1]; channel k is ``spec.components[k]``.
        conditions: (B, W) float, encoded; W = ``spec.condition_width``.
    """

    images: Tensor
    conditions: Tensor


@dataclass(frozen=True)
class Progress:
    """Where a phase is, and the random stream of this very step.

    Attributes:
        epoch: current epoch of the phase, from 0.
        epochs: epochs of the phase.
        step: current step of the phase, from 0.
        steps: steps of the phase.
        rng: generator on the training device, seeded from (run seed, phase, step): a resumed run needs no
            stored generator state and equals an unbroken one.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    rng: torch.Generator

    @property
    def share(self) -> float:
        """How much of the phase is done, in [0, 1)."""
        return self.step / max(1, self.steps)


@dataclass(frozen=True)
class Update:
    """One optimizer and one loss.

    Attributes:
        name: looked up in ``training.phases.<phase>.updates``.
        modules: the only modules whose parameters this update may change.
        loss: batch and progress to loss terms; gradients are taken of ``terms["loss"]``.
    """

    name: str
    modules: tuple[nn.Module, ...]
    loss: Callable[[Batch, Progress], LossTerms]


def _nothing_after_epoch(progress: Progress) -> None:
    """The default ``Phase.after_epoch``."""


def _nothing_to_finish(batches: Iterable[Batch], progress: Progress) -> None:
    """The default ``Phase.finish``."""


@dataclass(frozen=True)
class Phase:
    """A stretch of training with its own updates and its own choice of weights.

    Attributes:
        name: e.g. ``main`` or ``marginal/group_km``; settings are looked up by the part before ``/``.
        updates: run in order on every batch.
        validate: called without gradient on validation batches; ``terms["loss"]`` picks the best weights.
        after_epoch: called at the end of each epoch.
        finish: called once, on the kept weights, over the train batches, without gradient: refit a prior,
            precompute codes. Results must live in buffers, so that they are saved.
    """

    name: str
    updates: tuple[Update, ...]
    validate: Callable[[Batch, Progress], LossTerms]
    after_epoch: Callable[[Progress], None] = _nothing_after_epoch
    finish: Callable[[Iterable[Batch], Progress], None] = _nothing_to_finish


@dataclass(frozen=True)
class SampleRequest:
    """What is to be drawn.

    Attributes:
        count: number of designs, B.
        conditions: (B, W) encoded conditions, or None for designs of any condition.
        known: (B, C, H, W) images in [0, 1] whose given channels hold the given components, else None.
        given: (B, C) bool, which channels of ``known`` are given, else None.
        guidance: classifier-free guidance scale; 1 is plain conditional sampling.
    """

    count: int
    conditions: Tensor | None = None
    known: Tensor | None = None
    given: Tensor | None = None
    guidance: float = 1.0


class Reconstruction(NamedTuple):
    """Designs encoded and decoded.

    Attributes:
        images: (B, C, H, W) float in [0, 1].
        kl: (B,) nats of information about each design in its code.
        codes: (B, D) posterior means.
    """

    images: Tensor
    kl: Tensor
    codes: Tensor


class GenerativeModel(nn.Module, ABC):
    """One family. Subclasses take ``spec`` and keyword settings, and hold no component names."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec = spec

    @property
    def device(self) -> torch.device:
        """Where the model's parameters are."""
        return next(self.parameters()).device

    @abstractmethod
    def phases(self) -> Sequence[Phase]:
        """What is optimised, in order."""

    def learned(self) -> Mapping[str, Any]:
        """What the trained weights tell about the data, JSON-ready; kept beside them for people to read."""
        return {}

    @abstractmethod
    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Draw designs: (B, C, H, W) float in [0, 1], on the model's device.

        The sampler, not the model, pastes given components back.

        Raises:
            UnsupportedMode: if the request asks for what this family cannot do.
        """

    def reconstruct(self, batch: Batch, rng: torch.Generator) -> Reconstruction:
        """What is left of designs on their way through the latent space.

        Raises:
            UnsupportedMode: if this family has none; a family that has declares ``reconstruction`` among
                what it supports.
        """
        raise UnsupportedMode(f"{type(self).__name__} reconstructs no designs")
