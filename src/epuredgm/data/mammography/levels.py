"""How much of the range of grey levels a data set fills: 12 bits in files that say 16 are all but black.

A grey level means the same in every picture, so the range is never that of a picture. What the files say
of it may be wrong, though, and then a network sees a sixteenth of the range: a data set can say it better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epuredgm.core.errors import DataError
from epuredgm.data.mammography.breast import Breast
from epuredgm.data.mammography.mammogram import Mammogram, Origin

PART = 1 / 8  # of the range
ALL = 0.999  # of the foreground
LIKELY = (8, 13)  # bits, of which more would have been enough
GROUP = 10  # files of one kind from which on they are looked at by themselves
OWN_RANGE = ("range", "attenuation")  # ways to presentation values that go by the bits alone
WAYS = {"range": "without a window", "attenuation": "for processing"}


@dataclass(frozen=True)
class Levels:
    """The grey levels of one file.

    Attributes:
        form: of the file.
        bits: that it says are in use.
        way: to presentation values, a kind of :class:`epuredgm.data.mammography.mammogram.Window`.
        pixels: of the breast.
        dark: of them in the lowest eighth of the range.
        highest: largest stored value.
    """

    form: str
    bits: int
    way: str
    pixels: int
    dark: int
    highest: int

    @property
    def unfilled(self) -> bool:
        """Whether no stored value reaches an eighth of the range, where nothing but the bits tells it."""
        return self.way in OWN_RANGE and self.highest < PART * (1 << self.bits)


def levels_of(mammogram: Mammogram, breast: Breast) -> Levels:
    """The grey levels of a file's breast."""
    inside, origin = mammogram.pixels[breast.mask], mammogram.origin
    dark = int(np.count_nonzero(inside < PART))
    return Levels(origin.form, origin.bits, origin.window.kind, int(inside.size), dark, origin.highest)


def is_unfilled(origin: Origin) -> bool:
    """See :attr:`Levels.unfilled`."""
    return Levels(origin.form, origin.bits, origin.window.kind, 0, 0, origin.highest).unfilled


def check_range(dataset: str, found: Sequence[Levels], unseen: int) -> None:
    """Refuse a data set, or a kind of its files, that fills no more than an eighth of the range.

    Args:
        dataset: its name.
        found: of every file that is used.
        unseen: files in which no breast was found because they are so dark.

    Raises:
        DataError: with the key to set.
    """
    kinds: dict[tuple[str, int, str], list[Levels]] = {}
    for one in found:
        kinds.setdefault((one.form, one.bits, one.way), []).append(one)
    groups = [list(found), *(files for files in kinds.values() if len(files) >= GROUP)]
    faults = [f"in {unseen} files no value reaches an eighth of the range"] if unseen and not found else []
    faults += [fault for files in groups if files and (fault := _fault(files))]
    if not faults:
        return
    used = max((one.highest for one in found), default=0).bit_length()
    likely = used if LIKELY[0] <= used <= LIKELY[1] else 12  # a label is as bright as can be
    windowed = any(one.way not in OWN_RANGE for one in found)
    raise DataError(
        f"data set {dataset}: its pictures would be nearly black, or fill next to nothing of the range",
        list(dict.fromkeys(faults)),
        f"Say how many bits the stored values use (10 to 14 are usual): dataset.reader.bits={likely}, say."
        + (" Where headers have windows, those are wrong, and must be mended." if windowed else ""),
    )


def _fault(files: Sequence[Levels]) -> str:
    pixels, dark = sum(one.pixels for one in files), sum(one.dark for one in files)
    is_dark = dark >= ALL * pixels
    if not is_dark and not all(one.unfilled for one in files):
        return ""
    kinds = sorted({f"{one.form} of {one.bits} bits {WAYS.get(one.way, 'with a window')}" for one in files})
    what = f"{len(files)} files ({', '.join(kinds)}): "
    where = "the breasts lie in" if is_dark else "the stored values lie in"
    used = max(one.highest for one in files).bit_length()
    return f"{what}{where} the lowest eighth of the range; the largest stored value has {used} bits"
