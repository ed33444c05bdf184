"""Stored values: the pixel data of a file as one array of unsigned integers, exactly as the standard says."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.data.mammography import codestream
from epuredgm.data.mammography.elements import integer, required, word
from epuredgm.data.mammography.faults import Unreadable, guarded
from epuredgm.data.mammography.header import PIXELS, Header, quiet
from epuredgm.data.mammography.isolated import CHILD

MAX_PIXELS = 1 << 26
MIN_SIDE, MAX_SIDE = 8, 1 << 14  # the largest detectors have 6,000
MIN_BITS, MAX_BITS = 8, 16
BLOCK, MAX_PADDING = 512, 4096  # bytes

# decoder by syntax: (pydicom's name, module to import, package); none under a licence that binds its users
GDCM = ("gdcm", "gdcm", "python-gdcm")
JPEG_LS = ("pyjpegls", "jpeg_ls", "pyjpegls")
OPENJPEG = ("pylibjpeg", "openjpeg", "pylibjpeg-openjpeg")
PYDICOM = ("pydicom", "pydicom", "pydicom")
RLE = ("pylibjpeg", "rle", "pylibjpeg-rle")
DECODERS = {
    "JPEGBaseline8Bit": (GDCM,),
    "JPEGLossless": (GDCM,),
    "JPEGLosslessSV1": (GDCM,),
    "JPEGLSLossless": (JPEG_LS, GDCM),
    "JPEGLSNearLossless": (JPEG_LS, GDCM),
    "JPEG2000Lossless": (OPENJPEG, GDCM),
    "JPEG2000": (OPENJPEG, GDCM),
    "RLELossless": (RLE, PYDICOM),
}


@dataclass(frozen=True)
class Layout:
    """How pixels are stored.

    Attributes:
        rows, columns: size of the picture.
        allocated: 8 or 16 bits for each pixel.
        stored: how many of them are in use, from the lowest.
    """

    rows: int
    columns: int
    allocated: int
    stored: int

    @property
    def maximum(self) -> int:
        """The largest value that can be stored."""
        return int((1 << self.stored) - 1)


def layout(header: Header) -> Layout:
    """How the pixels of a mammogram are stored.

    Raises:
        Unreadable: frames, samples, signed, bits, size; missing_element or bad_element.
    """

    def number(keyword: str) -> int:
        return required(integer(header.dataset, keyword), keyword)

    if integer(header.dataset, "NumberOfFrames") not in (None, 1):
        raise Unreadable("frames")
    if number("SamplesPerPixel") != 1:
        raise Unreadable("samples")
    if number("PixelRepresentation") != 0:
        raise Unreadable("signed")
    found = Layout(number("Rows"), number("Columns"), number("BitsAllocated"), number("BitsStored"))
    if (
        found.allocated not in (8, 16)
        or not MIN_BITS <= found.stored <= found.allocated
        or number("HighBit") != found.stored - 1
    ):
        raise Unreadable("bits")
    require_size(found.rows, found.columns)
    return found


def require_size(rows: int, columns: int) -> None:
    """Refuse a size that no mammogram has; thin pictures would ask for more memory than they have pixels.

    Raises:
        Unreadable: size.
    """
    if min(rows, columns) < MIN_SIDE or max(rows, columns) > MAX_SIDE or rows * columns > MAX_PIXELS:
        raise Unreadable("size")


def decode(header: Header, form: Layout, decoder: str | None = None) -> NDArray[np.uint16]:
    """The stored values (H, W), uint16 and at most ``form.maximum``.

    Args:
        header: the file.
        form: its layout.
        decoder: pydicom's name of the decoder to use; by default the first one that is installed.

    Raises:
        Unreadable: missing_element, bad_element, truncated, pixel_length, codestream, decoder_missing,
            decode, value_range.
    """
    with quiet():
        content = guarded("bad_element", PIXELS, lambda: header.dataset.get(PIXELS))
        if content is None:
            raise Unreadable("missing_element", PIXELS)
        if not isinstance(content, bytes | bytearray):
            raise Unreadable("bad_element", PIXELS)
        undefined = guarded("bad_element", PIXELS, lambda: bool(header.dataset[PIXELS].is_undefined_length))
        if undefined != (header.syntax in DECODERS):  # compressed pixels are encapsulated, others are not
            raise Unreadable("pixel_length")
        if header.syntax not in DECODERS:
            return _native(bytes(content), header, form)
        return _compressed(bytes(content), header.syntax, form, decoder)


def _native(content: bytes, header: Header, form: Layout) -> NDArray[np.uint16]:
    expected = form.rows * form.columns * form.allocated // 8
    if len(content) < expected:
        raise Unreadable("truncated")
    if not _is_padding(content[expected:], form):
        raise Unreadable("pixel_length")
    if header.big_endian and form.allocated == 8:  # pairs of bytes may be swapped or not: nobody can tell
        raise Unreadable("bits")
    kind = np.dtype("u1") if form.allocated == 8 else np.dtype(">u2" if header.big_endian else "<u2")
    stored = np.frombuffer(content, kind, form.rows * form.columns).reshape(form.rows, form.columns)
    if int(stored.max()) > form.maximum:  # whatever it is, an old overlay or more bits than are declared
        raise Unreadable("value_range")
    return stored.astype(np.uint16)


def _is_padding(rest: bytes, form: Layout) -> bool:
    """Whether what follows the pixels is nothing: a byte that makes them even, or a block of equal ones.

    As many bytes as rows have are no padding, unless they are blocks of 512: the header lacks rows.
    """
    if len(rest) < 2:
        return True
    whole_rows = len(rest) % (form.columns * form.allocated // 8) == 0
    return len(rest) <= MAX_PADDING and len(set(rest)) == 1 and (not whole_rows or len(rest) % BLOCK == 0)


def _compressed(content: bytes, syntax: str, form: Layout, decoder: str | None) -> NDArray[np.uint16]:
    from pydicom.encaps import generate_frames

    frames = guarded("decode", syntax, lambda: list(generate_frames(content, number_of_frames=1)))
    if len(frames) != 1 or not frames[0]:
        raise Unreadable("frames")
    _check(frames[0], syntax, form)
    options: dict[str, Any] = {
        "rows": form.rows,
        "columns": form.columns,
        "bits_allocated": form.allocated,
        "bits_stored": form.allocated,  # decoders cut off what is above, which would be another value
        "samples_per_pixel": 1,
        "pixel_representation": 0,
        "photometric_interpretation": "MONOCHROME2",  # colours only; stored values are not inverted
        "number_of_frames": 1,
        "pixel_keyword": PIXELS,
        "decoding_plugin": decoder or installed(syntax),
    }
    array = guarded("decode", syntax, lambda: CHILD.decode(syntax, content, options))
    if array.shape != (form.rows, form.columns) or array.dtype.kind != "u":
        raise Unreadable("decode", syntax)
    if int(array.max()) > form.maximum:
        raise Unreadable("value_range")
    return array.astype(np.uint16)


def installed(syntax: str) -> str:
    """pydicom's name of the first decoder of ``syntax`` that can be imported.

    Raises:
        Unreadable: decoder_missing, naming the packages.
    """
    for name, module, _ in DECODERS[syntax]:
        try:
            importlib.import_module(module)
        except ImportError:
            continue
        return name
    packages = " or ".join(package for _, _, package in DECODERS[syntax])
    raise Unreadable("decoder_missing", f"{syntax}: pip install {packages}")


def _check(frame: bytes, syntax: str, form: Layout) -> None:
    if syntax == "RLELossless":
        agrees = codestream.rle_is_bearable(frame, form.rows, form.columns, form.allocated // 8)
    else:
        said = (codestream.jpeg_2000 if syntax.startswith("JPEG2000") else codestream.jpeg)(frame)
        agrees = (
            (said.rows, said.columns, said.samples) == (form.rows, form.columns, 1)
            and not said.signed
            and 2 <= said.bits <= form.allocated
        )
    if not agrees:
        raise Unreadable("codestream")


def is_lossy(header: Header) -> bool | None:
    """Whether the picture was ever compressed with loss, by its syntax and its own word; None: not known.

    Raises:
        Unreadable: bad_element.
    """
    if header.syntax in ("JPEGBaseline8Bit", "JPEGLSNearLossless"):
        return True
    said = word(header.dataset, "LossyImageCompression")
    return None if said not in ("00", "01") else said == "01"
