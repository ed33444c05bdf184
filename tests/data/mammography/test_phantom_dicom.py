"""The phantom's DICOM objects are valid, and every form of one view reads as the same picture."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.phantom import expose
from epuredgm.data.mammography.phantom_acquisition import BRIGHTEST
from epuredgm.data.mammography.phantom_dicom import COMPRESSIONS, compressed, content_of, dataset_of
from epuredgm.data.mammography.phantom_forms import FORMS
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_patient import SIDES, VIEWS, draw_patient
from epuredgm.data.mammography.phantom_variants import VARIANTS, base_exposure, write_variants

GRID = Grid(160, 128, 1.6)
VALIDATOR = shutil.which("dciodvfy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
BASE = base_exposure()
READABLE = [name for name, variant in VARIANTS.items() if variant.error is not None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("variants")
    write_variants(target)
    return target


def errors(content: bytes, path: Path) -> list[str]:
    assert VALIDATOR is not None
    path.write_bytes(content)
    said = subprocess.run([VALIDATOR, str(path)], capture_output=True, text=True, check=False)
    text = said.stdout + said.stderr
    assert "MammographyImageFor" in text  # it knew what it looked at
    return [line for line in text.splitlines() if line.startswith("Error")]


def reading(dataset: Dataset) -> NDArray[np.float64]:
    """Stored values to [0, 1] by hand, by PS3.3 C.11.2: written apart from the product's reader."""
    top = 2**dataset.BitsStored - 1
    stored = dataset.pixel_array.astype(np.float64)
    assert stored.max() <= top
    if "VOILUTSequence" in dataset:
        item = dataset.VOILUTSequence[0]
        table = np.frombuffer(item.LUTData, "<u2").astype(np.float64)
        values = table[stored.astype(int)] / (2 ** item.LUTDescriptor[2] - 1)
    else:
        centre, width = (np.atleast_1d(dataset[k].value)[0] for k in ("WindowCenter", "WindowWidth"))
        centre, width = float(centre), float(width)
        if dataset.get("VOILUTFunction", "LINEAR") == "SIGMOID":
            values = 1 / (1 + np.exp(-4 * (stored - centre) / width))
        else:
            values = np.clip((stored - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    return 1 - values if dataset.PresentationLUTShape == "INVERSE" else values


@pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_valid(name: str, tmp_path: Path) -> None:
    assert errors(content_of(dataset_of(BASE, FORMS[name])), tmp_path / "file.dcm") == []


@pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_valid(side: str, view: str, tmp_path: Path) -> None:
    exposure = expose(draw_patient(1, 2), side, view, GRID)  # type: ignore[arg-type]
    assert errors(content_of(dataset_of(exposure)), tmp_path / "file.dcm") == []


@pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("syntax", COMPRESSIONS)
def test_every_syntax_is_valid(syntax: str, tmp_path: Path) -> None:
    packed = compressed(dataset_of(BASE, FORMS["presentation_14"]), syntax)
    assert errors(content_of(packed), tmp_path / "file.dcm") == []


@pytest.mark.parametrize("name", READABLE)
def test_every_readable_variant_is_the_same_picture(name: str, folder: Path) -> None:
    dataset = pydicom.dcmread(folder / f"{name}.dcm")
    expected = BASE.presentation * np.float64(BRIGHTEST)
    if name == "half_spacing":
        expected = np.kron(expected, np.ones((2, 2)))
    error = VARIANTS[name].error
    assert error is not None and np.abs(reading(dataset) - expected).max() <= error


def test_two_photometric_interpretations_agree(folder: Path) -> None:
    one, two = (reading(pydicom.dcmread(folder / f"{n}.dcm")) for n in ("monochrome1_14", "presentation_12"))
    assert np.abs(one - two).max() < 2e-4


def test_lossless_syntaxes_are_bit_equal_and_smaller(folder: Path) -> None:
    plain = pydicom.dcmread(folder / "presentation_14.dcm")
    for syntax in COMPRESSIONS:
        packed = pydicom.dcmread(folder / f"{syntax}.dcm")
        assert packed.file_meta.TransferSyntaxUID.is_compressed
        assert np.array_equal(packed.pixel_array, plain.pixel_array)
        assert packed.LossyImageCompression == "00"
        assert len(packed.PixelData) < len(plain.PixelData)


def test_counts_are_linear_and_bright_in_air(folder: Path) -> None:
    dataset = pydicom.dcmread(folder / "processing_14.dcm")
    assert dataset.PixelIntensityRelationship == "LIN" and dataset.PixelIntensityRelationshipSign == 1
    assert "WindowCenter" not in dataset and dataset.PresentationIntentType == "FOR PROCESSING"
    counts = dataset.pixel_array / (0.9 * (2**14 - 1))
    assert np.abs(counts - BASE.counts).max() < 1e-4


def test_spacings_say_the_phantoms_millimetres(folder: Path) -> None:
    for name, pixel in (("presentation_12", 0.8), ("half_spacing", 0.4), ("two_spacings", 0.8)):
        dataset = pydicom.dcmread(folder / f"{name}.dcm")
        at_detector = float(dataset.ImagerPixelSpacing[0])
        magnification = float(dataset.DistanceSourceToDetector / dataset.DistanceSourceToPatient)
        assert at_detector / magnification == pytest.approx(pixel, rel=1e-6)
        assert float(dataset.EstimatedRadiographicMagnificationFactor) == pytest.approx(magnification)
    assert float(dataset.PixelSpacing[0]) == pytest.approx(0.8, rel=1e-6)


def test_no_two_objects_share_an_identifier(folder: Path) -> None:
    seen = set()
    for name in VARIANTS:
        if name in ("random_bytes", "truncated"):
            continue
        dataset = pydicom.dcmread(folder / f"{name}.dcm", stop_before_pixels=True)
        assert dataset.SOPInstanceUID.startswith("2.25.") and dataset.SOPInstanceUID.is_valid
        assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID
        seen.add(dataset.SOPInstanceUID)
    assert len(seen) == len(VARIANTS) - 2


def test_orientation_says_where_the_chest_wall_is() -> None:
    leads = {"L": "A", "R": "P"}
    for side in SIDES:
        for view in VIEWS:
            dataset = dataset_of(expose(draw_patient(1, 2), side, view, GRID))
            assert dataset.PatientOrientation[0] == leads[side]
            columns = (dataset.pixel_array > 0).sum(axis=0)
            assert (columns[0] > columns[-1]) == (side == "L")


def test_awkward_variants_have_what_their_names_say(folder: Path) -> None:
    def header(name: str) -> Dataset:
        return pydicom.dcmread(folder / f"{name}.dcm")

    assert "ImageLaterality" not in header("missing_laterality")
    assert "ViewCodeSequence" not in header("missing_view") and "ViewPosition" not in header("missing_view")
    assert "PatientAge" not in header("missing_age") and header("age_058y").PatientAge == "058Y"
    assert header("wrong_modality").Modality == "CR" and header("implant").BreastImplantPresent == "YES"
    assert (0x6000, 0x3000) in header("overlay_group")
    assert any(element.tag.is_private for element in header("private_tag"))
    assert str(header("telling_header").PatientName) == "Mustermann^Erika"
    assert len(header("two_windows").WindowCenter) == 2
    assert "PatientIdentityRemoved" not in header("not_deidentified")
    base, copy = header("presentation_12"), header("duplicate_of_another_patient")
    assert base.PixelData == copy.PixelData and base.PatientID != copy.PatientID
    label = header("burned_in_label")
    changed = label.pixel_array != base.pixel_array
    assert label.BurnedInAnnotation == "NO" and changed.sum() > 100 and not (changed & BASE.breast).any()
    with pytest.raises(pydicom.errors.InvalidDicomError):
        header("random_bytes")
    with pytest.raises(ValueError, match="expected"):
        pydicom.dcmread(folder / "truncated.dcm").pixel_array  # noqa: B018


def test_the_table_contradicts_one_file_only(folder: Path) -> None:
    lines = (folder / "variants.csv").read_text().splitlines()
    sides = {line.split(",")[0]: line.split(",")[1] for line in lines[1:]}
    assert {name for name, side in sides.items() if side != "L"} == {"laterality_conflict.dcm"}


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    names = ("presentation_12", "jpeg_lossless_sv1", "jpeg_2000", "random_bytes", "voi_lut_12")
    for copy in ("a", "b"):
        write_variants(tmp_path / copy, names)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_files_hold_no_time_and_no_person() -> None:
    dataset = pydicom.dcmread(BytesIO(content_of(dataset_of(BASE))))
    for element in dataset.iterall():
        assert element.VR not in ("DT",) and not (element.VR in ("DA", "TM") and element.value)
    assert str(dataset.PatientName).startswith("SYNTHETIC^PHANTOM") and dataset.PatientBirthDate == ""


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no phantom variant"):
        write_variants(tmp_path, ("sepia",))
    with pytest.raises(BadRequest, match="no encoder"):
        compressed(dataset_of(BASE), "gif")
