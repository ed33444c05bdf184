"""What a fault says is what is wrong: other files by their names; padding that may be there is no fault."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from dicom_makers import breast, compressed, made, mammogram, setting
from folder_makers import folder_of, shots
from PIL import Image
from pydicom.dataset import FileDataset
from reader_makers import Listener, a_reader

from epuredgm.core.errors import DataError
from epuredgm.core.monitor import SILENT
from epuredgm.data.mammography.breast import find_breast
from epuredgm.data.mammography.deidentification import inspect
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.faults import REASONS, Unreadable
from epuredgm.data.mammography.header import Header, parse
from epuredgm.data.mammography.png import interpret_png


def saved(form: str, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(breast() * 255).astype(np.uint8)).convert(mode).save(buffer, form)
    return buffer.getvalue()


OTHERS = {
    "jpeg": saved("JPEG"),
    "jpeg_2000": saved("JPEG2000"),
    "tiff": saved("TIFF"),
    "pgm": saved("PPM"),
    "other_picture": saved("BMP"),
    "png_damaged": b"\x89PNG\n\x1a\n" + bytes(200),
    "archive": b"PK\x03\x04" + bytes(200),
    "array": b"\x93NUMPY\x01\x00" + bytes(200),
    "document": b"<!DOCTYPE html><html><body>404</body></html>" * 9,
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n" * 3,
    "not_dicom": b"mammogram" * 30,
}


@pytest.mark.parametrize("code", OTHERS)
def test_a_file_of_another_kind_is_called_by_its_name(code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(OTHERS[code])
    assert caught.value.code == code and str(caught.value) == REASONS[code]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PPM"])
def test_more_kinds(form: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(saved(form, "RGB"))
    assert caught.value.code == ("pgm" if form == "PPM" else "other_picture")


def test_a_data_set_of_jpeg_files_says_so(tmp_path: Path) -> None:
    made_so = folder_of(tmp_path / "data", shots(6), lambda shot: f"normal/w{shot.woman}/{shot.number}.png")
    for place in made_so.places:
        (made_so.root / place).write_bytes(OTHERS["jpeg"])
    with pytest.raises(DataError, match=r"jpeg: 24 files \(a JPEG file: mammograms are read from DICOM"):
        a_reader(tmp_path, made_so.root).prepare(tmp_path / "cache", SILENT)


# padding ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", [bytes(512), b"\xff" * 512, b" " * 100, bytes(2), bytes(4096)])
@pytest.mark.parametrize("implicit", [False, True])
def test_padding_behind_the_pixels_is_passed_over(padding: bytes, implicit: bool) -> None:
    dataset = mammogram(implicit=implicit)
    plain = interpret(parse(made(implicit=implicit))).pixels
    content = made(setting(PixelData=dataset.PixelData + padding), implicit=implicit)
    np.testing.assert_array_equal(interpret(parse(content)).pixels, plain)
    assert inspect(parse(content)) == ()


@pytest.mark.parametrize("rest", [b"DOE^JANE" * 8, bytes(4098), bytes(96), bytes(6144)])
def test_what_is_no_padding_is_refused(rest: bytes) -> None:
    """Text, much, one more row of 96 bytes, one more frame."""
    content = made(setting(PixelData=mammogram().PixelData + rest))
    with pytest.raises(Unreadable) as caught:
        interpret(parse(content))
    assert caught.value.code == "pixel_length"


@pytest.mark.parametrize("zeros", [1, 2, 7, 8, 9, 12, 100, 512, 100_000])
@pytest.mark.parametrize("syntax", ["implicit", "explicit", "JPEGLSLossless"])
def test_zeros_behind_the_end_are_passed_over(zeros: int, syntax: str, tmp_path: Path) -> None:
    dataset = mammogram(implicit=syntax == "implicit")
    content = (
        compressed(dataset, syntax, tmp_path) if "JPEG" in syntax else made(implicit=syntax == "implicit")
    )
    plain, padded = parse(content), parse(content + bytes(zeros))
    np.testing.assert_array_equal(interpret(padded).pixels, interpret(plain).pixels)
    assert inspect(padded) == inspect(plain)
    if zeros > 8:
        with pytest.raises(Unreadable):  # a name may hide there
            parse(content + bytes(zeros - 8) + b"DOE^JANE")


def test_data_set_trailing_padding_of_zeros_is_passed_over() -> None:
    def padded(rest: bytes) -> Header:
        def change(dataset: FileDataset) -> None:
            dataset.add_new(0xFFFCFFFC, "OB", rest)

        return parse(made(change))

    assert inspect(padded(bytes(64))) == () and interpret(padded(bytes(64))).view == "CC"
    (finding,) = inspect(padded(b"DOE^JANE" * 8))
    assert "JANE" not in str(finding)


def test_zeros_behind_a_png_are_passed_over() -> None:
    content = saved("PNG")
    np.testing.assert_array_equal(interpret_png(content + bytes(99)).pixels, interpret_png(content).pixels)
    with pytest.raises(Unreadable):
        interpret_png(content + b"DOE^JANE")


# the breast -------------------------------------------------------------------------------------------------


def test_no_breast_says_what_was_looked_for() -> None:
    away = np.zeros((64, 48), dtype=np.float32)
    away[20:40, 15:30] = 0.5  # touches no border
    with pytest.raises(Unreadable) as caught:
        find_breast(away)
    for word in ("brighter than air", "1.5 %", "left or the right border", "chest wall"):
        assert word in str(caught.value)


def test_a_row_with_more_cells_than_columns_is_put_aside(tmp_path: Path) -> None:
    made_so = folder_of(tmp_path / "data", shots(6), lambda shot: f"normal/w{shot.woman}/{shot.number}.dcm")
    table = made_so.root / "metadata.csv"
    lines = table.read_text().splitlines()
    lines[1] = lines[1].replace(",50,", ",50,5,")  # a decimal comma
    table.write_text("\n".join(lines))
    reader, monitor = a_reader(tmp_path, made_so.root), Listener()
    entry = reader.prepare(tmp_path / "cache", monitor)
    assert reader.account(entry)["quarantine"] == {"cells": 1}
    assert any("cells: 1" in text for text in monitor.said)
