"""A made-up study with everything that a report can show, of any names and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.reporting.study import (
    Adherence,
    Cost,
    Draw,
    Family,
    Gallery,
    Phase,
    Run,
    Series,
    Study,
    Trouble,
)

HEADLINES: Mapping[str, Any] = {
    "fd_domain": {"metric": "fd", "title": "Domain distance", "better": "lower", "unit": "", "ranked": True},
    "valid": {"metric": "validity", "title": "Valid designs", "better": "higher", "unit": "", "ranked": True},
    "bias_valid": {
        "metric": "validity",
        "title": "Bias in valid",
        "better": "neither",
        "unit": "",
        "ranked": False,
        "beside": "valid",
        "below": "px too narrow",
        "above": "px too wide",
    },
    "empty": {"metric": "validity", "title": "Empty designs", "better": "lower", "unit": "", "ranked": False},
}


def spec(label: str = "first", values: str = "binary") -> DataSpec:
    return DataSpec(
        name="toy",
        height=6,
        width=4,
        components=(Component("a", label, "#3b6fb6"), Component("b", "second", "orange")),
        conditions=(Condition("width_px", "px", "epuredgm.data.measure.mirrored_width"),),
        values=values,
        mirrored=True,
    )


def figure(mean: float | None, reason: str = "", seeds: int = 3) -> dict[str, Any]:
    if mean is None:
        return {"mode": None, "num_runs": 0, "mean": None, "std": None, "floor": None, "reason": reason}
    interval = [mean - 0.05, mean + 0.05]
    std = 0.02 if seeds > 1 else None
    about = {"mode": "conditional", "num_runs": seeds, "mean": mean, "std": std, "interval": interval}
    return {**about, "floor": 0.01, "floor_std": 0.002, "ratio": mean / 0.01}


def pair(a: str, b: str, difference: float, p: float, seeds: int = 3) -> dict[str, Any]:
    """A row of differences, from so many seeds."""
    adjusted = min(1.0, 3 * p)
    return {
        "a": a,
        "b": b,
        "difference": difference,
        "interval": [difference - 0.05, difference + 0.05],
        "num_seeds": seeds,
        "noise": "sampling" if seeds == 1 else "training and sampling",
        "p": p,
        "p_adjusted": adjusted,
        "differ": adjusted <= 0.05 if seeds > 1 else None,
    }


def summary(models: tuple[str, ...], reason: str, warning: str, seeds: int = 3) -> dict[str, Any]:
    """The i-th model is worse by 0.1 than the one before it; the last two are not told apart."""
    figures = {
        model: {
            "fd_domain": figure(0.1 * (k + 1), seeds=seeds),
            "valid": figure(0.9 - 0.1 * k, seeds=seeds),
            "bias_valid": figure(0.02 * k - 0.9, seeds=seeds),
            "empty": figure(None, reason),
        }
        for k, model in enumerate(models)
    }
    about = {"num_runs": seeds, "seeds": list(range(seeds)), "profiles": ["test"], "compared": [50]}
    rows = [
        {
            "rank": k + 1,
            "rank_interval": [max(1, k), k + 2],
            "model": model,
            "value": 0.1 * (k + 1),
            "interval": [0.1 * k + 0.05, 0.1 * k + 0.15],
            "places": {"fd_domain": k + 1.0, "valid": k + 1.0},
            "set_back": reason if k == len(models) - 1 else None,
        }
        for k, model in enumerate(models)
    ]
    ranking = {"metric": "fd_domain", "reason": "every run has it", "over": ["fd_domain"], "rows": rows}
    pairs = [
        pair(a, b, 0.1 * (j - i), 0.4 if i == len(models) - 2 else 0.001, seeds)
        for i, b in enumerate(models)
        for j, a in enumerate(models)
        if i < j
    ]
    return {
        "schema": 2,
        "dataset": "toy",
        "num_models": len(models),
        "num_runs": seeds * len(models),
        "confidence": 0.95,
        "noise": "sampling" if seeds == 1 else "training and sampling",
        "ranked_by": {key: ranking[key] for key in ("metric", "reason", "over")},
        "headlines": HEADLINES,
        "model_aggregates": {model: {**about, **own} for model, own in figures.items()},
        "tasks": {"conditional": figures},
        "rankings": [{**row, "metric": "fd_domain"} for row in rows],
        "all_rankings": {
            "overall": {"title": "Overall", **ranking},
            "conditional": {"title": "Conditional", **ranking, "reason": "of this task"},
        },
        "differences": {"conditional": {"fd_domain": pairs}},
        "extractors": {"domain": {"sha256": "ab" * 32}},
        "warnings": [warning],
    }


def gallery(mode: str, given: str | None, name: str, seed: int) -> Gallery:
    rng = np.random.default_rng(seed)
    designs = (rng.random((3, 2, 6, 4)) < 0.4).astype(np.uint8)
    return Gallery(
        mode=mode,
        given=given,
        samples=designs,
        asked=np.array([[3.0], [5.0], [np.nan]]),
        measured=np.array([[3.0], [np.nan], [7.0]]),
        nearest=designs[::-1],
        nearest_ids=(name,) * 3,
        distances=np.array([4.0, 0.0, 12.0]),
        truth=designs.copy() if given else None,
        truth_ids=(name,) * 3,
    )


def family(model: str, name: str, note: str) -> Family:
    curve = {"conditions": {"width_px": {"curve": [bin_of(2.0), bin_of(9.0)]}}}
    result = {
        "profile": "test",
        "modes": {"extrapolation": {"extrapolation": curve}},
        "provenance": {"package_version": "1.2.3", "data_fingerprint": "f" * 64, "weights_sha256": "e" * 64},
    }
    run = Run(
        seed=0,
        result=result,
        phases=(Phase("main", {"train all": Series((1, 2, 3), (3.0, 2.0, 1.0))}),),
        learned={"codes": {name: 3, "b": 4}, "list": [1.5, 2.5], "spread": 1.0},
        cost=Cost(12345, 60.0, 10**9, None, "cpu", (Draw("conditional", None, 2.0, 5, "cpu"),)),
        folder="outputs/x",
    )
    return Family(
        model=model,
        runs=(run,),
        galleries=(gallery("conditional", None, name, 1), gallery("inpainting", "a", name, 2)),
        adherence=(Adherence("conditional", "width_px", "px", np.arange(5.0), np.arange(5.0), (1.0, 3.0)),),
        notes=(note,),
    )


def bin_of(asked: float) -> dict[str, Any]:
    return {"asked": asked, "measured": asked + 1, "low": asked, "high": asked + 2, "valid": 0.5}


def study(
    models: tuple[str, ...] = ("one", "two", "three"), words: str = "a word", seeds: int = 3, **changed: Any
) -> Study:
    """Every text that comes from a user, a file or an error is ``words``."""
    content: dict[str, Any] = {
        "spec": spec(words),
        "description": words,
        "counts": {"train": 8, "test": 2},
        "summary": summary(models, words, words, seeds),
        "families": tuple(family(model, words, words) for model in models),
        "real": np.ones((2, 2, 6, 4), dtype=np.uint8),
        "train_ranges": {"width_px": (1.0, 3.0)},
        "troubles": (Trouble(words, "failed", words, words),),
        "settings": {"evaluation": {"confidence": 0.95}, "dataset": {words: words}},
        "commands": (f"epuredgm run {words}",),
        "typed": (words,),
        "glossary": {"validity": ("Validity: ``how`` many.", words)},
    }
    return Study(**{**content, **changed})
