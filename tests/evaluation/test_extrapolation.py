"""Beyond the training range: a generator that follows has slope 1 and no error; one that stays, slope 0."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.scalar import figures

Make = Callable[..., SampleSet]
Floats = NDArray[np.float64]
Block = dict[str, Any]
COUNT = 200


@pytest.fixture(scope="module")
def block(
    spec: DataSpec, designs: Designs, settings: EvaluationSettings, make: Make
) -> Callable[[NDArray[np.uint8], Floats], Block]:
    """The block of designs that were asked for (n, 2) widths and heights."""

    def run(images: NDArray[np.uint8], asked: Floats) -> Block:
        samples = replace(make(images), conditions=asked.astype(np.float32))
        result = evaluate(spec, designs, {"extrapolation": samples}, settings, 0)
        json.dumps(result, allow_nan=False)
        return dict(result["modes"]["extrapolation"])

    return run


@pytest.fixture(scope="module")
def ends(designs: Designs) -> tuple[Floats, Floats]:
    known = designs.conditions[designs.train]
    return known.min(axis=0), known.max(axis=0)


def bars(heights: Floats, half: int = 27) -> NDArray[np.uint8]:
    """Designs of one rectangle: 2 ``half`` + 1 wide, as high as asked."""
    images = np.zeros((len(heights), 3, 64, 32), dtype=np.uint8)
    for image, height in zip(images, heights, strict=True):
        image[:, 64 - int(height) + 1 :, 32 - half :] = 1
    return images


def sweep(ends: tuple[Floats, Floats]) -> Floats:
    """(COUNT, 2) heights from four pixels below to four above the train range, at one width."""
    heights = np.resize(np.arange(ends[0][1] - 4, ends[1][1] + 5), COUNT)
    return np.column_stack([np.full(COUNT, 55.0), heights])


def test_a_generator_that_follows_what_is_asked(block: Any, ends: tuple[Floats, Floats]) -> None:
    asked = sweep(ends)
    found = block(bars(asked[:, 1]), asked)
    high = found["extrapolation"]["conditions"]["height_px"]
    assert high["train"] == [ends[0][1], ends[1][1]]
    assert high["inside"]["value"] == high["outside"]["value"] == 0
    assert high["inside"]["floor"] == {"mean": 0, "std": 0} and high["outside"]["floor"] is None
    assert high["slope"]["value"] == pytest.approx(1) and high["slope"]["interval"] == pytest.approx([1, 1])
    assert high["valid"]["value"] == 0 == found["validity"]["valid"]["value"]  # bars follow, and are no tyres
    for point in high["curve"]:
        assert point["measured"] == pytest.approx(point["asked"])
        assert point["low"] <= point["measured"] <= point["high"]


def test_a_generator_that_stays_where_it_was_trained(block: Any, ends: tuple[Floats, Floats]) -> None:
    asked = sweep(ends)
    stays = np.clip(asked[:, 1], ends[0][1], ends[1][1])
    high = block(bars(stays), asked)["extrapolation"]["conditions"]["height_px"]
    assert high["inside"]["value"] == 0
    assert high["outside"]["value"] == pytest.approx(2.5, abs=0.05)  # 1, 2, 3 and 4 pixels on either side
    assert high["slope"]["value"] == pytest.approx(0, abs=1e-9)  # though the two sides differ
    assert high["outside"]["interval"][0] < 2.5 < high["outside"]["interval"][1]


def test_figures_are_those_of_a_loop_and_the_curve_holds_every_design_that_counts(
    block: Any, ends: tuple[Floats, Floats], designs: Designs
) -> None:
    images = designs.split("test").images[:COUNT]
    rng = np.random.default_rng(0)
    low, high = ends
    asked = rng.uniform(low - 4, high + 4, size=(COUNT, 2))
    asked[::7] = np.where(rng.random((len(asked[::7]), 1)) < 0.5, low, high)  # the very ends are inside
    conditions = block(images, asked)["extrapolation"]["conditions"]
    measured = np.column_stack([mirrored_width(images), mirrored_height(images)])
    seen = (asked >= low - 1e-4) & (asked <= high + 1e-4)
    for k, name in enumerate(("width_px", "height_px")):
        counts, error = seen[:, 1 - k], np.abs(measured - asked)[:, k]
        inside, outside = counts & seen[:, k], counts & ~seen[:, k]
        assert inside.sum() > 20 and outside.sum() > 20 and not counts.all()
        here = conditions[name]
        assert here["inside"]["value"] == pytest.approx(error[inside].mean(), abs=1e-5)
        assert here["outside"]["value"] == pytest.approx(error[outside].mean(), abs=1e-5)
        curve = here["curve"]
        assert [sum(p["count"] for p in curve if p["inside"] == side) for side in (True, False)] == [
            inside.sum(),
            outside.sum(),
        ]
        assert [p["asked"] for p in curve] == sorted(p["asked"] for p in curve)
        whole = sum(p["count"] * p["measured"] for p in curve) / counts.sum()
        assert whole == pytest.approx(measured[counts, k].mean())
        assert all((low[k] - 1e-4 <= p["asked"] <= high[k] + 1e-4) == p["inside"] for p in curve)


def test_without_a_value_beyond_the_range_there_is_a_reason(
    block: Any, ends: tuple[Floats, Floats], designs: Designs
) -> None:
    test = designs.split("test")
    inside = np.clip(test.conditions[:50], *ends)
    found = block(test.images[:50], inside)
    for name, here in found["extrapolation"]["conditions"].items():
        assert here["inside"]["value"] == pytest.approx(0, abs=1), name
        for key in ("outside", "slope", "valid"):
            assert here[key]["value"] is None and here[key]["reason"]
    assert found["adherence"]["conditions"]["width_px"]["within_one"]["value"] > 0.9
    blank = block(np.zeros((20, 3, 64, 32), np.uint8), sweep(ends)[:20])
    for _, figure in figures(blank):
        assert (figure["value"] is None) == bool(figure.get("reason"))
    assert blank["extrapolation"]["conditions"]["height_px"]["outside"]["value"] > 30
