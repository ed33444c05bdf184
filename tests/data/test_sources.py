"""The planner's view of a data set's files: cheap, exact about what changed, clear about what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from data_makers import ARGUMENTS, TWO, edit_table, write_gears

from epuredgm.core.errors import BadRequest
from epuredgm.core.sources import signature


def section(**changed: Any) -> dict[str, Any]:
    return {
        "name": "gears",
        "size": [12, 20],
        "values": "binary",
        "exclusive": False,
        "mirrored": False,
        "components": {name: {"label": name, "color": "#000000"} for name in TWO.component_names},
        "conditions": "size",
        "condition_sets": {"size": {"teeth": {"unit": "", "measure": None}}},
        "normalized": False,
        "bits": 8,
        "side": None,
        "reader": {"_target_": "epuredgm.data.folders.FolderReader", **ARGUMENTS},
        **changed,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_gears(tmp_path)
    return tmp_path


def test_generated_data_have_no_signature(root: Path) -> None:
    assert signature(section(reader={"_target_": "x", "count": 3}), root / "nowhere") == {}


def test_it_changes_with_table_and_pictures_and_nothing_else(root: Path) -> None:
    first = signature(section(), root)
    assert first["files"] == "12" and signature(section(), root) == first
    (root / "train" / "notes.txt").write_text("not a picture")
    (root / "elsewhere").mkdir()
    assert signature(section(), root) == first
    file = root / "test" / "hub" / "g2-hub.view.png"
    os.utime(file, ns=(1, 1))
    touched = signature(section(), root)
    assert touched["images"] != first["images"] and touched["table"] == first["table"]
    file.unlink()
    assert signature(section(), root)["files"] == "11"
    edit_table(root, "g0,", "g9,")
    assert signature(section(), root)["table"] != first["table"]


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(BadRequest, match=r"dataset\.root=FOLDER"):
        signature(section(), root / "nowhere")
    with pytest.raises(BadRequest, match="table"):
        signature(section(reader={**section()["reader"], "table": "lists.csv"}), root)
    with pytest.raises(BadRequest, match="lacks id_column"):
        signature(section(reader={"table": "list.csv", "root": None, "split_column": "train"}), root)
    with pytest.raises(
        BadRequest, match=r"lacks 2 of the columns(.|\n)*did you mean 'part'(.|\n)*teeth_norm"
    ):
        signature(section(reader={**section()["reader"], "id_column": "parts"}, normalized=True), root)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_a_strange_table(root: Path, content: bytes) -> None:
    (root / "list.csv").write_bytes(content)
    with pytest.raises(BadRequest):
        signature(section(), root)


def test_standard_library_only() -> None:
    heavy = ("numpy", "pandas", "torch")
    code = f"import sys, epuredgm.core.sources; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
