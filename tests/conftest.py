"""What holds for all tests."""

from __future__ import annotations

import os

import hypothesis

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is not a wrong result
hypothesis.settings.load_profile("untimed")


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
