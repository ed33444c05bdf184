"""The signals that ask for an end: one list of them, for the orchestrator, its workers and light commands.

A terminal that closes, a cluster that takes its machine back and ``timeout`` each send a signal of their own,
and often several, to a whole group of processes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
STOPS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
"""Ctrl-C, ``kill``, a closed terminal, and what clusters send some time before they end a job."""


class Stopped(KeyboardInterrupt):
    """A light command was asked to end by a signal that is not Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


def heeded() -> list[int]:
    """The signals to listen to: all of them, but not a hang-up that ``nohup`` has told us to ignore."""
    hang_up = getattr(signal, "SIGHUP", None)
    return [n for n in STOPS if n != hang_up or signal.getsignal(n) is not signal.SIG_IGN]


@contextmanager
def handled(handlers: dict[int, Any]) -> Iterator[None]:
    """Signal handlers for the block; those of before come back. Only the main thread can set them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def raising() -> Iterator[None]:
    """Every signal that asks for an end raises in the block, as Ctrl-C does: what is open gets closed."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise Stopped(number)

    with handled({number: stop for number in heeded() if number != signal.SIGINT}):
        yield


@contextmanager
def deaf(*but: int) -> Iterator[None]:
    """Processes that start in the block ignore these signals, except ``but``: who stops is decided here."""
    with handled({number: signal.SIG_IGN for number in STOPS if number not in but}):
        yield


def end_with_parent() -> None:
    """End this process as soon as its parent has died, however that happened; for processes of a pool."""
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def name_of(number: int) -> str:
    """``SIGTERM`` for 15, and so on."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
