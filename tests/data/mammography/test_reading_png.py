"""Reading PNG: 8 and 16 bits keep their bits; anything but a whole grey picture is refused."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_makers import breast
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from epuredgm.data.mammography.deidentification import inspect_png
from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.png import interpret_png, read_png


def png(levels: NDArray[np.integer], text: str = "") -> bytes:
    buffer, info = io.BytesIO(), PngImagePlugin.PngInfo()
    if text:
        info.add_text("Comment", text)
    Image.fromarray(levels).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def refusal(content: bytes, bits: int | None = None) -> str:
    with pytest.raises(Unreadable) as caught:
        interpret_png(content, bits)
    return caught.value.code


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_level_of_both_depths_is_kept(kind: type[np.unsignedinteger], tmp_path: Path) -> None:
    top = np.iinfo(kind).max
    levels = np.arange(top + 1, dtype=kind).reshape(-1, 16 if top == 255 else 256)
    path = tmp_path / "picture.png"
    path.write_bytes(png(levels))
    found = read_png(path)
    np.testing.assert_array_equal(np.rint(found.pixels.astype(np.float64) * top), levels)
    assert found.origin.bits == np.iinfo(kind).bits


def test_12_of_16_bits() -> None:
    levels = np.rint(breast() * 4095).astype(np.uint16)
    np.testing.assert_allclose(interpret_png(png(levels), 12).pixels, breast(), atol=2e-4)
    assert refusal(png(levels), 11) == "value_range"
    assert refusal(png(levels), 17) == "bits"


def test_nothing_but_pixels_is_known() -> None:
    found = interpret_png(png(np.rint(breast() * 255).astype(np.uint8)))
    assert (found.view, found.laterality, found.age, found.mm_per_pixel) == (None, None, None, None)


def test_refusals() -> None:
    grey = np.rint(breast() * 255).astype(np.uint8)
    whole = png(grey)
    assert refusal(png(np.stack([grey] * 3, axis=-1))) == "samples"
    assert refusal(png(np.zeros((64, 48), dtype=np.uint8))) == "constant"
    assert refusal(png(grey[:4])) == "size"
    assert refusal(whole[:-20]) == "truncated"
    assert refusal(whole[:60] + bytes([whole[60] ^ 255]) + whole[61:]) == "truncated"
    assert refusal(b"GIF89a" + whole) == "not_png"


def test_text_in_the_file_is_a_finding_that_does_not_show_it() -> None:
    grey = np.rint(breast() * 255).astype(np.uint8)
    assert inspect_png(png(grey)) == ()
    (finding,) = inspect_png(png(grey, "Jane Doe"))
    assert "Jane" not in str(finding)


def with_chunk(content: bytes, kind: bytes, data: bytes) -> bytes:
    end = content.index(b"IDAT") - 4
    check = zlib.crc32(kind + data).to_bytes(4, "big")
    return content[:end] + len(data).to_bytes(4, "big") + kind + data + check + content[end:]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"hIST", b"gAMA", b"puTt"])
def test_no_chunk_holds_a_name(kind: bytes) -> None:
    whole = png(np.rint(breast() * 255).astype(np.uint8))
    (finding,) = inspect_png(with_chunk(whole, kind, b"Jane Doe"))
    assert "Jane" not in str(finding)
    assert inspect_png(with_chunk(whole, b"gAMA", (45455).to_bytes(4, "big"))) == ()


def test_a_thin_picture_does_not_take_the_memory() -> None:
    thin = np.zeros((8, 1 << 20), dtype=np.uint8)
    thin[:, : 1 << 19] = 200
    assert refusal(png(thin)) == "size"
