"""Metrics of grey pictures: laws of their descriptors, and sets of known quality in an evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from typing import Any

import grey_makers
import jsonschema
import numpy as np
import pytest
from grey_makers import Floats, bodies, noise
from scipy.linalg import sqrtm

from epuredgm.core.settings import EvaluationSettings
from epuredgm.data.designs import Designs
from epuredgm.evaluation import grey_descriptors, score_files
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.extractor import Extractor, Images
from epuredgm.evaluation.extractors import conditions
from epuredgm.evaluation.frechet import frechet_distance
from epuredgm.evaluation.metrics import all_metrics, reconstruction, strata
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.reduced import reduced
from epuredgm.evaluation.reference import Reference
from epuredgm.evaluation.scalar import figures
from epuredgm.evaluation.trivial_generators import mean_pictures

SIDE = 32


def pooled(images: Images) -> Any:
    """A stand-in for a learned extractor: 8 x 8 block means, squeezed to six numbers."""
    blocks = images.reshape(len(images), 4, 8, 4, 8).mean(axis=(2, 4)).reshape(len(images), 16) / 65535
    return (blocks @ np.random.default_rng(0).standard_normal((16, 6))).astype(np.float32)


def published_schema(name: str) -> jsonschema.Draft202012Validator:
    path = resources.files("epuredgm.evaluation") / "schemas" / f"{name}.schema.json"
    return jsonschema.Draft202012Validator(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def designs() -> Designs:
    return grey_makers.designs(360, SIDE)


def reader(designs: Designs) -> Callable[[Images], Any]:
    """A stand-in for a learned reader of conditions: it knows the designs again, and no other picture."""
    told = np.nan_to_num(designs.conditions)
    answers = {
        image.tobytes(): (view == 0, view == 1, age + 1)
        for image, (view, age) in zip(designs.images, told, strict=True)
    }

    def read(images: Images) -> Any:
        return np.array([answers.get(each.tobytes(), (1, 0, 0)) for each in images], dtype=np.float32)

    return read


@pytest.fixture(scope="module")
def reference(designs: Designs) -> Reference:
    describe = {"domain": pooled, conditions.NAME: reader(designs)}
    extractors = {name: Extractor(name, each, {"sha256": "d" * 64}) for name, each in describe.items()}
    return Reference(extractors, {}, {name: each(designs.images) for name, each in describe.items()})


@pytest.fixture(scope="module")
def result(designs: Designs, reference: Reference, settings: EvaluationSettings) -> dict[str, Any]:
    """The test designs themselves, in three modes."""
    test = designs.split("test")
    extras = {
        "kl": np.linspace(0, 10, len(test), dtype=np.float32),
        "codes": np.random.default_rng(0).standard_normal((len(test), 2, 2)).astype(np.float32),
    }
    extras["codes"][:, 0] *= 0.05
    samples = {
        "unconditional": grey_makers.samples(test, asked=False),
        "conditional": grey_makers.samples(test),
        "reconstruction": grey_makers.samples(test, **extras),
    }
    return evaluate(grey_makers.spec(SIDE), designs, samples, settings, 0, reference=reference)


@pytest.mark.parametrize("slope", [2.0, 3.0])
@pytest.mark.parametrize("side", [32, 64, 128])
def test_the_slope_of_made_up_noise_is_found_in_whole_pictures_and_in_bodies(side: int, slope: float) -> None:
    whole = np.clip(0.5 + 0.08 * noise(40, side, slope), 0.05, 1).astype(np.float32)
    shaped = bodies(40, side, slope=slope).astype(np.float32)
    for pictures in (whole, shaped):  # steep spectra of few pixels are found too steep, on either side alike
        found = grey_descriptors.slopes(grey_descriptors.log_spectra(pictures), side)
        assert found.mean() == pytest.approx(slope, abs=8 / side + 0.1)


def test_power_is_that_of_white_noise() -> None:
    pictures = (0.5 + 0.05 * np.random.default_rng(0).standard_normal((60, 1, 64, 64))).astype(np.float32)
    power = np.exp(grey_descriptors.log_spectra(pictures))[..., 4:].mean(axis=(0, 1))
    assert power == pytest.approx(np.full(28, 0.05**2), rel=0.1)


def test_bodies_are_measured_by_hand() -> None:
    pictures = np.zeros((2, 1, 20, 20), dtype=np.float32)
    pictures[0, 0, :10, :10] = 0.2
    pictures[0, 0, :5, :10] = 0.8
    assert grey_descriptors.areas(pictures).ravel().tolist() == [0.25, 0.0]
    density = grey_descriptors.densities(pictures, 0.5).ravel()
    assert density[0] == 0.5 and np.isnan(density[1])
    assert 0.2 < grey_descriptors.dense_level(pictures) < 0.8
    features = grey_descriptors.texture(pictures, 0.5)
    assert features.shape == (2, 9) and np.isfinite(features[0]).all()
    assert features[0, 2:5] == pytest.approx([0.5, 0.3, 1.0], abs=1e-6)  # mean, deviation, one bit


def test_pictures_are_averaged_over_whole_blocks() -> None:
    images = np.random.default_rng(0).integers(0, 65536, (2, 1, 40, 24), dtype=np.uint16)
    assert reduced(images, 40) is images
    expected = images.reshape(2, 1, 20, 2, 12, 2).mean(axis=(3, 5))
    assert np.abs(reduced(images, 39) - expected).max() <= 0.5
    assert reduced(np.full((1, 1, 41, 3), 7, np.uint8), 20).tolist() == [[[[7]] * 14]]


def test_the_frechet_distance_of_the_features_is_its_closed_form() -> None:
    x, y = (np.random.default_rng(seed).standard_normal((50, 9)) * (1 + seed) for seed in (0, 1))
    a, b = np.cov(x.T), np.cov(y.T)
    closed = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert frechet_distance(x, y) == pytest.approx(closed, rel=1e-6)


def test_equal_sets_are_perfect(result: dict[str, Any]) -> None:
    for mode in ("unconditional", "conditional"):
        block = result["modes"][mode]
        assert block["spectrum"]["difference"]["value"] == 0
        assert block["tissue"]["area"]["wd"]["value"] == block["tissue"]["density"]["wd"]["value"] == 0
        assert block["texture"]["distance"]["value"] == pytest.approx(0, abs=1e-6)
    alike = result["modes"]["conditional"]["ms_ssim"]
    assert alike["excess"]["value"] == 0 < alike["real"]["value"] < 1
    assert alike["scales"] == 2  # at 32 px
    back = result["modes"]["reconstruction"]["reconstruction"]
    assert back["ssim"]["value"] == pytest.approx(1) and back["ms_ssim"]["value"] == pytest.approx(1)
    assert back["l1"]["value"] == 0 and back["masked"]["ssim"]["value"] == pytest.approx(1)
    assert back["gain"]["value"] == pytest.approx(1 - back["mean_picture"]["ssim"]["value"])
    assert 0 < back["gain"]["value"] < 1 and back["n"] == 120


def test_masks_of_components_are_not_looked_for_in_grey_pictures(result: dict[str, Any]) -> None:
    for block in result["modes"].values():
        assert not {"rce", "com", "iou_dice", "validity", "memorisation", "joint", "fd_geometry"} & set(block)
    assert set(result["modes"]["reconstruction"]) == {"counts", "reconstruction", "latent"}
    assert not {"reconstruction", "latent"} & set(result["modes"]["conditional"])


def test_the_use_of_the_code_is_counted(result: dict[str, Any]) -> None:
    latent = result["modes"]["reconstruction"]["latent"]
    assert latent["kl"]["value"] == pytest.approx(5)
    assert (latent["active_units"]["value"], latent["units"]) == (2, 4)


def test_strata_below_the_minimum_are_null_with_a_reason(
    designs: Designs, reference: Reference, settings: EvaluationSettings, result: dict[str, Any]
) -> None:
    test = designs.split("test")
    found = result["modes"]["conditional"]["strata"]
    assert set(found["view"]) == {"CC", "MLO"} and len(found["age"]) == 3
    for group in (*found["view"].values(), *found["age"].values()):
        assert (group["fd_domain"]["value"] is None) == (group["n"] < found["minimum"])
    known = np.isfinite(test.conditions).sum(axis=0)
    assert [sum(each["n"] for each in found[name].values()) for name in ("view", "age")] == known.tolist()
    few = {"conditional": grey_makers.samples(test.rows(list(range(30))))}
    block = evaluate(grey_makers.spec(SIDE), designs, few, settings, 0, reference=reference)["metrics"]
    assert "fewer than" in block["strata"]["view"]["CC"]["fd_domain"]["reason"]


def test_what_is_wrong_is_seen(
    designs: Designs, reference: Reference, settings: EvaluationSettings, result: dict[str, Any]
) -> None:
    test = designs.split("test").rows(np.arange(60))  # few enough for train pictures of the same views
    asked = grey_makers.samples(test)
    asked = replace(asked, conditions=asked.conditions * np.array([1, np.nan], dtype=np.float32))

    def score(pictures: Floats) -> dict[str, Any]:
        made = replace(asked, images=grey_makers.stored(pictures))
        sets = {"conditional": made}
        found: dict[str, Any] = evaluate(
            grey_makers.spec(SIDE), designs, sets, settings, 0, reference=reference
        )["metrics"]
        return found

    real = test.images / 65535
    noisy = score(np.where(real > 0, real + 0.1 * noise(len(test), SIDE, 0.0), 0))
    assert noisy["spectrum"]["difference"]["value"] > 0.5
    assert noisy["texture"]["distance"]["value"] > 10 * noisy["texture"]["distance"]["floor"]["mean"]
    alone = score(np.repeat(real[:1], len(test), axis=0))
    assert alone["ms_ssim"]["generated"]["value"] == pytest.approx(1, abs=1e-4)
    assert alone["ms_ssim"]["excess"]["interval"][0] > 0
    blank = score(np.zeros_like(real))
    assert blank["tissue"]["empty"]["value"] == 1
    assert blank["texture"]["distance"]["ratio"] > 100
    for figure in (blank["spectrum"]["slope"], blank["tissue"]["density"]["wd"]):
        assert figure["value"] is None and figure["reason"]


def test_a_trivial_generator_is_no_better_than_itself(
    designs: Designs, reference: Reference, settings: EvaluationSettings, result: dict[str, Any]
) -> None:
    assert result["modes"]["conditional"]["trivial"]["ratio"]["value"] < 0.1
    train, test = designs.split("train"), designs.split("test")
    sure = test.rows(np.flatnonzero(np.isfinite(test.conditions[:, 0])))
    means = [
        train.images[train.conditions[:, 0] == view].mean(axis=0) / 65535
        for view in sure.conditions[:, 0].astype(int)
    ]
    made = replace(grey_makers.samples(sure), images=grey_makers.stored(np.stack(means)))
    block = evaluate(
        grey_makers.spec(SIDE), designs, {"conditional": made}, settings, 0, reference=reference
    )["metrics"]["trivial"]
    own = block["mean_picture"]["fd_domain"]["value"]
    other = block["mean_with_noise"]["fd_domain"]["value"]
    assert block["ratio"]["value"] == pytest.approx(own / min(own, other), rel=1e-4)


@pytest.fixture(scope="module")
def published(designs: Designs, reference: Reference, result: dict[str, Any]) -> dict[str, Any]:
    """Both score files by the name of their schema."""
    whole = {
        **result,
        "model": "m",
        "dataset": "grey",
        "seed": 0,
        "profile": "test",
        "provenance": {
            "weights_sha256": "w" * 64,
            "samples": {"conditional": {"sha256": "s", "meta": {"epoch": 3}}},
        },
    }
    run = score_files.Run(whole, designs, reference)
    return {"fid_scores": score_files.fid_scores(run), "ssim_scores": score_files.ssim_scores(run)}


def test_score_files_keep_to_their_schemas_and_say_where_they_are_from(
    designs: Designs, published: dict[str, Any], result: dict[str, Any]
) -> None:
    fid, ssim = published["fid_scores"], published["ssim_scores"]
    for name, content in published.items():
        schema = published_schema(name)
        schema.check_schema(schema.schema)
        schema.validate(json.loads(json.dumps(content, allow_nan=False)))
        assert content["checkpoint"] == {"sha256": "w" * 64, "epoch": 3}
    domain = fid["modes"]["conditional"]["spaces"]["domain"]
    assert domain["fid"]["value"] == result["modes"]["conditional"]["fd_domain"]["distance"]["value"]
    assert domain["kid"]["std"] is not None and fid["extractors"]["domain"]["dimension"] == 6
    assert any("MS-SSIM over 2 scales" in warning for warning in ssim["warnings"])
    other = replace(designs, ids=np.char.add("x", designs.ids))
    assert score_files.split_sha256(other) != fid["split"]["sha256"]


def test_values_and_floors_are_of_equally_many_pictures(published: dict[str, Any]) -> None:
    modes = published["fid_scores"]["modes"]
    for mode in modes.values():
        assert mode["n_real"] == mode["n_fake"] == mode["n_floor"] == 120
    assert set(modes) == {"unconditional", "conditional"}
    assert modes["unconditional"]["distance_floor"]["kind"] == "random"
    assert modes["unconditional"]["spaces"]["domain"]["fid"]["floor"]["mean"] > 0
    # too few train pictures are of the ages that were asked for
    assert modes["conditional"]["distance_floor"]["kind"] == "none"
    assert "age" in modes["conditional"]["distance_floor"]["reason"]
    assert modes["conditional"]["spaces"]["domain"]["fid"]["floor"] is None


def test_strata_of_reconstructions_are_null_below_the_stated_minimum(published: dict[str, Any]) -> None:
    back = published["ssim_scores"]["reconstruction"]
    assert back["stratum_minimum"] == reconstruction.LEAST
    for group in back["per_stratum"]["view"].values():
        assert group["n"] >= back["stratum_minimum"]
        assert group["ssim"] == pytest.approx(1) and group["l1"] == 0
        assert group["psnr"] > 100 and group["ms_ssim"] == pytest.approx(1)


def _without_floor(fid: Any) -> None:
    fid["modes"]["unconditional"]["spaces"]["domain"]["fid"]["floor"] = None


def _without_why_there_is_no_floor(fid: Any) -> None:
    del fid["modes"]["conditional"]["distance_floor"]["reason"]


def _without_count_of_the_floor(fid: Any) -> None:
    del fid["modes"]["conditional"]["n_floor"]


def _figure_of_few(fid: Any) -> None:
    fid["modes"]["conditional"]["strata"]["view"]["CC"]["n"] = strata.LEAST - 1


def _mean_of_few(ssim: Any) -> None:
    ssim["reconstruction"]["per_stratum"]["view"]["CC"]["n"] = reconstruction.LEAST - 1


def _without_data(content: Any) -> None:
    del content["split"]["data_fingerprint"]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("fid_scores", _without_floor),
        ("fid_scores", _without_why_there_is_no_floor),
        ("fid_scores", _without_count_of_the_floor),
        ("fid_scores", _figure_of_few),
        ("fid_scores", _without_data),
        ("ssim_scores", _mean_of_few),
        ("ssim_scores", _without_data),
    ],
)
def test_a_score_file_that_says_too_little_or_too_much_breaks_its_schema(
    published: dict[str, Any], name: str, spoil: Callable[[Any], None]
) -> None:
    content = json.loads(json.dumps(published[name]))
    published_schema(name).validate(content)
    spoil(content)
    with pytest.raises(jsonschema.ValidationError):
        published_schema(name).validate(content)


def test_means_are_those_of_the_stratum(designs: Designs, result: dict[str, Any]) -> None:
    train, test = (
        Population(each.images, "grey", each.conditions, each.condition_names)
        for each in (designs.split("train"), designs.split("test"))
    )
    found = mean_pictures(train, test, grey_makers.spec(SIDE))
    view = test.condition("view")
    first, second = (found[view == value].mean() for value in (0, 1))
    assert second == pytest.approx(0.6 * first, rel=0.1)


def test_every_metric_of_grey_pictures_declares_headlines_that_it_computes(result: dict[str, Any]) -> None:
    blocks = {**result["modes"]["conditional"], **result["modes"]["reconstruction"]}
    for metric in all_metrics():
        if metric.values == ("grey",) and metric.key in blocks:
            paths = [path for path, _ in figures(blocks[metric.key])]
            for head in metric.headlines:
                before, _, after = head.path.partition("*")
                assert any(path.startswith(before) and path.endswith(after) for path in paths), head
    # the reader says a year more than was told
    assert blocks["condition_fidelity"]["numbers"]["age"]["bias"]["value"] == pytest.approx(1)
