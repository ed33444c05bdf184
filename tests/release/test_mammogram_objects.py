"""An exported mammogram is a valid object, is nobody's, says that it is synthetic, and shows the sample."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.facing import facing
from epuredgm.data.mammography.deidentification import inspect
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.header import parse
from epuredgm.data.mammography.objects import SIDES, VIEWS, Picture, object_of
from epuredgm.data.mammography.release import Dicoms
from epuredgm.data.release import LeftOut
from epuredgm.data.samples import SampleSet

VALIDATOR = shutil.which("dciodvfy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
SPEC = DataSpec(
    "films",
    48,
    40,
    (Component("breast", "breast", "#888888"),),
    (
        Condition("view", values=("CC", "MLO"), optional=True),
        Condition("laterality", values=("L", "R"), optional=True),
        Condition("age", "years", optional=True),
    ),
    values="grey",
    bits=16,
    side="laterality",
)


def breast(bits: int = 16, side: str = "L") -> np.ndarray:
    """Something at the chest wall, as people see it."""
    pixels = np.zeros((48, 40), np.uint16)
    pixels[8:40, :25] = np.random.default_rng(0).integers(1, 2**bits, (32, 25))
    return pixels if side == "L" else pixels[:, ::-1]


def a_set(*rows: tuple[float, float, float]) -> SampleSet:
    return SampleSet(
        images=np.tile(breast(), (len(rows), 1, 1, 1)),
        components=SPEC.component_names,
        conditions=np.array(rows, np.float32),
        condition_names=SPEC.condition_names,
        ids=np.array(["patient17"] * len(rows)),
        given=np.zeros((len(rows), 1), bool),
        meta={"model": "cvae", "weights": "w"},
    )


def exported(samples: SampleSet, row: int = 0) -> bytes:
    shown = facing(samples.images, samples.conditions, SPEC)
    return Dicoms(SPEC).files(shown[row], samples, row)[".dcm"]


@pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_valid(side: str, view: str, bits: int, tmp_path: Path) -> None:
    path = tmp_path / "file.dcm"
    path.write_bytes(object_of(Picture(breast(bits, side), bits, side, view, 58 if bits == 8 else None)))
    said = subprocess.run([str(VALIDATOR), str(path)], capture_output=True, text=True, check=False)
    text = said.stdout + said.stderr
    assert "MammographyImageForPresentation" in text  # it knew what it looked at
    assert [line for line in text.splitlines() if line.startswith("Error")] == []


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("view", VIEWS)
def test_our_own_gate_lets_it_in_and_our_own_reader_sees_the_sample(side: str, view: str) -> None:
    samples = a_set((VIEWS.index(view), SIDES.index(side), 58))
    header = parse(exported(samples))
    assert inspect(header) == ()
    seen = interpret(header)
    assert (seen.view, seen.laterality, seen.age) == (view, side, 58)
    assert np.abs(seen.pixels - breast(side=side) / 65535).max() < 1e-6


def test_it_says_that_it_is_synthetic_and_derived() -> None:
    ds = pydicom.dcmread(BytesIO(exported(a_set((0, 0, 58)))))
    assert list(ds.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert str(ds.PatientName).startswith("SYNTHETIC^") and ds.PatientID.startswith("SYNTHETIC-")
    assert ds.ImageComments.startswith("SYNTHETIC") and ds.DerivationDescription.startswith("SYNTHETIC")
    assert "NOMINAL" in ds.ImageComments and "PixelSpacing" not in ds and ds.BurnedInAnnotation == "NO"
    assert ds.PatientAge == "058Y" and ds.PatientBirthDate == "" and "KVP" not in ds


def test_identifiers_are_new_every_time_and_come_from_nothing() -> None:
    samples = a_set((0, 0, 58), (0, 0, 58))
    keys = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
    contents = [exported(samples, row) for row in (0, 1, 0)]
    for key in keys:  # the same sample exported twice included
        assert len({pydicom.dcmread(BytesIO(content))[key].value for content in contents}) == 3
    for content in contents:
        ds = pydicom.dcmread(BytesIO(content))
        assert all(ds[key].value.startswith("2.25.") and len(ds[key].value) <= 64 for key in keys[:3])
        assert b"patient17" not in content and b"cvae" not in content


@pytest.mark.parametrize("row", [(np.nan, 0, 58), (0, np.nan, 58)])
def test_a_sample_of_unknown_view_or_side_is_left_out(row: tuple[float, float, float]) -> None:
    with pytest.raises(LeftOut, match="was not asked for"):
        exported(a_set(row))


def test_great_and_unknown_ages_are_not_told() -> None:
    for age in (np.nan, 90, -1):
        assert "PatientAge" not in pydicom.dcmread(BytesIO(exported(a_set((0, 0, age)))))


def test_only_mammograms_can_be_dicom() -> None:
    with pytest.raises(BadRequest, match="lacks grey values, a condition view, a side"):
        Dicoms(replace(SPEC, values="binary", conditions=(), side=None))
