"""The report's events hold a run's figures and sheets, by mode; runs without a folder have none."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from epuredgm.core.places import Workspace
from epuredgm.stages.run_events import write_run_events
from reporting.study_makers import study


def scalar(value: float | None) -> dict[str, Any]:
    return {"value": value, "interval": None, "floor": None, "ratio": None}


def test_figures_and_sheets_of_every_mode(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = study(models=("vae",))
    block = {"rce": {"gen_wd": scalar(0.25), "real_wd": scalar(0.0)}}
    nothing = {"rce": {"gen_wd": scalar(None), "real_wd": scalar(0.0)}}
    result = {
        "modes": {"unconditional": nothing, "inpainting": {"a": nothing, "average": block}},
        "provenance": {"samples": {"unconditional": {}, "inpainting/a": {}, "inpainting/b": {}}},
    }
    run = replace(made.families[0].runs[0], result=result, folder="outputs/vae_toy/run")
    gone = replace(run, seed=1, folder="outputs/vae_toy/gone")
    lost = replace(run, seed=2, folder="")
    made = replace(made, families=(replace(made.families[0], runs=(run, gone, lost)),))
    (tmp_path / run.folder).mkdir(parents=True)
    sheet = workspace.samples("vae_toy", 0, "inpainting", "a") / "contact_sheet.png"
    sheet.parent.mkdir(parents=True)
    content = io.BytesIO()
    Image.new("RGB", (3, 2)).save(content, format="PNG")
    sheet.write_bytes(content.getvalue())

    (written,) = write_run_events(made, workspace)

    assert written.parent == tmp_path / run.folder / "tb"
    events = EventAccumulator(str(written.parent))
    events.Reload()
    assert events.Tags()["scalars"] == ["final/inpainting/rce"]
    assert events.Tags()["images"] == ["samples/inpainting/a"]
    assert not (tmp_path / "tb").exists()


def test_sheets_that_show_private_designs_are_left_out(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made = study(models=("vae",))
    kinds = ("conditional", "inpainting/a", "reconstruction")
    run = replace(
        made.families[0].runs[0],
        result={"modes": {}, "provenance": {"samples": {kind: {} for kind in kinds}}},
        folder="outputs/vae_toy/run",
    )
    (tmp_path / run.folder).mkdir(parents=True)
    for kind in kinds:
        mode, _, given = kind.partition("/")
        sheet = workspace.samples("vae_toy", 0, mode, given or None) / "contact_sheet.png"
        sheet.parent.mkdir(parents=True)
        Image.new("RGB", (3, 2)).save(sheet)
    made = replace(made, families=(replace(made.families[0], runs=(run,)),), private=True)
    (written,) = write_run_events(made, workspace)
    events = EventAccumulator(str(written.parent)).Reload()
    assert events.Tags()["images"] == ["samples/conditional"]
