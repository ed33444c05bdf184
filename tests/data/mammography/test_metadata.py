"""Tables of both generations, paths that are not trusted, and labels on which all sides agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_makers import made

from epuredgm.core.errors import DataError
from epuredgm.data.mammography.breast import find_breast
from epuredgm.data.mammography.dicom import interpret
from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.header import parse
from epuredgm.data.mammography.labels import agreed
from epuredgm.data.mammography.layout import below, place_of
from epuredgm.data.mammography.metadata import Row, read_rows

OLD = "File Path,Image Laterality,View Position,Age,Cancer,False Positive"
NEW = "path,laterality,view,age,window centre,window width,cancer,hard to state negative"
EXAM = "123456789012"
OLD_PATH = rf"abnormal\{EXAM}\left\CC\IM-0001.dcm"


def rows(tmp_path: Path, *lines: str, encoding: str = "utf-8", **options: bool) -> tuple[Row, ...]:
    table = tmp_path / "table.csv"
    table.write_bytes("\r\n".join(lines).encode(encoding))
    return read_rows(table, **options)


def faults(tmp_path: Path, *lines: str) -> str:
    with pytest.raises(DataError) as caught:
        rows(tmp_path, *lines)
    return str(caught.value)


def test_the_older_generation(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, OLD, f"{OLD_PATH},L,CC,58,1,0")
    assert row == Row(2, Path(f"abnormal/{EXAM}/left/CC/IM-0001.dcm"), EXAM, "L", "CC", 58.0, True, False, ())


@pytest.mark.parametrize(
    ("folder", "cancer", "expected"),
    [
        ("normal", "0", (False, False)),
        ("abnormal", "1", (True, False)),
        ("False Positive", "0", (False, True)),
    ],
)
def test_the_newer_generation_tells_the_class_by_the_folder(
    folder: str, cancer: str, expected: tuple[bool, bool], tmp_path: Path
) -> None:
    for said in (cancer, ""):
        (row,) = rows(tmp_path, NEW, f"{folder}/p_0007/right-c/MLO/a.dcm,R,MLO,61,2048,4096,{said},0")
        assert (row.cancer, row.false_positive) == expected and row.reasons == ()
        assert (row.patient, row.laterality, row.view, row.age) == ("p_0007", "R", "MLO", 61.0)


def test_one_column_with_and_without_a_header(tmp_path: Path) -> None:
    cells = [f"{OLD_PATH}LCC5810", rf"normal\{EXAM[::-1]}\right\MLO\IM-0002.DCMRMLO10101"]
    plain = rows(tmp_path, *cells)
    assert [(r.laterality, r.view, r.age, r.cancer, r.false_positive) for r in plain] == [
        ("L", "CC", 58.0, True, False),
        ("R", "MLO", 101.0, False, True),
    ]
    named = rows(tmp_path, "File Path", *cells)
    assert [r.path for r in named] == [r.path for r in plain] and named[0].number == 2
    (bad,) = rows(tmp_path, "File Path", f"{OLD_PATH}LCC5810", f"{OLD_PATH}LXX")[1:]
    assert bad.reasons == ("glued_unreadable",) and bad.path is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_order_a_byte_order_mark_other_separators_and_blank_lines(delimiter: str, tmp_path: Path) -> None:
    head = delimiter.join(
        ["Cancer", "AGE ", "view_position", "False-Positive", "file path", "laterality", "x"]
    )
    line = delimiter.join(["1", "058Y", "cc", "no", OLD_PATH, "left", "y"])
    shuffled = rows(tmp_path, head, "", line, encoding="utf-8-sig")
    (plain,) = rows(tmp_path, OLD, "", f"{OLD_PATH},L,CC,58,1,0")
    assert shuffled == (plain,) and plain.number == 3


@pytest.mark.parametrize(
    "line",
    [
        f'"{OLD_PATH}", "L", "CC", "58", "1", "0"',
        f"{OLD_PATH.replace('left', 'LEFT')}, l , Cc , 58.0 , TRUE , F ",
        f'"{OLD_PATH}",left,cc,058Y,y,n',
    ],
)
def test_quotes_blanks_and_case(line: str, tmp_path: Path) -> None:
    head = '"File Path", "Image Laterality", "VIEW POSITION", "age", "Cancer", "False Positive"'
    (row,) = rows(tmp_path, head, line)
    assert row.reasons == () and (row.patient, row.laterality, row.view) == (EXAM, "L", "CC")
    assert (row.age, row.cancer, row.false_positive) == (58.0, True, False)


def test_one_column_of_quoted_rows(tmp_path: Path) -> None:
    (plain,) = rows(tmp_path, OLD, f"{OLD_PATH},L,CC,58,1,0")
    assert rows(tmp_path, f'"{OLD}"', f'"{OLD_PATH},L,CC,58,1,0"') == (plain,)


def test_a_part_of_a_year_is_an_age(tmp_path: Path) -> None:
    ages = [rows(tmp_path, OLD, f"{OLD_PATH},L,CC,{age},1,0")[0].age for age in ("58.5", "120.5")]
    assert ages == [58.5, None]


def test_a_quote_that_is_not_closed_swallows_no_rows(tmp_path: Path) -> None:
    text = faults(tmp_path, OLD, f'"{OLD_PATH},L,CC,58,1,0', f"{OLD_PATH},L,CC,58,1,0")
    assert "row 2: a quote is not closed" in text and EXAM not in text


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("normal/{}/left/CC/series 1/a.dcm", ("L", "CC")),
        ("normal/{}/series 1/a.dcm", (None, None)),
        ("normal/{}/CC/left/a.dcm", ("L", "CC")),
        ("copy/normal/{}/right-c/MLO/a.dcm", ("R", "MLO")),
        ("scans/{}/a.dcm", (None, None)),
    ],
)
def test_further_folders_do_not_pass_for_a_patient(
    place: str, expected: tuple[str | None, str | None], tmp_path: Path
) -> None:
    (row,) = rows(tmp_path, OLD, f"{place.format(EXAM)},,,58,0,0")
    assert row.patient == EXAM and (row.laterality, row.view) == expected


def test_a_file_in_no_exam_has_no_patient(tmp_path: Path) -> None:
    for place in ("normal/a.dcm", "a.dcm", "normal/left/CC/a.dcm", "left/a.dcm"):
        (row,) = rows(tmp_path, OLD, f"{place},L,CC,58,0,0")
        assert row.patient is None


def test_unknown_stays_unknown(tmp_path: Path) -> None:
    for word in ("", "unknown", "NaN", "N/A", "-"):
        (row,) = rows(tmp_path, OLD, f"scans/{EXAM}/a.dcm,{word},{word},{word},{word},{word}")
        assert (row.laterality, row.view, row.age, row.cancer, row.false_positive) == (None,) * 5
        assert row.reasons == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"{OLD_PATH},L,ML,58,1,0", "view_unreadable"),
        (f"{OLD_PATH},B,CC,58,1,0", "laterality_unreadable"),
        (f"{OLD_PATH},L,CC,old,1,0", "age_unreadable"),
        (f"{OLD_PATH},L,CC,158,1,0", "age_unreadable"),
        (f"{OLD_PATH},L,CC,58,maybe,0", "cancer_unreadable"),
        (f"{OLD_PATH},L,CC,58,1,2", "false_positive_unreadable"),
        (f"{OLD_PATH},R,CC,58,1,0", "laterality_conflict"),
        (f"{OLD_PATH},L,MLO,58,1,0", "view_conflict"),
        (f"{OLD_PATH},L,CC,58,0,0", "class_conflict"),
        (f"{OLD_PATH.replace('abnormal', 'normal')},L,CC,58,1,0", "class_conflict"),
        (f"scans/{EXAM}/left/CC/a.dcm,L,CC,58,1,1", "cancer_and_false_positive"),
        (",L,CC,58,1,0", "path_missing"),
        ("/etc/passwd,L,CC,58,1,0", "path_absolute"),
        (r"C:\data\abnormal\1\left\CC\a.dcm,L,CC,58,1,0", "path_absolute"),
        (r"\\server\share\a.dcm,L,CC,58,1,0", "path_absolute"),
        ("abnormal/../../a.dcm,L,CC,58,1,0", "path_unsafe"),
        (r"..\a.dcm,L,CC,58,1,0", "path_unsafe"),
        ("~root/a.dcm,L,CC,58,1,0", "path_unsafe"),
        ("abnormal/1/left/CC/a.dcm:stream,L,CC,58,1,0", "path_unsafe"),
    ],
)
def test_what_cannot_be_believed_is_put_aside(line: str, code: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, OLD, line)
    assert code in row.reasons
    assert EXAM not in repr(row) and (code.split("_")[0] != "path" or row.path is None)


def test_a_leading_separator_before_a_class_folder_is_passed_over() -> None:
    assert place_of("\\" + OLD_PATH) == place_of(OLD_PATH) == (tuple(OLD_PATH.split("\\")), "")


def test_rows_that_contradict_each_other(tmp_path: Path) -> None:
    twice = rows(tmp_path, OLD, f"{OLD_PATH},L,CC,58,1,0", f"{OLD_PATH},L,CC,58,1,0")
    assert [r.reasons for r in twice] == [(), ("listed_twice",)]
    other = rows(tmp_path, OLD, f"{OLD_PATH},L,CC,58,1,0", f"{OLD_PATH},L,CC,59,1,0")
    assert [r.reasons for r in other] == [("listed_twice_conflict",)] * 2
    second = OLD_PATH.replace("0001", "0002")
    classes = rows(tmp_path, OLD, f"{OLD_PATH},L,CC,58,1,0", f"{second},L,CC,58,0,1")
    assert [r.reasons for r in classes] == [("exam_class_conflict",)] * 2
    ages = rows(tmp_path, OLD, f"{OLD_PATH},L,CC,58,1,0", f"{second},L,CC,61,1,0")
    assert [r.reasons for r in ages] == [("exam_age_conflict",)] * 2


def test_exams_that_are_numbered_anew_in_each_class(tmp_path: Path) -> None:
    lines = [f"{kind}/p_0001/left/CC/a.dcm,L,CC,58,,,,0" for kind in ("normal", "abnormal")]
    same = rows(tmp_path, NEW, *lines)
    assert all("exam_class_conflict" in row.reasons for row in same)
    apart = rows(tmp_path, NEW, *lines, exams_by_class=True)
    assert [row.reasons for row in apart] == [(), ()] and apart[0].patient != apart[1].patient


def test_missing_columns_are_named_with_near_ones_and_no_cell_is_shown(tmp_path: Path) -> None:
    text = faults(tmp_path, OLD.replace("Cancer", "Cancr"), f"{OLD_PATH},L,CC,58,1,0")
    assert "no column 'Cancer'; did you mean 'Cancr'?" in text and EXAM not in text
    assert "'View Position'" in faults(tmp_path, "File Path,Age,Cancer,Image Laterality")
    text = faults(tmp_path, f"{OLD_PATH},L,CC,58,1,0", f"{OLD_PATH},L,CC,58,1,0")  # no header at all
    assert EXAM not in text
    assert "more than one" in faults(tmp_path, OLD + ",age", "")
    assert "empty" in faults(tmp_path, "")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(b"\xff\xfeF\0i\0l\0e\0")
    with pytest.raises(DataError, match="UTF-8"):
        read_rows(tmp_path / "table.csv")


def test_links_do_not_lead_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "abnormal").mkdir(parents=True)
    (tmp_path / "secret.dcm").write_bytes(b"x")
    (root / "abnormal" / "in.dcm").write_bytes(b"x")
    (root / "abnormal" / "out.dcm").symlink_to(tmp_path / "secret.dcm")
    (root / "away").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    assert below(root, Path("abnormal/in.dcm")) == (root / "abnormal" / "in.dcm").resolve()
    unsafe = ("abnormal/out.dcm", "away/secret.dcm", "../secret.dcm", str(tmp_path / "secret.dcm"))
    for place, code in [
        *((place, "unsafe_path") for place in unsafe),
        ("loop", "missing"),
        ("abnormal", "missing"),
    ]:
        with pytest.raises(Unreadable) as caught:
            below(root, Path(place))
        assert caught.value.code == code and place not in str(caught.value)


def test_header_table_and_picture_must_agree(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, OLD, f"{OLD_PATH},L,CC,58,1,0")
    picture = interpret(parse(made()))
    found = find_breast(picture.pixels)
    labels, reasons = agreed(row, picture, found)
    assert reasons == () and (labels.view, labels.laterality, labels.age, labels.cancer) == (
        "CC",
        "L",
        58.0,
        True,
    )
    right = interpret(parse(made(side="R")))
    assert agreed(row, right, find_breast(right.pixels))[1] == ("header_laterality_conflict", "side")
    other = interpret(parse(made(view="MLO").replace(b"058Y", b"066Y")))
    assert agreed(row, other, found)[1] == ("header_view_conflict", "header_age_conflict")
    mirrored = find_breast(np.ascontiguousarray(picture.pixels[:, ::-1]))
    assert agreed(row, picture, mirrored)[1] == ("side",)


def test_where_one_is_silent_the_other_counts(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, OLD, "scans/p_1/a.dcm,,,,,")
    picture = interpret(parse(made()))
    labels, reasons = agreed(row, picture, find_breast(picture.pixels))
    assert reasons == ()
    assert (labels.view, labels.laterality, labels.age, labels.cancer) == ("CC", "L", 58.0, None)
