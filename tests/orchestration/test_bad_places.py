"""Workspaces that cannot be written, and disks that are full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from orchestration_fakes import go, results, start, steer, study

from epuredgm.core.errors import BadRequest, EpureError
from epuredgm.core.places import Workspace
from epuredgm.orchestration.assess import assess
from epuredgm.orchestration.faults import explained


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    with pytest.raises(OSError, match="No space left"), (place / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_a_read_only_workspace_is_refused_in_one_message(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert all(verdict.to_do for verdict in assess(study(), Workspace(small_disk)))
    process = start(small_disk)
    output, _ = process.communicate()
    assert process.returncode == 2
    assert "cannot write" in output
    assert "--workspace" in output
    assert "Traceback" not in output


def test_a_disk_full_at_the_start_is_said_in_one_message(small_disk: Path) -> None:
    go(small_disk, study("a"))
    before = results(small_disk)
    fill(small_disk)
    with pytest.raises(EpureError, match="the disk is full"):
        go(small_disk)
    assert results(small_disk) == before
    (small_disk / "filler").unlink()
    assert go(small_disk)[0].exit_code == 0


def test_a_disk_that_fills_up_while_jobs_run_leaves_earlier_results_intact(small_disk: Path) -> None:
    go(small_disk, study("a"))
    before = results(small_disk)
    steer(small_disk, train__b_toy__seed0="fill")
    process = start(small_disk)
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in output
    kept = {name: content for name, content in results(small_disk).items() if name in before}
    summary = "evaluation_results/toy/summary.json"
    assert kept == {**before, summary: kept[summary]}
    (small_disk / "filler").unlink()
    (small_disk / "fake.json").unlink()
    assert go(small_disk)[0].exit_code == 0


def test_other_errors_of_the_system_keep_their_traceback(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), explained(Workspace(tmp_path)):
        (tmp_path / "nothing").read_text()
    with pytest.raises(BadRequest), explained(Workspace(tmp_path)):
        raise PermissionError(13, "Permission denied", str(tmp_path))


@pytest.mark.parametrize("kind", ["too long for a socket", "read-only"])
def test_a_temporary_folder_that_holds_no_socket_is_not_used(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / ("x" * 100 if kind == "too long for a socket" else "temporary")
    place.mkdir()
    mounted = kind == "read-only" and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)]
    )
    monkeypatch.setenv("TMPDIR", str(place))
    try:
        process = start(tmp_path / "workspace", models="a")
        output, _ = process.communicate(timeout=120)
    finally:
        if mounted and mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(place)], check=True)
    assert process.returncode == 0, output
