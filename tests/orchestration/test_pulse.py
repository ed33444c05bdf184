from __future__ import annotations

import math
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from epuredgm.orchestration import pulse
from epuredgm.orchestration.lease import Beat
from epuredgm.orchestration.pulse import Pulse


def heard(channel: Connection) -> list[tuple[Any, ...]]:
    messages = []
    while channel.poll():
        messages.append(channel.recv())
    return messages


def test_however_often_work_reports_only_the_latest_is_told(tmp_path: Path) -> None:
    ours, theirs = Pipe()
    with ours, theirs:
        with Pulse(tmp_path / "x.beat", theirs, threading.Event()) as monitor:
            for step in range(10_000):
                monitor.progress(step, 10_000, "step", loss=1.0, odd=math.nan)
        messages = heard(ours)
    assert len(messages) < 100
    assert messages[-1] == ("progress", 9_999, 10_000, "step", {"loss": 1.0})


def test_a_note_is_told_at_once_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = Pipe()
    with ours, theirs, Pulse(tmp_path / "x.beat", theirs, threading.Event()) as monitor:
        monitor.note("look")
        assert heard(ours) == [("note", "look")]
    assert capsys.readouterr().out == "look\n"


def test_it_stops_when_told(tmp_path: Path) -> None:
    stop = threading.Event()
    with Pulse(tmp_path / "x.beat", None, stop) as monitor:
        assert not monitor.stopping()
        stop.set()
        assert monitor.stopping()


def test_the_heart_beats_while_the_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.0)
    place, written = tmp_path / "x.beat", threading.Event()
    original = Beat.write

    def write(beat: Beat, path: Path) -> None:
        original(beat, path)
        if beat.done == 3:
            written.set()

    monkeypatch.setattr(Beat, "write", write)
    with Pulse(place, None, threading.Event()) as monitor:
        monitor.progress(3, 4, "epoch", loss=math.inf)
        assert written.wait(timeout=30)
        found = Beat.read(place)
        assert found is not None
        assert (found.done, found.total, found.what, found.figures) == (3, 4, "epoch", {})
    assert not place.exists()


def test_a_lost_channel_or_a_full_disk_does_not_disturb_the_work(tmp_path: Path) -> None:
    ours, theirs = Pipe()
    ours.close()
    (tmp_path / "file").touch()
    with theirs, Pulse(tmp_path / "file" / "x.beat", theirs, threading.Event()) as monitor:
        monitor.note("nobody hears")
        monitor.progress(1, 2, "step")
