"""A disk that is full for a moment ends no study; one that fails is told in words."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from orchestration_fakes import go, results, start, steer, study

from epuredgm.core import room
from epuredgm.core.errors import BadRequest, EpureError, Interrupted
from epuredgm.core.files import atomic_writer, write_text
from epuredgm.core.places import Workspace
from epuredgm.core.room import patient_file, patiently, waiting_for_room, without_waiting
from epuredgm.orchestration.faults import exit_class, explained, one_line
from epuredgm.worker import _output_to

PATIENT: dict[str, Any] = {"patience": 60, "study__full_disk_minutes": 1, "models": "a"}


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


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY_SECONDS", 0.02)


def fill(place: Path) -> None:
    with pytest.raises(OSError, match="No space left"), (place / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


class TestAStudy:
    """On a disk of its own that fills up and is cleared."""

    def test_it_waits_at_whatever_moment_and_ends_as_if_nothing_had_been(
        self, small_disk: Path, finished: Path
    ) -> None:
        process = start(small_disk, step_seconds=0.15, **PATIENT)
        for _ in range(3):
            before = len(list(small_disk.rglob("*")))
            wait_for(lambda n=before: process.poll() is not None or len(list(small_disk.rglob("*"))) > n)
            if process.poll() is None:
                fill(small_disk)
                time.sleep(0.7)
                (small_disk / "filler").unlink()
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        assert "the disk is full: waiting up to 60 s for room to write" in output
        assert "there is room again" in output
        own = {name: made for name, made in results(finished).items() if "/a" in name}
        assert {name: made for name, made in results(small_disk).items() if "/a" in name} == own

    def test_a_job_whose_writes_cannot_wait_is_done_again(self, small_disk: Path) -> None:
        steer(small_disk, train__a_toy__seed0="fill")
        process = start(small_disk, **PATIENT)
        wait_for(lambda: (small_disk / "filler").exists() and _is_full(small_disk))
        time.sleep(1)
        (small_disk / "filler").unlink()
        (small_disk / "fake.json").unlink()
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert "room again" in output

    def test_waiting_ends_when_the_time_is_over(self, small_disk: Path) -> None:
        go(small_disk, study("a"))
        fill(small_disk)
        with pytest.raises(EpureError, match="the disk is full"):
            go(small_disk, study("a"), patience=0.5)

    def test_waiting_ends_at_ctrl_c(self, small_disk: Path) -> None:
        process = start(small_disk, step_seconds=0.2, **PATIENT)
        wait_for(lambda: any(small_disk.glob("outputs/a_toy/*/check/state.json")))
        fill(small_disk)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 130, output
        (small_disk / "filler").unlink()
        assert go(small_disk, study("a"))[0].exit_code == 0
        assert len(list((small_disk / "outputs/a_toy").glob("2*"))) == 1


def _is_full(place: Path) -> bool:
    return os.statvfs(place).f_bavail == 0


@pytest.mark.usefixtures("hasty")
class TestWrites:
    """One write at a time."""

    def test_a_file_larger_than_the_room_is_whole_in_the_end(self, small_disk: Path) -> None:
        said: list[str] = []
        content = os.urandom(3_000_000)
        grow = ["mount", "-o", "remount,size=8m", str(small_disk)]
        timer = threading.Timer(0.3, lambda: subprocess.run(grow, check=True))
        timer.start()
        with waiting_for_room(30, said.append), atomic_writer(small_disk / "file") as file:
            file.write(content[:1_000_000])
            file.write(content[1_000_000:])
        timer.join()
        assert (small_disk / "file").read_bytes() == content
        assert len(said) == 2
        assert list(small_disk.iterdir()) == [small_disk / "file"]

    def test_appended_lines_come_whole_and_once(self, small_disk: Path) -> None:
        fill(small_disk)
        timer = threading.Timer(0.3, (small_disk / "filler").unlink)
        timer.start()
        lines = [f"{number} {'x' * 100}\n".encode() for number in range(500)]
        with waiting_for_room(30, lambda text: None), patient_file(small_disk / "l", "a", small_disk) as file:
            for line in lines:
                file.write(line)
                file.flush()
        timer.join()
        assert (small_disk / "l").read_bytes() == b"".join(lines)

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_both_kinds_of_full(self, tmp_path: Path, number: int) -> None:
        said: list[str] = []
        answers = iter([OSError(number, os.strerror(number))] * 3)

        def write() -> str:
            for error in answers:
                raise error
            return "written"

        with waiting_for_room(30, said.append):
            assert patiently(write, tmp_path) == "written"
        assert ("quota" in said[0]) == (number == errno.EDQUOT)
        assert len(said) == 2

    def test_other_faults_do_not_wait(self, tmp_path: Path) -> None:
        for number in (errno.EIO, errno.EROFS, errno.ESTALE, errno.EACCES):
            with pytest.raises(OSError, match=os.strerror(number)), waiting_for_room(30, pytest.fail):
                patiently(lambda n=number: _raise(n), tmp_path)

    def test_nobody_waits_who_was_not_told_to(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="No space left"):
            patiently(lambda: _raise(errno.ENOSPC), tmp_path)
        with waiting_for_room(30, pytest.fail), without_waiting(), pytest.raises(OSError, match="No space"):
            patiently(lambda: _raise(errno.ENOSPC), tmp_path)

    def test_a_stop_is_heard(self, tmp_path: Path) -> None:
        with waiting_for_room(30, lambda text: None, lambda: True), pytest.raises(Interrupted):
            patiently(lambda: _raise(errno.ENOSPC), tmp_path)

    def test_a_log_fails_nothing_and_tells_what_it_lacks(self, small_disk: Path) -> None:
        with _output_to(small_disk / "log"):
            print("before")
            fill(small_disk)
            for _ in range(2000):
                print("y" * 50)
            (small_disk / "filler").unlink()
            print("after")
        text = (small_disk / "log").read_text()
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        assert "bytes are missing: the disk was full" in text


def _raise(number: int) -> None:
    raise OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, EpureError, "the disk is full"),
        (errno.EDQUOT, EpureError, "quota is used up"),
        (errno.EROFS, BadRequest, "cannot write"),
        (errno.EIO, EpureError, "the disk fails at"),
        (errno.ESTALE, EpureError, "the network disk has lost"),
        (errno.ENOTCONN, EpureError, "the network disk has lost"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_what_the_disk_does_is_told_in_words(
    tmp_path: Path, number: int, kind: type[EpureError], words: str, named: bool
) -> None:
    error = OSError(number, os.strerror(number), *([str(tmp_path / "file")] if named else []))
    with pytest.raises(kind, match=words), explained(Workspace(tmp_path)):
        raise error
    line = one_line(error, tmp_path)
    assert words in line
    assert "Errno" not in line
    assert (exit_class(error) == "disk-full") == (number in room.FULL)


def test_a_write_that_waits_leaves_the_former_file_until_it_is_whole(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "RETRY_SECONDS", 0.02)
    write_text(small_disk / "file", "former")
    fill(small_disk)
    seen: list[str] = []
    with waiting_for_room(30, lambda text: seen.append((small_disk / "file").read_text())):
        timer = threading.Timer(0.2, (small_disk / "filler").unlink)
        timer.start()
        write_text(small_disk / "file", "new" * 10_000)
        timer.join()
    assert seen[0] == "former"
    assert (small_disk / "file").read_text() == "new" * 10_000
