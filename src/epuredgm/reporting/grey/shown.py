"""Grey pictures as people see them: turned to their side, labelled, with their conditions in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.facing import facing
from epuredgm.data.rendering import colored
from epuredgm.reporting.grey.quality import told
from epuredgm.reporting.study import Designs, Floats, Gallery, Study

LABEL = "SYNTHETIC"

Pictures = NDArray[np.uint8]


def turned(designs: Designs, asked: Floats, study: Study) -> Pictures:
    """(N, H, W, 3): generated or real pictures, each facing the way that its conditions say."""
    return colored(facing(designs, asked, study.spec), study.spec)


def captions(gallery: Gallery, study: Study) -> list[str]:
    """The conditions of each picture of a gallery in words."""
    return [told(values, study.spec) for values in gallery.asked]


def lines(texts: Sequence[str], across: int) -> Iterator[str]:
    """Captions of rows of pictures, as sentences that count from the left."""
    for start in range(0, len(texts), across):
        part = texts[start : start + across]
        yield "; ".join(f"{start + k + 1}: {text}" for k, text in enumerate(part))
