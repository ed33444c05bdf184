"""Standard streams that need nobody at the other end: a study must not die of what happens to its terminal.

Cron starts programs with closed streams, ``| head`` leaves in the middle, a terminal closes or is paused, a
locale knows no accents, a file name is no UTF-8. None of that changes what a command does.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

LEFT = (errno.EPIPE, errno.ECONNRESET, errno.ESHUTDOWN)
"""What writing to a pipe without a reader ends with."""
CLOSED = (errno.EIO, errno.ENXIO)
"""What writing to a terminal that is closed ends with; for a file these are faults of the disk."""
STALL_SECONDS = 1.0  # until a terminal that takes nothing more (Ctrl-S) is not waited for


def settle() -> None:
    """Make the standard streams of this process safe to write to, whatever becomes of them.

    Closed ones lead nowhere, so that no file of ours takes their number. Characters that a stream cannot
    encode are written as escapes. Streams that a caller has put in place of the process's own stay.
    """
    open_closed()
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name, number in (("stdout", 1), ("stderr", 2)):
        former = getattr(sys, name)
        if former is None or (os.name == "posix" and former is getattr(sys, f"__{name}__")):
            setattr(sys, name, _stream(former, number))


def open_closed() -> None:
    """Let standard streams that are closed lead nowhere; the next file would take their number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere == number:
                os.set_inheritable(number, True)
            else:
                os.dup2(nowhere, number)
                os.close(nowhere)


def nobody_reads(stream: TextIO) -> bool:
    """Whether what is written to a stream reaches nobody any more: its reader or its terminal is gone."""
    raw = _raw(stream)
    if raw is not None and raw.left:
        return True
    if not hasattr(select, "poll"):  # Windows
        return False
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(what & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, what in poll.poll(0))
    except (OSError, ValueError):
        return False


def fault_of(stream: TextIO) -> OSError | None:
    """Why something that was written to a settled stream is lost, other than for want of a reader."""
    raw = _raw(stream)
    with suppress(OSError, ValueError):
        stream.flush()
    return raw.fault if raw is not None else None


@contextmanager
def never_waiting(stream: TextIO) -> Iterator[None]:
    """Do not wait in the block for a terminal or a reader that takes nothing more: what it misses is lost."""
    raw = _raw(stream)
    if raw is None:
        yield
        return
    with raw.never_waiting():
        yield


def _stream(former: Any, number: int) -> TextIO:
    lines = any(getattr(former, name, False) for name in ("line_buffering", "write_through"))
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(number)),
        encoding=getattr(former, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=number == 2 or lines,
    )


def _raw(stream: Any) -> _Output | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Output) else None


class _Output(io.RawIOBase):
    """A descriptor to write to, which takes everything: what cannot be written is lost.

    Attributes:
        left: the reader or the terminal is gone, for good.
        fault: the first other error.
    """

    def __init__(self, number: int) -> None:
        self.left = False
        self.fault: OSError | None = None
        self.name = f"<{('stdin', 'stdout', 'stderr')[number]}>"
        self._number = number
        self._terminal = os.isatty(number)  # a closed one does not say so any more
        self._to = number
        self._stalled = False

    def fileno(self) -> int:
        """The descriptor."""
        return self._number

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._number)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Write, or lose, some or all of ``data``."""
        waits = self._to == self._number
        until = time.monotonic() + (0.0 if self._stalled else STALL_SECONDS)
        while not self.left:
            try:
                written = os.write(self._to, data)
            except BlockingIOError:
                self._stalled = not waits and time.monotonic() >= until
                if self._stalled:
                    break
                time.sleep(0.02)
            except OSError as error:
                self._lost(error)
                break
            else:
                self._stalled = False
                return written
        return len(data)

    def _lost(self, error: OSError) -> None:
        if error.errno in LEFT or (self._terminal and error.errno in CLOSED):
            self.left = True
        elif self.fault is None:
            self.fault = error

    @contextmanager
    def never_waiting(self) -> Iterator[None]:
        """Write through a descriptor of our own that does not wait; others that share this one still do."""
        kind = os.fstat(self._number).st_mode
        with suppress(OSError):  # where it cannot be opened once more, it is waited for
            if self.isatty():
                self._to = os.open(os.ttyname(self._number), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            elif stat.S_ISFIFO(kind):
                self._to = os.open(f"/dev/fd/{self._number}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            yield
        finally:
            own, self._to = self._to, self._number
            if own != self._number:
                os.close(own)
