"""On the whole published toy data the floors and the shuffled baseline have their known values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.evaluation.distances import Line
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import subsets

pytestmark = pytest.mark.slow

REPEATS = 20
# n train designs against all 4,000 test: (mean, std over 20 draws) of nc, km, fpu, overall, vector mean
FLOORS = {
    200: [(0.126, 0.026), (0.145, 0.038), (0.174, 0.042), (0.142, 0.028), (0.148, 0.028)],
    1000: [(0.055, 0.013), (0.062, 0.016), (0.088, 0.022), (0.065, 0.013), (0.069, 0.013)],
    4000: [(0.028, 0.007), (0.037, 0.008), (0.045, 0.006), (0.034, 0.005), (0.036, 0.005)],
}


@pytest.fixture(scope="module")
def centres(published: Designs) -> list[NDArray[np.float64]]:
    """(N, C, 2) of the train and of the test designs."""
    everyone = Population(
        published.images, "binary", published.conditions, published.condition_names
    ).centres()
    return [everyone[published.train], everyone[~published.train]]


@pytest.mark.parametrize("count", FLOORS)
def test_floors(centres: list[NDArray[np.float64]], count: int) -> None:
    train, test = centres
    weights = subsets(np.random.default_rng(count), len(train), count, REPEATS)
    ones = np.ones((REPEATS, len(test)))

    def floor(components: list[int]) -> NDArray[np.float64]:
        axes = [Line(train[:, components, k], test[:, components, k]).distance(weights, ones) for k in (0, 1)]
        return np.mean(axes, axis=0)

    alone = [floor([c]) for c in range(3)]
    measured = [*alone, floor([0, 1, 2]), np.mean(alone, axis=0)]
    for draws, (mean, std) in zip(measured, FLOORS[count], strict=True):
        assert abs(draws.mean() - mean) < 4 * std * np.sqrt(2 / REPEATS)  # two means of 20 draws each


def test_the_shuffled_baseline(published: Designs, spec: DataSpec, make: Any) -> None:
    rng = np.random.default_rng(0)
    images = published.split("train").images[rng.choice(16_000, 4000, replace=False)]
    images = np.stack([images[rng.permutation(4000), c] for c in range(3)], axis=1)
    result = evaluate(
        spec, published, {"unconditional": make(images)}, EvaluationSettings(100, 0.95, 20, 20), 0
    )
    block = result["metrics"]
    expected = {
        "group_nc_group_km": (0.101, 0.164),
        "group_nc_fpu": (0.080, 0.138),
        "group_km_fpu": (0.013, 0.024),
    }
    for pair, (iou, dice) in expected.items():
        assert block["iou_dice"][pair]["iou_wd"]["value"] == pytest.approx(iou, rel=0.1)
        assert block["iou_dice"][pair]["dice_wd"]["value"] == pytest.approx(dice, rel=0.1)
    assert block["rce"]["gen_wd"]["value"] == pytest.approx(0.479, abs=0.04)
    assert block["com"]["overall"]["wasserstein"]["value"] < 0.06
    assert block["com"]["overall"]["wasserstein"]["floor"]["mean"] == pytest.approx(0.034, abs=0.006)
    assert block["rce"]["gen_wd"]["floor"] == {"mean": 0, "std": 0}
