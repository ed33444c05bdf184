"""How long distances between sets of features take, beside the usual ways to them.

    python benchmarks/feature_distances.py [COUNT [WIDTH]]

Random features of COUNT (4,000) designs a side and WIDTH (2,048) axes, correlated and shrinking like a
network's, one thread. The usual ways are pytorch-fid's own function (a root of the product of covariances, by
scipy) and torchmetrics' KID as one subset. Times are wall-clock seconds; values stand beside them.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_fid.fid_score import calculate_frechet_distance
from torchmetrics.image.kid import poly_mmd

from epuredgm.evaluation.frechet import frechet_distance, frechet_left_out
from epuredgm.evaluation.kernel_distance import kernel_distance, kernel_left_out
from epuredgm.evaluation.view import View, jackknife_groups

Floats = NDArray[np.float64]
GROUPS = 20


def main(count: int, width: int) -> None:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    warnings.filterwarnings("ignore", message="The `disp` argument is deprecated")
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(width, width)) * np.arange(1, width + 1) ** -0.5
    x, y = (features(rng, count, mixing, shift) for shift in (0.0, 0.05))
    few = min(count, 200)
    frechet_distance(x[:few], y[:few])  # the library's first call is not what is measured
    view = View(x, y, x, y, jackknife_groups(rng, count, GROUPS), repeats=20)

    print(f"{count} against {count} designs, {width} features, {torch.get_num_threads()} thread(s)\n")
    print(f"{'':44}{'seconds':>9}{'value':>20}")
    line(f"Frechet distance, {few} against {few}", lambda: frechet_distance(x[:few], y[:few]))
    line("Frechet distance", lambda: frechet_distance(x, y))
    line("  the same by pytorch-fid (scipy's sqrtm)", lambda: by_pytorch_fid(x, y))
    line(f"  left-out values, {GROUPS} groups", lambda: float(frechet_left_out(view).mean()))
    line("kernel distance (KID)", lambda: kernel_distance(x, y))
    line("  the same by torchmetrics, one subset", lambda: by_torchmetrics(x, y))
    line(f"  left-out values, {GROUPS} groups", lambda: float(kernel_left_out(view).mean()))
    # further extractors, e.g. how long the domain features of as many designs take, follow here


def features(rng: np.random.Generator, count: int, mixing: Floats, shift: float) -> Floats:
    return np.asarray(rng.normal(size=(count, len(mixing))) @ mixing.T + shift)


def by_pytorch_fid(x: Floats, y: Floats) -> float:
    moments = [moment for side in (x, y) for moment in (side.mean(axis=0), np.cov(side, rowvar=False))]
    return float(calculate_frechet_distance(*moments))


def by_torchmetrics(x: Floats, y: Floats) -> float:
    return float(poly_mmd(torch.from_numpy(x), torch.from_numpy(y)))


def line(what: str, work: Callable[[], float]) -> None:
    start = time.perf_counter()
    value = work()
    print(f"{what:44}{time.perf_counter() - start:8.2f}s{value:20.9g}", flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in (*sys.argv[1:], *("4000", "2048")[len(sys.argv) - 1 :])))
