"""Files are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.core import files
from epuredgm.core.errors import CorruptArtefact

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


def test_a_failed_write_leaves_the_former_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    files.write_text(path, "before")
    with pytest.raises(RuntimeError), files.atomic_writer(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_refused_step_is_an_error_and_keeps_the_former_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "state.json"
    files.write_text(path, "before")

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), refuse)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(path, "after")
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    old = os.umask(0o022)
    try:
        files.write_text(path, "x")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o644


@given(JSON)
def test_canonical_form_is_a_function_of_the_value(value: object) -> None:
    again = json.loads(json.dumps(value))
    assert files.canonical(value) == files.canonical(again)
    assert files.digest(value) == files.digest(again)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(), max_size=5))
def test_digest_ignores_the_order_of_keys(value: dict[str, int]) -> None:
    assert files.digest(value) == files.digest(dict(reversed(value.items())))


def test_flatten_joins_keys_and_keeps_lists() -> None:
    assert files.flatten({"a": {"b": 1, "c": {"d": [1, 2]}}, "e": None}) == {
        "a.b": 1,
        "a.c.d": [1, 2],
        "e": None,
    }


def test_broken_json_says_which_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": ')
    with pytest.raises(CorruptArtefact, match=r"x\.json"):
        files.read_json(path)


def test_a_trees_hash_sees_names_contents_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one").write_text("1")
    before = files.tree_sha256(tmp_path / "a")
    os.utime(tmp_path / "a" / "b" / "one", (0, 0))
    assert files.tree_sha256(tmp_path / "a") == before
    (tmp_path / "a" / "b" / "one").write_text("2")
    changed = files.tree_sha256(tmp_path / "a")
    (tmp_path / "a" / "b" / "one").rename(tmp_path / "a" / "b" / "two")
    assert len({before, changed, files.tree_sha256(tmp_path / "a")}) == 3
