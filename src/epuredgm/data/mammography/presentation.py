"""Stored values to presentation values, as one curve over the stored range (PS3.3 C.11.1, C.11.2, C.11.6).

The order is stored -> modality -> values of interest -> presentation, and one inversion. The curve is made of
the header alone, so that equal stored values give equal pixels whatever else is in the picture.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography.elements import integer, items, number, numbers, values, word, words
from epuredgm.data.mammography.faults import Unreadable, guarded
from epuredgm.data.mammography.header import Header
from epuredgm.data.mammography.mammogram import Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Curve = NDArray[np.float64]
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
PREFERRED = "NORMAL"  # the explanation of the window that the maker meant for first sight
FULL_ATTENUATION = 8.0  # nats that are shown white: 90 mm of glandular tissue at 20 keV have 7.2


def for_presentation(header: Header, bits: int, inverted: bool) -> tuple[Curve, Window]:
    """The curve of a FOR PRESENTATION object.

    Args:
        header: the file.
        bits: bits stored.
        inverted: whether it is MONOCHROME1; the inversion is that of the fixed range, never of the picture's.

    Returns:
        float64 (2**bits,) in [0, 1], the presentation value of each stored value; and what was chosen.

    Raises:
        Unreadable: modality_lut, voi_lut, window, bad_element.
    """
    stored = np.arange(1 << bits, dtype=np.float64)
    curve, chosen = of_interest(header, modality(header, stored))
    return (1.0 - curve if inverted else curve), chosen


def for_processing(dataset: Dataset, bits: int) -> tuple[Curve, Window]:
    """The curve of a FOR PROCESSING object: attenuation in nats, as a share of ``FULL_ATTENUATION``.

    Pixel Intensity Relationship LIN (also meant where it is missing) is the intensity, whose negative
    logarithm is taken relative to the full range; LOG is taken as it is. The sign says at which end air is.

    Raises:
        Unreadable: relation, bad_element.
    """
    relation = word(dataset, "PixelIntensityRelationship") or "LIN"
    sign = integer(dataset, "PixelIntensityRelationshipSign")
    if relation not in ("LIN", "LOG") or sign not in (None, -1, 1) or (relation == "LOG" and sign is None):
        raise Unreadable("relation")
    top = (1 << bits) - 1
    stored = np.arange(1 << bits, dtype=np.float64)
    intensity = top - stored if sign == -1 else stored  # rising with what reaches the detector
    if relation == "LOG":
        return 1.0 - intensity / top, Window("attenuation")
    attenuation = np.log(top) - np.log(np.maximum(intensity, 1.0))
    return np.minimum(attenuation / FULL_ATTENUATION, 1.0), Window("attenuation")


def modality(header: Header, stored: Curve) -> Curve:
    """Stored to modality values: by a table if there is one, else rescaled; in mammography the identity.

    Raises:
        Unreadable: modality_lut, bad_element.
    """
    dataset = header.dataset
    tables = items(dataset, "ModalityLUTSequence")
    if tables:
        if len(tables) > 1:
            raise Unreadable("modality_lut")
        return look_up(tables[0], stored, "modality_lut", header.big_endian)[0]
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    slope, intercept = 1.0 if slope is None else slope, 0.0 if intercept is None else intercept
    if not 1e-6 <= abs(slope) <= 1e6 or abs(intercept) > 1e9:
        raise Unreadable("modality_lut")
    return slope * stored + intercept


def of_interest(header: Header, given: Curve) -> tuple[Curve, Window]:
    """Modality values to [0, 1]: by a table if there is one, else by a window, else by the whole range.

    Of several, the one that is explained as ``NORMAL`` is taken, else the first.

    Raises:
        Unreadable: voi_lut, window, bad_element.
    """
    dataset = header.dataset
    tables = items(dataset, "VOILUTSequence")
    if tables:
        index = preferred([_explanation(table, "LUTExplanation") for table in tables])
        entries, largest = look_up(tables[index], given, "voi_lut", header.big_endian)
        return entries / largest, Window("lut", "", index, len(tables))
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if len(centres) != len(widths):
        raise Unreadable("window")
    if not centres:
        low, high = given.min(), given.max()
        return (given - low) / (high - low), Window("range")
    function = word(dataset, "VOILUTFunction") or "LINEAR"
    explained = [_plain(text) for text in _texts(dataset, "WindowCenterWidthExplanation")]
    index = preferred(explained[: len(centres)])
    curve = window(given, centres[index], widths[index], function)
    return curve, Window("window", function, index, len(centres))


def window(given: Curve, centre: float, width: float, function: str) -> Curve:
    """Values to [0, 1] by one window (PS3.3 C.11.2.1.2.1 and C.11.2.1.3).

    Raises:
        Unreadable: window, for an unknown function or an impossible width.
    """
    least = 1.0 if function == "LINEAR" else sys.float_info.min
    if function not in FUNCTIONS or width < least:
        raise Unreadable("window")
    if function == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (given - centre) / width, -700.0, 700.0))))
    if function == "LINEAR_EXACT":
        return np.clip((given - centre) / width + 0.5, 0.0, 1.0)
    if width == 1.0:
        return (given > centre - 0.5).astype(np.float64)
    return np.clip((given - (centre - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0)


def look_up(table: Dataset, given: Curve, fault: str, big_endian: bool = False) -> tuple[Curve, float]:
    """Values through a look-up table (PS3.3 C.11.1.1, C.11.2.1.1), and the largest value it can give.

    Own code: libraries take the entries for 8 bits wide when 8 bits are declared, and wrap; or refuse what is
    between 8 and 16 bits.

    Args:
        table: the item with descriptor and data.
        given: (N,) input.
        fault: code of the fault if the table is not valid.
        big_endian: byte order of data that are bytes.

    Raises:
        Unreadable: ``fault``.
    """
    described = guarded(fault, "", lambda: words(table, "LUTDescriptor", big_endian)).tolist()
    if len(described) != 3:
        raise Unreadable(fault)
    count, first, bits = described[0] or 1 << 16, described[1], described[2]
    if not (2 <= count <= 1 << 16 and 8 <= bits <= 16):
        raise Unreadable(fault)
    entries = _entries(guarded(fault, "", lambda: words(table, "LUTData", big_endian)), count)
    largest = (1 << bits) - 1
    if entries is None or int(entries.max()) > largest:
        raise Unreadable(fault)
    index = np.clip(np.rint(given) - first, 0, count - 1).astype(np.int64)
    return entries[index].astype(np.float64), float(largest)


def _entries(found: NDArray[np.int64], count: int) -> NDArray[np.int64] | None:
    """The entries: one word each, or two bytes to a word where their number says so; None if neither fits."""
    if len(found) == count:
        return found
    if len(found) == (count + 1) // 2:  # the byte of the lower index is the low one
        return np.stack([found & 0xFF, found >> 8], axis=1).reshape(-1)[:count]
    return None


def preferred(explanations: list[str]) -> int:
    """Index of the first explanation that is ``PREFERRED``, else 0."""
    return explanations.index(PREFERRED) if PREFERRED in explanations else 0


def _explanation(dataset: Dataset, keyword: str) -> str:
    found = _texts(dataset, keyword)
    return _plain(found[0]) if found else ""


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    return [value for value in values(dataset, keyword) if isinstance(value, str)]


def _plain(text: str) -> str:
    return text.strip().upper()
