"""The rankings on the terminal fit it and name everybody, what real designs reach, and who is set back."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from epuredgm.cli.standings import print_standings
from epuredgm.evaluation.summary import summarise

MODELS = ("ddpm", "flow_matching", "gmrf_mvae", "mdm", "meta_vae", "mmvaeplus", "vae", "vqvae", "wgan_gp")


def figure(value: float) -> dict[str, Any]:
    floor = {"mean": 0.125, "std": 0.25}
    return {"value": value, "interval": [value / 2, value * 2], "floor": floor, "ratio": None}


def result(model: str, value: float) -> dict[str, Any]:
    counts = {"drawn": 50, "compared": 50, "floor": 50, "paired": False}
    free = {
        "counts": counts,
        "rce": {"gen_wd": figure(value)},
        "com": {"overall": {"wasserstein": figure(2 * value)}},
        "iou_dice": {"average": {"iou_wd": figure(0.0), "dice_wd": figure(0.0)}},
        "memorisation": {"copied": {**figure(0.99 if model == "vae" else 0.01), "floor": None}},
    }
    sizes = {f"{side}_px": {"mae": figure(value + 1)} for side in ("width", "height", "mean_diagonal")}
    led = {"counts": counts, "adherence": {"conditions": sizes}, "rce": {"gen_wd": figure(value)}}
    return {
        "model": model,
        "dataset": "toy",
        "seed": 0,
        "profile": "quick",
        "mode": "unconditional",
        "modes": {"unconditional": free, **({} if model == "mdm" else {"conditional": led})},
        "provenance": {"data_fingerprint": "d", "package_version": "1"},
    }


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    nothing: dict[tuple[str, int], dict[str, Any]] = {(model, 0): {} for model in MODELS}
    return summarise("toy", [result(model, 1.0 + i) for i, model in enumerate(MODELS)], nothing)


def printed(summary: dict[str, Any], width: int) -> str:
    out = io.StringIO()
    print_standings(summary, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 140])
def test_it_fits_and_names_everybody(summary: dict[str, Any], width: int) -> None:
    text = printed(summary, width)
    assert max(map(len, text.splitlines())) <= width
    for model in MODELS:  # overall, and once for each task that it does
        lines = [line for line in text.splitlines() if f" {model} " in line]
        assert len(lines) == (2 if model == "mdm" else 3), model
    assert text.count("real designs") == 2
    assert text.count("set back: vae: Copied train designs 0.99 > 0.05") == 2  # not in the conditional task
    assert "nobody ahead on Overlap of components, IoU" in text
    assert "0.125 ±0.5" in text.replace("\n", " ") or width == 80


def test_intervals_are_left_out_where_there_is_no_room(summary: dict[str, Any]) -> None:
    assert "no room for intervals" in printed(summary, 80)
    assert "no room" not in printed(summary, 140)


def test_a_summary_of_another_version_is_only_named() -> None:
    assert "another version wrote summary.json" in printed({"schema": 1, "dataset": "toy"}, 80)
