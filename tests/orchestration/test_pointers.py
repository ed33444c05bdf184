from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from epuredgm.core.errors import EpureError
from epuredgm.orchestration.pointers import read_pointer, write_pointer


@pytest.fixture(params=["symlinks", "no symlinks"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file system that takes symlinks, and one that refuses them as Windows does."""
    if request.param == "no symlinks":
        refuse_symlinks(monkeypatch)
    return str(request.param)


def refuse_symlinks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        error = OSError(22, "A required privilege is not held by the client")
        error.winerror = 1314  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(os, "symlink", refuse)


@pytest.fixture
def targets(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "runs" / "one", tmp_path / "runs" / "two"
    one.mkdir(parents=True)
    two.mkdir()
    return one, two


def test_what_is_written_is_read(system: str, targets: tuple[Path, Path]) -> None:
    pointer = targets[0].parent / "run_seed0"
    for target in (*targets, targets[0]):
        write_pointer(pointer, target)
        assert read_pointer(pointer) == target
    assert sorted(path.name for path in pointer.parent.iterdir()) == ["one", "run_seed0", "two"]


def test_a_pointer_is_relative_so_that_the_workspace_can_move(
    system: str, targets: tuple[Path, Path], tmp_path: Path
) -> None:
    write_pointer(tmp_path / "elsewhere" / "latest", targets[0])
    moved = tmp_path.parent / f"{tmp_path.name}_moved"
    tmp_path.rename(moved)
    assert read_pointer(moved / "elsewhere" / "latest") == moved / "runs" / "one"
    moved.rename(tmp_path)


def test_one_form_replaces_the_other(targets: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pointer = targets[0].parent / "run_seed0"
    write_pointer(pointer, targets[0])
    with monkeypatch.context() as patched:
        refuse_symlinks(patched)
        write_pointer(pointer, targets[1])
        assert not pointer.is_symlink()
        assert read_pointer(pointer) == targets[1]
    write_pointer(pointer, targets[0])
    assert pointer.is_symlink()
    assert read_pointer(pointer) == targets[0]
    assert (targets[1].is_dir(), targets[0].is_dir()) == (True, True)


def test_a_pointer_to_nothing_reads_as_none(system: str, targets: tuple[Path, Path]) -> None:
    pointer = targets[0].parent / "run_seed0"
    assert read_pointer(pointer) is None
    write_pointer(pointer, targets[0])
    targets[0].rmdir()
    assert read_pointer(pointer) is None


def test_a_folder_of_the_user_is_left_alone(system: str, targets: tuple[Path, Path]) -> None:
    (targets[0] / "precious").touch()
    with pytest.raises(EpureError, match="not a pointer"):
        write_pointer(targets[0], targets[1])
    assert (targets[0] / "precious").exists()
    assert read_pointer(targets[0]) == targets[0]
