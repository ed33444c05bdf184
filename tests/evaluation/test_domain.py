"""Features learned from the data set tell real designs from spoiled ones, however they are spoiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from epuredgm.core.errors import Interrupted
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import Component, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.extractor import Setting, Unavailable
from epuredgm.evaluation.extractors.domain import MAKER
from epuredgm.evaluation.frechet import frechet_distance
from epuredgm.evaluation.reference import Reference, make_reference

Images = NDArray[np.uint8]
Make = Callable[..., SampleSet]
Score = Callable[[Images], dict[str, Any]]


@pytest.fixture(scope="module")
def score(
    spec: DataSpec, designs: Designs, settings: EvaluationSettings, reference: Reference, make: Make
) -> Score:
    """Domain distance and manifold figures of images as if they were drawn unconditionally."""

    def run(images: Images) -> dict[str, Any]:
        samples = {"unconditional": make(images)}
        block = evaluate(spec, designs, samples, settings, 0, reference=reference)["metrics"]
        return {"distance": block["fd_domain"]["distance"], **block["manifold"]}

    return run


@pytest.fixture(scope="module")
def real(designs: Designs) -> Images:
    """As many train designs as there are test designs."""
    return designs.split("train").images[: len(designs.split("test"))]


def shuffled(images: Images) -> Images:
    rng = np.random.default_rng(0)
    return np.stack([images[rng.permutation(len(images)), c] for c in range(images.shape[1])], axis=1)


def flipped(images: Images, share: float) -> Images:
    turned = np.random.default_rng(0).random(images.shape) < share
    return np.asarray(images ^ turned.astype(np.uint8))


def shifted(images: Images, by: int) -> Images:
    return np.asarray(ndimage.shift(images, (0, 0, 0, -by), order=0))


def blurred(images: Images, edge: int) -> Images:
    mean = ndimage.uniform_filter(images.astype(np.float32), (0, 0, edge, edge))
    return np.asarray(mean > 0.5, dtype=np.uint8)


def test_real_designs_lie_at_the_floor(score: Score, real: Images) -> None:
    found = score(real)
    for name in ("distance", "precision", "recall", "density", "coverage"):
        floor = found[name]["floor"]
        assert abs(found[name]["value"] - floor["mean"]) < 5 * floor["std"], name
    low, high = found["coverage"]["interval"]
    assert low < found["coverage"]["floor"]["mean"] < high <= 1


def test_every_fault_is_seen_and_more_of_it_is_farther(score: Score, real: Images) -> None:
    few = real.copy()
    few[: len(few) // 5] = shuffled(real)[: len(few) // 5]
    ladders = [
        [flipped(real, share) for share in (0.005, 0.02, 0.1)],
        [shifted(real, by) for by in (1, 2, 4)],
        [blurred(real, edge) for edge in (5, 7)],
        [few, shuffled(real)],
    ]
    for ladder in ladders:
        found = [score(images)["distance"] for images in ladder]
        floor = found[0]["floor"]
        values = [floor["mean"] + 3 * floor["std"], *(each["value"] for each in found)]
        assert values == sorted(values)
        assert found[-1]["interval"][0] > floor["mean"]


def test_blank_and_full_designs_are_far_from_everything(score: Score, real: Images) -> None:
    for images in (np.zeros_like(real), np.ones_like(real)):
        found = score(images)
        assert found["distance"]["ratio"] > 100
        for name in ("precision", "recall", "density", "coverage"):
            assert found[name]["value"] == 0
        low, high = found["precision"]["interval"]
        assert low == 0 < high < 0.03  # none of 300 is no proof of none


def test_parts_of_different_designs_are_no_designs(score: Score, real: Images) -> None:
    found = score(shuffled(real))
    assert found["precision"]["value"] < 0.3 and found["coverage"]["value"] < 0.5
    assert found["precision"]["interval"][1] < found["precision"]["floor"]["mean"]


def test_one_design_again_and_again_looks_real_and_covers_nothing(score: Score, real: Images) -> None:
    found = score(np.repeat(real[:1], len(real), axis=0))
    assert found["precision"]["value"] == 1
    assert found["recall"]["value"] < 0.05 and found["coverage"]["value"] < 0.1
    assert found["distance"]["ratio"] > 10


def test_half_of_the_kinds_is_exposed_by_recall_and_coverage(score: Score, real: Images) -> None:
    smaller = real[np.argsort(real.sum(axis=(1, 2, 3)))][: len(real) // 2]
    found = score(np.concatenate([smaller, smaller]))
    assert found["precision"]["value"] > 0.85
    for name in ("recall", "coverage"):
        assert found[name]["interval"][1] < found[name]["floor"]["mean"]
    assert found["distance"]["value"] > found["distance"]["floor"]["mean"]


def test_the_distance_is_the_mean_over_networks(
    spec: DataSpec,
    designs: Designs,
    settings: EvaluationSettings,
    reference: Reference,
    make: Make,
    real: Images,
) -> None:
    samples = {"unconditional": make(shuffled(real))}
    block = evaluate(spec, designs, samples, settings, 0, reference=reference)["metrics"]["fd_domain"]
    each = block["networks"]
    assert sorted(each) == ["1", "2"]
    for part in ("value", "ratio"):
        assert each["1"][part] != each["2"][part]
    assert block["distance"]["value"] == pytest.approx(np.mean([each[k]["value"] for k in "12"]))
    floors = [each[k]["floor"]["mean"] for k in "12"]
    assert block["distance"]["floor"]["mean"] == pytest.approx(np.mean(floors))


def test_copies_of_the_train_split_are_not_told_from_unseen_designs(score: Score, designs: Designs) -> None:
    """That is what ``memorisation`` is for."""
    found = score(designs.split("train").images[-250:])
    assert found["distance"]["ratio"] < 1.6 and found["coverage"]["ratio"] > 0.9


def test_the_reference_describes_real_designs_as_an_evaluation_would(
    designs: Designs, reference: Reference
) -> None:
    extractor = reference.extractors["domain"]
    rows = np.array([5, 700, 1400])
    assert extractor.describe(designs.images[rows]) == pytest.approx(reference.real["domain"][rows], abs=1e-3)
    train = reference.real["domain"][designs.train]
    assert train.mean(axis=0) == pytest.approx(0, abs=1e-2)
    assert np.cov(train.T) == pytest.approx(np.eye(train.shape[1]), abs=1e-2)
    assert extractor.describe(designs.images[:0]).shape == (0, train.shape[1])


@pytest.fixture
def hasty(domain_setting: Setting) -> Setting:
    """A setting that learns next to nothing, at once."""
    reference = domain_setting.settings
    return replace(
        domain_setting, settings=replace(reference, domain=replace(reference.domain, steps=3, batch_size=4))
    )


def test_same_seed_same_bytes_and_the_facts_say_what_was_learned(
    hasty: Setting, designs: Designs, tmp_path: Path
) -> None:
    domain = hasty.settings.domain
    other = replace(hasty, settings=replace(hasty.settings, domain=replace(domain, seed=1)))
    facts = []
    for name, setting in (("a", hasty), ("b", hasty), ("c", other)):
        (tmp_path / name).mkdir()
        torch.manual_seed(
            len(facts)
        )  # the state of torch's own generator does not matter, nor does it change
        before = torch.get_rng_state()
        MAKER.fit(setting, designs, tmp_path / name, SILENT)
        assert torch.equal(torch.get_rng_state(), before)
        facts.append(MAKER.load(setting, tmp_path / name)[0].facts)
    assert facts[0] == facts[1] != facts[2]
    first, again = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in "ab")
    assert first == again and len(first) == domain.networks
    assert facts[0]["settings"]["steps"] == 3 and facts[0]["version"] and len(facts[0]["sha256"]) == 64
    assert facts[0]["sha256"] != facts[2]["sha256"]


@pytest.mark.parametrize("components", [1, 5])
@pytest.mark.parametrize("values", ["binary", "grey"])
def test_it_learns_from_any_size_and_kind_of_design(
    hasty: Setting, tmp_path: Path, components: int, values: str
) -> None:
    rng = np.random.default_rng(0)
    names = tuple(Component(str(c), str(c), "#000000") for c in range(components))
    spec = DataSpec("odd", 19, 13, names, (), values=values)
    images = rng.integers(0, 2 if values == "binary" else 256, (60, components, 19, 13), dtype=np.uint8)
    designs = Designs(images, np.arange(60).astype(str), np.arange(60) < 40, np.empty((60, 0)), (), "odd")
    setting = replace(hasty, spec=spec)
    MAKER.fit(setting, designs, tmp_path, SILENT)
    extractor, other = MAKER.load(setting, tmp_path)
    assert (extractor.name, other.name) == ("domain", "domain_2")
    assert extractor.facts["networks"] == [each.facts["sha256"] for each in (extractor, other)]
    assert not np.allclose(extractor.describe(images), other.describe(images))  # another seed, other features
    features = extractor.describe(images)
    assert features.shape == (60, 8) and features.dtype == np.float32 and np.isfinite(features).all()
    assert frechet_distance(features[:40].astype(float), features[:40].astype(float)) < 1e-6


def test_data_without_designs_to_learn_from_have_no_such_distance(
    hasty: Setting, designs: Designs, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="1 train designs"):
        MAKER.fit(hasty, designs.split("train").rows([0]), tmp_path, SILENT)


def test_a_stopped_training_leaves_nothing_behind(hasty: Setting, designs: Designs, tmp_path: Path) -> None:
    class Impatient(Monitor):
        steps = 0

        def progress(self, done: float, total: float, what: str, **figures: float) -> None:
            assert done <= total == 3 and what and np.isfinite(figures["loss"])
            self.steps += 1

        def stopping(self) -> bool:
            return self.steps > 0

    monitor = Impatient()
    with pytest.raises(Interrupted):
        make_reference((MAKER,), hasty, designs, tmp_path / "reference", monitor)
    assert monitor.steps == 1 and not list(tmp_path.iterdir())
