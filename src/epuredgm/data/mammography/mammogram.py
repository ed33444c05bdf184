"""What is known of one picture of a breast after reading, whatever file it came from; holds no identifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRESENTATION, PROCESSING = "presentation", "processing"
VIEWS = ("CC", "MLO")
SIDES = ("L", "R")


@dataclass(frozen=True)
class Window:
    """Which of the recorded ways to presentation values was taken.

    Attributes:
        kind: ``lut``, ``window``, ``range`` (the whole stored range) or ``attenuation`` (for processing).
        function: ``LINEAR``, ``LINEAR_EXACT`` or ``SIGMOID`` of a window, else empty.
        index: which one was taken, from 0.
        count: how many there were.
    """

    kind: str
    function: str = ""
    index: int = 0
    count: int = 0


@dataclass(frozen=True)
class Origin:
    """Facts about the file.

    Attributes:
        form: ``dicom`` or ``png``.
        intent: ``presentation`` or ``processing``.
        photometric: ``MONOCHROME1`` or ``MONOCHROME2``.
        bits: bits stored.
        syntax: keyword of the transfer syntax; ``PNG`` for a PNG file.
        lossy: whether the picture has ever been compressed with loss; None if not known.
        window: the way to presentation values.
        highest: largest stored value.
    """

    form: str
    intent: str
    photometric: str
    bits: int
    syntax: str
    lossy: bool | None
    window: Window
    highest: int = 0


@dataclass(frozen=True)
class Mammogram:
    """One picture of a breast.

    Attributes:
        pixels: float32 (H, W) in [0, 1], presentation values: air is dark, dense tissue bright. The mapping
            from stored values is fixed by the header and never depends on the picture.
        mm_per_pixel: side of a pixel in the plane of the breast; None if not recorded.
        view: ``CC``, ``MLO`` or None (not recorded).
        laterality: ``L``, ``R`` or None (not recorded).
        age: in years; None if not recorded.
        origin: facts about the file.
        placeholders: what the header has a value for that means "not known": it is None here.
    """

    pixels: NDArray[np.float32]
    mm_per_pixel: float | None
    view: str | None
    laterality: str | None
    age: float | None
    origin: Origin
    placeholders: tuple[str, ...] = ()
