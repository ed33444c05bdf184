"""A real study in the test profile, made once by the command line, for all tests that read a real report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

STUDY = (
    "run",
    *("--dataset", "toy", "--models", "vae,wgan_gp", "--profile", "test", "--device", "cpu"),
    *("dataset.reader.count=300", "sampling.num_samples=20", "training.batch_size=32"),
)


def command(*words: str, **environment: str) -> str:
    """The command line in a process of its own; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "epuredgm", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def real_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of the study."""
    workspace = tmp_path_factory.mktemp("real")
    command(*STUDY, "--workspace", str(workspace))
    return workspace


@pytest.fixture(scope="session")
def real_report(real_workspace: Path) -> Path:
    """The report that ``run`` itself has written."""
    return real_workspace / "test_runs/evaluation_results/toy/report/report.html"
