"""Values that stand for "not known" are unknown, in headers and in tables, with a note; others stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_makers import made, setting
from folder_makers import folder_of, shots
from reader_makers import Listener, a_reader

from epuredgm.data.mammography.deidentification import inspect
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.header import parse
from epuredgm.data.mammography.mammogram import Mammogram
from epuredgm.data.mammography.metadata import Row, read_rows

HEAD = "File Path,Image Laterality,View Position,Age,Cancer,False Positive"


def read(**elements: object) -> Mammogram:
    return interpret(parse(made(setting(**elements))))


def row(tmp_path: Path, age: str = "58", side: str = "L", view: str = "CC") -> Row:
    (tmp_path / "table.csv").write_text(f"{HEAD}\nscans/e1/a.dcm,{side},{view},{age},0,0\n")
    return read_rows(tmp_path / "table.csv")[0]


@pytest.mark.parametrize(
    "age", ["000Y", "000D", "000M", "999Y", "0   ", "000 ", "XXXY", "UNK ", "NA  ", "-1  "]
)
def test_an_age_that_is_none_is_unknown_in_a_header(age: str) -> None:
    content = made().replace(b"058Y", age.encode())
    found = interpret(parse(content))
    assert found.age is None and found.placeholders == ("age",)
    assert inspect(parse(content)) == ()  # it is nobody's age either


@pytest.mark.parametrize("age", ["0", "000Y", "0.0", "999", "9999", "-1", "-99", "999Y", "000y"])
def test_an_age_that_is_none_is_unknown_in_a_table(age: str, tmp_path: Path) -> None:
    found = row(tmp_path, age)
    assert (found.age, found.reasons, found.placeholders) == (None, (), ("age",))


def test_an_age_that_is_one_stays(tmp_path: Path) -> None:
    assert [row(tmp_path, age).age for age in ("58", "058Y", "90", "9", "58.0")] == [58, 58, 90, 9, 58]
    assert read(PatientAge="090Y").age == 90 and read(PatientAge="600M").age == 50
    assert row(tmp_path, "158").reasons == row(tmp_path, "old").reasons == ("age_unreadable",)


@pytest.mark.parametrize("word", ["unknown", "N/A", "Not Available", "removed", "--", "#N/A", "Unspecified"])
def test_words_for_not_known_are_unknown_in_every_cell(word: str, tmp_path: Path) -> None:
    found = row(tmp_path, word, word, word)
    assert (found.laterality, found.view, found.age, found.reasons) == (None, None, None, ())


@pytest.mark.parametrize("sides", [[1, 1], ["1.0", "1.0"], ["1.000000", "1"], [0, 0], [-1, -1], [0, 1]])
@pytest.mark.parametrize("keyword", ["ImagerPixelSpacing", "PixelSpacing"])
def test_a_spacing_that_is_none_is_unknown(sides: list[object], keyword: str) -> None:
    alone = {"ImagerPixelSpacing": None, "PixelSpacing": None} | {keyword: sides}
    if keyword == "ImagerPixelSpacing":
        del alone["PixelSpacing"]
    found = read(**alone)
    assert found.mm_per_pixel is None and found.placeholders == ("spacing",)


def test_a_spacing_that_is_none_hides_no_other() -> None:
    found = read(ImagerPixelSpacing=[0.1, 0.1], PixelSpacing=[1, 1])
    assert found.mm_per_pixel == pytest.approx(0.1) and found.placeholders == ("spacing",)
    assert read(ImagerPixelSpacing=[1, 1], PixelSpacing=[0.07, 0.07]).mm_per_pixel == pytest.approx(0.07)
    calibrated = {"PixelSpacing": [1, 1], "PixelSpacingCalibrationType": "GEOMETRY"}
    assert read(ImagerPixelSpacing=[0.1, 0.1], **calibrated).mm_per_pixel == pytest.approx(0.1)


@pytest.mark.parametrize("word", ["UNKNOWN", "NONE", "NA"])
def test_a_view_or_side_that_is_none_is_unknown(word: str) -> None:
    view = read(ViewCodeSequence=None, ViewPosition=word)
    assert (view.view, view.placeholders) == (None, ("view",))
    side = read(ImageLaterality="U", PatientOrientation=None)
    assert (side.laterality, side.placeholders) == (None, ("laterality",))
    assert read(Laterality=word, ImageLaterality="L").laterality == "L"


def test_a_data_set_notes_how_many_and_keeps_the_pictures(tmp_path: Path) -> None:
    made_so = folder_of(
        tmp_path / "data",
        shots(6),
        lambda shot: f"normal/w{shot.woman}/{shot.number}.dcm",
        age=lambda shot: "000Y" if shot.woman < 2 else "60",
        change=setting(PixelSpacing=[1, 1], ImagerPixelSpacing=None),
    )
    reader, monitor = a_reader(tmp_path, made_so.root), Listener()
    entry = reader.prepare(tmp_path / "cache", monitor)
    frame = reader.frame(entry)
    assert len(frame) == 24 and frame["mm_per_pixel"].isna().all()
    assert np.isnan(frame["age"]).sum() == 8
    assert reader.account(entry)["placeholders"] == {"age": 8, "spacing": 24}
    said = "\n".join(monitor.said)
    assert "in 8 files the age" in said and "in 24 files the spacing" in said and "unknown" in said
