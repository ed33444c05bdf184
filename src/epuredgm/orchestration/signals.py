"""Ctrl-C and SIGTERM, counted: whoever works looks at the count between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class StopRequests:
    """Counts requests to stop while the block runs; the handlers of before come back after it.

    Attributes:
        count: requests so far.
        signal: the first one's signal, or None.
    """

    def __init__(self) -> None:
        self.count = 0
        self.signal: int | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():  # only there does Python take handlers
            self._former = {number: signal.signal(number, self._take) for number in NUMBERS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.signal = self.signal or number
