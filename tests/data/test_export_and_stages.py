"""Written and read back, designs are the same; and the stages do what jobs ask of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_makers import TWO, Stopping, random_designs, reader, write_gears
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from epuredgm.config import compose, find_conf
from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError, Interrupted
from epuredgm.core.files import tree_sha256
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.monitor import SILENT
from epuredgm.core.spec import Component, DataSpec
from epuredgm.data.export import export_designs, export_samples
from epuredgm.data.folders import FolderReader
from epuredgm.data.pictures import decode, encode
from epuredgm.data.samples import SampleSet
from epuredgm.data.splits import subset
from epuredgm.stages import export as export_stage
from epuredgm.stages import prepare
from epuredgm.stages.build import build, resolve
from epuredgm.stages.data_sets import designs_of, make_reader, reader_of, spec_of
from epuredgm.stages.inspect import describe

TOY = ("dataset.reader.count=30", "dataset.reader.seed=5")


def toy_section(*words: str) -> dict[str, object]:
    section: dict[str, object] = compose(find_conf(), "toy", "vae", "full", (*TOY, *words))["dataset"]
    return section


def a_job(workspace: Path, section: dict[str, object], **inputs: Path) -> JobFile:
    artefacts = {
        name.replace("__", "/"): Artefact(path.relative_to(workspace).as_posix(), tree_sha256(path), 0, 0)
        for name, path in inputs.items()
    }
    return JobFile(
        key="k", stage=Stage.PREPARE, dataset=str(section["name"]), model=None, seed=None, mode=None, log="",
        config={"dataset": section}, fingerprint="", hashed={}, workspace=str(workspace), branch="",
        inputs=artefacts,
    )  # fmt: skip


def a_set(images: np.ndarray, components: tuple[str, ...] = TWO.component_names) -> SampleSet:
    count, channels = images.shape[:2]
    return SampleSet(
        images=images,
        components=components,
        conditions=np.zeros((count, 1), np.float32),
        condition_names=("teeth",),
        ids=np.array([""] * count),
        given=np.zeros((count, channels), bool),
        meta={},
    )


# export ------------------------------------------------------------------------------------------------


def test_exported_toy_designs_read_back_as_component_folders(tmp_path: Path) -> None:
    job = a_job(tmp_path, toy_section())
    spec, source = spec_of(job), reader_of(job)
    entry = source.prepare(tmp_path / "cache", SILENT)
    designs, table = source.load(entry), source.frame(entry)
    export_designs(designs, table, spec, tmp_path / "out", SILENT, subset(designs.train, 10).tolist())
    again = FolderReader(
        spec, tmp_path / "out", root=None, table="performances.csv", pattern="{prefix}_{component}.png",
        prefix_case="keep", id_column="matching", split_column="train",
    )  # fmt: skip
    read = again.load(again.prepare(tmp_path / "cache", SILENT))
    for name in ("images", "ids", "train", "conditions"):
        assert (getattr(read, name) == getattr(designs, name)).all(), name
    columns = again.frame(again.prepare(tmp_path / "cache", SILENT))
    shared = [name for name in table.columns if name not in ("filepath",)]
    pd.testing.assert_frame_equal(columns[shared], table[shared], check_dtype=False, check_exact=True)
    full = np.asarray(
        Image.open(
            tmp_path / "out" / ("train" if designs.train[0] else "test") / "full" / "toy_00000_full.png"
        )
    )
    assert ((full > 128) == designs.images[0].any(axis=0)).all() and set(np.unique(full)) == {0, 255}
    assert len(pd.read_csv(tmp_path / "out" / "performances_10.csv")) == 10


def test_an_export_never_overwrites_and_can_be_repeated(tmp_path: Path) -> None:
    write_gears(tmp_path / "gears")
    source = reader(tmp_path / "gears")
    entry = source.prepare(tmp_path / "cache", SILENT)
    designs, table = source.load(entry), source.frame(entry)
    out = tmp_path / "out" / "gears"
    with pytest.raises(Interrupted):
        export_designs(designs, table, TWO, out, Stopping(stop=True))
    assert list(out.parent.iterdir()) == []
    out.mkdir()
    export_designs(designs, table, TWO, out, SILENT)
    before = tree_sha256(out)
    with pytest.raises(BadRequest, match="not empty"):
        export_designs(designs, table, TWO, out, SILENT)
    assert tree_sha256(out) == before


def test_samples_in_the_guide_s_folders_replace_an_earlier_export(tmp_path: Path) -> None:
    export_samples(a_set(random_designs(5, seed=1)), tmp_path / "png", SILENT, TWO)
    images = random_designs(3, seed=2)
    export_samples(a_set(images), tmp_path / "png", SILENT, TWO)
    assert sorted(path.name for path in (tmp_path / "png").iterdir()) == ["full", "hub", "ring"]
    assert sorted(path.name for path in (tmp_path / "png" / "hub").iterdir()) == [
        f"img000{i}_00.png" for i in range(3)
    ]
    for row in range(3):
        for folder, mask in (
            ("ring", images[row, 0]),
            ("hub", images[row, 1]),
            ("full", images[row].max(axis=0)),
        ):
            with Image.open(tmp_path / "png" / folder / f"img{row:04d}_00.png") as picture:
                assert picture.mode == "L"
                assert (np.asarray(picture) == mask * 255).all()
    with pytest.raises(Interrupted):
        export_samples(a_set(images[:1]), tmp_path / "png", Stopping(stop=True), TWO)
    assert len(list((tmp_path / "png" / "full").iterdir())) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["png"]


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_picture_survives_encoding(height: int, width: int, seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    assert (decode(encode(grey), height, width) == grey).all()


def test_export_stage_names_its_outputs_after_its_inputs(tmp_path: Path) -> None:
    images = random_designs(2, DataSpec("x", 64, 32, (Component("a", "", ""),) * 3, ()))
    samples = a_set(images, ("group_nc", "group_km", "fpu"))
    paths = {
        "samples": tmp_path / "s" / "samples.npz",
        "samples__fpu": tmp_path / "s" / "fpu" / "samples.npz",
    }
    for path in paths.values():
        samples.write(path)
    made = export_stage.run(a_job(tmp_path, toy_section(), **paths), SILENT)
    assert made == {"images": tmp_path / "s" / "png", "images/fpu": tmp_path / "s" / "fpu" / "png"}
    assert (
        np.asarray(Image.open(made["images/fpu"] / "group_km" / "img0001_00.png")) == images[1, 1] * 255
    ).all()


# stages ------------------------------------------------------------------------------------------------


def test_prepare_makes_what_designs_of_loads(tmp_path: Path) -> None:
    section = toy_section()
    made = prepare.run(a_job(tmp_path, section), SILENT)
    assert made["designs"].parent == tmp_path / "data" / ".cache"
    designs = designs_of(a_job(tmp_path, section, designs=made["designs"]))
    assert designs.images.shape == (30, 3, 64, 32)
    assert designs.condition_names == ("width_px", "height_px")


def test_normalized_reads_the_other_columns(tmp_path: Path) -> None:
    section = toy_section("dataset.normalized=true", "dataset.conditions=performance")
    job = a_job(tmp_path, section, designs=prepare.run(a_job(tmp_path, section), SILENT)["designs"])
    assert designs_of(job).condition_names == ("d_cons_norm", "d_rigid_norm", "d_life_norm", "d_stab_norm")


def test_an_entry_of_another_shape_is_refused(tmp_path: Path) -> None:
    write_gears(tmp_path / "data" / "gears")
    entry = reader(tmp_path / "data" / "gears").prepare(tmp_path / "cache", SILENT)
    section = toy_section()
    section = {
        **section,
        "reader": {**reader_section(), "id_column": "part"},
        "condition_sets": {"geometry": {}},
    }
    with pytest.raises(DataError, match="not \\(\\(6, 3, 64, 32\\)"):
        designs_of(a_job(tmp_path, section, designs=entry))
    with pytest.raises(CorruptArtefact):
        designs_of(a_job(tmp_path, section, designs=tmp_path / "data"))


def reader_section() -> dict[str, object]:
    from data_makers import ARGUMENTS

    return {"_target_": "epuredgm.data.folders.FolderReader", **ARGUMENTS}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("os.system", "not part of epuredgm"),
        ("epuredgm_evil.data.X", "not part of epuredgm"),
        ("epuredgm.data.export.Path", "defines no 'Path'"),
        ("epuredgm.core.files.os.system", "no module"),
        ("epuredgm.data.toys.ToyReader", "no module"),
        ("epuredgm.data.toy.ToyRaeder", "did you mean 'ToyReader'"),
        ("epuredgm.data.toy.VERSION", "defines no"),
        ("ToyReader", "not part of epuredgm"),
    ],
)
def test_a_target_leads_only_to_this_package_s_own(target: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        resolve(target)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(BadRequest, match="missing a required argument: 'seed'"):
        build("epuredgm.data.toy.ToyReader", TWO, Path("x"), count=3)
    assert resolve("epuredgm.data.measure.mirrored_width")(np.zeros((1, 1, 2, 2), np.uint8)).tolist() == [0.0]


def test_a_measure_that_does_not_exist_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    from epuredgm.core.places import Workspace

    section = toy_section()
    geometry = {"width_px": {"unit": "px", "measure": "epuredgm.data.measure.mirrored_widht"}}
    changed = section | {"condition_sets": {"geometry": geometry}}
    with pytest.raises(BadRequest, match="did you mean 'mirrored_width'"):
        make_reader(changed, Workspace(tmp_path))


def test_make_reader_reaches_the_reader_named_by_the_configuration(tmp_path: Path) -> None:
    from epuredgm.core.places import Workspace
    from epuredgm.data.toy import ToyReader

    assert isinstance(make_reader(toy_section(), Workspace(tmp_path)), ToyReader)


# inspect -----------------------------------------------------------------------------------------------


def test_describe_counts_what_was_planted(tmp_path: Path) -> None:
    write_gears(tmp_path / "gears", 9)
    first = (tmp_path / "gears/train/ring/g0-ring.view.png").read_bytes()
    second = (tmp_path / "gears/train/hub/g0-hub.view.png").read_bytes()
    for split, name in (("train", "g1"), ("test", "g2"), ("test", "g5")):
        (tmp_path / f"gears/{split}/ring/{name}-ring.view.png").write_bytes(first)
        (tmp_path / f"gears/{split}/hub/{name}-hub.view.png").write_bytes(second)
    for split, name in (("train", "g4"),):
        (tmp_path / f"gears/{split}/hub/{name}-hub.view.png").write_bytes(
            encode(np.zeros((12, 20), np.uint8))
        )
    source = reader(tmp_path / "gears")
    designs = source.load(source.prepare(tmp_path / "cache", SILENT))
    about = describe(designs, TWO, SILENT)
    assert about["splits"] == {"train": 6, "test": 3}
    assert about["duplicates"] == {"within train": 1, "within test": 1, "of train designs in test": 2}
    assert about["empty"] == {"ring": 0, "hub": 1, "union": 0}
    assert about["overlap"] == pytest.approx(8 / 9)
    assert about["areas"]["ring"]["mean"] == pytest.approx(designs.images[:, 0].sum(axis=(1, 2)).mean())
    assert about["conditions"]["teeth"]["test"]["max"] == 8 * 1.5


def test_grey_designs_are_described_where_they_are_above_zero(tmp_path: Path) -> None:
    grey = replace(TWO, values="grey")
    write_gears(tmp_path / "gears", 3)
    faint = np.full((12, 20), 100, np.uint8)
    faint[2:4, 5] = 200
    (tmp_path / "gears/train/ring/g0-ring.view.png").write_bytes(encode(faint))
    source = reader(tmp_path / "gears", grey)
    designs = source.load(source.prepare(tmp_path / "cache", SILENT)).rows([0])
    both = replace(designs.rows([0, 0]), train=np.array([True, False]))
    about = describe(both, grey, SILENT)
    assert about["areas"]["ring"]["mean"] == 240 and about["connected"]["ring"] == 1
