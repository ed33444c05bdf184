"""What training reports while it runs: ``history.jsonl`` for programs, event files for TensorBoard.

Both can be cut back to a resume point, so that the record of a resumed run is that of an unbroken one;
wall-clock times are in the event files only.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from epuredgm.core.files import canonical
from epuredgm.core.room import patient_file


class History:
    """The record of one run, open for appending.

    Args:
        folder: the run's folder.
        length: bytes of ``history.jsonl`` that are kept; 0 starts anew.
        step: steps of the run that are kept (over all phases).
    """

    def __init__(self, folder: Path, length: int, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "history.jsonl"
        self._file = patient_file(self.path, "a", self.path)
        self._file.truncate(min(length, self.path.stat().st_size))
        self._file.seek(0, os.SEEK_END)
        self._events = EventFileWriter(str(folder / "tb"))
        # TensorBoard forgets what earlier files hold from this step on.
        restart = SessionLog(status=SessionLog.START)
        self._events.add_event(Event(wall_time=time.time(), step=step + 1, session_log=restart))

    def write(self, step: int, line: Mapping[str, Any]) -> None:
        """Append one line: a flat mapping, and figures under ``terms`` and ``lr``.

        Args:
            step: steps of the run so far, over all phases.
            line: JSON-ready; figures that are not finite become null.
        """
        terms = {name: value if math.isfinite(value) else None for name, value in line["terms"].items()}
        self._file.write(canonical({**line, "terms": terms}) + b"\n")
        self._file.flush()
        figures = {**line["terms"], **{f"{name}.lr": value for name, value in line.get("lr", {}).items()}}
        prefix = f"{line['phase']}/{line['kind']}"
        values = [
            Summary.Value(tag=f"{prefix}/{name}", simple_value=value) for name, value in figures.items()
        ]
        self._events.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def show(self, step: int, pictures: Mapping[str, bytes]) -> None:
        """Add PNG pictures, by tag, to TensorBoard."""
        for tag, content in pictures.items():
            image = Summary.Image(colorspace=3, encoded_image_string=content)
            value = Summary.Value(tag=tag, image=image)
            self._events.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))

    def sync(self) -> int:
        """Put the lines on the disk; the bytes written so far, to give back as ``length``."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._events.flush()
        return self._file.tell()

    def close(self) -> None:
        """Write out and close both."""
        self._file.close()
        self._events.close()
