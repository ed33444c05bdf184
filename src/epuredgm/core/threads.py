"""How many threads a job computes with, and how they wait for each other. What the user has set holds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables with which users say how many threads they want; the first that is set counts."""

WAITING = {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0"}
"""How long a thread spins before it sleeps: turns of a loop (GNU's OpenMP), milliseconds (LLVM's, Intel's).

Their defaults (300,000 turns where processors suffice, 200 ms) suppose that nobody else is on the machine: a
thread that spins takes the processor from the very thread that it waits for, so two trainings on the same
processors take several times as long. ``benchmarks/neighbours.py`` measures this setting beside the defaults.
"""

SPINNING = ("OMP_WAIT_POLICY", *WAITING)
"""A user who has set one of these has decided how threads wait."""


def available_processors() -> int:
    """Processors that this process may run on; fewer than the machine has in a container or a Slurm job."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count(jobs: int, asked: int | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Threads for each of ``jobs`` jobs that run at the same time.

    Args:
        jobs: at least 1.
        asked: on the command line; holds before all else.
        environment: where ``OMP_NUM_THREADS`` may be set, which holds before an equal share of the
            processors. Of a list (one number for each level of nesting) the first counts.
    """
    if asked is not None:
        return asked
    for name in COUNTS:
        first = re.match(r"\s*([0-9]{1,4})\s*(,|$)", environment.get(name, ""))
        if first and int(first[1]) > 0:
            return int(first[1])
    return max(1, available_processors() // jobs)


def thread_variables(threads: int, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What to add to the environment of processes that compute with ``threads`` threads."""
    wanted = dict.fromkeys(COUNTS, str(threads))
    if "OPENBLAS_NUM_THREADS" not in environment:
        wanted["OPENBLAS_NUM_THREADS"] = "1"  # numpy's, beside torch's own threads
    if not any(name in environment for name in SPINNING):
        wanted |= WAITING
    return wanted


def child_environment() -> dict[str, str]:
    """The environment of a process that computes for a light command: its threads, and a safe path.

    No module of the working directory may stand in for Python's own.
    """
    return {**os.environ, **thread_variables(thread_count(1)), "PYTHONSAFEPATH": "1"}
