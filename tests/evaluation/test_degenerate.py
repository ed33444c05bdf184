"""Data and samples that hardly vary: every figure is a sensible number, or null with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grey_makers
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from results_made_up import of_scores

from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.data.toy_shapes import render, split_channels
from epuredgm.data.toy_stream import draw
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.extractor import Setting
from epuredgm.evaluation.extractors import conditions, domain
from epuredgm.evaluation.reference import Reference, load_reference, make_reference
from epuredgm.evaluation.scalar import figures
from epuredgm.evaluation.summary import summarise

Images = NDArray[Any]
Change = Callable[[Images], Images]

COUNT = 60
SIDE = 32
LARGEST = 1e8  # squared pixel sides of a contact, summed over pairs: the largest figure that has a meaning
FEW = EvaluationSettings(bootstrap=10, confidence=0.95, floor_repeats=3, jackknife_groups=5)


def first_only(images: Images) -> Images:
    return np.repeat(images[:1], len(images), axis=0)


def two_kinds(images: Images) -> Images:
    return images[np.arange(len(images)) % 2]


def one_odd(images: Images) -> Images:
    """All alike but one, which is a train design."""
    changed = first_only(images)
    changed[1] = images[1]
    return changed


def without_first_component(images: Images) -> Images:
    changed = images.copy()
    changed[:, 0] = 0
    return changed


def one_value(images: Images) -> Images:
    """Flat bodies: what is lit has one intensity."""
    return np.where(images > 0, images.max() // 2 + 1, 0).astype(images.dtype)


CHANGES: dict[str, Change] = {
    "varied": lambda images: images,
    "all equal": first_only,
    "two kinds": two_kinds,
    "one odd": one_odd,
    "an empty component": without_first_component,
    "blank": np.zeros_like,
    "full": lambda images: np.full_like(images, images.max()),
    "flat": one_value,
}


def toy() -> Designs:
    _, parameters = draw(COUNT, 3, SILENT)
    images = split_channels(render(parameters)[0])
    values = np.random.default_rng(0).uniform(40, 60, (COUNT, 2))
    train = np.arange(COUNT) % 3 != 0
    return Designs(images, np.arange(COUNT).astype(str), train, values, ("width_px", "height_px"), "toy")


def sets_of(spec: DataSpec, designs: Designs, images: Images) -> dict[str, Any]:
    """Images as samples of every mode that the data set has, around the test designs."""
    test = designs.split("test")

    def sample(asked: bool, given: int | None = None, beyond: float = 0.0) -> SampleSet:
        drawn = images.copy()
        if given is not None:
            drawn[:, given] = test.images[:, given]
        flags = np.zeros((len(test), spec.channels), dtype=bool)
        flags[:, [] if given is None else [given]] = True
        return SampleSet(
            images=drawn,
            components=spec.component_names,
            conditions=(test.conditions + beyond).astype(np.float32),
            condition_names=test.condition_names,
            ids=test.ids if asked else np.full(len(test), ""),
            given=flags,
            meta={"weights": "w" * 64},
        )

    sets: dict[str, Any] = {"unconditional": sample(False), "conditional": sample(True)}
    if spec.values == "grey":
        return {**sets, "reconstruction": sample(True)}
    painted = {name: sample(True, given=c) for c, name in enumerate(spec.component_names)}
    return {**sets, "inpainting": painted, "extrapolation": sample(True, beyond=15)}


def check(scores: dict[str, Any]) -> None:
    """No figure is infinite or the quotient of rounding errors; what is missing says why."""
    json.dumps(scores, allow_nan=False)
    faults = []
    for path, figure in figures(scores["modes"]):
        if figure["value"] is None:
            faults += [] if figure.get("reason") else [path]
            continue
        numbers = [figure["value"], *(figure["interval"] or ())]
        numbers += [*(figure["floor"] or {}).values(), figure["ratio"]]
        if any(abs(each) > LARGEST for each in numbers if isinstance(each, float | int)):
            faults.append(f"{path}: {figure}")
    assert not faults, "\n".join(faults)
    summary = summarise("toy", [of_scores("a", scores), of_scores("b", scores)])
    json.dumps(summary, allow_nan=False)


@pytest.fixture(scope="module")
def quick_setting(domain_setting: Setting) -> Setting:
    few = replace(domain_setting.settings.domain, steps=2, batch_size=8)
    reader = replace(domain_setting.settings.conditions, steps=2, batch_size=8)
    return replace(domain_setting, settings=replace(domain_setting.settings, domain=few, conditions=reader))


def referenced(setting: Setting, spec: DataSpec, designs: Designs, path: Path) -> Reference:
    torch.set_num_threads(1)
    own, makers = replace(setting, spec=spec), (domain.MAKER, conditions.MAKER)
    make_reference(makers, own, designs, path, SILENT)
    return load_reference(makers, own, designs, path)


def drawn_of(images: Images, data: str) -> list[Images]:
    """A few generators for each kind of data; over all data every one of them is met."""
    turn = list(CHANGES).index(data)
    return [list(CHANGES.values())[(turn + step) % len(CHANGES)](images) for step in (0, 3, 6)]


@pytest.mark.parametrize("data", CHANGES)
def test_masks(data: str, spec: DataSpec, quick_setting: Setting, tmp_path: Path) -> None:
    varied = toy()
    designs = replace(varied, images=CHANGES[data](varied.images))
    reference = referenced(quick_setting, spec, designs, tmp_path / "reference")
    for images in drawn_of(varied.split("test").images, data):
        check(evaluate(spec, designs, sets_of(spec, designs, images), FEW, 0, reference=reference))


@pytest.mark.parametrize("data", CHANGES)
def test_grey_pictures(data: str, quick_setting: Setting, tmp_path: Path) -> None:
    varied, spec = grey_makers.designs(COUNT, SIDE), grey_makers.spec(SIDE)
    designs = replace(varied, images=CHANGES[data](varied.images))
    reference = referenced(quick_setting, spec, designs, tmp_path / "reference")
    for images in drawn_of(varied.split("test").images, data):
        check(evaluate(spec, designs, sets_of(spec, designs, images), FEW, 0, reference=reference))


@pytest.mark.parametrize("values", [np.nan, 50.0])
def test_conditions_that_are_unknown_or_constant(
    values: float, spec: DataSpec, quick_setting: Setting, tmp_path: Path
) -> None:
    designs = replace(toy(), conditions=np.full((COUNT, 2), values))
    reference = referenced(quick_setting, spec, designs, tmp_path / "reference")
    sets = sets_of(spec, designs, designs.split("test").images)
    check(evaluate(spec, designs, sets, FEW, 0, reference=reference))


@pytest.mark.parametrize(("train", "test"), [(1, 5), (2, 2), (30, 1)])
def test_a_handful_of_designs(
    train: int, test: int, spec: DataSpec, quick_setting: Setting, tmp_path: Path
) -> None:
    everyone = toy()
    rows = np.concatenate([np.flatnonzero(everyone.train)[:train], np.flatnonzero(~everyone.train)[:test]])
    designs = everyone.rows(rows)
    reference = referenced(quick_setting, spec, designs, tmp_path / "reference")
    sets = sets_of(spec, designs, designs.split("test").images)
    check(evaluate(spec, designs, sets, FEW, 0, reference=reference))


def test_designs_that_are_all_alike_have_no_distance_but_its_reason(
    spec: DataSpec, quick_setting: Setting, tmp_path: Path
) -> None:
    designs = replace(toy(), images=first_only(toy().images))
    reference = referenced(quick_setting, spec, designs, tmp_path / "reference")
    sets = sets_of(spec, designs, np.zeros_like(designs.split("test").images))
    block = evaluate(spec, designs, sets, FEW, 0, reference=reference)["modes"]["unconditional"]
    learned = block["fd_domain"]["distance"], *(block["manifold"][k] for k in ("precision", "coverage"))
    assert all(each["value"] is None and "do not vary" in each["reason"] for each in learned)
    for each in (block["fd_geometry"]["distance"], block["joint"]["energy"]):
        assert each["value"] is None and "alike" in each["reason"]
    ranking = summarise("toy", [of_scores("a", {"mode": "unconditional", "modes": {"unconditional": block}})])
    assert ranking["ranked_by"]["metric"] == "mean_rank"


def test_a_feature_without_variance_is_named(quick_setting: Setting) -> None:
    varied, spec = grey_makers.designs(COUNT, SIDE), grey_makers.spec(SIDE)
    designs = replace(varied, images=one_value(varied.images))
    sets = {"unconditional": grey_makers.samples(varied.split("test"), asked=False)}
    texture = evaluate(spec, designs, sets, FEW, 0)["modes"]["unconditional"]["texture"]["distance"]
    assert texture["value"] is None and "deviation of breast" in texture["reason"]
