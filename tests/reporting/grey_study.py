"""A made-up study of grey pictures: every block that a result may have, and pictures to look for."""

from __future__ import annotations

from typing import Any

import numpy as np

from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.reporting.study import (
    Cost,
    Counted,
    Family,
    Floats,
    Gallery,
    Phase,
    Run,
    Series,
    Study,
    Worst,
)
from reporting import study_makers

SIDE = 32


def spec(side: int = SIDE) -> DataSpec:
    return DataSpec(
        name="nlbs_phantom",
        height=side,
        width=side,
        components=(Component("breast", "breast", "#c0c0c0"),),
        conditions=(
            Condition("view", values=("CC", "MLO"), optional=True),
            Condition("laterality", values=("L", "R"), optional=True),
            Condition("age", "years", optional=True),
            Condition("density", values=("A", "B", "C", "D"), optional=True),
        ),
        values="grey",
        bits=16,
        side="laterality",
    )


def figure(value: float | None, reason: str = "", floor: float | None = 0.5) -> dict[str, Any]:
    about = {"value": value, "interval": None if value is None else [value * 0.9, value * 1.1]}
    held = None if floor is None else {"mean": floor, "std": floor / 10}
    ratio = None if value is None or not floor else value / floor
    return {**about, "floor": held, "ratio": ratio, **({"reason": reason} if value is None else {})}


def generated(passed: bool = True) -> dict[str, Any]:
    """What is measured on generated pictures."""
    frequency = list(range(1, 17))
    real = [6 - 3 * float(np.log10(each)) for each in frequency]
    bins = np.linspace(0, 0.8, 21).tolist()
    share = np.histogram(np.random.default_rng(0).normal(0.4, 0.1, 500), bins)[0] / 500
    tissue = {"edges": bins, "real": share.tolist(), "generated": np.roll(share, 1).tolist()}
    return {
        "counts": {"drawn": 200, "compared": 134, "floor": 134, "paired": False},
        "fd_domain": {"distance": figure(3.2, floor=1.1)},
        "kid_domain": {"distance": figure(0.02, floor=0.001)},
        "texture": {"distance": figure(1.9)},
        "trivial": {
            "mean_picture": {"fd_domain": figure(40.0)},
            "mean_with_noise": {"fd_domain": figure(31.0)},
            "ratio": figure(0.1, floor=None),
        },
        "manifold": {"precision": figure(0.8, floor=0.9), "coverage": figure(0.5, floor=0.9)},
        "ms_ssim": {"generated": figure(0.61, floor=0.55), "real": 0.55},
        "spectrum": {
            "slope": figure(2.8, floor=3.0),
            "slope_real": 3.05,
            "difference": figure(0.25, floor=0.02),
            "curves": {"frequency": frequency, "generated": [0.97 * each for each in real], "real": real},
        },
        "tissue": {
            "area": {"wd": figure(0.02), "mean": figure(0.4), "histogram": tissue},
            "density": {"wd": figure(0.03), "mean": figure(0.2), "histogram": tissue},
            "empty": figure(0.0, floor=0.0),
            "level": 0.41,
        },
        "strata": {
            "minimum": 50,
            "view": {
                "CC": {"fd_domain": figure(3.9), "n": 70},
                "MLO": {"fd_domain": figure(None, "fewer than 50 pictures"), "n": 31},
            },
        },
        "privacy": {
            "passed": passed,
            "reasons": [] if passed else ["3 pictures are copies (correlation above 0.98)"],
            "pixels": {"near": 0.02, "quantile": 0.01, "bound": 0.04},
            "features": {"near": 0.01, "quantile": 0.01, "bound": 0.04},
            "copied": 0 if passed else 3,
            "held_out_correlation": 0.91,
            "counts": {"generated": 200, "train": 600, "held_out": 134},
            "limits": {"correlation": 0.98, "near_share": 0.03, "fewest": [50, 100, 100]},
            "nearest": [{"generated": 4, "train": "T-17", "distance": 0.12, "correlation": 0.93}],
        },
    }


def conditional(passed: bool = True) -> dict[str, Any]:
    return {
        **generated(passed),
        "condition_fidelity": {
            "view": {**figure(0.93, floor=0.97), "real": 0.97, "confusion": [[62, 5], [4, 63]]},
            "density": {
                "agreement": figure(0.55, floor=0.62),
                "real": figure(0.62, floor=None),
                "confusion": {
                    "A": {"A": 5, "B": 3, "C": 0, "D": 0},
                    "B": {"A": 2, "B": 30, "C": 9, "D": 1},
                    "C": {"A": 0, "B": 10, "C": 28, "D": 4},
                    "D": {"A": 0, "B": 0, "C": 5, "D": 6},
                },
            },
            "density_order": figure(0.71, floor=0.8),
            "cancer": figure(None, "the classifier reads 0.51 of real pictures"),
        },
    }


def result(passed: bool = True, seed: int = 0) -> dict[str, Any]:
    reconstruction = {
        "counts": {"drawn": 134, "compared": 134, "floor": 134, "paired": True},
        "reconstruction": {
            "ssim": figure(0.81, floor=None),
            "ms_ssim": figure(0.86, floor=None),
            "psnr": figure(24.1, floor=None),
            "l1": figure(0.03, floor=None),
            "mean_picture": {"ssim": figure(0.62, floor=None)},
            "gain": figure(0.19, floor=None),
            "per_stratum": {
                "view": {"CC": {"ssim": figure(0.8), "n": 66}, "MLO": {"ssim": figure(0.82), "n": 68}}
            },
        },
        "latent": {"kl": figure(54.2, floor=None), "active_units": figure(31, floor=None), "units": 128},
    }
    modes = {
        "unconditional": generated(),
        "conditional": conditional(passed),
        "reconstruction": reconstruction,
    }
    return {
        "model": "one",
        "dataset": "nlbs_phantom",
        "seed": seed,
        "profile": "quick",
        "mode": "unconditional",
        "modes": modes,
        "provenance": {
            "package_version": "1.2.3",
            "data_fingerprint": "f" * 64,
            "weights_sha256": "e" * 64,
            "commit": "0123456789abcdef",
        },
    }


def asked(count: int) -> Floats:
    """Conditions in turn; the last picture has none."""
    rows = np.array([[k % 2, (k // 2) % 2, 50.0 + k, k % 4] for k in range(count)], dtype=np.float64)
    rows[-1] = np.nan
    return rows


def discs(count: int, side: int, seed: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Half discs at the left border, with a texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    radius = rng.uniform(0.3, 0.48, count)[:, None, None]
    body = (x**2 + (y - 0.5) ** 2) < radius**2
    texture = 0.45 + 0.1 * rng.standard_normal((count, side, side))
    return np.rint(np.clip(body * texture, 0, 1) * 65535).astype(np.uint16)[:, None]


def gallery(mode: str, side: int, seed: int, encoded: bool, private: bool) -> Gallery:
    made, real = discs(7, side, seed), discs(7, side, seed + 1)
    shown = slice(0, 0 if private else None)
    return Gallery(
        mode=mode,
        given=None,
        samples=made,
        asked=asked(7) if mode != "unconditional" else np.full((7, 4), np.nan),
        measured=np.full((7, 4), np.nan),
        nearest=real[shown],
        nearest_ids=tuple(f"T-{k}" for k in range(7))[shown],
        distances=np.linspace(0.05, 0.2, 7)[shown],
        truth=real if encoded else None,
        truth_ids=tuple(f"V-{k}" for k in range(7)),
        intensities=tuple(np.full(32, 1 / 32).tolist()),
    )


def family(model: str, side: int = SIDE, private: bool = False, passed: bool = True, seed: int = 0) -> Family:
    run = Run(
        seed=seed,
        result={**result(passed, seed), "model": model},
        phases=(Phase("main", {"train": Series((1, 2, 3), (3.0, 2.0, 1.0))}),),
        learned={},
        cost=Cost(14_000_000, 600.0, 10**9, None, "cpu"),
        folder=f"outputs/{model}_nlbs_phantom/now",
        weights="best_model.safetensors",
        config_sha256="c" * 64,
    )
    modes = [("unconditional", False), ("conditional", False), ("reconstruction", True)]
    galleries = [
        gallery(mode, side, 3 + k, encoded, private)
        for k, (mode, encoded) in enumerate(modes)
        if not (private and encoded)
    ]
    truth = discs(3, side, 90)
    worst = Worst(
        errors=np.array([0.2, 0.15, 0.1]),
        typical=0.05,
        names=("V-1", "V-2", "V-3"),
        asked=asked(3),
        truth=truth[:0] if private else truth,
        samples=truth[:0] if private else discs(3, side, 91),
    )
    return Family(model, (run,), tuple(galleries), notes=("a note",), worst=worst)


def study(private: bool = False, side: int = SIDE, **changed: Any) -> Study:
    models = ("one", "two")
    families = tuple(family(model, side, private, passed=model == "one") for model in models)
    real = discs(5, side, 77)
    kept = slice(0, 0 if private else None)
    content: dict[str, Any] = {
        "spec": spec(side),
        "description": "phantom mammograms",
        "counts": {"train": 600, "test": 134},
        "summary": study_makers.summary(models, "a reason", "a warning"),
        "families": families,
        "real": real[kept],
        "real_conditions": asked(5)[kept],
        "private": private,
        "statistics": (
            Counted("view", "CC", 300, 67),
            Counted("view", "MLO", 300, 67),
            Counted("age", "median (range)", "60 years (50 to 74)", "61 years (51 to 73)"),
            Counted("age", "unknown", 3, 0),
        ),
        "split_hashes": {"train": "a" * 64, "test": "b" * 64},
        "intensities": tuple(np.linspace(0, 2 / 32, 32).tolist()),
        "alone": families,
    }
    return Study(**{**content, **changed})
