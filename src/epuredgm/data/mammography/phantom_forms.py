"""How a mammogram is stored: bits, photometric interpretation and the grey-scale functions that undo each.

Whatever the form, the correct reading is the same: stored values through the VOI function, scaled to [0, 1]
by the full range, inverted once where ``Presentation LUT Shape`` says so, give 0.92 of the mammogram's
``presentation``, within ``Form.error``. So the readings of two forms can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography.phantom_acquisition import BRIGHTEST, stored_linear
from epuredgm.data.mammography.phantom_grid import Field

Voi = Literal["linear", "sigmoid", "lut", "lut8", "windows"]
SIGMOID_SPAN = 7.0  # 4 centre / width: the sigmoid runs from 0.0009 to 0.9991 over the stored range
LUT_POWER = 2.0  # the VOI LUTs square what is stored; what is stored is the square root
PIXELS = NDArray[np.uint16]


@dataclass(frozen=True)
class Form:
    """One way to store a mammogram.

    Attributes:
        intent: which of the two images.
        bits: Bits Stored, 10 to 16.
        photometric: for presentation, MONOCHROME1 is stored inverted and says so. For processing what is
            stored is linear, air bright, so MONOCHROME1 is what shows air dark.
        voi: a full-range linear window, a sigmoid, a table of as many bits as are stored, a table of 8-bit
            entries, or two windows of which the first is the full range. None of them for processing.
    """

    intent: Literal["PRESENTATION", "PROCESSING"] = "PRESENTATION"
    bits: int = 12
    photometric: Literal["MONOCHROME1", "MONOCHROME2"] = "MONOCHROME2"
    voi: Voi = "linear"

    @property
    def top(self) -> int:
        """The largest stored value."""
        return int(2**self.bits - 1)

    @property
    def window(self) -> tuple[float, float]:
        """Centre and width of the first window: DICOM's full range, or the sigmoid's."""
        full = float(2**self.bits)
        return full / 2, full * 2 / SIGMOID_SPAN if self.voi == "sigmoid" else full

    @property
    def error(self) -> float:
        """The largest difference between 0.92 of ``presentation`` and a correct reading."""
        half = 0.5 / self.top
        if self.voi == "sigmoid":  # slope at the centre; and air reads as the sigmoid's foot
            return float(max(half * self.top / self.window[1], 1 / (1 + np.exp(SIGMOID_SPAN)))) + 1e-6
        if self.voi in ("lut", "lut8"):
            return half * LUT_POWER + 0.5 / (255 if self.voi == "lut8" else self.top) + half
        return half + 1e-7

    def table(self) -> PIXELS:
        """The VOI LUT, (2^bits,), of ``entry_bits`` bits."""
        position = np.arange(self.top + 1) / self.top
        return np.asarray(np.rint(position**LUT_POWER * (2**self.entry_bits - 1)), dtype=np.uint16)

    @property
    def entry_bits(self) -> int:
        """Bits of the VOI LUT's entries."""
        return 8 if self.voi == "lut8" else self.bits

    def pixels(self, presentation: Field, counts: Field) -> PIXELS:
        """What is stored, (H, W), of the image that this form's intent asks for."""
        if self.intent == "PROCESSING":
            return stored_linear(counts, self.bits)
        shown = presentation.astype(np.float64) * BRIGHTEST
        if self.voi == "sigmoid":
            centre, width = self.window
            odds = np.log(np.maximum(shown, 1e-9) / (1 - shown))
            position = (centre + width / 4 * odds) / self.top
        elif self.voi in ("lut", "lut8"):
            position = shown ** (1 / LUT_POWER)
        else:
            position = shown
        values = np.rint(np.clip(position, 0, 1) * self.top).astype(np.uint16)
        return values if self.photometric == "MONOCHROME2" else (self.top - values).astype(np.uint16)


PLAIN = Form()
LUT_OF_BYTES = replace(PLAIN, voi="lut8")  # not valid, since 8 is no width for VOI LUTs in MG, but it occurs
FORMS: dict[str, Form] = {  # every valid form, by name
    "presentation_12": PLAIN,
    "presentation_10": replace(PLAIN, bits=10),
    "presentation_14": replace(PLAIN, bits=14),
    "monochrome1_14": replace(PLAIN, bits=14, photometric="MONOCHROME1"),
    "sigmoid_14": replace(PLAIN, bits=14, voi="sigmoid"),
    "voi_lut_12": replace(PLAIN, voi="lut"),
    "two_windows": replace(PLAIN, voi="windows"),
    "processing_14": replace(PLAIN, bits=14, intent="PROCESSING", photometric="MONOCHROME1"),
    "processing_12": replace(PLAIN, bits=12, intent="PROCESSING", photometric="MONOCHROME1"),
}
