"""The privacy gate and condition fidelity on a small phantom: what must fail fails, what must pass passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import phantom_pictures
import pytest
import torch
from numpy.typing import NDArray
from phantom_pictures import SPEC, Pictures, pictures
from torch.nn import functional

from epuredgm.core.errors import BadRequest
from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation.evaluator import _Bench, evaluate
from epuredgm.evaluation.extractor import Extractor, Setting
from epuredgm.evaluation.extractors import conditions, domain
from epuredgm.evaluation.headlines import headlines_of
from epuredgm.evaluation.metrics import condition_fidelity, privacy
from epuredgm.evaluation.reference import NOTHING, Reference, load_reference, make_reference
from epuredgm.nn.condition_network import ConditionNetwork

MAKERS = (conditions.MAKER, domain.MAKER)
SETTINGS = EvaluationSettings(bootstrap=50, confidence=0.95, floor_repeats=5, jackknife_groups=5)
Images = NDArray[np.uint16]
Score = Callable[..., dict[str, Any]]


class World(NamedTuple):
    """Real pictures, an independent draw of other patients, and how real ones are seen."""

    designs: Designs
    other: Pictures
    reference: Reference


@pytest.fixture(scope="module")
def world(domain_setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> World:
    torch.set_num_threads(1)
    real = phantom_pictures.designs(pictures(0, 0, 90), pictures(0, 90, 60))
    settings = domain_setting.settings
    hasty = replace(settings, domain=replace(settings.domain, steps=60))
    setting = replace(domain_setting, spec=SPEC, settings=hasty)
    path = tmp_path_factory.mktemp("reference") / "phantom"
    make_reference(MAKERS, setting, real, path, SILENT)
    return World(real, pictures(7, 0, 60), load_reference(MAKERS, setting, real, path))


@pytest.fixture(scope="module")
def score(world: World) -> Score:
    """The block of one metric, of generated pictures with what was asked for."""
    benches: dict[int, _Bench] = {}

    def compute(
        images: Images,
        asked: NDArray[np.float64] | None = None,
        metric: Any = privacy,
        reference: Reference = world.reference,
    ) -> dict[str, Any]:
        count = len(images)
        told = np.full((count, len(SPEC.conditions)), np.nan) if asked is None else asked
        samples = SampleSet(
            images=images,
            components=SPEC.component_names,
            conditions=told.astype(np.float32),
            condition_names=SPEC.condition_names,
            ids=np.full(count, "", dtype=np.str_),
            given=np.zeros((count, 1), dtype=np.bool_),
            meta={},
        )
        bench = benches.setdefault(id(reference), _Bench(SPEC, world.designs, SETTINGS, 0, reference))
        block: dict[str, Any] = metric.compute(bench.case(samples, "conditional"))
        json.dumps(block, allow_nan=False)
        return block

    return compute


def spoiled(images: Images, way: Callable[[torch.Tensor], torch.Tensor]) -> Images:
    pictures = torch.from_numpy(images.astype(np.float32) / SPEC.levels)
    return np.rint(way(pictures).clamp(0, 1).numpy() * SPEC.levels).astype(np.uint16)


def blurred(pictures: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)


WAYS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "exact": lambda x: x,
    "noisy": lambda x: x + 0.02 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)),
    "shifted": lambda x: functional.pad(x, (3, 0, 2, 0))[..., :64, :64],
    "flipped": lambda x: x.flip(-1),
    "blurred": blurred,
    "darker": lambda x: 0.8 * x,
}


@pytest.mark.parametrize("way", WAYS)
def test_planted_copies_fail(world: World, score: Score, way: str) -> None:
    images = world.other.images.copy()
    planted = len(images) // 20  # 5 %
    sources = np.arange(40, 40 + 3 * planted, 3)
    images[:planted] = spoiled(world.designs.images[sources], WAYS[way])
    found = score(images)
    assert not found["passed"]
    assert found["reasons"]
    assert {(each["generated"], each["train"]) for each in found["nearest"][:planted]} == set(
        zip(range(planted), sources.tolist(), strict=True)
    )


def test_an_independent_draw_passes(world: World, score: Score) -> None:
    found = score(world.other.images)
    assert found["passed"], found["reasons"]
    assert found["copied"] == found["copied_held_out"] == 0
    assert found["counts"] == {"generated": 120, "train": 180, "held_out": 120}
    assert len(found["nearest"]) == 10


@pytest.mark.parametrize("side", ["test", "validation"])
def test_a_picture_of_any_real_split_is_a_copy(world: World, score: Score, side: str) -> None:
    """Validation pictures are train rows that choose weights; the gate searches them too."""
    images = world.other.images.copy()
    row = np.flatnonzero(world.designs.train)[-1] if side == "validation" else -1
    images[3] = 0.9 * world.designs.images[row][..., ::-1]
    found = score(images)
    assert not found["passed"]
    assert (found["copied"], found["copied_held_out"]) == ((0, 1) if side == "test" else (1, 0))
    assert len(found["reasons"]) == 1


def test_mean_pictures_do_not_fail_for_being_smooth(world: World, score: Score) -> None:
    """Each is the mean of thirty pictures of one view."""
    train = world.designs.images[world.designs.train]
    rng = np.random.default_rng(0)
    groups = [2 * rng.choice(90, 30, replace=False) + row % 2 for row in range(60)]
    means = np.stack([train[group].mean(axis=0) for group in groups]).astype(np.uint16)
    found = score(means)
    assert found["pixels"]["near"]["value"] <= found["pixels"]["bound"]
    assert found["relative"]["near"]["value"] <= found["relative"]["bound"]


def test_the_gate_sees_pictures_that_other_metrics_leave_out(world: World, score: Score) -> None:
    """More are drawn than there are test pictures; one copy is enough, wherever it stands."""
    more = np.concatenate([world.other.images, world.other.images[:40]])
    for row in (0, 80, 159):
        images = more.copy()
        images[row] = world.designs.images[5]
        found = score(images)
        assert found["nearest"][0]["generated"] == row
        assert found["copied"] == 1
        assert not found["passed"]


def test_what_cannot_be_decided_is_neither_passed_nor_failed(world: World, score: Score) -> None:
    few = score(world.other.images[:30])
    assert few["passed"] is None and few["verdict"] == "not decided"
    assert "too few: 30 generated pictures, 50 are needed" in few["reasons"][0]
    blind = score(world.other.images, reference=NOTHING)
    assert blind["passed"] is None and blind["verdict"] == "not decided"
    copied = world.other.images.copy()
    copied[7] = world.designs.images[3]
    caught = score(copied, reference=NOTHING)  # one test is enough to fail
    assert caught["passed"] is False and caught["verdict"] == "failed"
    assert blind["features"]["near"]["value"] is None
    assert blind["features"]["near"]["reason"]
    assert set(few) == set(blind)


def test_conditions_are_read_from_pictures_of_other_patients(world: World, score: Score) -> None:
    found = score(world.other.images, world.other.conditions, condition_fidelity)
    assert found["view"]["value"] > 0.95
    assert found["real"]["view"]["value"] > 0.95
    table = np.array(found["confusion"]["view"]["generated"])
    assert table.shape == (2, 2)
    assert table.sum() == 120
    asked_wrongly = world.other.conditions.copy()
    asked_wrongly[:, 0] = 1 - asked_wrongly[:, 0]
    assert score(world.other.images, asked_wrongly, condition_fidelity)["view"]["value"] < 0.05


def test_what_cannot_be_read_on_real_pictures_is_null_with_the_reason(world: World, score: Score) -> None:
    found = score(world.other.images, world.other.conditions, condition_fidelity)
    for name, words in (("age", "cannot be read"), ("laterality", "face one way")):
        assert found[name]["value"] is None
        assert words in found[name]["reason"]
        assert found["confusion"][name] is None
    blind = score(world.other.images, world.other.conditions, condition_fidelity, NOTHING)
    assert blind["view"]["value"] is None
    assert blind["density_order"]["reason"]
    unasked = score(world.other.images, None, condition_fidelity)
    assert set(unasked) == {"reason"}


def test_a_number_that_is_read_says_which_way_it_is_off(world: World, score: Score) -> None:
    """A reader that is right on real pictures reads two years more from the generated ones."""
    place, column = SPEC.condition_names.index("age"), 2  # behind the two views
    real = world.reference.real[conditions.NAME].copy()
    real[:, column] = world.designs.conditions[:, place]
    drawn = {
        image.tobytes(): age + 2
        for image, age in zip(world.other.images, world.other.conditions[:, place], strict=True)
    }

    def describe(images: NDArray[np.float32]) -> NDArray[np.float32]:
        found = np.zeros((len(images), real.shape[1]), dtype=np.float32)
        found[:, column] = [drawn[image.tobytes()] for image in images]
        return found

    extractors = {**world.reference.extractors, conditions.NAME: Extractor(conditions.NAME, describe, {})}
    reference = replace(
        world.reference, extractors=extractors, real={**world.reference.real, conditions.NAME: real}
    )
    told = score(world.other.images, world.other.conditions, condition_fidelity, reference)["numbers"]["age"]
    assert (told["below"], told["above"]) == ("years too low", "years too high")
    assert told["mae"]["value"] == told["bias"]["value"] == pytest.approx(2)
    assert told["bias"]["interval"] == [pytest.approx(2), pytest.approx(2)]
    assert told["bias"]["floor"]["mean"] == 0


def test_figures_are_headlines(world: World, score: Score) -> None:
    block = {"condition_fidelity": score(world.other.images, world.other.conditions, condition_fidelity)}
    names = {found.name for found in headlines_of(block, (condition_fidelity.METRIC,))}
    assert {"read_view", "read_density", "read_density_order"} <= names
    assert "read_confusion" not in names


def test_unknown_values_teach_nothing() -> None:
    network = ConditionNetwork(1, (2, 0)).eval()
    images, values = torch.rand(4, 1, 32, 32), torch.tensor([[0, 50.0], [1, 60], [0, 70], [1, 55]])
    hidden = values.clone()
    hidden[2:] = torch.nan
    assert torch.allclose(network.loss(images, hidden), network.loss(images[:2], values[:2]))
    assert network.loss(images, torch.full((4, 2), torch.nan)) == 0
    network.standardise(values)
    assert network(images).shape == (4, 3)
    assert torch.allclose(network(images)[:, :2].sum(1), torch.ones(4))


def test_only_data_sets_with_something_to_read_pay_for_it(spec: DataSpec) -> None:
    assert conditions.MAKER.suits(SPEC)
    assert not conditions.MAKER.suits(spec)
    assert domain.MAKER.suits(spec)
    assert not conditions.MAKER.suits(replace(SPEC, conditions=SPEC.conditions[1:2]))


def test_an_order_needs_categories() -> None:
    with pytest.raises(BadRequest, match="ordered condition age needs values"):
        replace(SPEC, conditions=(Condition("age", ordered=True),), side=None)
    assert DataSpec.from_dict(SPEC.to_dict()) == SPEC


def test_masks_are_judged_by_masks_and_grey_pictures_by_the_gate(world: World) -> None:
    images = world.other.images[:60]
    samples = SampleSet(
        images=images,
        components=SPEC.component_names,
        conditions=world.other.conditions[:60].astype(np.float32),
        condition_names=SPEC.condition_names,
        ids=np.full(60, "", dtype=np.str_),
        given=np.zeros((60, 1), dtype=np.bool_),
        meta={},
    )
    scores = evaluate(SPEC, world.designs, {"conditional": samples}, SETTINGS, 0, reference=world.reference)
    block = scores["modes"]["conditional"]
    assert block["privacy"]["passed"]
    assert block["condition_fidelity"]["view"]["value"] > 0.9
    assert "memorisation" not in block
