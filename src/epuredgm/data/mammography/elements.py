"""Values of a header by keyword: of the kind that is meant, or one exception; what is missing is None."""

from __future__ import annotations

import operator
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography.faults import Unreadable, guarded

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def values(dataset: Dataset, keyword: str) -> list[Any]:
    """The values of an element as a list; empty if it is missing or has none.

    Raises:
        Unreadable: bad_element.
    """
    value = guarded("bad_element", keyword, lambda: dataset.get(keyword))
    if value is None or (isinstance(value, str | bytes) and not value):
        return []
    return guarded("bad_element", keyword, lambda: list(value) if _is_many(value) else [value])


def _is_many(value: Any) -> bool:
    from pydicom.multival import MultiValue

    return isinstance(value, MultiValue | list | tuple)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty if it is missing.

    Raises:
        Unreadable: bad_element.
    """
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    value = guarded("bad_element", keyword, lambda: dataset.get(keyword))
    if value is None:
        return []
    if not isinstance(value, Sequence):
        raise Unreadable("bad_element", keyword)
    found = guarded("bad_element", keyword, lambda: list(value))
    if not all(isinstance(item, Dataset) for item in found):
        raise Unreadable("bad_element", keyword)
    return found


def word(dataset: Dataset, keyword: str) -> str | None:
    """One stripped upper-case word; None if the element is missing or empty.

    Raises:
        Unreadable: bad_element, also if there are several.
    """
    found = values(dataset, keyword)
    if len(found) > 1 or not all(isinstance(value, str) for value in found):
        raise Unreadable("bad_element", keyword)
    return (found[0].strip(" \0").upper() or None) if found else None


def number(dataset: Dataset, keyword: str) -> float | None:
    """One finite number; None if the element is missing or empty.

    Raises:
        Unreadable: bad_element.
    """
    found = numbers(dataset, keyword)
    if len(found) > 1:
        raise Unreadable("bad_element", keyword)
    return found[0] if found else None


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All numbers of an element, each finite.

    Raises:
        Unreadable: bad_element.
    """
    found = values(dataset, keyword)
    if any(isinstance(value, str | bytes | bool) for value in found):
        found = [value for value in found if value != ""]  # gaps of a decimal string
        if any(isinstance(value, str | bytes | bool) for value in found):
            raise Unreadable("bad_element", keyword)
    result = guarded("bad_element", keyword, lambda: [float(value) for value in found])
    if not all(isfinite(value) for value in result):
        raise Unreadable("bad_element", keyword)
    return result


def integer(dataset: Dataset, keyword: str) -> int | None:
    """One whole number; None if the element is missing or empty.

    Raises:
        Unreadable: bad_element.
    """
    value = number(dataset, keyword)
    if value is not None and value != int(value):
        raise Unreadable("bad_element", keyword)
    return None if value is None else int(value)


def words(dataset: Dataset, keyword: str, big_endian: bool) -> NDArray[np.int64]:
    """The unsigned 16-bit words of an element whose kind depends on others (US, SS or OW): (N,).

    Where the kind is not written down, the library leaves bytes, or takes what is unsigned for signed.

    Raises:
        Unreadable: bad_element.
    """
    found = values(dataset, keyword)

    def convert() -> NDArray[np.int64]:
        if len(found) == 1 and isinstance(found[0], bytes):
            return np.frombuffer(found[0], ">u2" if big_endian else "<u2").astype(np.int64)
        whole = np.array([operator.index(value) for value in found], dtype=np.int64)
        if np.any((whole < -(1 << 15)) | (whole >= 1 << 16)):
            raise Unreadable("bad_element", keyword)
        return whole & 0xFFFF

    return guarded("bad_element", keyword, convert)


def required(value: int | None, keyword: str) -> int:
    """A number that must be there.

    Raises:
        Unreadable: missing_element.
    """
    if value is None:
        raise Unreadable("missing_element", keyword)
    return value
