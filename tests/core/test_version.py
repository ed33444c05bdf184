"""The commit is read from git's files, of a checkout and of nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from epuredgm.core.version import commit

git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def run(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"]
    answer = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit and a package."""
    root = tmp_path / "checkout"
    (root / "src" / "epuredgm").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    run(root, "init", "-q", "-b", "trunk")
    run(root, "add", ".")
    run(root, "commit", "-q", "-m", "first")
    return root


@git
def test_branches_tags_and_packed_references_are_followed(checkout: Path) -> None:
    commit.cache_clear()
    expected = run(checkout, "rev-parse", "HEAD")
    package = checkout / "src" / "epuredgm"
    assert commit(package) == expected
    run(checkout, "pack-refs", "--all")
    commit.cache_clear()
    assert commit(package) == expected
    run(checkout, "checkout", "-q", "--detach")
    commit.cache_clear()
    assert commit(package) == expected


@git
def test_a_further_worktree_has_its_own(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run(checkout, "worktree", "add", "-q", "-b", "other", str(other))
    run(other, "commit", "-q", "--allow-empty", "-m", "second")
    (other / "src" / "epuredgm").mkdir(parents=True, exist_ok=True)
    commit.cache_clear()
    assert commit(other / "src" / "epuredgm") == run(other, "rev-parse", "HEAD")
    assert commit(other / "src" / "epuredgm") != run(checkout, "rev-parse", "HEAD")


@git
def test_an_installed_package_is_no_checkout_of_the_folder_above_it(checkout: Path) -> None:
    installed = checkout / ".venv" / "lib" / "site-packages" / "epuredgm"
    installed.mkdir(parents=True)
    assert commit(installed) is None


def test_without_git_there_is_none(tmp_path: Path) -> None:
    package = tmp_path / "src" / "epuredgm"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert commit(package) is None
