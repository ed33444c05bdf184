"""What an extractor is: a fixed map from designs to feature vectors, through which sets are compared.

One file of :mod:`epuredgm.evaluation.extractors` makes one kind of extractor. It is fitted once for a data
set, by the ``reference`` job; every evaluation loads what that job kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from epuredgm.core.errors import EpureError
from epuredgm.core.monitor import Monitor
from epuredgm.core.settings import ReferenceSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs, Stored
from epuredgm.data.memory import FittingSize

Images = Stored
Features = NDArray[np.float32]


class Unavailable(EpureError):
    """An extractor that cannot be had here, and why: figures that need it are null, with this reason."""


@dataclass(frozen=True)
class Extractor:
    """One way to look at designs.

    Attributes:
        name: unique, e.g. ``domain``.
        describe: (N, C, H, W) as stored to float32 (N, D); each row depends on its own design only.
        facts: JSON-ready; figures through extractors of different facts must not be compared.
        most: real designs of each split that are described, at most; None describes them all.
    """

    name: str
    describe: Callable[[Images], Features]
    facts: dict[str, Any]
    most: int | None = None


@dataclass(frozen=True)
class Setting:
    """What making or loading an extractor may depend on.

    Attributes:
        spec: the data set.
        settings: of the extractors.
        inception_weights: where they lie, if anywhere.
        device: of the networks.
        at_once: how many designs a task computes at once: takes its name and the most that it wants.
    """

    spec: DataSpec
    settings: ReferenceSettings
    inception_weights: Path | None
    device: torch.device
    at_once: Callable[[str, int], FittingSize] = lambda task, most: FittingSize(most)


@dataclass(frozen=True)
class Maker:
    """How extractors of one kind come into being.

    Attributes:
        names: of the extractors it makes, for what is said where there are none; ``load`` may give further
            ones of the kind.
        fit: learns what must be learned from the designs and keeps it in the folder; called once.
        load: the extractors, from what ``fit`` kept; both raise :class:`Unavailable` with a reason.
        suits: whether a data set has use for them; for one that has not, none is made.
    """

    names: tuple[str, ...]
    fit: Callable[[Setting, Designs, Path, Monitor], None]
    load: Callable[[Setting, Path], tuple[Extractor, ...]]
    suits: Callable[[DataSpec], bool] = lambda spec: True
