"""What a file is that is no DICOM or PNG file: told by its first bytes, so that the fault can say it."""

from __future__ import annotations

import re

MARKS = (  # first bytes, code
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
