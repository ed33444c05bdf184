"""Requests to stop, counted: whoever works looks at the count between two steps."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from types import FrameType, TracebackType

from epuredgm.core.stops import handled, heeded


class StopRequests:
    """Counts requests to stop while the block runs; the handlers of before come back after it.

    Attributes:
        count: requests so far.
        signal: the first one's signal, or None.
        answered: set by whoever acts on the first. What comes before is one request with it: ``timeout`` and
            closing terminals signal twice in a row.
        at_once: whether saving must not be waited for any longer. A closed terminal and a cluster's warning,
            however often they come, ask to save; Ctrl-C after that, or a second SIGTERM, does not.
    """

    def __init__(self) -> None:
        self.count = 0
        self.signal: int | None = None
        self.answered = False
        self.at_once = False
        self._terminated = False  # by Ctrl-C or SIGTERM, which are orders, no warnings
        self._block = ExitStack()

    def __enter__(self) -> StopRequests:
        self._block.enter_context(handled(dict.fromkeys(heeded(), self._take)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.close()

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.signal = self.signal or number
        if self.answered:
            self.at_once |= number == signal.SIGINT or (number == signal.SIGTERM and self._terminated)
        self._terminated |= number in (signal.SIGINT, signal.SIGTERM)
