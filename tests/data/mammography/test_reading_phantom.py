"""The reader on files of the phantom: every form of one exposure is the same picture."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from epuredgm.data.mammography import phantom_dicom, phantom_forms
from epuredgm.data.mammography.breast import find_breast
from epuredgm.data.mammography.burned_in import inspect_pixels
from epuredgm.data.mammography.deidentification import inspect
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.header import parse
from epuredgm.data.mammography.mammogram import Mammogram
from epuredgm.data.mammography.phantom import Exposure, expose
from epuredgm.data.mammography.phantom_acquisition import BRIGHTEST
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_patient import draw_patient

FORMS = {**phantom_forms.FORMS, "voi_lut_8": phantom_forms.LUT_OF_BYTES}


@cache
def exposure(side: str = "L", view: str = "MLO", number: int = 0) -> Exposure:
    return expose(draw_patient(7, number), side, view, Grid(160, 128, 1.6))


def read(taken: Exposure, form: phantom_forms.Form = phantom_forms.PLAIN) -> Mammogram:
    return interpret(parse(phantom_dicom.content_of(phantom_dicom.dataset_of(taken, form))))


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.intent == "PRESENTATION"])
def test_every_form_reads_as_what_was_exposed(name: str) -> None:
    found = read(exposure(), FORMS[name]).pixels
    assert np.abs(found - BRIGHTEST * exposure().presentation).max() <= FORMS[name].error


def test_monochrome1_in_14_bits_agrees_with_monochrome2_in_12() -> None:
    one, other = (read(exposure(), FORMS[name]).pixels for name in ("monochrome1_14", "presentation_12"))
    assert np.abs(one - other).max() <= 2e-4


@pytest.mark.parametrize("bits", [12, 14])
def test_raw_images_show_air_dark_and_the_breast_bright(bits: int) -> None:
    taken = exposure()
    found = read(taken, FORMS[f"processing_{bits}"])
    assert found.origin.intent == "processing"
    assert found.pixels[taken.breast].mean() > 5 * found.pixels[~taken.breast].mean()
    mask = find_breast(found.pixels).mask
    assert (mask & taken.breast).sum() / (mask | taken.breast).sum() >= 0.95


@pytest.mark.parametrize("syntax", phantom_dicom.COMPRESSIONS)
def test_compression_without_loss_changes_nothing(syntax: str) -> None:
    dataset = phantom_dicom.dataset_of(exposure())
    content = phantom_dicom.content_of(phantom_dicom.compressed(dataset, syntax))
    np.testing.assert_array_equal(interpret(parse(content)).pixels, read(exposure()).pixels)


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("view", ["CC", "MLO"])
@pytest.mark.parametrize("number", range(4))
def test_labels_gate_and_mask_of_many(side: str, view: str, number: int) -> None:
    taken = exposure(side, view, number)
    header = parse(phantom_dicom.content_of(phantom_dicom.dataset_of(taken)))
    assert inspect(header) == ()
    found = interpret(header)
    assert (found.laterality, found.view, found.age) == (side, view, float(taken.patient.age))
    assert found.mm_per_pixel == pytest.approx(1.6, rel=1e-3)
    mask = find_breast(found.pixels)
    assert mask.doubts(side) == () and inspect_pixels(found.pixels, mask) == ()
    assert (mask.mask & taken.breast).sum() / (mask.mask | taken.breast).sum() >= 0.97
