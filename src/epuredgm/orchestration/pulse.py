"""A worker's live monitor: a thread tells the orchestrator and the disk how far the work is.

The work itself only leaves its latest figures here, so reporting costs it nothing, however often it reports.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from epuredgm.core.monitor import Monitor
from epuredgm.core.room import without_waiting
from epuredgm.orchestration.lease import Beat

SEND_SECONDS = 0.25
BEAT_SECONDS = 2.0
LOG_SECONDS = 30.0


class Channel(Protocol):
    """Takes messages to the orchestrator: a connection, or :class:`Told`."""

    def send(self, obj: Any, /) -> None:
        """Send one message."""


class Told:
    """The way to the orchestrator, for several threads; one that has died is not told."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, message: object) -> None:
        """Send one message."""
        with self._sending, suppress(OSError):
            self._connection.send(message)


class Pulse(Monitor):
    """Live while the block runs.

    Args:
        beat: the heartbeat file, for readers on this and other machines; removed at the end.
        channel: to the orchestrator, or None.
        stop: set by whoever wants the work to stop.
    """

    def __init__(self, beat: Path, channel: Channel | None, stop: threading.Event) -> None:
        self._beat_path = beat
        self._channel = channel
        self._stop = stop
        self._latest = Beat()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        with suppress(OSError):
            self._beat_path.unlink()

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        """See :class:`epuredgm.core.monitor.Monitor`."""
        self._latest = Beat(done, total, what, figures)

    def note(self, message: str) -> None:
        """See :class:`epuredgm.core.monitor.Monitor`."""
        self._send("note", message)
        print(message, flush=True)

    def stopping(self) -> bool:
        """See :class:`epuredgm.core.monitor.Monitor`."""
        return self._stop.is_set()

    def _tell(self) -> None:
        sent, printed = self._latest, self._latest
        next_beat = time.monotonic() + BEAT_SECONDS
        next_line = time.monotonic() + LOG_SECONDS
        over = False
        while not over:
            over = self._over.wait(SEND_SECONDS)
            latest, now = self._latest, time.monotonic()
            if latest is not sent:
                sent = latest
                self._send("progress", latest.done, latest.total, latest.what, _finite(latest))
            if now >= next_beat and not over:
                next_beat = now + BEAT_SECONDS
                with suppress(OSError), without_waiting():  # a full disk is told by the work itself
                    Beat(latest.done, latest.total, latest.what, _finite(latest)).write(self._beat_path)
            if now >= next_line and latest is not printed:
                next_line, printed = now + LOG_SECONDS, latest
                print(_line(latest), flush=True)

    def _send(self, *message: object) -> None:
        if self._channel is not None:
            with suppress(OSError):
                self._channel.send(message)


def _finite(beat: Beat) -> dict[str, float]:
    """The figures as plain numbers; JSON has no word for those that are not finite."""
    return {name: float(value) for name, value in beat.figures.items() if math.isfinite(value)}


def _line(beat: Beat) -> str:
    figures = "".join(f"  {name} {value:.4g}" for name, value in beat.figures.items())
    return f"{time.strftime('%H:%M:%S')}  {beat.what}  {beat.done:g}/{beat.total:g}{figures}"
