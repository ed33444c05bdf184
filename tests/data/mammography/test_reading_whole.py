"""A file through all of the reading side; and no library of it is loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_makers import breast, made
from PIL import Image

from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.phantom import expose
from epuredgm.data.mammography.phantom_dicom import content_of, dataset_of
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_patient import draw_patient
from epuredgm.data.mammography.reading import examine, shared_pictures


def test_one_picture_as_dicom_and_as_png(tmp_path: Path) -> None:
    levels = np.rint(breast() * 65535).astype(np.uint16)
    one, other, unknown = tmp_path / "one.dcm", tmp_path / "other.PNG", tmp_path / "name-says.png"
    one.write_bytes(made(stored=levels, bits=16))
    Image.fromarray(levels).save(other, "PNG")
    unknown.write_bytes(one.read_bytes())  # the name is not believed
    first, second, third = (examine(path) for path in (one, other, unknown))
    np.testing.assert_array_equal(first.mammogram.pixels, second.mammogram.pixels)
    assert first.picture == second.picture and first.content != second.content
    assert third.content == first.content and first.findings == second.findings == ()


def test_a_burned_in_label_is_found_and_cut_away(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    dataset = dataset_of(expose(draw_patient(3, 1), "L", "MLO", Grid(160, 128, 1.6)))
    path.write_bytes(content_of(dataset))
    clean = examine(path)
    stored = np.frombuffer(dataset.PixelData, "<u2").reshape(160, 128).copy()
    for column in (100, 106, 112):
        stored[140:147, column : column + 4] = 4000
    dataset.PixelData = stored.tobytes()
    path.write_bytes(content_of(dataset))
    labelled = examine(path)
    assert clean.findings == () and len(labelled.findings) == 1
    np.testing.assert_array_equal(labelled.breast.mask, clean.breast.mask)


def test_a_missing_file_does_not_show_its_path(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        examine(tmp_path / "p_0001" / "a.dcm")
    assert "p_0001" not in str(caught.value) and caught.value.__context__ is None


def test_one_picture_under_two_patients_is_put_aside() -> None:
    pictures = {"a": "1", "b": "1", "c": "2", "d": "2", "e": "3"}
    patients = {"a": "p", "b": "q", "c": "p", "d": "p", "e": "q"}
    assert shared_pictures(pictures, patients) == {"a", "b"}


def test_importing_loads_no_library_of_medical_files() -> None:
    code = (
        "import sys, epuredgm.data.mammography.reading, epuredgm.data.mammography.labels\n"
        "print(sorted({'pydicom', 'gdcm', 'openjpeg', 'jpeg_ls', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
