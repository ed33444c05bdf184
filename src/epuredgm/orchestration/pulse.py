"""A worker's live monitor: a thread tells the orchestrator and the disk how far the work is.

The work itself only leaves its latest figures here, so reporting costs it nothing, however often it reports.
"""

from __future__ import annotations

import math
import select
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

from epuredgm.core.monitor import Monitor
from epuredgm.core.room import without_waiting
from epuredgm.orchestration.lease import Beat

SEND_SECONDS = 0.25
ALIVE_SECONDS = 1.0
BEAT_SECONDS = 2.0
LOG_SECONDS = 30.0


class Line:
    """A worker's side of its channel: one message at a time, and signs of life from its first moment on."""

    def __init__(self, channel: Connection) -> None:
        self._channel = channel
        self._sending = threading.Lock()
        threading.Thread(target=self._live, name="alive", daemon=True).start()

    def send(self, message: tuple[object, ...]) -> None:
        """Send a message to the orchestrator."""
        with self._sending:
            self._channel.send(message)

    def fileno(self) -> int:
        """The channel's descriptor."""
        return self._channel.fileno()

    def recv(self) -> object:
        """The next message from the orchestrator."""
        return self._channel.recv()

    def _live(self) -> None:
        with suppress(OSError, ValueError):  # the orchestrator, or the channel, is gone
            while True:
                time.sleep(ALIVE_SECONDS)
                if _has_room(self):
                    self.send(("alive",))


def _has_room(channel: Connection | Line) -> bool:
    """Whether a message can be sent without waiting for an orchestrator that is stopped (Ctrl-Z)."""
    if not hasattr(select, "poll"):  # Windows
        return True
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLOUT)
    return bool(poll.poll(0))


class Pulse(Monitor):
    """Live while the block runs.

    Args:
        beat: the heartbeat file, for readers on this and other machines; removed at the end.
        channel: to the orchestrator, or None.
        stop: set by whoever wants the work to stop.
    """

    def __init__(self, beat: Path, channel: Connection | Line | None, stop: threading.Event) -> None:
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
        print(message, flush=True)
        self._send(("note", message))

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
                about = ("progress", latest.done, latest.total, latest.what, _finite(latest))
                self._send(about, dispensable=not over)
            if now >= next_beat and not over:
                next_beat = now + BEAT_SECONDS
                with suppress(OSError), without_waiting():  # a full disk is told by the work itself
                    Beat(latest.done, latest.total, latest.what, _finite(latest)).write(self._beat_path)
            if now >= next_line and latest is not printed:
                next_line, printed = now + LOG_SECONDS, latest
                print(_line(latest), flush=True)

    def _send(self, message: tuple[object, ...], *, dispensable: bool = False) -> None:
        if self._channel is not None:
            with suppress(OSError):
                if not dispensable or _has_room(self._channel):
                    self._channel.send(message)


def _finite(beat: Beat) -> dict[str, float]:
    """The figures as plain numbers; JSON has no word for those that are not finite."""
    return {name: float(value) for name, value in beat.figures.items() if math.isfinite(value)}


def _line(beat: Beat) -> str:
    figures = "".join(f"  {name} {value:.4g}" for name, value in beat.figures.items())
    return f"{time.strftime('%H:%M:%S')}  {beat.what}  {beat.done:g}/{beat.total:g}{figures}"
