"""Whatever a command line says: an exit code and a message, never a traceback, and nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epuredgm.cli import COMMANDS, main

EXAMPLES = 10_000 if settings().derandomize is False else 25

COMMAND = st.one_of(st.sampled_from([*COMMANDS, "help"]), st.text(max_size=6))
OPTIONS = (
    *("--dataset", "--models", "--seeds", "--profile", "--device", "--num-samples", "--workspace", "--conf"),
    *(
        "--branch",
        "--every",
        "--to",
        "--from",
        "--mode",
        "--format",
        "--picture",
        "--subset",
        "--size",
        "--layout",
    ),
    *("--json", "--dry-run", "--skip-training", "--skip-sampling", "--png", "--wait", "--all", "--markdown"),
    *("--force", "--only-subset", "--inception-weights", "--admit-identified", "-h", "--help", "--", "-x"),
)
VALUES = (
    "toy",
    "epure",
    "nlbs",
    "vae",
    "cvae",
    "vae,ddpm",
    "0",
    "0-3",
    "-1",
    "1e9",
    "quick",
    "cpu",
    "cuda:9",
)
VALUES = (
    *VALUES,
    "",
    ".",
    "..",
    "/nowhere/x",
    "~",
    "~nobody/x",
    "list",
    "make",
    "verify",
    "inspect",
    "x" * 5000,
)
OVERRIDES = (
    "training.epochs=5",
    "training.lr=",
    "dataset.root=/a=b",
    "~training",
    "+a=1",
    "vae:training.lr=1",
    "=",
)
WORD = st.one_of(
    st.sampled_from(OPTIONS), st.sampled_from(VALUES), st.sampled_from(OVERRIDES), st.text(max_size=8)
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COMMAND, st.lists(WORD, max_size=6))
def test_no_command_line_gives_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, words: list[str]
) -> None:
    for work in (
        "epuredgm.cli.run.carry_out",
        "epuredgm.cli.aggregate.carry_out",
        "epuredgm.cli.errand.errand",
    ):
        monkeypatch.setattr(work, nothing)
    for name in ("data", "compare", "export", "checks", "weights"):
        monkeypatch.setattr(f"epuredgm.cli.{name}.errand", nothing)
    monkeypatch.setattr("epuredgm.cli.verify.all_checks", lambda *_, **__: iter(()))
    monkeypatch.setattr("epuredgm.cli.run.at_the_door", lambda *_, **__: False)
    monkeypatch.setattr("time.sleep", nothing)
    monkeypatch.chdir(tmp_path)
    try:
        main([command, *words])
    except Worked:
        return
    except SystemExit as end:
        assert end.code in (0, 1, 2)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


class Worked(Exception):
    """The words made sense: the work would begin."""


def nothing(*_: object, **__: object) -> None:
    raise Worked
