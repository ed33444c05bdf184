"""``verify`` reports each model by itself, also where the trial of one ends the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from epuredgm.cli import checks
from epuredgm.cli.study import Request, resolve

MACHINE = {"machine": {"torch": "2.9", "cores": 2, "memory": 8e9, "cuda": {}}}


def test_a_model_whose_trial_ends_the_process_is_named_and_the_others_are_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def ask(device: str, configs: Any) -> tuple[list[dict[str, Any]], str]:
        """A child that is killed at ddpm."""
        asked.append([*configs])
        lines: list[dict[str, Any]] = [MACHINE]
        for name in configs:
            if name == "ddpm":
                return lines, "killed"
            lines.append({"model": name, "parameters": 7, "error": None})
        return lines, ""

    monkeypatch.setattr(checks, "_ask", ask)
    study = resolve(Request("toy", tmp_path, models="vae,ddpm,mdm", profile="test"))
    facts = checks._probe(study)
    assert asked == [["vae", "ddpm", "mdm"], ["mdm"]]
    assert {name: about["error"] for name, about in facts["models"].items()} == {
        "vae": None,
        "ddpm": "its trial ended the process: killed",
        "mdm": None,
    }
    monkeypatch.setattr(checks, "_ask", lambda *_: ([], "no torch"))
    assert checks._probe(study) == {"error": "no torch"}
