"""What a compressed picture says of itself, read before decoding: decoders allocate what it asks for."""

from __future__ import annotations

from typing import NamedTuple

from epuredgm.data.mammography.faults import Unreadable

FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xF7}  # start of frame: baseline, extended, progressive, lossless, JPEG-LS
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
RLE_HEADER = 64
RLE_GAIN = 64  # two bytes stand for 128 at most


class Codestream(NamedTuple):
    """Size and sample format of one compressed frame."""

    rows: int
    columns: int
    bits: int
    samples: int
    signed: bool


def jpeg(content: bytes) -> Codestream:
    """The frame header of a JPEG (ITU-T T.81, B.2.2) or JPEG-LS (T.87) stream.

    Raises:
        Unreadable: codestream.
    """
    place = 2
    if content[:2] != b"\xff\xd8":
        raise Unreadable("codestream")
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            break
        marker = content[place + 1]
        if marker == 0xFF or marker in ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        if marker in FRAMES and place + 10 <= len(content):
            body = content[place + 4 : place + 10]
            return Codestream(
                int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[0], body[5], False
            )
        if length < 2:
            break
        place += 2 + length
    raise Unreadable("codestream")


def jpeg_2000(content: bytes) -> Codestream:
    """The SIZ marker of a JPEG 2000 codestream (ITU-T T.800, A.5.1), which comes first; no JP2 boxes.

    Raises:
        Unreadable: codestream.
    """
    if content[:4] != b"\xff\x4f\xff\x51" or len(content) < 45:
        raise Unreadable("codestream")
    width, height, left, top = (int.from_bytes(content[k : k + 4], "big") for k in (8, 12, 16, 20))
    samples, depth = int.from_bytes(content[40:42], "big"), content[42]
    tile_width, tile_height = (int.from_bytes(content[k : k + 4], "big") for k in (24, 28))
    if not tile_width or not tile_height or (width // tile_width + 1) * (height // tile_height + 1) > 65535:
        raise Unreadable("codestream")
    return Codestream(height - top, width - left, (depth & 0x7F) + 1, samples, bool(depth & 0x80))


def rle_is_bearable(content: bytes, rows: int, columns: int, bytes_each: int) -> bool:
    """Whether an RLE frame (PS3.5, annex G) has one segment per byte of a sample, none too long or short."""
    if len(content) < RLE_HEADER:
        return False
    words = [int.from_bytes(content[k : k + 4], "little") for k in range(0, RLE_HEADER, 4)]
    count, starts = words[0], words[1 : 1 + bytes_each]
    ends = [*starts[1:], len(content)]
    if count != bytes_each or starts[0] != RLE_HEADER or any(words[1 + bytes_each :]):
        return False
    sizes = [end - start for start, end in zip(starts, ends, strict=True)]
    pixels = rows * columns
    return all(0 < size <= 2 * pixels + 2 * rows and size * RLE_GAIN >= pixels for size in sizes)
