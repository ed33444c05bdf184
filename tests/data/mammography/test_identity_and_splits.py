"""Keyed names and the split of patients: laws over any set of patients."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.identity import FILE, VARIABLE, Secret, secret
from epuredgm.data.mammography.splits import SHARES, Stratum, split, stratum

KEY = Secret(bytes(range(32)))
STRATA = st.builds(
    Stratum,
    st.sampled_from(["cancer", "false positive", "normal", "unknown"]),
    st.integers(-1, 3),
    st.booleans(),
)
PATIENTS = st.dictionaries(st.text("0123456789abcdef", min_size=4, max_size=8), STRATA, max_size=80)


def test_names_depend_on_secret_set_and_patient_and_on_nothing_else() -> None:
    name = KEY.patient("nlbs", "p_0001")
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert name == Secret(bytes(range(32))).patient("nlbs", "p_0001")
    others = [
        KEY.patient("nlbs", "p_0002"),
        KEY.patient("other", "p_0001"),
        Secret(b"x" * 32).patient("nlbs", "p_0001"),
    ]
    assert len({name, *others}) == 4
    assert KEY.patient("ab", "c") != KEY.patient("a", "bc")


def test_the_secret_is_in_no_text() -> None:
    assert KEY.value.hex() not in repr(KEY) + str(KEY) + KEY.mark and "\\x" not in repr(KEY)


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    first = secret({}, folder)
    assert secret({}, folder) == first and len(first.value) == 32
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert secret({}, tmp_path / "other") != first


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606, 0o660])
def test_a_secret_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    secret({}, tmp_path)
    (tmp_path / FILE).chmod(mode)
    with pytest.raises(BadRequest, match="by others"):
        secret({}, tmp_path)


def test_links_and_other_contents_are_refused(tmp_path: Path) -> None:
    secret({}, tmp_path / "real")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / FILE).symlink_to(tmp_path / "real" / FILE)
    with pytest.raises(BadRequest, match="link"):
        secret({}, tmp_path / "linked")
    (tmp_path / "real" / FILE).write_text("12ab\n")
    with pytest.raises(BadRequest, match="64 hexadecimal") as caught:
        secret({}, tmp_path / "real")
    assert "12ab" not in str(caught.value)


def test_the_environment_goes_first_and_the_workspace_is_no_place_for_it(tmp_path: Path) -> None:
    assert secret({VARIABLE: "ab" * 32}, tmp_path).value == bytes([0xAB] * 32)
    assert not (tmp_path / FILE).exists()
    with pytest.raises(BadRequest):
        secret({VARIABLE: "ab"}, tmp_path)
    with pytest.raises(BadRequest, match="workspace"):
        secret({}, tmp_path / "config", workspace=tmp_path)


@given(PATIENTS, st.integers(0, 5))
def test_every_patient_has_one_split_whatever_the_order(patients: dict[str, Stratum], seed: int) -> None:
    found = split(patients, KEY, seed)
    assert set(found) == set(patients) and set(found.values()) <= set(SHARES)
    assert split(dict(reversed(patients.items())), KEY, seed) == found


@given(PATIENTS, PATIENTS)
def test_patients_keep_their_place_when_others_are_added(
    one: dict[str, Stratum], more: dict[str, Stratum]
) -> None:
    before = split(one, KEY, 0)
    after = split({**one, **more}, KEY, 0, kept=before)
    assert {patient: after[patient] for patient in one} == before


@given(PATIENTS)
def test_shares_are_kept_over_all_and_within_every_stratum(patients: dict[str, Stratum]) -> None:
    found = split(patients, KEY, 0)
    for name, share in SHARES.items():
        assert abs(sum(place == name for place in found.values()) - share * len(found)) < 1.0 + 1e-9
        for kind in set(patients.values()):
            members = [found[patient] for patient, own in patients.items() if own == kind]
            assert abs(members.count(name) - share * len(members)) < 2.0 + 1e-9


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_without_a_saved_split_few_places_change(seed: int) -> None:
    kind = Stratum("normal", 1, True)
    one = {f"{number:04d}": kind for number in range(200)}
    more = {f"x{number:03d}": kind for number in range(10)}
    before, after = split(one, KEY, seed), split({**one, **more}, KEY, seed)
    assert sum(before[patient] != after[patient] for patient in one) <= 20


def test_seed_and_secret_change_the_split_and_nothing_names_a_patient() -> None:
    patients = {f"{number:04d}": Stratum("normal", 1, True) for number in range(100)}
    assert split(patients, KEY, 0) != split(patients, KEY, 1)
    assert split(patients, KEY, 0) != split(patients, Secret(b"y" * 32), 0)
    with pytest.raises(BadRequest) as caught:
        split(patients, KEY, 0, kept={"0001": "holdout"})
    assert "0001" not in str(caught.value)


def test_strata() -> None:
    assert stratum(True, False, 49.0, 4) == Stratum("cancer", 0, True)
    assert stratum(False, True, 50.0, 3) == Stratum("false positive", 1, False)
    assert stratum(False, False, 70.0, 4) == Stratum("normal", 3, True)
    assert stratum(None, False, None, 4) == Stratum("unknown", -1, True)


def test_a_secret_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadRequest, match="cannot be made"):
        secret({}, tmp_path / "file" / "epuredgm")
