"""How long it takes to score 4,000 designs against 4,000, and what loops over single designs would take.

    python benchmarks/geometry_metrics.py [COUNT]

Everything is timed from images to figures on one thread: descriptors of the samples and of all 20,000 real
designs, every metric, 1,000 bootstrap resamples and 20 real-against-real draws. The search for the nearest
train designs, 64 million comparisons of pictures, is listed apart; so is each metric, whose time includes the
descriptors that it is the first to ask for. The naive forms are timed on a part of the same work and scaled
up; how much of it is printed beside each. Times are processor seconds, so that a busy machine does not spoil
them.
"""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.samples import SampleSet
from epuredgm.data.toy_shapes import COMPONENTS, render, split_channels
from epuredgm.data.toy_stream import draw
from epuredgm.evaluation import geometry
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.energy import energy_distance, left_out_distances
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
SEARCH = "memorisation"
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
    any_design, around = sample_set(chosen, None), sample_set(chosen[: len(asked)], asked)
    evaluation("unconditional", designs, {"unconditional": any_design})
    evaluation("inpainting", designs, {"inpainting": {COMPONENTS[0]: around}})
    beyond = replace(around, ids=any_design.ids[: len(asked)], conditions=around.conditions * 1.2)
    evaluation("extrapolation", designs, {"extrapolation": beyond})
    masks = chosen.astype(bool)
    compare("pieces (one connectivity)", naive_pieces, lambda m: geometry.pieces(m, 4), masks)
    compare("centres of mass", naive_centres, centres, masks)
    compare("pairwise IoU and Dice", naive_overlaps, overlaps, masks)
    compare("contact lengths", naive_contact_lengths, geometry.contact_lengths, masks)
    energy(count)
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


class Clock(Monitor):
    """Notes the processor time after each metric."""

    def __init__(self) -> None:
        self.times = [time.process_time()]

    def progress(self, done: int, total: int, what: str = "") -> None:
        """A metric is done."""
        self.times.append(time.process_time())


def evaluation(mode: str, designs: Designs, samples: Samples) -> None:
    """The time of each metric in the quickest of three evaluations, the search for neighbours apart."""
    clocks = []
    for _ in range(3):
        clock = Clock()
        evaluate(SPEC, designs, samples, SETTINGS, 0, clock)
        clocks.append(np.diff(clock.times))
    spent = dict(zip((metric.key for metric in all_metrics()), min(clocks, key=np.sum), strict=True))
    apart = spent.pop(SEARCH) if SEARCH in spent else 0.0
    print(f"{f'all metrics of {mode} designs':38}{sum(spent.values()):8.2f}s")
    parts = [f"{key} {seconds:.2f}" for key, seconds in spent.items() if seconds >= 0.005]
    print(*textwrap.wrap(", ".join(parts), 80, initial_indent="    ", subsequent_indent="    "), sep="\n")
    if apart >= 0.005:
        print(f"{'    and the search for neighbours':38}{apart:8.2f}s")


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


def energy(count: int) -> None:
    """The energy distance with its jackknife, against a distance matrix for each group that is left out."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, count, 15))
    groups = rng.permutation(np.arange(count) % SETTINGS.jackknife_groups)
    fast = best(lambda: (energy_distance(x, y), left_out_distances(x, y, groups)), repeats=3)

    def naive() -> None:
        kept = [side[groups != 0] for side in (x, y)]
        for a, b in ((0, 1), (0, 0), (1, 1)):
            cdist(kept[a], kept[b]).mean()

    slow = best(naive, repeats=1) * (SETTINGS.jackknife_groups + 1)
    note = f"scipy for each group left out, 1 of {SETTINGS.jackknife_groups}"
    print(f"{'energy distance and its jackknife':38}{fast:8.2f}s{slow:9.2f}s    {note}")


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


def naive_contact_lengths(masks: Masks) -> object:
    found = []
    for design in masks:
        for a, b in geometry.pairs(len(design)):
            sides = [(design[:, 1:], design[:, :-1]), (design[:, :, 1:], design[:, :, :-1])]
            found.append(sum(((u[a] & v[b]) | (u[b] & v[a])).sum() for u, v in sides))
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
