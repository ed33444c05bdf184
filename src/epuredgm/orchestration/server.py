"""The process that workers are forked from: it imports what they need once, and is ready when it has.

Until then it answers nobody. So a thread asks it for a first process, which does nothing, and whoever works
meanwhile hears of the answer, and of Ctrl-C before it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from epuredgm.core.errors import BadRequest, EpureError

LONGEST = 107 - len("/pymp-xxxxxxxx/listener-xxxxxxxx")
"""Bytes of a folder's name so that a socket's path in it still fits into 108, the last of which is 0."""
OTHERS = ("/tmp", "/var/tmp", "/dev/shm")


class Server:
    """The server, from its start on.

    Args:
        context: of multiprocessing, which knows what to import.

    Attributes:
        told: somebody has heard that it is ready.
    """

    def __init__(self, context: Any) -> None:
        from multiprocessing import forkserver

        self.told = False
        self._fault: BaseException | None = None
        self._first = context.Process(target=nothing, name="epuredgm first")
        try:
            with _short_temporary_folder():
                forkserver.ensure_running()
        except OSError as error:
            raise EpureError(f"cannot start the workers' server: {error}") from error
        self._pid = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
        self._thread = threading.Thread(target=self._first_process, name="server", daemon=True)

    def ask(self) -> None:
        """Ask for a first process; :meth:`wait` for the answer."""
        self._thread.start()

    def wait(self, seconds: float | None) -> bool:
        """Whether it is ready; waits up to ``seconds`` for it.

        Raises:
            EpureError: if it died.
        """
        self._thread.join(seconds)
        if self._thread.is_alive():
            return False
        if self._fault is not None:
            raise EpureError(
                f"the workers' server died before it was ready: {self._fault or type(self._fault).__name__}",
                "What it printed is above; 'epuredgm verify' imports the same.",
            ) from self._fault
        self.told = True
        return True

    def end(self) -> None:
        """End it while it imports; nobody needs it any more."""
        if self._pid is not None and self._thread.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._thread.join(timeout=5)

    def _first_process(self) -> None:
        try:
            with no_main():
                self._first.start()
            self._first.join()
        except (EOFError, OSError) as error:
            self._fault = error


def nothing() -> None:
    """What the first process does."""


@contextmanager
def no_main() -> Iterator[None]:
    """Workers need nothing of the program that was started, so they do not import it once more."""
    former = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = former


@contextmanager
def _short_temporary_folder() -> Iterator[None]:
    """In the block, temporary files go to a folder that can hold a socket: TMPDIR, unless it is too long.

    Raises:
        BadRequest: if there is none.
    """
    former = tempfile.tempdir
    tempfile.tempdir = _found()
    try:
        yield
    finally:
        tempfile.tempdir = former


def _found() -> str:
    asked = None
    with suppress(FileNotFoundError):  # where no temporary folder can be written, not even here
        asked = tempfile.gettempdir()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    for folder in filter(None, (asked, runtime, *OTHERS)):
        if len(os.fsencode(folder)) <= LONGEST and _holds_sockets(folder):
            return folder
    raise BadRequest(
        f"no temporary folder can hold the socket of the workers' server: not {asked or 'any'}, nor "
        f"{', '.join(OTHERS)}",
        f"Set TMPDIR to a folder that you may write, on a local disk, of at most {LONGEST} characters.",
    )


def _holds_sockets(folder: str) -> bool:
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pymp-", dir=folder) as place,
            socket.socket(socket.AF_UNIX) as one,
        ):
            one.bind(str(Path(place) / "listener"))
    except OSError:
        return False
    return True
