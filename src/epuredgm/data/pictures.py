"""One PNG to one 8-bit grey array and back.

Colours become grey by their luminance. Transparency is read as "nothing there": the picture is laid over
black, so that a transparent pixel is background whatever its hidden colour.
"""

from __future__ import annotations

import io
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

THRESHOLD = 128  # a grey level above it is inside a binary mask


class UnreadablePicture(ValueError):
    """A picture that cannot be used; the text says why, without the file's name."""


def decode(content: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """The grey levels (height, width) of a PNG in grey, RGB, RGBA, palette, 1-bit or 16-bit form.

    Raises:
        UnreadablePicture: if it is no PNG, is damaged, or has another size.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size != (width, height):
                found = f"{picture.size[1]} x {picture.size[0]}"
                raise UnreadablePicture(f"is {found} (height x width), not {height} x {width}")
            grey = _grey(picture)
        if not _pixels_are_whole(content):
            raise UnreadablePicture("is not a readable PNG (its pixels do not match their checksum)")
        return grey
    except UnreadablePicture:
        raise
    except Exception as error:  # whatever the decoder chokes on, the picture is at fault
        raise UnreadablePicture(f"is not a readable PNG ({_reason(error, content)})") from error


def binary(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask in {0, 1}: grey levels above 128 are inside."""
    return (grey > THRESHOLD).astype(np.uint8)


def encode(grey: NDArray[np.uint8]) -> bytes:
    """The bytes of an 8-bit grey PNG of ``grey`` (H, W)."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(buffer, format="PNG")
    return buffer.getvalue()


def _grey(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith("I"):  # 16 bits a pixel: the upper byte
        deep = np.asarray(picture).astype(np.int64)
        deep[deep == picture.info.get("transparency", -1)] = 0
        return (deep >> 8).astype(np.uint8)
    if picture.mode == "L" and "transparency" not in picture.info:
        return np.array(picture)
    if picture.has_transparency_data:
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        return np.array(Image.alpha_composite(black, picture.convert("RGBA")).convert("L"))
    return np.array(picture.convert("L"))


def _pixels_are_whole(content: bytes) -> bool:
    """Whether the chunks of pixels match their checksums; the decoder reads on over small damage."""
    place = 8  # behind the signature
    while place + 12 <= len(content):  # length, kind, data, checksum
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        chunk = content[place + 4 : end]
        if chunk[:4] == b"IDAT" and zlib.crc32(chunk) != int.from_bytes(content[end : end + 4], "big"):
            return False
        place = end + 4
    return True


def _reason(error: Exception, content: bytes) -> str:
    if not content:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "no PNG header"
    return str(error).strip() or type(error).__name__
