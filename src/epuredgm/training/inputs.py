"""What a training is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from epuredgm.core.monitor import Monitor
from epuredgm.core.settings import TrainingSettings
from epuredgm.data.memory import RememberedSize
from epuredgm.data.resident import ResidentDesigns
from epuredgm.interface import GenerativeModel
from epuredgm.training.augmentation import Augmentation

Gallery = Callable[[GenerativeModel, Path, bool], Mapping[str, Path]]
"""Takes a model in evaluation mode, a folder and whether it can be sampled yet; names to PNG files there."""


@dataclass(frozen=True)
class Inputs:
    """What a training is made from.

    Attributes:
        model: on its device.
        train: the designs to learn.
        validation: the designs to choose weights by.
        settings: of the training.
        seed: of the run.
        monitor: hears of progress and tells when to stop.
        augmentation: varies train batches; None leaves them as they are.
        weights: float64 (N,) on the CPU, how often each train design is drawn; None draws each once an epoch.
        gallery: makes the pictures that show where training is; None makes none.
        remembered: by phase, how many designs fitted at once in an earlier training; None keeps nothing.
    """

    model: GenerativeModel
    train: ResidentDesigns
    validation: ResidentDesigns
    settings: TrainingSettings
    seed: int
    monitor: Monitor
    augmentation: Augmentation | None = None
    weights: Tensor | None = None
    gallery: Gallery | None = None
    remembered: Callable[[str], RememberedSize] | None = None
