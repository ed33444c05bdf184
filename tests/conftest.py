"""What holds for all tests."""

from __future__ import annotations

import os
import random
import sys
import zlib

import hypothesis
import pytest

# a busy machine is not a wrong result, and two runs of the same tests say the same
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
# --hypothesis-profile=searching looks for other examples, and for many
hypothesis.settings.register_profile("searching", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start each test, and the fixtures it is the first to ask for, from random numbers of its own name."""
    seed = zlib.crc32(item.nodeid.encode())
    random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def own_processors() -> None:
    """Give each of the processes that share the tests its own processors, and so its own number of threads.

    Threads of two processes that wait for each other on the same processors take several times as long. What
    a test starts inherits its processors.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or not hasattr(os, "sched_setaffinity"):
        return
    all_of_them = sorted(os.sched_getaffinity(0))
    own = all_of_them[int(worker.removeprefix("gw")) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
    if own:
        os.sched_setaffinity(0, own)


own_processors()  # before torch counts them
