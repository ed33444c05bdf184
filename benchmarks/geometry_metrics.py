"""How long it takes to score 4,000 designs against 4,000, and what loops over single designs would take.

    python benchmarks/geometry_metrics.py [COUNT]

Everything is timed from images to figures on one thread: descriptors of the samples and of all 20,000 real
designs, every metric, 1,000 bootstrap resamples and 20 real-against-real draws. The naive forms are timed on
a part of the same work and scaled up; how much of it is printed beside each. Times are processor seconds, so
that a busy machine does not spoil them; the wall clock stands beside the first two.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import wasserstein_distance

from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.samples import SampleSet
from epuredgm.data.toy_shapes import COMPONENTS, render, split_channels
from epuredgm.data.toy_stream import draw
from epuredgm.evaluation import geometry
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.evaluator import Samples, evaluate
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.resampling import bootstrap_counts

SETTINGS = EvaluationSettings(bootstrap=1000, confidence=0.95, floor_repeats=20, jackknife_groups=20)
MEASURE = "epuredgm.data.measure.mirrored_"
SPEC = DataSpec(
    name="toy",
    height=64,
    width=32,
    components=tuple(Component(name, name, "#000000") for name in COMPONENTS),
    conditions=tuple(Condition(f"{side}_px", "px", MEASURE + side) for side in ("width", "height")),
)
Masks = NDArray[np.bool_]


def main(count: int) -> None:
    train, parameters = draw(20_000, 42, SILENT)
    images = split_channels(render(parameters)[0])
    sizes = np.stack([mirrored_width(images), mirrored_height(images)], axis=1)
    ids = np.arange(len(images)).astype(np.str_)
    designs = Designs(images, ids, train, sizes, SPEC.condition_names, "toy")
    rng = np.random.default_rng(0)
    chosen = images[train][rng.choice(int(train.sum()), count, replace=False)]
    asked = designs.split("test").rows(np.arange(min(count, int((~train).sum()))))
    all_metrics()  # imports are not what is measured
    print(f"{count} against {len(asked)} designs, {SETTINGS.bootstrap} resamples, one thread\n")
    print(f"{'':38}{'here':>9}{'naive':>10}{'':>4}naive form")
    samples = sample_set(chosen, None)
    evaluation("metrics of an unconditional set", designs, {"unconditional": samples})
    samples = sample_set(chosen[: len(asked)], asked)
    evaluation("all metrics, on an inpainting set", designs, {"inpainting": {COMPONENTS[0]: samples}})
    masks = chosen.astype(bool)
    compare("pieces (one connectivity)", naive_pieces, lambda m: geometry.pieces(m, 4), masks)
    compare("centres of mass", naive_centres, centres, masks)
    compare("pairwise IoU and Dice", naive_overlaps, overlaps, masks)
    bootstrap(count)


def sample_set(images: NDArray[np.uint8], asked: Designs | None) -> SampleSet:
    """``images`` as samples: of any kind, or as if drawn around the first component of ``asked``."""
    count = len(images)
    given = np.zeros((count, SPEC.channels), dtype=bool)
    given[:, 0] = asked is not None
    return SampleSet(
        images=images,
        components=COMPONENTS,
        conditions=(np.full((count, 2), np.nan) if asked is None else asked.conditions).astype(np.float32),
        condition_names=SPEC.condition_names,
        ids=np.full(count, "", dtype=np.str_) if asked is None else asked.ids,
        given=given,
        meta={},
    )


def evaluation(what: str, designs: Designs, samples: Samples) -> None:
    start = time.perf_counter()
    seconds = best(lambda: evaluate(SPEC, designs, samples, SETTINGS, 0), repeats=3)
    wall = (time.perf_counter() - start) / 3
    print(f"{what:38}{seconds:8.2f}s{'':14}wall clock {wall:.2f}s")


def compare(
    what: str, naive: Callable[[Masks], object], here: Callable[[Masks], object], masks: Masks
) -> None:
    count = len(masks)
    part = masks[: min(count, 400)]
    slow = best(lambda: naive(part), repeats=1) * count / len(part)
    note = f"one design at a time, {len(part)} of {count}"
    print(f"{what:38}{best(lambda: here(masks), repeats=3):8.2f}s{slow:9.2f}s    {note}")


def bootstrap(count: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, count))
    weights = [bootstrap_counts(rng, count, SETTINGS.bootstrap) for _ in range(2)]
    fast = best(lambda: Line(x, y).spread(*weights), repeats=3)
    part = 100

    def naive() -> None:
        for _ in range(part):
            wasserstein_distance(rng.choice(x, count), rng.choice(y, count))

    slow = best(naive, repeats=1) * SETTINGS.bootstrap / part
    note = f"scipy for each resample, {part} of {SETTINGS.bootstrap}"
    print(f"{'bootstrapped W1, one coordinate':38}{fast:8.2f}s{slow:9.2f}s    {note}")


def centres(masks: Masks) -> object:
    return geometry.centres(geometry.profiles(masks), masks.shape[2])


def overlaps(masks: Masks) -> object:
    area = geometry.areas(geometry.profiles(masks), masks.shape[2])
    return geometry.overlaps(geometry.shared_pixels(masks), area)


def naive_pieces(masks: Masks) -> object:
    return [[ndimage.label(mask)[1] for mask in design] for design in masks]


def naive_centres(masks: Masks) -> object:
    return [[ndimage.center_of_mass(mask) for mask in design] for design in masks]


def naive_overlaps(masks: Masks) -> object:
    found = []
    for design in masks:
        for a, b in geometry.pairs(len(design)):
            both, either = (design[a] & design[b]).sum(), (design[a] | design[b]).sum()
            found.append((both / either, 2 * both / (design[a].sum() + design[b].sum())))
    return found


def best(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
