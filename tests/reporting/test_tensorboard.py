"""TensorBoard shows final figures and sample pictures beside the curves of a training, and loses neither."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from epuredgm.reporting.tensorboard import FILE, write_events
from epuredgm.training.history import History

SCALARS = {"final/conditional/rce": 0.25, "final/inpainting/iou": 0.0}


def png(width: int, height: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(content, format="PNG")
    return content.getvalue()


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder / "tb"))
    events.Reload()
    return events


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    picture = png(30, 20)
    assert write_events(tmp_path, SCALARS, {"samples/conditional": picture}, step=7) == tmp_path / "tb" / FILE
    events = read(tmp_path)
    for tag, value in SCALARS.items():
        assert [(each.step, each.value) for each in events.Scalars(tag)] == [(7, value)]
    (image,) = events.Images("samples/conditional")
    assert (image.step, image.width, image.height, image.encoded_image_string) == (7, 30, 20, picture)


def test_a_second_report_replaces_the_first(tmp_path: Path) -> None:
    write_events(tmp_path, SCALARS, {"samples/conditional": png(3, 2)})
    write_events(tmp_path, {"final/conditional/rce": 0.5}, {})
    assert [path.name for path in (tmp_path / "tb").iterdir()] == [FILE]
    events = read(tmp_path)
    assert [each.value for each in events.Scalars("final/conditional/rce")] == [0.5]
    assert events.Tags()["images"] == []


def _train(folder: Path, first: int, last: int) -> None:
    history = History(folder, 0, first)
    for step in range(first + 1, last + 1):
        history.write(step, {"phase": "main", "kind": "train", "terms": {"loss": float(step)}})
    history.close()


def test_curves_of_a_resumed_training_stay_beside_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training was cut at step 5 and went on from 3: its curve is whole, and so is the report."""
    for start, (first, last) in enumerate([(0, 5), (3, 8)]):
        monkeypatch.setattr("time.time", lambda start=start: 1_700_000_000.0 + start)
        _train(tmp_path, first, last)
    monkeypatch.undo()
    write_events(tmp_path, SCALARS, {}, step=8)
    events = read(tmp_path)
    assert [each.step for each in events.Scalars("main/train/loss")] == list(range(1, 9))
    assert [each.value for each in events.Scalars("final/conditional/rce")] == [0.25]


def test_the_same_run_gives_the_same_bytes_dated_at_the_end_of_its_training(tmp_path: Path) -> None:
    _train(tmp_path, 0, 2)
    (curves,) = (tmp_path / "tb").iterdir()
    os.utime(curves, (1_600_000_000.5, 1_600_000_000.5))
    first = write_events(tmp_path, SCALARS, {}).read_bytes()
    assert write_events(tmp_path, SCALARS, {}).read_bytes() == first
    assert {each.wall_time for each in read(tmp_path).Scalars("final/conditional/rce")} == {1_600_000_000.0}
