"""Results made up for tests of what is done with them."""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]


def figure(
    value: float | None, interval: tuple[float, float] | None = (0, 9), floor: float = 0.0
) -> dict[str, Any]:
    """One figure as results hold it."""
    reason = {"reason": "made up"} if value is None else {}
    return {
        "value": value,
        "interval": None if value is None or interval is None else list(interval),
        "floor": {"mean": floor, "std": 0.1},
        "ratio": None,
        **reason,
    }


def result(
    model: str, seed: int, rce: float | None, mae: float | None = None, fid: float | None = None, **facts: Any
) -> Result:
    """A made-up result: RCE in the first mode, adherence in the second."""
    counts = {"drawn": 50, "compared": 50, "floor": 50, "paired": False}
    modes: dict[str, Any] = {
        "unconditional": {
            "counts": counts,
            "fid": figure(fid),
            "fid_components": figure(fid),
            "rce": {"gen_wd": figure(rce), "real_wd": 0},
        }
    }
    if mae is not None:
        modes["conditional"] = {
            "counts": counts,
            "adherence": {"conditions": {"width_px": {"unit": "px", "mae": figure(mae)}}},
        }
    return {
        "model": model,
        "dataset": "toy",
        "seed": seed,
        "profile": "quick",
        "mode": "unconditional",
        "modes": modes,
        "provenance": {"data_fingerprint": "d", "package_version": "1"},
        **facts,
    }


def of_scores(model: str, scores: dict[str, Any], **provenance: Any) -> Result:
    """The result of a run, from what the evaluator made of its samples."""
    return {
        "model": model,
        "dataset": "toy",
        "seed": 0,
        "profile": "quick",
        "provenance": {"data_fingerprint": "d", "package_version": "1", **provenance},
        **scores,
    }
