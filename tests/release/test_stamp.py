"""Every PNG of a generated design says that it is synthetic; pictures of real designs say nothing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from release_makers import COUNT, Study, make_study

from epuredgm import __version__
from epuredgm.core.monitor import SILENT
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.export import export_samples
from epuredgm.data.facing import facing
from epuredgm.data.release import Pngs
from epuredgm.data.samples import SampleSet
from epuredgm.data.stamp import asked, png, stamp
from epuredgm.reporting.contact_sheet import contact_sheet

META = {"model": "cvae", "dataset": "films", "seed": 3, "mode": "conditional", "weights": "w"}
SPEC = DataSpec(
    "films",
    4,
    4,
    (Component("breast", "breast", "#888888"),),
    (Condition("side", values=("L", "R"), optional=True), Condition("age", "years", optional=True)),
    values="grey",
    bits=16,
    side="side",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"))


def text_of(content: bytes) -> dict[str, str]:
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return dict(picture.text)  # type: ignore[attr-defined]


def test_the_stamp_says_what_drew_the_picture() -> None:
    says = text_of(png(np.zeros((4, 4), np.uint8), stamp(META, {"side": "R", "age": "58 years"})))
    assert says["Synthetic"].startswith("SYNTHETIC") and says["Software"] == f"epuredgm {__version__}"
    assert (says["Model"], says["Data set"], says["Seed"], says["Mode"]) == (
        "cvae",
        "films",
        "3",
        "conditional",
    )
    assert says["Conditions"] == "side R; age 58 years"


def test_the_stamp_keeps_the_pixels_of_8_and_of_16_bits() -> None:
    for kind in (np.uint8, np.uint16):
        levels = np.random.default_rng(0).integers(0, np.iinfo(kind).max + 1, (9, 7)).astype(kind)
        with Image.open(io.BytesIO(png(levels, stamp(META)))) as picture:
            assert np.array_equal(np.asarray(picture), levels)


def test_equal_samples_give_equal_bytes() -> None:
    one, two = (png(np.ones((4, 4), np.uint8), stamp(META)) for _ in range(2))
    assert one == two


def test_conditions_are_told_in_words_and_great_ages_are_not() -> None:
    rows = np.array([[1, 58], [np.nan, np.nan], [0, 94]], np.float32)
    samples = SampleSet(
        images=np.zeros((3, 1, 4, 4), np.uint16),
        components=SPEC.component_names,
        conditions=rows,
        condition_names=SPEC.condition_names,
        ids=np.array([""] * 3),
        given=np.zeros((3, 1), bool),
        meta=META,
    )
    told = [asked(samples, row, SPEC) for row in range(3)]
    assert told == [{"side": "R", "age": "58 years"}, {}, {"side": "L", "age": "over 89 years"}]


def test_a_given_component_does_not_leave_as_synthetic() -> None:
    parts = (Component("crown", "crown", "#888888"), Component("side", "side", "#888888"))
    spec = DataSpec("tyres", 4, 4, parts, ())
    samples = SampleSet(
        images=np.ones((1, 2, 4, 4), np.uint8),
        components=spec.component_names,
        conditions=np.zeros((1, 0), np.float32),
        condition_names=(),
        ids=np.array([""]),
        given=np.array([[True, False]]),
        meta=META,
    )
    files = Pngs(spec).files(samples.images[0], samples, 0)
    assert list(files) == ["_side.png"] and text_of(files["_side.png"])["Given"].endswith("crown")


def test_the_other_side_is_mirrored_and_an_unknown_one_is_not() -> None:
    images = np.arange(48, dtype=np.uint16).reshape(3, 1, 4, 4)
    shown = facing(images, np.array([[0, 50], [1, 50], [np.nan, 50]]), SPEC)
    assert np.array_equal(shown[[0, 2]], images[[0, 2]])
    assert np.array_equal(shown[1], images[1, :, :, ::-1])


def test_run_s_pngs_are_stamped_and_face_their_way(study: Study, tmp_path: Path) -> None:
    samples = SampleSet.read(study.sample_file())
    export_samples(samples, tmp_path / "png", SILENT, study.spec)
    paths = sorted((tmp_path / "png" / "breast").iterdir())
    assert len(paths) == COUNT
    for row, path in enumerate(paths):
        says = text_of(path.read_bytes())
        assert says["Synthetic"].startswith("SYNTHETIC") and "view" in says["Conditions"]
        with Image.open(path) as picture:
            bright = np.asarray(picture)[:, [0, -1]].mean(axis=0).argmax()
        assert bright == samples.conditions[row, 1]  # samples have their bright border at the chest wall


def test_a_contact_sheet_is_stamped_if_it_is_of_samples(study: Study, tmp_path: Path) -> None:
    images = SampleSet.read(study.sample_file()).images
    contact_sheet(images, study.spec, tmp_path / "drawn.png", stamp=stamp(META))
    contact_sheet(images, study.spec, tmp_path / "real.png")
    assert text_of((tmp_path / "drawn.png").read_bytes())["Model"] == "cvae"
    assert text_of((tmp_path / "real.png").read_bytes()) == {}


def test_a_reconstruction_does_not_say_that_it_shows_nothing_real() -> None:
    says = stamp({**META, "mode": "reconstruction"})
    assert says["Synthetic"].startswith("SYNTHETIC: a real picture, encoded")
    assert "no patient" in stamp(META)["Synthetic"] and "no patient" not in says["Synthetic"]
