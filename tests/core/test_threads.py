"""What the user has set holds; else processors are shared, and threads that wait do not spin for long."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from epuredgm.core.threads import WAITING, available_processors, thread_count, thread_variables


@pytest.mark.parametrize(
    ("environment", "asked", "count"),
    [
        ({"OMP_NUM_THREADS": "1"}, None, 1),
        ({"OMP_NUM_THREADS": " 3 "}, None, 3),
        ({"OMP_NUM_THREADS": "2,4,1"}, None, 2),
        ({"MKL_NUM_THREADS": "5"}, None, 5),
        ({"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "5"}, None, 2),
        ({"OMP_NUM_THREADS": "1"}, 7, 7),
        ({"OMP_NUM_THREADS": ""}, 7, 7),
    ],
)
def test_what_is_asked_for_holds(environment: dict[str, str], asked: int | None, count: int) -> None:
    assert thread_count(1, asked, environment) == count
    assert thread_count(64, asked, environment) == count


@pytest.mark.parametrize("word", ["", "0", "-1", "many", "1.5", "2;4"])
def test_what_openmp_does_not_understand_is_an_equal_share(word: str) -> None:
    assert thread_count(1, None, {"OMP_NUM_THREADS": word}) == available_processors()
    assert thread_count(10_000, None, {"OMP_NUM_THREADS": word}) == 1


@pytest.mark.parametrize(
    "own", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "5"}, {"KMP_BLOCKTIME": "infinite"}]
)
def test_who_says_how_threads_wait_is_not_overruled(own: dict[str, str]) -> None:
    assert not set(WAITING) & set(thread_variables(2, own))
    assert thread_variables(2, {}) == {
        "OMP_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "1",
        **WAITING,
    }
    assert "OPENBLAS_NUM_THREADS" not in thread_variables(2, {"OPENBLAS_NUM_THREADS": "4"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own", "words", "threads"),
    [
        ({"OMP_NUM_THREADS": "1"}, (), 1),
        ({}, ("--threads", "3"), 3),
        ({"OMP_NUM_THREADS": "1", "GOMP_SPINCOUNT": "77"}, ("--threads", "2"), 2),
    ],
)
def test_a_job_computes_with_what_the_user_asked_for(
    tmp_path: Path, own: dict[str, str], words: tuple[str, ...], threads: int
) -> None:
    """Of a real worker: it writes down what torch computes with and what its libraries were told."""
    (tmp_path / "telling.py").write_text(TELLING)
    code = (
        "import sys\n"
        "from epuredgm.core.threads import thread_count\n"
        "from epuredgm.orchestration.pool import Pool\n"
        "from pathlib import Path\n"
        "words = sys.argv[1:]\n"
        "count = thread_count(1, int(words[1]) if words else None)\n"
        "with Pool(['cpu'], count, 'telling', []) as pool:\n"
        "    pool.launch('a', Path(str(count)), 'cpu')\n"
        "    while pool.busy:\n"
        "        pool.poll(0.1)\n"
    )
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", *WAITING)}
    subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        env={**clean, **own, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        check=True,
    )
    seen = json.loads((tmp_path / "seen.json").read_text())
    waiting = own if "GOMP_SPINCOUNT" in own else WAITING
    assert seen == {**waiting, "torch": threads, "OMP_NUM_THREADS": str(threads)}


TELLING = """
import json, os
from pathlib import Path

def carry_out(path, channel):
    import torch
    from epuredgm.worker import _limit_threads
    _limit_threads(int(path))
    names = ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    seen = {name: os.environ[name] for name in names if name in os.environ}
    Path("seen.json").write_text(json.dumps({"torch": torch.get_num_threads(), **seen}))
    return 0
"""
