"""Sets of known quality get the figures that they deserve, and the result is honest JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from epuredgm.core.errors import CorruptArtefact, Interrupted
from epuredgm.core.files import canonical
from epuredgm.core.monitor import Monitor
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation import metrics
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.scalar import figures

Make = Callable[..., SampleSet]
Score = Callable[..., dict[str, Any]]
Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def score(spec: DataSpec, designs: Designs, settings: EvaluationSettings) -> Score:
    """The evaluator on the toy designs, at seed 0."""

    def run(samples: dict[str, Any], seed: int = 0) -> dict[str, Any]:
        return evaluate(spec, designs, samples, settings, seed)

    return run


@pytest.fixture(scope="module")
def test_split(designs: Designs) -> Designs:
    return designs.split("test")


def shuffled(images: Images, seed: int = 0) -> Images:
    """Components dealt anew: right marginals, wrong tyres."""
    rng = np.random.default_rng(seed)
    return np.stack([images[rng.permutation(len(images)), c] for c in range(images.shape[1])], axis=1)


def test_unseen_real_designs_lie_at_the_floor(score: Score, make: Make, designs: Designs) -> None:
    result = score({"unconditional": make(designs.split("train").images[:250])})["metrics"]
    assert result["rce"]["gen_wd"]["value"] == result["rce"]["real_wd"] == 0
    assert result["iou_dice"]["average"]["iou_wd"]["value"] == 0
    assert result["validity"]["valid"]["value"] == 1
    com = [figure for path, figure in figures(result["com"]) if "empty" not in path]
    assert len(com) == 5
    for figure in com:
        assert figure["value"] <= figure["floor"]["mean"] + 4 * figure["floor"]["std"]
        assert figure["interval"][0] < figure["floor"]["mean"] / 2
        assert figure["ratio"] == pytest.approx(figure["value"] / figure["floor"]["mean"])


def test_the_test_designs_themselves_are_perfect_in_every_mode(
    score: Score, make: Make, test_split: Designs
) -> None:
    images = test_split.images
    blocks = score(
        {
            "unconditional": make(images),
            "conditional": make(images, asked=test_split),
            "inpainting": {"group_nc": make(images, asked=test_split, given=0)},
        }
    )["modes"]
    everything = {**blocks, "inpainting": blocks["inpainting"]["group_nc"]}
    for block in everything.values():
        values = dict(figures({key: block[key] for key in ("com", "iou_dice", "rce")}))
        assert not any(figure["value"] for figure in values.values())
    for mode in ("conditional", "inpainting"):
        for side in ("width_px", "height_px"):
            sizes = everything[mode]["adherence"]["conditions"][side]
            assert sizes["mae"]["value"] == sizes["bias"]["value"] == 0
            assert sizes["within_one"]["value"] == sizes["rank_correlation"]["value"] == 1
    assert everything["inpainting"]["fidelity"]["exact"]["value"] == 1
    assert "adherence" not in everything["unconditional"] and "fidelity" not in everything["conditional"]


def test_shuffled_components_are_exposed_by_overlap_and_count_not_by_centres(
    score: Score, make: Make, designs: Designs
) -> None:
    result = score({"unconditional": make(shuffled(designs.split("train").images[:300]))})["metrics"]
    assert result["rce"]["gen_wd"]["interval"][0] > 0.3
    assert result["iou_dice"]["average"]["iou_wd"]["interval"][0] > 0.05
    overall = result["com"]["overall"]["wasserstein"]
    assert overall["value"] <= overall["floor"]["mean"] + 4 * overall["floor"]["std"]
    assert result["validity"]["valid"]["value"] < 0.05


def test_a_generator_that_copies_train_designs_is_exposed_and_unseen_designs_are_not(
    score: Score, make: Make, designs: Designs, test_split: Designs
) -> None:
    copied = make(designs.split("train").images[:200])
    unseen = make(test_split.images)
    found = score({"unconditional": copied})["metrics"]["memorisation"]
    assert found["copied"]["value"] == 1
    assert found["distance"]["value"] == 0 < found["test"]["threshold"]
    honest = score({"unconditional": unseen})["metrics"]["memorisation"]
    assert honest["copied"]["interval"][0] <= 0.01 <= honest["copied"]["interval"][1]
    assert honest["distance"]["value"] == pytest.approx(honest["test"]["mean"])


def test_copies_are_found_where_test_designs_repeat_train_designs_too(
    make: Make, designs: Designs, spec: DataSpec, settings: EvaluationSettings
) -> None:
    train, test = np.flatnonzero(designs.train), np.flatnonzero(~designs.train)
    images = designs.images.copy()
    images[test[::20]] = images[train[: len(test[::20])]]
    repeating = replace(designs, images=images)

    def copied(generated: Images) -> dict[str, Any]:
        scores = evaluate(spec, repeating, {"unconditional": make(generated)}, settings, 0)
        found: dict[str, Any] = scores["metrics"]["memorisation"]["copied"]
        return found

    assert copied(images[train[: len(test)]])["value"] == 1
    assert copied(images[test])["value"] == pytest.approx(0.05)
    assert copied(images[test])["floor"]["mean"] == pytest.approx(0.05, abs=0.02)


def test_completions_are_told_apart_and_only_the_first_is_compared(
    score: Score, make: Make, test_split: Designs
) -> None:
    images = test_split.images
    once = make(images, asked=test_split, given=0)
    blank = images * np.array([1, 0, 0], dtype=np.uint8)[:, None, None]

    def rounds(*sets: Images) -> SampleSet:
        count = len(sets)
        return replace(
            once,
            images=np.concatenate(sets),
            ids=np.tile(once.ids, count),
            conditions=np.tile(once.conditions, (count, 1)),
            given=np.tile(once.given, (count, 1)),
        )

    def block(samples: SampleSet) -> dict[str, Any]:
        return score({"inpainting": {"group_nc": samples}})["modes"]["inpainting"]["group_nc"]

    single, equal, apart = block(once), block(rounds(images, images)), block(rounds(images, blank, blank))
    assert single["diversity"]["distance"]["value"] is None
    assert equal["diversity"]["distance"]["value"] == 0
    assert apart["diversity"]["distance"]["value"] == pytest.approx(2 / 3)  # two of three pairs share nothing
    for key in ("com", "rce", "adherence"):
        assert single[key] == equal[key] == apart[key]
    with pytest.raises(CorruptArtefact, match="rounds"):
        block(replace(rounds(images, images), ids=np.repeat(once.ids, 2)))


def test_completions_of_nothing_have_no_diversity(
    spec: DataSpec, designs: Designs, settings: EvaluationSettings, make: Make, test_split: Designs
) -> None:
    one = replace(spec, components=spec.components[:1])
    alone = replace(designs, images=designs.images[:, :1])
    rows = test_split.rows(np.tile(np.arange(20), 2))
    samples = replace(
        make(rows.images[:, :1], rows), components=one.component_names, given=np.ones((40, 1), dtype=bool)
    )
    block = evaluate(one, alone, {"inpainting": {one.component_names[0]: samples}}, settings, 0)["metrics"]
    told = block["diversity"]["distance"]
    assert told["value"] is None and told["reason"] == "every component was given"


def test_the_rules_of_validity_are_those_of_the_real_designs(
    score: Score, make: Make, designs: Designs
) -> None:
    properties = score({"unconditional": make(designs.images[:20])})["metrics"]["validity"]["properties"]
    pairs = {"group_nc_group_km", "group_nc_fpu", "group_km_fpu"}
    assert {kind: set(each) for kind, each in properties.items()} == {
        "nonempty": {"group_nc", "group_km", "fpu", "union"},
        "one_piece_4": {"group_nc", "group_km", "union"},  # a quarter of the real flanks are not
        "one_piece_8": {"fpu"},
        "disjoint": pairs,
        "touching_4": pairs,
    }


def test_adherence_measures_what_was_asked_against_what_came(
    score: Score, make: Make, test_split: Designs
) -> None:
    asked = replace(test_split, conditions=test_split.conditions + np.array([3.0, -0.5]))
    sizes = score({"conditional": make(test_split.images, asked=asked)})["metrics"]["adherence"]["conditions"]
    wide, high = sizes["width_px"], sizes["height_px"]
    assert wide["unit"] == "px"
    assert wide["mae"]["value"] == 3 and wide["bias"]["value"] == -3
    assert (wide["below"], high["above"]) == ("px too narrow", "px too tall")
    assert high["mae"]["value"] == 0.5 and high["bias"]["value"] == 0.5
    assert (wide["within_one"]["value"], high["within_one"]["value"]) == (0, 1)
    assert wide["rank_correlation"]["value"] == pytest.approx(1)
    assert wide["mae"]["floor"] == {"mean": 0, "std": 0} and wide["mae"]["ratio"] is None


def test_a_given_component_that_came_back_changed_is_found(
    score: Score, make: Make, test_split: Designs
) -> None:
    images = test_split.images.copy()
    images[:30, 1, 20, 30] ^= 1  # one pixel of one design in ten
    fidelity = score({"inpainting": {"group_km": make(images, asked=test_split, given=1)}})
    block = fidelity["modes"]["inpainting"]["group_km"]["fidelity"]
    assert block["exact"]["value"] == pytest.approx(1 - 30 / len(images))
    assert 0.99 < block["iou"]["value"] < 1


def test_given_components_do_not_flatter_the_centres_of_generated_ones(
    score: Score, make: Make, test_split: Designs
) -> None:
    images = np.roll(test_split.images, 2, axis=2)  # everything two rows lower ...
    images[:, 0] = test_split.images[:, 0]  # ... but for the given component
    block = score({"inpainting": {"group_nc": make(images, asked=test_split, given=0)}})["modes"][
        "inpainting"
    ]
    com = block["group_nc"]["com"]
    assert com["component"]["group_nc"]["wasserstein"]["value"] is None
    assert com["component"]["group_nc"]["wasserstein"]["reason"] == "the component was given"
    assert com["vector_wasserstein"]["value"] == pytest.approx(1, abs=0.02)
    assert com["legacy"]["vector_wasserstein"][0] == pytest.approx(2 / 3, abs=0.02)  # as earlier tools did


def test_the_average_of_inpainting_is_the_mean_over_given_components(
    score: Score, make: Make, test_split: Designs
) -> None:
    perfect = make(test_split.images, asked=test_split, given=0)
    spoiled = make(shuffled(test_split.images), asked=test_split, given=1)
    block = score({"inpainting": {"group_nc": perfect, "group_km": spoiled}})
    parts = block["modes"]["inpainting"]
    average = parts["average"]["rce"]["gen_wd"]
    values = [parts[name]["rce"]["gen_wd"]["value"] for name in ("group_nc", "group_km")]
    assert average["value"] == pytest.approx(sum(values) / 2) and average["count"] == 2
    assert average["std"] == pytest.approx(abs(values[0] - values[1]) / math.sqrt(2))
    assert block["mode"] == "inpainting" and block["metrics"]["rce"]["gen_wd"] == average


def test_legacy_figures_follow_the_legacy_definitions(
    score: Score, make: Make, designs: Designs, test_split: Designs
) -> None:
    count = len(test_split)
    images = shuffled(np.roll(designs.split("train").images[:count], 1, axis=3))
    result = score({"unconditional": make(images)})["metrics"]

    def centres(masks: Images) -> NDArray[np.float64]:
        return np.array([[np.argwhere(mask).mean(axis=0) for mask in design] for design in masks])

    here, there = centres(images), centres(test_split.images)
    pooled = [wasserstein_distance(here[..., axis].ravel(), there[..., axis].ravel()) for axis in (0, 1)]
    assert result["com"]["legacy"]["overall"] == pytest.approx(np.mean(pooled))
    assert result["com"]["overall"]["wasserstein"]["value"] == pytest.approx(np.mean(pooled))
    coordinates = [
        wasserstein_distance(here[:, c, axis], there[:, c, axis]) for c in range(3) for axis in (0, 1)
    ]
    vector = result["com"]["legacy"]["vector_wasserstein"]
    assert vector == pytest.approx([np.mean(coordinates), np.std(coordinates)])
    assert result["com"]["component"]["fpu"]["wasserstein"]["value"] == pytest.approx(
        np.mean(coordinates[4:])
    )
    shared = (images[:, 0] & images[:, 1]).sum(axis=(1, 2)) / (images[:, 0] | images[:, 1]).sum(axis=(1, 2))
    pair = result["iou_dice"]["group_nc_group_km"]["iou_wd"]
    assert pair["value"] == pytest.approx(shared.mean())  # real overlaps are all 0
    mean, std = result["iou_dice"]["legacy"]["group_nc_group_km"]["iou_wd"]
    assert mean == pytest.approx(shared.mean(), rel=0.05) and 0 < std < 0.01


def hopeless(kind: str, like: Images) -> Images:
    rng = np.random.default_rng(0)
    return {
        "blank": np.zeros_like(like),
        "full": np.ones_like(like),
        "noise": rng.integers(0, 2, like.shape, dtype=np.uint8),
        "half blank": np.where(np.arange(len(like))[:, None, None, None] % 2, like, 0).astype(np.uint8),
        "one component": like * np.array([1, 0, 0], dtype=np.uint8)[:, None, None],
        "single": like[:1],
    }[kind]


@pytest.mark.parametrize("kind", ["blank", "full", "noise", "half blank", "one component", "single"])
def test_no_set_however_bad_makes_a_number_that_json_has_not(
    score: Score, make: Make, test_split: Designs, kind: str
) -> None:
    images = hopeless(kind, test_split.images)
    asked = test_split.rows(np.arange(len(images)))
    result = score(
        {
            "unconditional": make(images),
            "conditional": make(images, asked=asked),
            "inpainting": {"fpu": make(images, asked=asked, given=2)},
        }
    )
    json.dumps(result, allow_nan=False)
    for mode in ("unconditional", "conditional"):
        for _, figure in figures(result["modes"][mode]):
            assert (figure["value"] is None) == bool(figure.get("reason"))
            if figure["interval"] is not None:
                assert figure["interval"][0] <= figure["interval"][1]


def test_empty_components_are_a_failure_rate_not_a_centre_at_zero(
    score: Score, make: Make, test_split: Designs
) -> None:
    half = score({"unconditional": make(hopeless("half blank", test_split.images))})["metrics"]
    assert half["validity"]["empty"]["any"]["value"] == pytest.approx(0.5, abs=0.01)
    assert half["com"]["component"]["fpu"]["wasserstein"]["value"] < 1
    blank = score({"unconditional": make(np.zeros_like(test_split.images))})["metrics"]
    assert blank["com"]["overall"]["wasserstein"]["value"] is None
    assert "empty" in blank["com"]["overall"]["wasserstein"]["reason"]
    assert blank["iou_dice"]["average"]["iou_wd"]["value"] is None  # no praise for drawing nothing
    assert blank["rce"]["gen_wd"]["value"] == 1


def test_a_component_that_no_real_design_has_is_left_out_of_what_is_compared(
    make: Make, designs: Designs, spec: DataSpec, settings: EvaluationSettings
) -> None:
    images = designs.images.copy()
    images[:, 2] = 0
    without = replace(designs, images=images)
    test = without.split("test")
    for samples in (
        {"unconditional": make(test.images)},
        {"inpainting": {"fpu": make(test.images, test, 2)}},
    ):
        result = evaluate(spec, without, samples, settings, 0)["metrics"]
        alone = result["com"]["component"]["fpu"]["wasserstein"]
        assert alone["value"] is None and alone["reason"] == "no real design has fpu"
        assert result["com"]["overall"]["wasserstein"]["value"] == pytest.approx(0, abs=1e-12)
        assert result["com"]["vector_wasserstein"]["value"] == pytest.approx(0, abs=1e-12)
        assert result["iou_dice"]["average"]["iou_wd"]["value"] == 0
        assert result["validity"]["valid"]["value"] == 1
        assert result["validity"]["empty"]["any"]["value"] == 0
    drawn = evaluate(spec, without, {"unconditional": make(designs.split("test").images)}, settings, 0)
    assert drawn["metrics"]["com"]["overall"]["wasserstein"]["value"] == pytest.approx(0, abs=1e-12)
    blank = evaluate(spec, without, {"unconditional": make(np.zeros_like(test.images))}, settings, 0)
    assert blank["metrics"]["validity"]["empty"]["any"]["value"] == 1


def test_a_component_that_only_train_designs_have_has_no_distance(
    make: Make, designs: Designs, spec: DataSpec, settings: EvaluationSettings
) -> None:
    images = designs.images.copy()
    images[~designs.train, 2] = 0
    samples = {"unconditional": make(designs.split("test").images)}
    com = evaluate(spec, replace(designs, images=images), samples, settings, 0)["metrics"]["com"]
    assert com["component"]["fpu"]["wasserstein"]["reason"] == "no real design has a value"
    assert com["vector_wasserstein"]["value"] is None
    assert com["overall"]["wasserstein"]["value"] > 0


def test_grey_designs_are_measured_where_they_are_lit(
    make: Make, designs: Designs, spec: DataSpec, settings: EvaluationSettings
) -> None:
    grey = replace(designs, images=np.where(designs.images, 200, 60).astype(np.uint8))
    test = grey.split("test")
    result = evaluate(
        replace(spec, values="grey"), grey, {"conditional": make(test.images, test)}, settings, 0
    )
    for figures_of in result["metrics"]["adherence"]["conditions"].values():
        assert figures_of["mae"]["value"] == figures_of["mae"]["floor"]["mean"] == 0


def test_same_input_same_bytes_and_another_seed_other_resamples(
    score: Score, make: Make, designs: Designs
) -> None:
    samples = {"unconditional": make(designs.split("train").images[:100])}
    first = score(samples)
    assert canonical(first) == canonical(score(samples))
    other = score(samples, seed=1)
    assert canonical(first) != canonical(other)
    floors = [r["metrics"]["com"]["overall"]["wasserstein"]["floor"] for r in (first, other)]
    assert floors[0] == floors[1]  # one floor for all runs of a study


def test_both_sides_and_the_floor_count_alike(score: Score, make: Make, designs: Designs) -> None:
    few = score({"unconditional": make(designs.images[:40])})["modes"]["unconditional"]["counts"]
    floor = {"distance_floor": {"kind": "random"}}
    assert few == {"drawn": 40, "compared": 40, "floor": 40, "paired": False, **floor}
    many = score({"unconditional": make(designs.images)})["modes"]["unconditional"]["counts"]
    tests = int((~designs.train).sum())
    assert many == {"drawn": 1500, "compared": tests, "floor": tests, "paired": False, **floor}


def test_fid_has_its_place_and_its_reason(score: Score, make: Make, designs: Designs) -> None:
    result = score({"unconditional": make(designs.images[:10])})
    assert result["metrics"]["fid"] is None and "no extractor inception" in result["metrics"]["fid_reason"]
    assert {"fid", "iou_dice", "rce", "com"} <= set(result["metrics"])


def test_resampling_may_be_switched_off(
    spec: DataSpec, designs: Designs, make: Make, settings: EvaluationSettings
) -> None:
    off = replace(settings, bootstrap=0, floor_repeats=0)
    result = evaluate(spec, designs, {"unconditional": make(designs.images[:10])}, off, 0)
    overall = result["metrics"]["com"]["overall"]["wasserstein"]
    assert overall["value"] > 0 and overall["interval"] is None and overall["floor"] is None


def test_samples_of_other_data_are_refused(score: Score, make: Make, test_split: Designs) -> None:
    good = make(test_split.images, asked=test_split)
    with pytest.raises(CorruptArtefact, match="no test design"):
        score({"conditional": replace(good, ids=np.char.add(good.ids, "x"))})
    with pytest.raises(CorruptArtefact, match="fpu"):
        score({"conditional": replace(good, components=("a", "b", "c"))})
    with pytest.raises(CorruptArtefact, match="no samples"):
        score({})


def test_a_request_to_stop_is_heard(
    spec: DataSpec, designs: Designs, make: Make, settings: EvaluationSettings
) -> None:
    class Impatient(Monitor):
        def stopping(self) -> bool:
            return True

    with pytest.raises(Interrupted):
        evaluate(spec, designs, {"unconditional": make(designs.images[:10])}, settings, 0, Impatient())


NEW_METRIC = """
from epuredgm.core.jobs import TASKS
from epuredgm.evaluation.metric import Headline, Metric

def compute(case):
    return {"pixels": case.mean(case.generated.areas().sum(axis=1), floor=lambda p: p.areas().sum(axis=1))}

METRIC = Metric("ink", "Ink", TASKS, (Headline("ink", "pixels"),), compute)
"""


def test_adding_a_metric_is_adding_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, score: Score, make: Make, designs: Designs
) -> None:
    (tmp_path / "ink.py").write_text(NEW_METRIC)
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(tmp_path)])
    result = score({"unconditional": make(designs.images[:10])})["metrics"]
    assert result["ink"]["pixels"]["value"] > 300


def test_every_metric_declares_headlines_that_it_computes(
    score: Score, make: Make, test_split: Designs
) -> None:
    images = test_split.images[:50]
    asked = test_split.rows(np.arange(50))
    modes = score(
        {
            "conditional": make(images, asked=asked),
            "inpainting": {"fpu": make(images, asked=asked, given=2)},
            "extrapolation": replace(make(images, asked=asked), ids=make(images).ids),
        }
    )["modes"]
    blocks = {**modes["conditional"], **modes["inpainting"]["fpu"], **modes["extrapolation"]}
    for metric in (each for each in metrics.all_metrics() if "binary" in each.values):
        paths = [path for path, _ in figures({"": blocks[metric.key]} if metric.bare else blocks[metric.key])]
        for head in metric.headlines:
            before, _, after = head.path.partition("*")
            assert any(path.startswith(before) and path.endswith(after) for path in paths), head
