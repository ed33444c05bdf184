"""Reconstruction: how alike a held-out picture and its decoded code are."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.evaluation import similarity
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.grey_descriptors import AIR, intensities
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.scalar import Json, number
from epuredgm.evaluation.strata import strata
from epuredgm.evaluation.trivial_generators import mean_pictures, stored

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
LEAST = 5  # pictures of a stratum
NAMES = ("ssim", "ms_ssim", "psnr", "l1")


def compute(case: Case) -> Json:
    """``ssim``, ``ms_ssim``, ``psnr`` (dB) and ``l1``: means over held-out pictures against what came back.

    ``spread.<figure>``: ``std``, ``p5``, ``p95`` over the ``n`` pictures. ``masked.ssim`` and ``masked.l1``:
    inside the real body only, for air is easy. ``per_stratum.<condition>.<value>``: the four
    means and ``n``, null below ``stratum_minimum`` pictures.
    ``mean_picture``: SSIM and L1 of the mean train picture of the stratum, ``gain``: SSIM beyond its.
    """
    real = intensities(case.real)
    drawn = intensities(case.generated)
    mean = stored(mean_pictures(case.train, case.real, case.spec), case.spec)
    trivial = mean.astype(np.float32) / np.float32(case.real.levels)
    found = {name: _per_picture(name, drawn, real) for name in NAMES}
    masked = {name: _per_picture(name, drawn, real, masked=True) for name in ("ssim", "l1")}
    plain = {name: _per_picture(name, trivial, real) for name in ("ssim", "l1")}
    too_small = f"pictures of {case.spec.height} x {case.spec.width} px do not hold the window"
    block: Json = {name: case.mean(values, missing=too_small) for name, values in found.items()}
    return {
        **block,
        "spread": {name: _spread(values) for name, values in found.items()},
        "masked": {name: case.mean(values, missing=too_small) for name, values in masked.items()},
        "per_stratum": _per_stratum(case, found),
        "stratum_minimum": LEAST,
        "mean_picture": {name: case.mean(values, missing=too_small) for name, values in plain.items()},
        "gain": case.mean(found["ssim"] - plain["ssim"], missing=too_small),
        "n": len(real),
        "data_range": 1,
        "window": similarity.WINDOW,
        "scales": similarity.scales_of(*case.spec.size),
    }


def _per_picture(name: str, drawn: Floats32, real: Floats32, masked: bool = False) -> Floats:
    """(n,) one figure of each pair of pictures, the mean over their components."""
    columns = []
    for c in range(real.shape[1]):
        x, y = (torch.from_numpy(np.ascontiguousarray(side[:, c : c + 1])) for side in (drawn, real))
        if masked:
            body = y > AIR
            columns.append((similarity.ssim if name == "ssim" else similarity.l1)(x, y, body))
        else:
            columns.append(getattr(similarity, name)(x, y))
    return np.asarray(torch.stack(columns).mean(dim=0).double().numpy())


def _spread(values: Floats) -> Json:
    known = values[np.isfinite(values)]
    if known.size < 2:
        return {"std": None, "p5": None, "p95": None}
    low, high = np.quantile(known, [0.05, 0.95])
    return {"std": number(float(known.std(ddof=1))), "p5": number(float(low)), "p95": number(float(high))}


def _per_stratum(case: Case, found: dict[str, Floats]) -> Json:
    result: Json = {}
    for stratum in strata(case.spec, case.train):
        flags = stratum.of(case.real)
        count = int(flags.sum())
        means = {
            name: number(float(values[flags].mean())) if count >= LEAST else None
            for name, values in found.items()
        }
        result.setdefault(stratum.condition, {})[stratum.name] = {"n": count, **means}
    return result


METRIC = Metric(
    key="reconstruction",
    title="Reconstruction",
    modes=(Mode.RECONSTRUCTION,),
    headlines=(
        Headline("reconstruction_ssim", "ssim", "higher", bounds=(-1, 1), title="SSIM of reconstructions"),
        Headline(
            "reconstruction_ms_ssim", "ms_ssim", "higher", bounds=(0, 1), title="MS-SSIM of reconstructions"
        ),
        Headline("psnr", "psnr", "higher", unit="dB", title="PSNR of reconstructions"),
        Headline("l1", "l1", bounds=(0, 1), title="Mean error of reconstructions"),
        Headline(
            "reconstruction_gain", "gain", "higher", bounds=(-1, 1), title="SSIM beyond the mean picture's"
        ),
    ),
    compute=compute,
    values=("grey",),
)
