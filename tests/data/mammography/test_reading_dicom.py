"""Reading DICOM: the rules of the standard, each against a closed form or another implementation."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_makers import (
    PROCESSING,
    Change,
    as_bytes,
    breast,
    coded,
    compressed,
    made,
    mammogram,
    setting,
    stored_values,
)
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.pixels import apply_windowing
from pydicom.sequence import Sequence

from epuredgm.data.mammography.decoding import DECODERS, decode, layout
from epuredgm.data.mammography.dicom import interpret, read_dicom
from epuredgm.data.mammography.faults import REASONS, Unreadable
from epuredgm.data.mammography.header import parse
from epuredgm.data.mammography.isolated import CHILD
from epuredgm.data.mammography.mammogram import Mammogram
from epuredgm.data.mammography.presentation import FULL_ATTENUATION, window

LOSSLESS = ("JPEGLossless", "JPEGLosslessSV1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless")


def read(content: bytes) -> Mammogram:
    return interpret(parse(content))


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read(content)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    return caught.value.code


def lut(entries: NDArray[np.integer], first: int, bits: int, as_words: bool) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first, bits])
    if as_words:
        item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    else:
        item.add_new("LUTData", "US", [int(entry) for entry in entries])
    return item


# pixels ---------------------------------------------------------------------------------------------------


def test_pixels_are_stored_values_over_the_stored_range() -> None:
    read_back = read(made(bits=12))
    stored = stored_values(mammogram(bits=12))
    assert read_back.pixels.dtype == np.float32
    np.testing.assert_array_equal(read_back.pixels, (stored / 4095.0).astype(np.float32))


def test_the_mapping_does_not_depend_on_the_rest_of_the_picture() -> None:
    values = breast()
    brighter = values.copy()
    brighter[0, -1] = 1.0  # one burned-in pixel moves every other one where the range is the picture's
    one, other = read(made(values=values)).pixels, read(made(values=brighter)).pixels
    np.testing.assert_array_equal(one[1:], other[1:])


def test_monochrome1_in_14_bits_agrees_with_monochrome2_in_12() -> None:
    one = read(made(bits=14, photometric="MONOCHROME1")).pixels
    other = read(made(bits=12, photometric="MONOCHROME2")).pixels
    assert np.abs(one - other).max() <= 0.5 / 4095 + 0.5 / 16383 + 1e-6 < 2e-4


def test_inversion_is_by_the_photometric_tag_where_no_shape_is_recorded() -> None:
    with_shape = read(made(photometric="MONOCHROME1")).pixels
    without = read(made(setting(PresentationLUTShape=None), photometric="MONOCHROME1")).pixels
    np.testing.assert_array_equal(with_shape, without)


def test_inversion_is_of_the_fixed_range() -> None:
    dim = read(made(values=breast() * 0.3, bits=12, photometric="MONOCHROME1")).pixels
    assert dim.max() < 0.3 and dim.min() == 0.0


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("implicit", [False, True])
def test_every_depth_in_both_plain_syntaxes(bits: int, implicit: bool) -> None:
    pixels = read(made(bits=bits, implicit=implicit)).pixels
    np.testing.assert_allclose(pixels, breast(), atol=0.5 / ((1 << bits) - 1) + 1e-6)


def test_big_endian() -> None:
    dataset = mammogram()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    dataset.PixelData = stored_values(dataset).astype(">u2").tobytes()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
    np.testing.assert_array_equal(read(buffer.getvalue()).pixels, read(made()).pixels)


@pytest.mark.parametrize("above", [0x8000, 0x1000])
@pytest.mark.parametrize("syntax", [None, *LOSSLESS])
def test_values_above_the_bits_stored_are_refused_compressed_or_not(
    above: int, syntax: str | None, tmp_path: Path
) -> None:
    dataset = mammogram(stored=stored_values(mammogram()) | np.uint16(above), bits=16)
    content = as_bytes(dataset) if syntax is None else compressed(dataset, syntax, tmp_path)
    said = b"\x28\x00\x01\x01US\x02\x00"  # Bits Stored, and High Bit after it
    lowered = content.replace(said + b"\x10\x00", said + b"\x0c\x00").replace(
        said.replace(b"\x01\x01", b"\x02\x01") + b"\x0f\x00",
        said.replace(b"\x01\x01", b"\x02\x01") + b"\x0b\x00",
    )
    assert lowered != content and refusal(lowered) == "value_range"


def test_padding_is_air() -> None:
    stored = stored_values(mammogram())
    padded = stored.copy()
    padded[:, -4:] = 4095
    pixels = read(made(setting(PixelPaddingValue=4095), stored=padded)).pixels
    assert np.all(pixels[:, -4:] == 0.0)
    np.testing.assert_array_equal(pixels[:, :-4], read(made(stored=stored)).pixels[:, :-4])


# values of interest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(2048, 4096), (1000.5, 700), (300, 30.5), (4000, 3000)])
def test_windows_agree_with_pydicom(function: str, centre: float, width: float) -> None:
    dataset = mammogram()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = centre, width, function
    stored = np.arange(4096, dtype=np.uint16)
    theirs = apply_windowing(stored, dataset) / 4095.0
    np.testing.assert_allclose(window(stored.astype(np.float64), centre, width, function), theirs, atol=1e-9)


def test_a_window_without_a_function_is_linear() -> None:
    plain = read(made(setting(WindowCenter=1500, WindowWidth=2000)))
    named = read(made(setting(WindowCenter=1500, WindowWidth=2000, VOILUTFunction="LINEAR")))
    np.testing.assert_array_equal(plain.pixels, named.pixels)
    assert plain.origin.window.function == "LINEAR" and plain.origin.window.kind == "window"


def test_the_narrowest_linear_window_is_a_step() -> None:
    values = np.array([9.0, 9.4, 9.5, 9.6, 10.0])
    np.testing.assert_array_equal(window(values, 10.0, 1.0, "LINEAR"), [0, 0, 0, 1, 1])


def test_of_several_windows_the_normal_one_is_taken_and_recorded() -> None:
    several = setting(
        WindowCenter=[1000, 2000, 3000],
        WindowWidth=[500, 1500, 2500],
        WindowCenterWidthExplanation=["HARDER", "Normal", "SOFTER"],
        VOILUTFunction="SIGMOID",
    )
    one = read(made(several))
    alone = read(made(setting(WindowCenter=2000, WindowWidth=1500, VOILUTFunction="SIGMOID")))
    np.testing.assert_array_equal(one.pixels, alone.pixels)
    assert (one.origin.window.index, one.origin.window.count) == (1, 3)
    unnamed = read(made(setting(WindowCenter=[1000, 2000], WindowWidth=[500, 1500])))
    assert unnamed.origin.window.index == 0


def test_monochrome1_is_windowed_before_it_is_inverted() -> None:
    windowed = {"WindowCenter": 3000, "WindowWidth": 1000}
    stored = stored_values(mammogram(photometric="MONOCHROME1"))
    pixels = read(made(setting(**windowed), photometric="MONOCHROME1")).pixels
    expected = 1.0 - window(stored.astype(np.float64), 3000, 1000, "LINEAR")
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("as_words", [False, True])
def test_a_12_bit_voi_lut(implicit: bool, as_words: bool) -> None:
    entries = (4095 * (np.arange(4096) / 4095.0) ** 2).astype(np.int64)
    table = lut(entries, 0, 12, as_words)
    dataset = mammogram(implicit=implicit)
    dataset.VOILUTSequence = Sequence([table])
    dataset.WindowCenter, dataset.WindowWidth = 100, 100  # a table goes before a window
    one = read(as_bytes(dataset))
    expected = entries[stored_values(dataset)] / 4095.0
    np.testing.assert_allclose(one.pixels, expected, atol=1e-6)
    assert one.origin.window.kind == "lut"


@pytest.mark.parametrize("packed", [False, True])
def test_an_8_bit_voi_lut_of_4096_entries_does_not_wrap(packed: bool) -> None:
    entries = np.arange(4096) // 16
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4096, 0, 8])
    table.add_new("LUTData", "OW", entries.astype("u1" if packed else "<u2").tobytes())
    stored = np.linspace(0, 4095, 64 * 48).astype(np.uint16).reshape(64, 48)
    dataset = mammogram(stored=stored)
    dataset.VOILUTSequence = Sequence([table])
    pixels = read(as_bytes(dataset)).pixels
    np.testing.assert_allclose(pixels, (stored // 16) / 255.0, atol=1e-6)
    assert pixels[-1, -1] == 1.0  # a library gives 15 / 255 here


def test_values_outside_a_table_take_its_ends() -> None:
    table = lut(np.array([100, 200, 300, 1000]), 2000, 10, False)
    dataset = mammogram()
    dataset.VOILUTSequence = Sequence([table])
    pixels, stored = read(as_bytes(dataset)).pixels, stored_values(dataset)
    np.testing.assert_allclose(pixels[stored < 2000], 100 / 1023, atol=1e-6)
    np.testing.assert_allclose(pixels[stored > 2003], 1000 / 1023, atol=1e-6)


def test_a_modality_lut_of_12_bits_comes_before_the_window() -> None:
    entries = np.arange(4095, -1, -1)
    table = lut(entries, 0, 12, True)
    table.ModalityLUTType = "US"
    dataset = mammogram()
    for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
        delattr(dataset, keyword)
    dataset.ModalityLUTSequence = Sequence([table])
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    pixels = read(as_bytes(dataset)).pixels
    np.testing.assert_allclose(pixels, 1.0 - stored_values(dataset) / 4095.0, atol=1e-3)


def test_rescaling_comes_before_the_window() -> None:
    one = read(made(setting(RescaleSlope=2, RescaleIntercept=-100, WindowCenter=2900, WindowWidth=2000)))
    other = read(made(setting(WindowCenter=1500.25, WindowWidth=1000.5)))
    np.testing.assert_allclose(one.pixels, other.pixels, atol=1e-3)


# for processing ---------------------------------------------------------------------------------------------


def for_processing(relation: str | None = "LIN", sign: int | None = 1) -> Change:
    def change(dataset: FileDataset) -> None:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid.UID(PROCESSING)
        dataset.PresentationIntentType = "FOR PROCESSING"
        if relation is not None:
            dataset.PixelIntensityRelationship = relation
        if sign is not None:
            dataset.PixelIntensityRelationshipSign = sign

    return change


def test_raw_intensity_becomes_attenuation() -> None:
    attenuation = breast() * 6.0
    stored = np.rint(16383 * np.exp(-attenuation)).astype(np.uint16)
    one = read(made(for_processing(), stored=stored, bits=14))
    np.testing.assert_allclose(one.pixels * FULL_ATTENUATION, attenuation, atol=0.02)
    assert one.origin.intent == "processing" and one.origin.window.kind == "attenuation"
    unsaid = read(made(for_processing(None, None), stored=stored, bits=14))
    np.testing.assert_array_equal(unsaid.pixels, one.pixels)
    flipped = read(made(for_processing("LIN", -1), stored=16383 - stored, bits=14))
    np.testing.assert_array_equal(flipped.pixels, one.pixels)


def test_a_logarithm_is_not_taken_twice() -> None:
    stored = np.rint(breast() * 4095).astype(np.uint16)
    dark_air = read(made(for_processing("LOG", -1), stored=stored)).pixels
    bright_air = read(made(for_processing("LOG", 1), stored=4095 - stored)).pixels
    np.testing.assert_allclose(dark_air, breast(), atol=2e-4)
    np.testing.assert_allclose(bright_air, dark_air, atol=1e-6)
    assert refusal(made(for_processing("LOG", None))) == "relation"
    assert refusal(made(for_processing("DISP", 1))) == "relation"


# syntaxes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_every_decoder_of_a_lossless_syntax_gives_the_same_bits(
    syntax: str, bits: int, tmp_path: Path
) -> None:
    dataset = mammogram(bits=bits)
    header = parse(compressed(dataset, syntax, tmp_path))
    assert header.syntax == syntax
    for name, _, _ in DECODERS[syntax]:
        found = decode(header, layout(header), name)
        np.testing.assert_array_equal(found, stored_values(dataset), err_msg=name)
    np.testing.assert_array_equal(interpret(header).pixels, read(as_bytes(dataset)).pixels)
    assert interpret(header).origin.syntax == syntax


def test_baseline_jpeg_is_lossy_and_close() -> None:
    smooth = np.rint(breast() * 200 // 40 * 40).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(smooth).save(buffer, "JPEG", quality=98)
    dataset = mammogram(bits=8, stored=smooth)
    dataset.PixelData = encapsulate([buffer.getvalue()])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    one = read(as_bytes(dataset))
    assert one.origin.lossy is True
    assert np.abs(one.pixels - smooth / 255.0).mean() < 0.02


@pytest.mark.parametrize(
    ("syntax", "modules", "package"),
    [
        ("JPEGLosslessSV1", ("gdcm",), "python-gdcm"),
        ("JPEG2000Lossless", ("openjpeg", "gdcm"), "pylibjpeg-openjpeg"),
        ("JPEGLSLossless", ("jpeg_ls", "gdcm"), "pyjpegls"),
    ],
)
def test_a_missing_decoder_is_named(
    syntax: str, modules: tuple[str, ...], package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = compressed(mammogram(), syntax, tmp_path)
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Unreadable, match=package) as caught:
        read(content)
    assert caught.value.code == "decoder_missing"


def test_the_second_decoder_is_used_where_the_first_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = compressed(mammogram(), "JPEG2000Lossless", tmp_path)
    monkeypatch.setitem(sys.modules, "openjpeg", None)
    np.testing.assert_array_equal(read(content).pixels, read(made()).pixels)


def test_a_codestream_of_another_size_is_not_decoded(tmp_path: Path) -> None:
    for syntax in LOSSLESS[:4]:
        dataset = parse(compressed(mammogram(), syntax, tmp_path)).dataset
        big = mammogram()
        big.PixelData = dataset.PixelData
        big["PixelData"].VR, big["PixelData"].is_undefined_length = "OB", True
        big.Rows = 65  # a decoder would be given too little room, or ask for what the stream says
        big.file_meta.TransferSyntaxUID = getattr(uid, syntax)
        assert refusal(as_bytes(big)) == "codestream"


def test_a_decoder_that_dies_is_one_fault_and_the_next_file_is_read(tmp_path: Path) -> None:
    content = compressed(mammogram(), "JPEGLosslessSV1", tmp_path)
    expected = read(content).pixels
    assert CHILD._process is not None
    CHILD._process.kill()  # as a decoder does that aborts; the next call finds it dead
    CHILD._process.wait()
    np.testing.assert_array_equal(read(content).pixels, expected)
    start = content.rindex(b"\xff\xda")  # the entropy-coded part
    for seed in range(60):  # gdcm aborts at some of these
        damaged = bytearray(content)
        for place in np.random.default_rng(seed).integers(start, len(content), 8):
            damaged[place] ^= 0xFF
        try:
            read(bytes(damaged))
        except Unreadable as error:
            assert error.code in REASONS
    np.testing.assert_array_equal(read(content).pixels, expected)


# labels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_view_and_laterality(side: str, view: str) -> None:
    one = read(made(side=side, view=view))
    assert (one.laterality, one.view) == (side, view)


def test_the_view_code_goes_before_the_view_position() -> None:
    assert read(made(setting(ViewPosition="XYZ"), view="MLO")).view == "MLO"
    assert read(made(setting(ViewCodeSequence=None), view="MLO")).view == "MLO"
    assert read(
        made(setting(ViewCodeSequence=Sequence([coded("R-10226", "", "SRT")]), ViewPosition=None))
    ).view == ("MLO")
    assert refusal(made(setting(ViewPosition="CC"), view="MLO")) == "view_conflict"
    assert refusal(made(setting(ViewCodeSequence=None, ViewPosition="ML"))) == "view"
    assert refusal(made(setting(ViewCodeSequence=Sequence([coded("399260004", "")])))) == "view"


@pytest.mark.parametrize("missing", ["ImageLaterality", "PatientAge", "ImagerPixelSpacing"])
def test_what_is_not_recorded_is_unknown(missing: str) -> None:
    one = read(made(setting(**{missing: None})))
    named = {"ImageLaterality": one.laterality, "PatientAge": one.age, "ImagerPixelSpacing": one.mm_per_pixel}
    assert named.pop(missing) is None
    assert None not in named.values()


def test_a_missing_view_is_unknown() -> None:
    assert read(made(setting(ViewCodeSequence=None, ViewPosition=None))).view is None


@pytest.mark.parametrize(("text", "years"), [("058Y", 58.0), ("089Y", 89.0), ("660M", 55.0), ("101Y", 101.0)])
def test_age(text: str, years: float) -> None:
    assert read(made(setting(PatientAge=text))).age == years


def test_orientation_must_fit_the_laterality() -> None:
    assert refusal(made(setting(PatientOrientation=["P", "L"]), side="L")) == "orientation"
    assert refusal(made(setting(Laterality="R"), side="L")) == "laterality_conflict"
    assert refusal(made(setting(ImageLaterality="B"))) == "laterality"


# sizes of pixels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ImagerPixelSpacing": [0.1, 0.1]}, 0.1),
        ({"ImagerPixelSpacing": [0.1, 0.1], "EstimatedRadiographicMagnificationFactor": 1.25}, 0.08),
        ({"ImagerPixelSpacing": [0.1, 0.1], "PixelSpacing": [0.1, 0.1]}, 0.1),
        (
            {
                "ImagerPixelSpacing": [0.1, 0.1],
                "PixelSpacing": [0.09, 0.09],
                "PixelSpacingCalibrationType": "GEOMETRY",
            },
            0.09,
        ),
        ({"ImagerPixelSpacing": None, "PixelSpacing": [0.07, 0.07]}, 0.07),
    ],
)
def test_millimetres_per_pixel(values: dict[str, object], expected: float) -> None:
    assert read(made(setting(**values))).mm_per_pixel == pytest.approx(expected)


@pytest.mark.parametrize(
    "values",
    [
        {"PixelSpacing": [0.2, 0.2]},
        {"ImagerPixelSpacing": [0.1, 0.2]},
        {"EstimatedRadiographicMagnificationFactor": 0.0},
    ],
)
def test_impossible_or_contradicting_spacings(values: dict[str, object]) -> None:
    assert refusal(made(setting(**values))) == "spacing"


# refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "sop_class"),
        ({"Modality": "CT"}, "modality"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "intent"),
        ({"NumberOfFrames": 2}, "frames"),
        ({"SamplesPerPixel": 3}, "samples"),
        ({"PixelRepresentation": 1}, "signed"),
        ({"HighBit": 15}, "bits"),
        ({"BitsStored": 7, "HighBit": 6}, "bits"),
        ({"BitsAllocated": 32}, "bits"),
        ({"Rows": 0}, "size"),
        ({"Rows": 65535, "Columns": 65535}, "size"),
        ({"Rows": None}, "missing_element"),
        ({"Rows": 65}, "truncated"),
        ({"Rows": 63}, "pixel_length"),
        ({"PixelData": None}, "missing_element"),
        ({"PhotometricInterpretation": "RGB"}, "photometric"),
        ({"PresentationLUTShape": "INVERSE"}, "shape"),
        ({"WindowCenter": [1, 2], "WindowWidth": 5}, "window"),
        ({"WindowCenter": 1, "WindowWidth": 0}, "window"),
        ({"WindowCenter": 1, "WindowWidth": 5, "VOILUTFunction": "CUBIC"}, "window"),
        ({"RescaleSlope": 0}, "modality_lut"),
        ({"BreastImplantPresent": "YES"}, "implant"),
        ({"PartialView": "YES"}, "partial_view"),
        ({"QualityControlImage": "YES"}, "quality_control"),
        ({"VOILUTSequence": Sequence([Dataset()])}, "voi_lut"),
        ({"VOILUTSequence": Sequence([lut(np.array([1, 300]), 0, 8, False)])}, "voi_lut"),
    ],
)
def test_refusals(values: dict[str, object], code: str) -> None:
    assert refusal(made(setting(**values))) == code


@pytest.mark.parametrize("age", [b"58  ", b"58Y ", b"05BY", b"58YR"])
def test_an_age_in_another_form_is_refused(age: bytes) -> None:
    assert refusal(made().replace(b"058Y", age)) == "age"


def test_special_views_are_refused() -> None:
    item = coded("399162004", "cranio-caudal")
    item.ViewModifierCodeSequence = Sequence([coded("399055006", "Spot Compression")])
    assert refusal(made(setting(ViewCodeSequence=Sequence([item])))) == "view_modifier"


def test_a_constant_picture_is_refused() -> None:
    assert refusal(made(stored=np.full((64, 48), 7))) == "constant"


def test_what_is_no_dicom_is_not_forced(tmp_path: Path) -> None:
    assert refusal(np.random.default_rng(0).bytes(4096)) == "not_dicom"
    assert refusal(made()[132:]) == "not_dicom"
    assert refusal(b"") == "empty"
    path = tmp_path / "x.dcm"
    with pytest.raises(Unreadable, match=REASONS["missing"]):
        read_dicom(path)
    path.write_bytes(made())
    assert read_dicom(path).view == "CC"


def test_a_file_that_ends_early_is_truncated_or_refused_at_every_length() -> None:
    content = made()
    for length in range(133, len(content), 97):
        assert refusal(content[:length]) in REASONS
    assert refusal(content[:-2]) == "truncated"


def test_deflated_files_are_not_inflated() -> None:
    dataset = mammogram()
    dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    assert refusal(as_bytes(dataset)) == "syntax"


def test_an_element_that_is_there_twice_is_refused() -> None:
    content = made()
    name = b"\x10\x00\x20\x00LO\x00\x00"  # Patient ID, empty
    assert content.count(name) == 1
    assert refusal(content.replace(name, b"\x10\x00\x20\x00LO\x04\x00HIDE" + name)) == "element_order"


def test_too_many_elements_are_not_read() -> None:
    content = made()
    place = content.index(b"\x10\x00\x10\x00PN")  # before the patient's name
    item = b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
    many = (
        b"\x08\x00\x99\x99SQ\x00\x00\xff\xff\xff\xff" + item * 150_000 + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    )
    assert refusal(content[:place] + many + content[place:]) in ("bad_header", "header_too_large")


def test_deep_nesting_is_not_followed() -> None:
    content = made()
    place = content.index(b"\x10\x00\x10\x00PN")
    open_ = b"\x08\x00\x99\x99SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    assert refusal(content[:place] + open_ * 5000 + content[place:]) in ("bad_header", "header_too_large")
