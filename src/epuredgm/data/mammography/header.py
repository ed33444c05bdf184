"""The header of a DICOM file, parsed within bounds: hostile files end in one exception, soon and quietly.

pydicom is lenient and talkative: it reads on behind the end of a file, inflates whatever is deflated, and its
warnings and log lines quote values. Here it works on bytes in memory with its voice off, counted, and what it
returns is checked for being whole.
"""

from __future__ import annotations

import io
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epuredgm.data.mammography.elements import word
from epuredgm.data.mammography.faults import Unreadable, guarded

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAX_FILE_BYTES = 1 << 28  # 256 MiB: the largest detectors give 30 MB a view
MAX_HEADER_BYTES = 1 << 21
MAX_READS = 100_000  # about 40,000 elements at all depths
MAX_ELEMENTS = 20_000
MAX_DEPTH = 12
UNDEFINED = 0xFFFFFFFF
PIXELS = "PixelData"
PIXELS_TAG = 0x7FE00010

SYNTAXES = {  # what is read at all; deflated files are not (they may inflate to any size)
    "1.2.840.10008.1.2": "ImplicitVRLittleEndian",
    "1.2.840.10008.1.2.1": "ExplicitVRLittleEndian",
    "1.2.840.10008.1.2.2": "ExplicitVRBigEndian",
    "1.2.840.10008.1.2.4.50": "JPEGBaseline8Bit",
    "1.2.840.10008.1.2.4.57": "JPEGLossless",
    "1.2.840.10008.1.2.4.70": "JPEGLosslessSV1",
    "1.2.840.10008.1.2.4.80": "JPEGLSLossless",
    "1.2.840.10008.1.2.4.81": "JPEGLSNearLossless",
    "1.2.840.10008.1.2.4.90": "JPEG2000Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG2000",
    "1.2.840.10008.1.2.5": "RLELossless",
}
LOGGERS = ("pydicom", "PIL", "pylibjpeg", "openjpeg", "libjpeg", "rle")
MARKS = (  # first bytes of files that are no DICOM files, and the code of what they are
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x00\x00\x00\x0cjP  ", "jpeg_2000"),
    (b"\xff\x4f\xff\x51", "jpeg_2000"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"GIF8", "other_picture"),
    (b"BM", "other_picture"),
    (b"RIFF", "other_picture"),
    (b"\x89PNG", "png_damaged"),
    (b"PK\x03\x04", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"\x93NUMPY", "array"),
    (b"\x89HDF", "array"),
    (b"%PDF", "document"),
    (b"version https://git-lfs", "pointer"),
)
NETPBM = re.compile(rb"P[1-6f][\s#]", re.IGNORECASE)
PAGE = re.compile(rb"\s*<(!doctype|html|\?xml)", re.IGNORECASE)
_LOCK = threading.RLock()  # warning filters belong to the process; use processes to read in parallel


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries from saying anything; for one thread at a time."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loggers = [logging.getLogger(name) for name in LOGGERS]
        before = [(logger.disabled, logger.propagate, logger.handlers) for logger in loggers]
        mode = _validation("IGNORE")
        for logger in loggers:  # what loggers below them say ends at the null handler
            logger.disabled, logger.propagate, logger.handlers = True, False, [logging.NullHandler()]
        try:
            yield
        finally:
            for logger, (disabled, propagate, handlers) in zip(loggers, before, strict=True):
                logger.disabled, logger.propagate, logger.handlers = disabled, propagate, handlers
            _validation(mode)


def _validation(mode: Any) -> Any:
    """Set how pydicom validates values that it reads; returns what was set."""
    from pydicom import config

    former = config.settings.reading_validation_mode
    config.settings.reading_validation_mode = config.IGNORE if mode == "IGNORE" else mode
    return former


class _Counted(io.BytesIO):
    """Bytes that may be read a limited number of times, which bounds the elements at all depths."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise Unreadable("header_too_large")
        return super().read(size)


class _Ascending:
    """Stops at zeros that fill up the file, and refuses elements out of order.

    Of two with one tag the library would show the last. Zeros follow the pixels, if anything does.
    """

    def __init__(self) -> None:
        self.tags = [-1]

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        if tag == 0 and length == 0 and self.tags[-1] >= PIXELS_TAG:
            return True
        peeked = len(self.tags) == 2  # the library looks at the first element twice
        if tag < self.tags[-1] or (tag == self.tags[-1] and not peeked):
            raise Unreadable("element_order")
        self.tags.append(int(tag))
        return False


@dataclass(frozen=True, repr=False)
class Header:
    """A parsed DICOM file.

    Attributes:
        dataset: its elements, the pixel data among them.
        meta: group 2.
        preamble: the first 128 bytes.
        syntax: keyword of the transfer syntax.
    """

    dataset: Dataset
    meta: Dataset
    preamble: bytes
    syntax: str

    @property
    def big_endian(self) -> bool:
        """Whether pixel values are stored with their high byte first."""
        return self.syntax == "ExplicitVRBigEndian"


def content_of(path: Path) -> bytes:
    """The bytes of a regular file of bearable size.

    Raises:
        Unreadable: missing, io, empty, too_large.
    """
    try:
        if not path.is_file():
            content = None
        elif path.stat().st_size > MAX_FILE_BYTES:
            raise Unreadable("too_large")
        else:
            content = path.read_bytes()
    except (OSError, ValueError):
        content = b""
        failed = True
    else:
        failed = False
    if failed:
        raise Unreadable("io")
    if content is None:
        raise Unreadable("missing")
    if not content:
        raise Unreadable("empty")
    return content


def parse(content: bytes) -> Header:
    """Parse a DICOM file (PS3.10): preamble, group 2, elements. There is no guessing ("force").

    Raises:
        Unreadable: empty, too_large, not_dicom, syntax, bad_header, element_order,
            header_too_large, truncated.
    """
    if not content:
        raise Unreadable("empty")
    if len(content) > MAX_FILE_BYTES:
        raise Unreadable("too_large")
    if content[128:132] != b"DICM":
        raise Unreadable(kind_of(content))
    with quiet():
        return guarded("bad_header", "", lambda: _parse(content))


def kind_of(content: bytes) -> str:
    """The code of what a file is, of those in ``faults.REASONS``; ``not_dicom`` if nothing tells.

    Args:
        content: of the file, which is neither DICOM nor PNG.
    """
    found = next((code for mark, code in MARKS if content.startswith(mark)), None)
    if found == "other_picture" and content[:2] == b"BM" and content[6:10] != b"\0\0\0\0":
        found = None
    if found is not None:
        return found
    if NETPBM.match(content):
        return "pgm"
    if PAGE.match(content):
        return "document"
    return "not_dicom"


def _parse(content: bytes) -> Header:
    from pydicom.filereader import read_dataset

    file = _Counted(content)
    file.seek(132)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    uid = word(meta, "TransferSyntaxUID")
    if uid is None:
        raise Unreadable("missing_element", "TransferSyntaxUID")
    if uid not in SYNTAXES:
        raise Unreadable("syntax")
    syntax = SYNTAXES[uid]
    implicit, big = syntax == "ImplicitVRLittleEndian", syntax == "ExplicitVRBigEndian"
    dataset = read_dataset(file, implicit, not big, stop_when=_Ascending())
    for part in (meta, dataset):
        _require_whole(part)
    pixels = dataset.get_item(PIXELS_TAG)
    value = None if pixels is None else pixels.value
    size = len(value) if isinstance(value, bytes) else 0
    if file.tell() - size > MAX_HEADER_BYTES:
        raise Unreadable("header_too_large")
    # the reader stopped at something that it took for the end: zeros, which fill up a block, or anything else
    if content[file.tell() :].strip(b"\0"):
        raise Unreadable("truncated")
    return Header(dataset, meta, content[:128], syntax)


def _require_whole(dataset: Dataset) -> None:
    """pydicom reads on when the file ends within a value; the value is then shorter than it says."""
    for tag in list(dataset.keys()):
        raw: Any = dataset.get_item(tag)
        length = getattr(raw, "length", UNDEFINED)  # elements that are converted already have none
        if length != UNDEFINED and len(raw.value or b"") != length:
            raise Unreadable("truncated")


def walk(dataset: Dataset) -> Iterator[tuple[int, Any]]:
    """Every element at every depth as (tag, element); None in place of an element that cannot be converted.

    Raises:
        Unreadable: header_too_large.
    """
    open_ended = [(dataset, 0)]
    count = 0
    while open_ended:
        part, depth = open_ended.pop()
        for tag in sorted(part.keys()):
            count += 1
            if count > MAX_ELEMENTS or depth > MAX_DEPTH:
                raise Unreadable("header_too_large")
            try:
                element = part[tag]
                inner = list(element.value) if element.VR == "SQ" else []
            except Exception:  # the library raises what its converters meet, of any kind
                yield int(tag), None
                continue
            yield int(tag), element
            open_ended += [(item, depth + 1) for item in inner]
