"""Toy designs and sample sets of known quality, shared by the evaluation tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import (
    ConditionReaderSettings,
    DomainSettings,
    EvaluationSettings,
    InceptionSettings,
    ReferenceSettings,
)
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data import toy_table
from epuredgm.data.designs import Designs
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.samples import SampleSet
from epuredgm.data.toy_shapes import COMPONENTS, render, split_channels
from epuredgm.data.toy_stream import draw
from epuredgm.evaluation.extractor import Setting
from epuredgm.evaluation.extractors import domain
from epuredgm.evaluation.reference import Reference, load_reference, make_reference

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
def domain_setting(spec: DataSpec) -> Setting:
    """An extractor that is learned in a few seconds."""
    domain = DomainSettings(
        networks=2, features=8, steps=250, batch_size=32, lr=3e-3, fault_chance=0.3, fault_weight=2.0, seed=0
    )
    inception = InceptionSettings(weights=None, sha256="0" * 8, download=False, designs=10)
    reader = ConditionReaderSettings(steps=200, batch_size=32, lr=2e-3, seed=0)
    return Setting(spec, ReferenceSettings(domain, reader, inception), None, torch.device("cpu"))


@pytest.fixture(scope="session")
def reference(
    designs: Designs, domain_setting: Setting, tmp_path_factory: pytest.TempPathFactory
) -> Reference:
    """The toy designs as an extractor sees them that was learned from their train split."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("reference") / "toy"
    make_reference((domain.MAKER,), domain_setting, designs, path, SILENT)
    return load_reference((domain.MAKER,), domain_setting, designs, path)


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
