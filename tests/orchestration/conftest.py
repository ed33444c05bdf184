from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from orchestration_fakes import go


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    outcome, _ = go(root)
    assert outcome.exit_code == 0
    return root


@pytest.fixture
def finished(_finished: Path, tmp_path: Path) -> Path:
    """A workspace in which the study of models a and b, seed 0, is done; a copy of its own."""
    root = tmp_path / "workspace"
    shutil.copytree(_finished, root, symlinks=True)
    (root / "ran.log").unlink()
    return root
