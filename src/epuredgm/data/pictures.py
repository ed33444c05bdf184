"""One PNG to one 8-bit grey array and back.

Colours become grey by their luminance. Transparency is read as "nothing there": the picture is laid over
black, so that a transparent pixel is background whatever its hidden colour. A picture in which something is
drawn and of which nothing is left is at fault: a mask stored as 0 and 1 must not pass for a blank one.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

THRESHOLD = 128  # a grey level above it is inside a binary mask
T = TypeVar("T")


class UnreadablePicture(ValueError):
    """A picture that cannot be used; the text says why, without the file's name."""


def decode(
    content: bytes, height: int, width: int, bits: int = 8, used: int | None = None
) -> NDArray[np.unsignedinteger[Any]]:
    """The grey levels (height, width) of a PNG in grey, RGB, RGBA, palette, 1-bit or 16-bit form.

    Args:
        content: the file.
        height, width: the size that it must have, in pixels.
        bits: of the result, 8 (uint8) or 16 (uint16); the largest level stands for white either way.
        used: how many of its 16 bits a value of a 16-bit grey picture uses, e.g. 12; None for all.

    Raises:
        UnreadablePicture: if it is no PNG, is damaged, has another size, or has something drawn of which
            nothing is left.
    """
    return _decoded(content, height, width, lambda picture: _levels(picture, content, bits, used))


def decode_mask(content: bytes, height: int, width: int) -> tuple[NDArray[np.uint8], bool]:
    """The mask (height, width) in {0, 1} of a PNG: grey levels above 128 are inside.

    Returns:
        The mask, and whether less than half of what is drawn is inside it.

    Raises:
        UnreadablePicture: as :func:`decode`; also if something is drawn and no grey level is above 128.
    """
    return _decoded(content, height, width, lambda picture: _mask(picture, content))


def _decoded(content: bytes, height: int, width: int, use: Callable[[Image.Image], T]) -> T:
    """``use`` of the opened picture, once its size and checksums are known to be right."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size != (width, height):
                found = f"{picture.size[1]} x {picture.size[0]}"
                raise UnreadablePicture(f"is {found} (height x width), not {height} x {width}")
            result = use(picture)
        if not _pixels_are_whole(content):
            raise UnreadablePicture("is not a readable PNG (its pixels do not match their checksum)")
        return result
    except UnreadablePicture:
        raise
    except Exception as error:  # whatever the decoder chokes on, the picture is at fault
        raise UnreadablePicture(_reason(error, content)) from error


def binary(grey: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.uint8]:
    """A mask in {0, 1}: grey levels above 128 are inside."""
    return (grey > THRESHOLD).astype(np.uint8)


def encode(grey: NDArray[np.unsignedinteger[Any]]) -> bytes:
    """The bytes of a grey PNG of ``grey`` (H, W), uint8 or uint16."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(grey)).save(buffer, format="PNG")
    return buffer.getvalue()


def _levels(
    picture: Image.Image, content: bytes, bits: int, used: int | None
) -> NDArray[np.unsignedinteger[Any]]:
    """Grey levels; the part of a 16-bit value that 8 bits cannot hold is dropped."""
    grey: NDArray[np.unsignedinteger[Any]]
    if picture.mode.startswith("I"):
        deep = _deep(picture)
        if used is not None:
            white = 2**used - 1
            if deep.max() > white:
                raise UnreadablePicture(f"has values up to {deep.max()}, beyond {used} bits ({white})")
            deep = np.rint(deep * (65535 / white)).astype(np.uint16)
        grey = deep if bits == 16 else (deep >> 8).astype(np.uint8)
    else:
        shallow = _grey(picture)
        grey = shallow * np.uint16(257) if bits == 16 else shallow
    if not grey.any():
        _require_blank(picture, content, "is left of it")
    return grey


def _mask(picture: Image.Image, content: bytes) -> tuple[NDArray[np.uint8], bool]:
    grey = (_deep(picture) >> 8).astype(np.uint8) if picture.mode.startswith("I") else _grey(picture)
    mask = binary(grey)
    inside = int(mask.sum())
    if not inside:
        _require_blank(picture, content, f"of it is above the grey level {THRESHOLD}")
    return mask, 2 * inside < int((grey > 0).sum())


def _deep(picture: Image.Image) -> NDArray[np.uint16]:
    """The values of a grey picture of 16 bits; transparent ones are 0."""
    deep = np.asarray(picture).astype(np.int64)
    deep[deep == picture.info.get("transparency", -1)] = 0
    return deep.astype(np.uint16)


def _grey(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode == "L" and "transparency" not in picture.info:
        return np.array(picture)
    if picture.has_transparency_data:
        return np.array(_over_black(picture).convert("L"))
    return np.array(picture.convert("L"))


def _over_black(picture: Image.Image) -> Image.Image:
    """What is seen of a picture on a black ground, RGBA."""
    black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, picture.convert("RGBA"))


def _require_blank(picture: Image.Image, content: bytes, lost: str) -> None:
    """Refuse a picture that has something drawn although its grey levels, or its mask, are blank.

    Raises:
        UnreadablePicture: with the values seen and the likely cause.
    """
    seen = _seen(picture, content)
    if seen:
        raise UnreadablePicture(f"has something drawn, but nothing {lost}: {seen}")


def _seen(picture: Image.Image, content: bytes) -> str:
    """What is drawn in a picture that looks blank, and the likely cause; empty if nothing is."""
    if picture.mode.startswith("I"):
        values = np.unique(_deep(picture))
        cause = (
            "16 bits that hold 0..255: save it with 8 bits, or multiply by 257"
            if values[-1] <= 255
            else "16 bits that are not used in full: multiply so that white is 65535"
        )
        return f"its values are {_listed(values)} of 65535 ({cause})" if values.any() else ""
    if content[24:25] == b"\x10" and picture.mode not in ("L", "1", "P"):  # the header's bits a sample
        return "16 bits a channel in colour, whose upper bytes are all dark (save it with 8 bits, or as grey)"
    if picture.has_transparency_data or picture.mode in ("P", "RGB", "RGBA", "LA"):
        return _colours_seen(picture)
    values = np.unique(_grey(picture))
    few = values[-1] < 16
    cause = (
        "a mask or labels stored as small numbers: white must be 255"
        if few
        else "too dark: white must be 255"
    )
    return f"its grey levels are {_listed(values)} of 255 ({cause})" if values.any() else ""


def _colours_seen(picture: Image.Image) -> str:
    """The colours of a picture of which none is bright; empty if all of it is black or transparent."""
    pixels = np.asarray(picture.convert("RGBA")).reshape(-1, 4)
    opacity = pixels[:, 3]
    visible = np.unique(pixels[opacity > 0, :3], axis=0)
    indices = picture.getcolors() or () if picture.mode == "P" else ()
    if not visible.any():
        if opacity.min() != opacity.max():
            return "black on a transparent ground, which counts as black (draw it in white)"
        if len(indices) < 2:
            return ""
    names = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in visible]
    kind = f"palette indices {_listed(np.array([index for _, index in indices]))}, " if indices else ""
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    cause = (
        f"at an opacity of at most {opacity.max()} of 255 (are colours and opacity stored as 0 and 1?)"
        if opacity.max() < 128
        else "all dark (the mask's colour must be bright, best white)"
    )
    return f"{kind}colours {shown}, {cause}"


def _listed(values: NDArray[Any]) -> str:
    """Up to four values, or their range: ``0 and 1``, ``0..255``."""
    found = sorted({int(value) for value in values})
    if len(found) > 4:
        return f"{found[0]}..{found[-1]}"
    words = [str(value) for value in found]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


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
        return "is not a readable PNG (the file is empty)"
    if isinstance(error, UnidentifiedImageError):
        found = file_format(content)
        if found == "a PNG picture":
            return "is not a readable PNG (its header is damaged)"
        return f"is {found}, not a PNG" if found else "is not a readable PNG (no PNG header)"
    return f"is not a readable PNG ({str(error).strip() or type(error).__name__})"


FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\x89PNG", "a PNG picture whose line ends were changed (copied as text)"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"GIF8", "a GIF picture"),
    (b"\0\0\0\x0cjP", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"version https://git-lfs", "a Git LFS pointer (the file itself was not fetched)"),
    (b"<", "an HTML or XML text"),
)
"""First bytes of files that are found where a picture was expected."""


def file_format(content: bytes) -> str:
    """What kind of file this is, by its first bytes, with its article; empty if it is none of the known.

    Args:
        content: the file, or at least its first 132 bytes.
    """
    if content[128:132] == b"DICM":
        return "a DICOM file"
    if content[:1] == b"P" and content[1:2] in b"123456" and content[2:3].isspace():
        return "a PGM picture" if content[1:2] in b"25" else "a PBM or PPM picture"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "a WebP picture"
    return next((name for start, name in FORMATS if content.startswith(start)), "")
