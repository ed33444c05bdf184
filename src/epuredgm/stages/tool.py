"""The heavy half of a light command: a request as JSON on stdin, reports as JSON lines on stdout.

Run by the command line in a process of its own, because the command line itself never loads numpy.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from epuredgm.core.errors import EpureError
from epuredgm.core.monitor import Monitor
from epuredgm.core.stops import Stopped, raising

Task = Callable[[Mapping[str, Any], Monitor], dict[str, Any]]

INTERVAL = 0.1  # seconds between two progress reports


class LineMonitor(Monitor):
    """Reports as JSON lines."""

    def __init__(self) -> None:
        self._last = 0.0

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        """Report, a few times a second at most, and always at the end."""
        now = time.monotonic()
        if done >= total or now - self._last >= INTERVAL:
            self._last = now
            say(progress={"done": done, "total": total, "what": what, **figures})

    def note(self, message: str) -> None:
        """Pass a line on to the user."""
        say(note=message)


def say(**message: Any) -> None:
    """One report."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def serve(tasks: Mapping[str, Task]) -> int:
    """Carry out the request on standard input; the exit code is that of the fault, if there is one."""
    request = json.load(sys.stdin)
    try:
        with raising():
            say(result=tasks[request["task"]](request, LineMonitor()))
    except EpureError as error:
        say(error={"text": str(error), "exit_code": error.exit_code, "details": dict(error.details)})
        return error.exit_code
    except OSError as error:
        say(
            error={
                "errno": error.errno,
                "text": error.strerror,
                "file": error.filename and str(error.filename),
            }
        )
        return 1
    except Stopped as stop:  # by our parent, who knows
        return 128 + stop.number
    except KeyboardInterrupt:
        return 130
    return 0
