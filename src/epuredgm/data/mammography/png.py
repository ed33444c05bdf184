"""One mammogram from a grey PNG file of 8 or 16 bits; the file says nothing but its pixels."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from epuredgm.data.mammography.decoding import MIN_BITS, require_size
from epuredgm.data.mammography.faults import Unreadable, guarded
from epuredgm.data.mammography.header import content_of, quiet
from epuredgm.data.mammography.mammogram import PRESENTATION, Mammogram, Origin, Window

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY = 0  # colour type of IHDR
DEPTHS = (8, 16)


def read_png(path: Path, bits: int | None = None) -> Mammogram:
    """Read one file. Grey levels are presentation values; air is dark.

    Args:
        path: the file.
        bits: bits in use, such as 12 of 16; the largest value they can hold is white. By default all.

    Raises:
        Unreadable: with the reason; the text holds nothing of the file.
    """
    return interpret_png(content_of(path), bits)


def interpret_png(content: bytes, bits: int | None = None) -> Mammogram:
    """The mammogram of a PNG file's content; arguments and errors are those of :func:`read_png`."""
    kinds = [kind for kind, _ in chunks(content)]
    if kinds[:1] != [b"IHDR"] or kinds[-1:] != [b"IEND"]:
        raise Unreadable("truncated")
    head = content[16:29]
    columns, rows = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    depth, colour = head[8], head[9]
    if colour != GREY or depth not in DEPTHS:
        raise Unreadable("samples" if colour != GREY else "bits")
    require_size(rows, columns)
    with quiet():
        levels = guarded("not_png", "", lambda: _levels(content))
    if levels.shape != (rows, columns):
        raise Unreadable("not_png")
    if levels.min() == levels.max():
        raise Unreadable("constant")
    used = depth if bits is None else bits
    top = (1 << used) - 1
    if not MIN_BITS <= used <= depth:
        raise Unreadable("bits")
    if int(levels.max()) > top:
        raise Unreadable("value_range")
    highest = int(levels.max())
    origin = Origin("png", PRESENTATION, "MONOCHROME2", used, "PNG", None, Window("range"), highest)
    return Mammogram((levels / np.float64(top)).astype(np.float32), None, None, None, None, origin)


def depth_of(content: bytes) -> int:
    """Bits of a sample, by the header of a PNG file; 16 if it ends before."""
    return content[24] if len(content) > 24 else max(DEPTHS)


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG file as (kind, data), each checked.

    Raises:
        Unreadable: not_png if the signature is missing, truncated if a chunk is not whole.
    """
    if not content.startswith(SIGNATURE):
        raise Unreadable("not_png")
    place = len(SIGNATURE)
    found: list[tuple[bytes, bytes]] = []
    while place < len(content):
        if found and found[-1][0] == b"IEND" and not content[place:].strip(b"\0"):
            break  # a file may be filled up with zeros
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        body, check = content[place + 4 : end], content[end : end + 4]
        if len(check) < 4 or zlib.crc32(body) != int.from_bytes(check, "big"):
            raise Unreadable("truncated")
        found.append((body[:4], body[4:]))
        place = end + 4
    return found


def _levels(content: bytes) -> NDArray[np.uint16]:
    with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
        return np.asarray(picture).astype(np.uint16)  # 16 bits stay 16 bits: no conversion to another mode
