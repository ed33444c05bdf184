"""Toy designs and sample sets of known quality, shared by the evaluation tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data import toy_table
from epuredgm.data.designs import Designs
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.samples import SampleSet
from epuredgm.data.toy_shapes import COMPONENTS, render, split_channels
from epuredgm.data.toy_stream import draw

Make = Callable[..., SampleSet]


def _toy_designs(count: int) -> Designs:
    train, parameters = draw(count, 42, SILENT)
    images = split_channels(render(parameters)[0])
    sizes = np.stack([mirrored_width(images), mirrored_height(images)], axis=1)
    return Designs(images, toy_table.matching(count), train, sizes, ("width_px", "height_px"), "toy")


@pytest.fixture(scope="session")
def spec() -> DataSpec:
    measure = "epuredgm.data.measure.mirrored_"
    return DataSpec(
        name="toy",
        height=64,
        width=32,
        components=tuple(Component(name, name, "#000000") for name in COMPONENTS),
        conditions=tuple(Condition(f"{side}_px", "px", measure + side) for side in ("width", "height")),
        exclusive=True,
        mirrored=True,
    )


@pytest.fixture(scope="session")
def designs() -> Designs:
    """1,200 train and 300 test designs, or nearly."""
    return _toy_designs(1500)


@pytest.fixture(scope="session")
def published() -> Designs:
    """The whole published toy data."""
    return _toy_designs(20_000)


@pytest.fixture(scope="session")
def settings() -> EvaluationSettings:
    return EvaluationSettings(bootstrap=100, confidence=0.95, floor_repeats=10, jackknife_groups=10)


@pytest.fixture(scope="session")
def make(spec: DataSpec) -> Make:
    """A sample set of given images; with ``asked`` (test designs) it is conditional on their rows."""

    def build(images: NDArray[np.uint8], asked: Designs | None = None, given: int | None = None) -> SampleSet:
        count = len(images)
        flags = np.zeros((count, spec.channels), dtype=bool)
        if given is not None:
            flags[:, given] = True
        conditions = np.full((count, 2), np.nan) if asked is None else asked.conditions
        return SampleSet(
            images=images,
            components=spec.component_names,
            conditions=conditions.astype(np.float32),
            condition_names=spec.condition_names,
            ids=np.full(count, "", dtype=np.str_) if asked is None else asked.ids,
            given=flags,
            meta={},
        )

    return build
