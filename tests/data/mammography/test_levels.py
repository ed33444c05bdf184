"""The range of grey levels: a data set that fills none of it is refused with the key, and the key works."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_makers import PROCESSING, breast, made, mammogram, setting, stored_values
from folder_makers import Made, folder_of, shots
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset
from reader_makers import a_reader

from epuredgm.core.errors import BadRequest, DataError
from epuredgm.core.monitor import SILENT
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.header import parse
from epuredgm.data.mammography.levels import Levels, check_range


def place(ending: str) -> object:
    return lambda shot: f"normal/w{shot.woman}/{shot.side}{shot.number}.{ending}"


def in_16(bits: int) -> object:
    """Values of some bits in a PNG file of 16."""
    return lambda values: np.rint(values * ((1 << bits) - 1)).astype(np.uint16)


def declares_16(bits: int) -> object:
    """The header of a DICOM file says 16 bits; its values have fewer."""

    def change(dataset: FileDataset) -> None:
        top = (1 << bits) - 1
        stored = stored_values(dataset).astype(np.int64) * top // 65535
        dataset.PixelData = stored.astype("<u2").tobytes()

    return change


def images(made_so: Made, workspace: Path, **settings: object) -> NDArray[np.float64]:
    reader = a_reader(workspace, made_so.root, **settings)
    return reader.load(reader.prepare(workspace / "cache", SILENT)).images / np.float64(65535)


def refusal(made_so: Made, workspace: Path, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        images(made_so, workspace, **settings)
    return str(caught.value)


@pytest.mark.parametrize("bits", [8, 10, 12, 13])
@pytest.mark.parametrize("ending", ["png", "dcm"])
def test_few_bits_in_files_that_say_16_are_refused_and_read_with_the_key(
    bits: int, ending: str, tmp_path: Path
) -> None:
    kinds: dict[str, object] = {"levels": in_16(bits)}
    if ending == "dcm":
        kinds = {"bits": 16, "change": declares_16(bits)}
    few = folder_of(tmp_path / "few", shots(6), place(ending), **kinds)  # type: ignore[arg-type]
    text = refusal(few, tmp_path)
    assert "dataset.reader.bits" in text and ("eighth" in text)
    full = folder_of(tmp_path / "full", shots(6), place("png"), levels=in_16(16))  # type: ignore[arg-type]
    read = images(few, tmp_path, bits=bits)
    assert np.abs(np.sort(read, 0) - np.sort(images(full, tmp_path / "two"), 0)).max() < 2.5 / (1 << bits)


def test_14_bits_of_16_are_let_through_and_so_are_dark_windows_not(tmp_path: Path) -> None:
    enough = folder_of(tmp_path / "14", shots(6), place("png"), levels=in_16(14))  # type: ignore[arg-type]
    assert images(enough, tmp_path).max() > 0.125
    windowed = folder_of(
        tmp_path / "window",
        shots(6),
        place("dcm"),
        change=setting(WindowCenter=32768, WindowWidth=65536),
        bits=12,
    )  # type: ignore[arg-type]
    assert "windows" in refusal(windowed, tmp_path / "two")


@pytest.mark.parametrize("kind", ["MONOCHROME1", "processing"])
def test_pictures_that_would_be_nearly_white_or_shifted_are_refused_too(kind: str, tmp_path: Path) -> None:
    """Twelve bits in 16: inverted they lie in the highest sixteenth, as attenuation 2.8 nats too high."""

    def change(dataset: FileDataset) -> None:
        declares_16(12)(dataset)  # type: ignore[operator]
        if kind == "processing":
            dataset.SOPClassUID, dataset.PresentationIntentType = PROCESSING, "FOR PROCESSING"
            dataset.file_meta.MediaStorageSOPClassUID = PROCESSING
            counts = np.rint(4095 * np.exp(-4.0 * stored_values(dataset) / 4095))  # of the detector
            dataset.PixelData = counts.astype("<u2").tobytes()

    photometric = "MONOCHROME1" if kind == "MONOCHROME1" else "MONOCHROME2"
    few = folder_of(tmp_path / "few", shots(6), place("dcm"), change=change, bits=16, photometric=photometric)  # type: ignore[arg-type]
    assert "dataset.reader.bits" in refusal(few, tmp_path)
    assert len(images(few, tmp_path, bits=12)) == 24


def test_one_kind_of_files_among_others_is_noticed() -> None:
    full = [Levels("dicom", 12, "window", 100, 10, 4000)] * 90
    dark = [Levels("png", 16, "range", 100, 100, 4000)] * 10
    check_range("screening", full + dark[:9], 0)  # a few dark pictures may be what they are
    with pytest.raises(DataError, match="png of 16 bits"):
        check_range("screening", full + dark, 0)
    check_range("screening", full, 3)
    with pytest.raises(DataError, match="in 3 files"):
        check_range("screening", [], 3)


def test_bits_lower_what_files_say_and_never_raise_it(tmp_path: Path) -> None:
    content = made(bits=10)
    for bits in (10, 12, 16):
        np.testing.assert_array_equal(
            interpret(parse(content), bits=bits).pixels, interpret(parse(content)).pixels
        )
    eight = folder_of(tmp_path / "8", shots(6), place("png"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(images(eight, tmp_path, bits=12), images(eight, tmp_path / "two"))


def test_values_above_the_bits_put_the_file_aside(tmp_path: Path) -> None:
    few = folder_of(
        tmp_path / "few",
        shots(6),
        place("png"),
        levels=in_16(12),
    )  # type: ignore[arg-type]
    bright = breast(seed=1)
    bright[20, 5] = 2.0
    where = next(iter(few.places))
    Image.fromarray(np.rint(bright * 4095).astype(np.uint16)).save(few.root / where)
    reader = a_reader(tmp_path, few.root, bits=12)
    entry = reader.prepare(tmp_path / "cache", SILENT)
    assert reader.account(entry)["quarantine"] == {"value_range": 1}


@pytest.mark.parametrize("bits", [7, 17, 0, -1])
def test_bits_that_are_none_are_refused(bits: int, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="bits is"):
        a_reader(tmp_path, tmp_path, bits=bits)


def test_a_full_range_stays_as_it_is() -> None:
    assert interpret(parse(made())).origin.highest == int(stored_values(mammogram()).max())
