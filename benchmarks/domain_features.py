"""How long it takes to learn the domain features, to describe designs with them, and to compare sets.

    python benchmarks/domain_features.py [COUNT]

The features are learned from the whole toy data with the settings of profile quick. The naive forms (one
design at a time through the same network, loops over points) are timed on a part of the same work and scaled
up; how much of it is printed beside each. Times are of one thread (set OMP_NUM_THREADS for more).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray

from epuredgm.config import compose, find_conf
from epuredgm.core.fields import read
from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import ReferenceSettings
from epuredgm.core.spec import Component, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.toy_shapes import COMPONENTS, render, split_channels
from epuredgm.data.toy_stream import draw
from epuredgm.evaluation.extractor import Setting
from epuredgm.evaluation.extractors.domain import MAKER
from epuredgm.evaluation.frechet import frechet_distance
from epuredgm.evaluation.manifold import manifold_figures

NEIGHBOURS, GROUPS = 5, 20
Floats = NDArray[np.float64]


def main(count: int) -> None:
    train, parameters = draw(20_000, 42, SILENT)
    images = split_channels(render(parameters)[0])
    nothing = np.empty((len(images), 0))
    designs = Designs(images, np.arange(len(images)).astype(np.str_), train, nothing, (), "toy")
    spec = DataSpec("toy", 64, 32, tuple(Component(name, name, "#000000") for name in COMPONENTS), ())
    settings = read(ReferenceSettings, compose(find_conf(), "toy", "vae", "quick", [])["reference"])
    setting = Setting(spec, settings, None, torch.device("cpu"))
    print(f"{count} against {count} designs, {torch.get_num_threads()} threads\n")
    print(f"{'':44}{'here':>9}{'naive':>10}{'':>4}naive form")
    with tempfile.TemporaryDirectory() as folder:
        learned = seconds(lambda: MAKER.fit(setting, designs, Path(folder), SILENT))
        work = f"{settings.domain.networks} networks, {settings.domain.steps} steps each"
        line(f"learning, {work}, on {int(train.sum())} designs", learned)
        extractor, *_ = MAKER.load(setting, Path(folder))
    real, made = images[~train][:count], images[train][:count]
    described = seconds(lambda: [extractor.describe(side) for side in (real, made)])
    alone = seconds(lambda: [extractor.describe(design[None]) for design in real[:400]]) * 2 * count / 400
    line("describing both sides", described, alone, "one design at a time, 400 of them")
    compare(*(extractor.describe(side).astype(np.float64) for side in (real, made)))


def compare(real: Floats, made: Floats) -> None:
    whole = np.ones((1, len(real)), dtype=bool)
    kept = np.arange(len(real)) % GROUPS != np.arange(GROUPS)[:, None]
    ways = np.concatenate([whole, kept])
    line("Frechet distance", seconds(lambda: frechet_distance(made, real)))
    groups = seconds(lambda: [frechet_distance(made[rows], real[rows]) for rows in kept])
    line(f"its jackknife, {GROUPS} groups", groups)
    part = min(400, len(real))
    slow = seconds(lambda: naive_manifold(real[:part], made[:part])) * (len(real) / part) ** 2
    note = f"loops over points, {part} of either side"
    line("manifold figures", seconds(lambda: manifold_figures(real, made, whole, NEIGHBOURS)), slow, note)
    line("the same with their jackknife", seconds(lambda: manifold_figures(real, made, ways, NEIGHBOURS)))


def naive_manifold(real: Floats, made: Floats) -> list[float]:
    def apart(a: Floats, b: Floats) -> float:
        return float(((a - b) ** 2).sum())

    balls, around = (
        [sorted(apart(p, q) for q in side)[NEIGHBOURS] for p in side] for side in (real, made)
    )  # the nearest point is the point itself
    inside = np.array([[apart(g, r) <= ball for r, ball in zip(real, balls, strict=True)] for g in made])
    recalled = [any(apart(r, g) <= ball for g, ball in zip(made, around, strict=True)) for r in real]
    shares = inside.any(axis=1), recalled, inside.sum(axis=1) / NEIGHBOURS, inside.any(axis=0)
    return [float(np.mean(each)) for each in shares]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def line(what: str, here: float, naive: float | None = None, note: str = "") -> None:
    slow = f"{naive:9.2f}s" if naive is not None else " " * 10
    print(f"{what:44}{here:8.2f}s{slow}    {note}".rstrip())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
