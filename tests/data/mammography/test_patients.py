"""Whose each picture is: nobody is in two splits, whatever the layout, or the data set is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from folder_makers import Made, Shot, folder_of, shots
from hypothesis import given
from hypothesis import strategies as st
from reader_makers import SECRET, Listener, a_reader

from epuredgm.core.errors import BadRequest, DataError
from epuredgm.core.monitor import SILENT
from epuredgm.data.mammography import parts
from epuredgm.data.mammography.identity import VARIABLE
from epuredgm.data.mammography.patients import (
    COLUMN,
    GUESS,
    HEADER,
    PATH,
    Asked,
    Named,
    UncertainPatients,
    patients_of,
)
from epuredgm.data.mammography.placeholders import is_placeholder

NAME = "anon{:04d}"  # what the gate takes for nobody's


def deep(shot: Shot) -> str:
    return f"w{shot.woman}/study{shot.woman}/series{shot.woman}{shot.number}/1-1.dcm"


def known(shot: Shot) -> str:
    return f"normal/w{shot.woman}/{'left' if shot.side == 'L' else 'right'}/{shot.view}/{shot.number}.dcm"


def numbered(shot: Shot) -> str:
    return NAME.format(shot.woman)


def splits(made: Made, workspace: Path, **settings: object) -> dict[int, set[str]]:
    """The splits that each woman has pictures in; every picture must be in one."""
    reader = a_reader(workspace, made.root, **settings)
    frame = reader.frame(reader.prepare(workspace / "cache", SILENT))
    by_name = dict(zip(frame["id"], frame["split"], strict=True))
    found: dict[int, set[str]] = defaultdict(set)
    assert len(frame) == len(made.places)
    for place, shot in made.places.items():
        found[shot.woman].add(by_name[SECRET.picture("screening", place)])
    return found


def refused(made: Made, workspace: Path, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        splits(made, workspace, **settings)
    text = str(caught.value)
    for place, shot in made.places.items():  # neither a path nor a number
        assert place not in text and numbered(shot) not in text
    return text


@pytest.mark.parametrize(
    ("place", "settings"),
    [
        (deep, {"patient_column": "key"}),
        (deep, {"patient_path": "{patient}/**"}),
        (deep, {"patient_path": "{patient}/*/*/*.dcm", "patient_header": False}),
        (deep, {"patient_header": True}),
        (deep, {}),  # the top folder and Patient ID agree
        (lambda shot: f"{shot.woman}{shot.view}{shot.side}.dcm", {}),  # Patient ID alone
        (lambda shot: f"site{shot.woman % 2}/x{shot.number}{shot.woman}.dcm", {}),
        (lambda shot: f"train/w{shot.woman}_{shot.side}_{shot.view}.dcm", {"patient_path": "**/{patient}_*"}),
        (
            lambda shot: f"M-T_P_{shot.woman:05d}_{shot.side}/a/{shot.view}.dcm",
            {"patient_path": "*_P_{patient}_*/**"},
        ),
        (known, {}),
    ],
)
def test_no_woman_is_in_two_splits(
    place: Callable[[Shot], str], settings: dict[str, object], tmp_path: Path
) -> None:
    made = folder_of(
        tmp_path / "data",
        shots(8),
        place,
        patient_id=numbered,
        columns=["Key"],
        cells=lambda shot: [f"w{shot.woman}"],
    )
    found = splits(made, tmp_path, **settings)
    assert [len(names) for names in found.values()] == [1] * 8
    assert {"train", "test"} <= set.union(*found.values())


@pytest.mark.parametrize("number", ["", "ANONYMOUS", "000000", "anon0001", "Removed", "NA"])
def test_a_number_that_is_none_is_no_source_and_no_disagreement(number: str, tmp_path: Path) -> None:
    """The gate would refuse some of them as numbers of people: they are let in here."""
    made = folder_of(tmp_path / "data", shots(6), known, patient_id=lambda shot: number)
    reason = "a test of placeholders, nobody is in these files"
    found = splits(made, tmp_path, admit_identified=reason)
    assert all(len(names) == 1 for names in found.values())
    other = folder_of(tmp_path / "deep", shots(6), deep, patient_id=lambda shot: number)
    text = refused(other, tmp_path / "two", admit_identified=reason)
    assert "patient_path" in text and "patient_column" in text


@pytest.mark.parametrize(
    ("place", "person", "words"),
    [
        (known, lambda shot: NAME.format(shot.woman // 2), "is of several"),
        (
            known,
            lambda shot: NAME.format(10 * shot.woman + shot.number),
            "by the path are several by Patient ID",
        ),
        (
            lambda shot: f"study{shot.woman}/series{shot.woman}{shot.number}/a.dcm",
            lambda shot: NAME.format(shot.woman // 2),
            "lie in several folders",
        ),
    ],
)
def test_sources_that_disagree_are_an_error(
    place: Callable[[Shot], str], person: Callable[[Shot], str], words: str, tmp_path: Path
) -> None:
    made = folder_of(tmp_path / "data", shots(8), place, patient_id=person)
    text = refused(made, tmp_path)
    assert "not certain" in text and "patient_header" in text and "row" in text
    if words != "is of several":
        assert words in text


def test_what_is_decoded_is_not_decoded_again_when_a_key_settles_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder_of(
        tmp_path / "data", shots(12, 2), known, patient_id=lambda shot: NAME.format(shot.woman // 2)
    )
    refused(made, tmp_path)
    monkeypatch.setattr(parts, "take", None)
    found = splits(made, tmp_path, patient_header=True)
    assert all(found[woman] == found[woman + 1] for woman in range(0, 12, 2))
    assert not list((tmp_path / "cache").glob(".*"))


def test_as_many_patients_as_pictures_must_be_declared(tmp_path: Path) -> None:
    made = folder_of(tmp_path / "data", shots(9, 1), known)
    assert "patient_single" in refused(made, tmp_path)
    assert len(splits(made, tmp_path, patient_single=True)) == 9
    column = folder_of(
        tmp_path / "column",
        shots(4),
        lambda shot: f"{shot.woman}-{shot.number}.png",
        columns=["patient_id"],
        cells=lambda shot: [f"{shot.woman}{shot.number}"],
    )
    assert "patient_single" in refused(column, tmp_path / "two")


def test_pictures_that_are_put_aside_count_too(tmp_path: Path) -> None:
    made = folder_of(tmp_path / "data", shots(8), known)
    for place, shot in made.places.items():
        if shot.number:
            (made.root / place).write_bytes(b"damaged")
    reader = a_reader(tmp_path, made.root)
    assert len(reader.frame(reader.prepare(tmp_path / "cache", SILENT))) == 8


def test_what_can_be_seen_in_the_table_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder_of(
        tmp_path / "data", shots(6), deep, columns=["exam"], cells=lambda shot: [f"{shot.number}{shot.woman}"]
    )
    monkeypatch.setattr(parts, "take", None)
    assert "patient_single" in refused(made, tmp_path, patient_column="exam")
    assert "did you mean 'exam'" in refused(made, tmp_path, patient_column="exams")
    assert "names no patient" in refused(made, tmp_path, patient_path="other/{patient}/**")
    assert "so could the 6 above them" in refused(
        folder_of(tmp_path / "two", shots(6), lambda shot: f"w{shot.woman}/{shot.side}x/{shot.view}.png"),
        tmp_path,
        patient_header=False,
    )
    for wrong in ("", "**"):
        with pytest.raises(BadRequest, match="patient_path"):
            a_reader(tmp_path, made.root, patient_path=wrong)
    with pytest.raises(BadRequest, match="Keep the one"):
        a_reader(tmp_path, made.root, patient_column="exam", patient_header=True)


def test_a_row_without_a_patient_is_put_aside(tmp_path: Path) -> None:
    made = folder_of(
        tmp_path / "data",
        shots(8),
        lambda shot: f"{shot.woman}-{shot.number}.png",
        columns=["patient_id"],
        cells=lambda shot: ["" if shot.woman == 7 else f"w{shot.woman}"],
    )
    reader, monitor = a_reader(tmp_path, made.root), Listener()
    entry = reader.prepare(tmp_path / "cache", monitor)
    assert reader.account(entry)["quarantine"] == {"patient_unknown": 4}
    assert any("patient_unknown: 4" in text for text in monitor.said)


def test_exams_of_one_patient_may_differ_in_age(tmp_path: Path) -> None:
    made = folder_of(
        tmp_path / "data",
        shots(8),
        lambda shot: f"w{shot.woman}/exam{shot.woman}{shot.view}/{shot.side}.dcm",
        age=lambda shot: str(50 + 3 * (shot.view == "CC")),
        patient_id=numbered,
    )
    for settings in ({}, {"patient_path": "{patient}/**"}):
        assert all(len(names) == 1 for names in splits(made, tmp_path, **settings).values())


def test_a_pattern_tells_the_patient_of_a_path() -> None:
    told = {
        ("{patient}/**", "w1/a/b.dcm"): "w1",
        ("**/{patient}/*", "w1/a/b.dcm"): "a",
        ("*/{patient}_*", "x/20586908_6c61_MG_R_CC_ANON.dcm"): "20586908",
        ("mdb{patient}?.png", "mdb001?.png"): "001",  # no other sign stands for anything
        ("mdb{patient}?.png", "mdb001x.png"): None,
        ("{patient}/*", "w1/a/b.dcm"): None,
        ("{patient}/{patient}/*", "site1/w1/b.dcm"): "site1/w1",
    }
    for (pattern, place), patient in told.items():
        assert Asked(path=pattern).of_path(place) == patient


@pytest.mark.parametrize(
    ("number", "none"),
    [
        *(
            (number, True)
            for number in ("", "0", "000000", "XXXX", "Anonymous", "NO NAME", "de-identified", "12345")
        ),
        *(
            (number, False)
            for number in ("1", "7", "anon01", "D1-0001", "P_00001", "900000000001", "DOE^JANE")
        ),
    ],
)
def test_placeholders_of_numbers(number: str, none: bool) -> None:
    assert is_placeholder(number) is none


@pytest.mark.slow
def test_a_user_is_told_what_to_set_and_then_it_works(tmp_path: Path) -> None:
    made = folder_of(tmp_path / "films", shots(6), lambda shot: deep(shot).replace(".dcm", ".png"))

    def make(*words: str) -> subprocess.CompletedProcess[str]:
        start = [sys.executable, "-c", "from epuredgm.cli import main; main()", "data", "make"]
        request = ["--dataset", "nlbs", "--profile", "test", "--workspace", str(tmp_path / "ws")]
        command = [*start, *request, f"dataset.root={made.root}", *words]
        secret = {VARIABLE: "ab" * 32}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | secret)

    unsure = make()
    assert unsure.returncode == 1 and "not certain which picture is of which patient" in unsure.stderr
    (key,) = re.findall(r"'(dataset\.reader\.patient_path=\S+)'", unsure.stderr)
    sure = make(key)
    assert sure.returncode == 0, sure.stderr
    assert "train" in sure.stdout


# the law, over any names ------------------------------------------------------------------------------------

NAMES = st.none() | st.sampled_from("abcdef")
ROWS = st.lists(
    st.builds(
        Named,
        st.integers(2, 99),
        NAMES,
        NAMES,
        st.lists(st.sampled_from("xyz"), max_size=2).map(tuple),
        st.booleans(),
        NAMES,
        st.just(True),
    ),
    max_size=30,
)
ASKED = st.builds(
    Asked,
    st.none() | st.just("column"),
    st.none() | st.just("{patient}/**"),
    st.sampled_from([None, False]),
    st.booleans(),
) | st.just(Asked(header=True))


@given(ROWS, ASKED)
def test_what_is_taken_contradicts_no_header_that_counts(rows: list[Named], asked: Asked) -> None:
    try:
        chosen = patients_of(rows, asked, "screening")
    except UncertainPatients as refusal:
        assert refusal.faults and refusal.hint
        return
    assert chosen.source in (COLUMN, PATH, HEADER, GUESS) and len(chosen.names) == len(rows)
    headers = {row.header for row in rows} - {None}
    if asked.header is False or len(headers) < 2:
        return
    of_header: dict[str, set[str]] = defaultdict(set)
    for row, name in zip(rows, chosen.names, strict=True):
        if row.header is not None and name is not None:
            of_header[row.header].add(name)
    assert all(len(names) == 1 for names in of_header.values())
