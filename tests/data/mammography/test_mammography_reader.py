"""Mammograms as a data set: what comes out, what is put aside, what is refused, and what is never shown."""

from __future__ import annotations

import csv
import logging
import re
from pathlib import Path

import numpy as np
import pytest
from reader_makers import SECRET, SIDE, Listener, a_phantom, a_reader, a_spec, with_variants

from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError, Interrupted
from epuredgm.core.files import tree_sha256
from epuredgm.core.monitor import SILENT
from epuredgm.core.sources import signature
from epuredgm.core.spec import Condition
from epuredgm.data.mammography import audit, parts
from epuredgm.data.mammography.identity import Secret
from epuredgm.data.mammography.intake import Item
from epuredgm.data.mammography.phantom_variants import VARIANTS

NAMES = {
    outcome: [n for n, v in VARIANTS.items() if v.outcome == outcome]
    for outcome in ("read", "quarantined", "refused")
}
REASON = "a test of the override, no patient exists"


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_phantom(tmp_path_factory.mktemp("phantom") / "data")


def quarantine(entry: Path) -> list[dict[str, str]]:
    with (entry / "quarantine.csv").open() as file:
        return list(csv.DictReader(file))


def test_what_the_table_says_is_what_comes_out(phantom: Path, tmp_path: Path) -> None:
    density = Condition("density", values=("A", "B", "C", "D"), optional=True)
    reader = a_reader(tmp_path, phantom, a_spec(SIDE, density), density="truth.csv")
    entry = reader.prepare(tmp_path / "cache", SILENT)
    designs, frame = reader.load(entry), reader.frame(entry)
    with (phantom / "truth.csv").open() as file:
        truth = list(csv.DictReader(file))
    names = [SECRET.picture("screening", row["path"]) for row in truth]
    assert designs.images.dtype == np.uint16 and designs.images.shape == (len(truth), 1, SIDE, SIDE)
    assert isinstance(designs.images, np.memmap) and designs.ids.tolist() == names == frame["id"].tolist()
    expected = np.array(
        [
            (
                row["view"] == "MLO",
                row["laterality"] == "R",
                float(row["age"]),
                row["exam_cancer"] == "1",
                row["exam_false_positive"] == "1",
                "ABCD".index(row["density"]),
            )
            for row in truth
        ],
        dtype=np.float64,
    )
    np.testing.assert_array_equal(designs.conditions, expected)
    assert (frame["mm_per_pixel"] > 1.6).all() and (frame["foreground"] > 0.2).all()
    assert designs.images.max() > 20000
    assert designs.images[..., 0].sum() > designs.images[..., -1].sum()  # the chest wall is on the left


@pytest.mark.parametrize("layout", ["old", "one_column", "shuffled"])
def test_other_generations_say_the_same(layout: str, phantom: Path, tmp_path: Path) -> None:
    def content(root: Path, workspace: Path) -> set[bytes]:
        reader = a_reader(workspace, root)
        designs = reader.load(reader.prepare(workspace / "cache", SILENT))
        pairs = zip(designs.images, designs.conditions, strict=True)
        return {image.tobytes() + row.tobytes() for image, row in pairs}

    other = a_phantom(tmp_path / "other", layout)
    assert content(other, tmp_path / "a") == content(phantom, tmp_path / "b")


def test_patients_are_whole_in_one_split_and_validation_is_of_train(phantom: Path, tmp_path: Path) -> None:
    reader = a_reader(tmp_path, phantom)
    entry = reader.prepare(tmp_path / "cache", SILENT)
    designs, frame = reader.load(entry), reader.frame(entry)
    assert frame.groupby("patient")["split"].nunique().max() == 1
    patients = frame.groupby("split")["patient"].nunique()
    assert patients.to_dict() == {"train": 8, "validation": 2, "test": 2}
    assert designs.validation is not None and not (designs.validation & ~designs.train).any()
    account = reader.account(entry)
    assert account["files"] == {"listed": len(designs), "used": len(designs)}
    assert account["pictures"]["test"] == int((~designs.train).sum())


# awkward files -------------------------------------------------------------------------------------------


def test_variants_that_can_be_read_agree(tmp_path: Path) -> None:
    with_variants(tmp_path / "data", NAMES["read"])
    reader = a_reader(tmp_path, tmp_path / "data", a_spec(64))
    entry = reader.prepare(tmp_path / "cache", SILENT)
    frame, images = reader.frame(entry), reader.load(entry).images.astype(np.float64) / 65535
    assert quarantine(entry) == []
    own = (frame["patient"] == SECRET.patient("screening", "900000000001")).to_numpy()
    names = np.array(NAMES["read"])
    assert own.sum() == len(names)
    read, shown = images[own], frame["intent"][own].to_numpy() == "presentation"
    assert (frame["view"][own] == "MLO").all() and (frame["laterality"][own] == "L").all()
    errors = {name: VARIANTS[name].error for name in names}
    finer = names == "half_spacing"  # drawn on another grid
    close = shown & ~finer & np.array([(errors[name] or 1.0) < 2e-4 for name in names])
    assert finer.any() and np.abs(read[finer] - read[close][:1]).max() <= 5e-3
    assert close.sum() >= 5 and {"presentation_14"} <= set(names[close])
    assert np.abs(read[close] - read[close][:1]).max() <= 2e-4  # MONOCHROME1 with 14 bits and 2 with 12 too
    whole = read[shown] > 0
    union = (whole & whole[:1]).sum((1, 2, 3)) / (whole | whole[:1]).sum((1, 2, 3))
    assert union.min() >= 0.97
    processing = read[~shown] > 0
    overlap = (processing & whole[:1]).sum((1, 2, 3)) / (processing | whole[:1]).sum((1, 2, 3))
    assert len(overlap) and overlap.min() >= 0.97


def test_variants_that_are_faulty_are_put_aside_with_reasons(tmp_path: Path) -> None:
    twin = "duplicate_of_another_patient"
    with_variants(tmp_path / "data", ["presentation_12", *NAMES["quarantined"]], {twin: "900000000002"})
    reader, monitor = a_reader(tmp_path, tmp_path / "data"), Listener()
    entry = reader.prepare(tmp_path / "cache", monitor)
    reasons = reader.account(entry)["quarantine"]
    assert len(quarantine(entry)) == len(NAMES["quarantined"]) + 1  # the twin's twin too
    assert reasons["shared_picture"] == 2 and {"truncated", "not_dicom", "modality", "implant"} <= set(
        reasons
    )
    assert {"header_laterality_conflict", "laterality_conflict"} & set(reasons)
    assert any("put" in text and "quarantine.csv" in text for text in monitor.said)
    shown = SECRET.patient("screening", "900000000002")
    assert shown not in set(reader.frame(entry)["patient"])


@pytest.mark.parametrize("name", NAMES["refused"])
def test_one_file_that_is_not_deidentified_stops_everything(name: str, tmp_path: Path) -> None:
    with_variants(tmp_path / "data", [name])
    with pytest.raises(DataError, match="not de-identified") as caught:
        a_reader(tmp_path, tmp_path / "data").prepare(tmp_path / "cache", SILENT)
    assert caught.value.faults and all("(in 1 files)" in fault for fault in caught.value.faults)
    assert not list((tmp_path / "cache").glob("*"))  # nothing of it is kept
    for value in ("Mustermann", "4711", "General", "Quacksalber", "A0042", "SN123456", "Nowhere"):
        assert value not in str(caught.value)


def test_an_override_needs_a_reason_and_is_written_down(tmp_path: Path) -> None:
    with_variants(tmp_path / "data", ["private_tag"])
    with pytest.raises(BadRequest, match="says nothing"):
        a_reader(tmp_path, tmp_path / "data", admit_identified="why not")
    with pytest.raises(DataError):
        a_reader(tmp_path, tmp_path / "data").prepare(tmp_path / "cache", SILENT)
    reader = a_reader(tmp_path, tmp_path / "data", admit_identified=REASON)
    entry = reader.prepare(tmp_path / "cache", SILENT)
    written = audit.entries(tmp_path / "data" / "audit.jsonl")
    assert [line["reason"] for line in written] == [REASON] and written[0]["refused"] == 1
    assert reader.account(entry)["admitted"] == 1
    assert (
        a_reader(tmp_path, tmp_path / "data").prepare(tmp_path / "cache", SILENT) == entry
    )  # these very files


# nothing is shown ------------------------------------------------------------------------------------------


def test_no_identifier_and_no_path_of_a_patient_is_in_anything_that_is_kept_or_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    places = with_variants(tmp_path / "source", ["presentation_12", "truncated", "implant", "private_tag"])
    with (tmp_path / "source/NLBSP-metadata.csv").open("a") as file:
        file.write("../normal/900000000009/left/CC/IM-9.dcm,L,CC,60,0,0\r\n")
        file.write("normal\\900000000009\\left\\CC\\IM-gone.dcm,L,CC,60,0,0\r\n")
    monitor = Listener()
    with pytest.raises(DataError) as refused:
        a_reader(tmp_path / "ws", tmp_path / "source").prepare(tmp_path / "cache", monitor)
    reader = a_reader(tmp_path / "ws", tmp_path / "source", admit_identified=REASON)
    entry = reader.prepare(tmp_path / "cache", monitor)
    out, err = capfd.readouterr()
    kept = [path for folder in ("cache", "ws") for path in (tmp_path / folder).rglob("*")]
    arrays = np.load(entry / "table.npz")
    texts = [
        *(str(path.relative_to(tmp_path)) for path in kept),
        *(path.read_text() for path in kept if path.suffix in (".json", ".jsonl", ".csv")),
        *(repr(arrays[name].tolist()) for name in arrays.files),
        reader.frame(entry).to_csv(),
        repr(reader.account(entry)),
        str(refused.value),
        *monitor.said,
        caplog.text,
        out,
        err,
    ]
    everything = "\n".join(texts)
    exams = {path.parts[1] for path in places.values()} | {"900000000009"}
    exams |= {path.name for path in (tmp_path / "source").glob("*/*") if path.name.isdigit()}
    assert len(exams) > 10
    assert not [exam for exam in exams if exam in everything]
    assert "IM-" not in everything and ".dcm" not in everything
    item = repr(Item("name", "patient", reader_row(tmp_path / "source")))
    assert not re.search(r"\d{12}", item) and "IM-" not in item


def reader_row(root: Path) -> object:
    from epuredgm.data.mammography.metadata import read_rows

    return read_rows(root / "NLBSP-metadata.csv")[0]


# interruption and repetition -------------------------------------------------------------------------------


def test_a_stopped_preparation_goes_on(
    phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FILES", 4)
    whole = a_reader(tmp_path / "a", phantom).prepare(tmp_path / "a/cache", SILENT)
    opened: list[str] = []
    honest = parts.take

    def counting(item: Item, *rest: object) -> object:
        opened.append(item.name)
        return honest(item, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(parts, "take", counting)
    cache = tmp_path / "b/cache"
    with pytest.raises(Interrupted):
        a_reader(tmp_path / "b", phantom).prepare(cache, Listener(patience=3))
    assert len(opened) == 12
    damaged = next(cache.glob(".*.parts/part-000001.npz"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    again = a_reader(tmp_path / "b", phantom).prepare(cache, SILENT)
    assert again.name == whole.name and tree_sha256(again) == tree_sha256(whole)
    repeated = len(opened) - len(set(opened))
    assert repeated == 4  # the damaged part alone
    assert sorted(path.name for path in cache.iterdir() if path.is_dir()) == [again.name]
    opened.clear()
    a_reader(tmp_path / "b", phantom).prepare(cache, SILENT)
    assert not opened


@pytest.mark.slow
def test_any_number_of_workers_makes_the_same_bytes(phantom: Path, tmp_path: Path) -> None:
    entries = [
        a_reader(tmp_path / str(workers), phantom, workers=workers).prepare(
            tmp_path / f"cache{workers}", SILENT
        )
        for workers in (1, 3)
    ]
    assert entries[0].name == entries[1].name and tree_sha256(entries[0]) == tree_sha256(entries[1])


def test_a_damaged_entry_is_noticed_and_made_again(phantom: Path, tmp_path: Path) -> None:
    reader = a_reader(tmp_path, phantom)
    entry = reader.prepare(tmp_path / "cache", SILENT)
    before = tree_sha256(entry)
    images = bytearray((entry / "images.npy").read_bytes())
    images[-1] ^= 1
    (entry / "images.npy").write_bytes(images)
    with pytest.raises(CorruptArtefact):
        reader.load(entry)
    assert tree_sha256(reader.prepare(tmp_path / "cache", SILENT)) == before


# patches and requests --------------------------------------------------------------------------------------


def test_patches_have_enough_breast_and_names_of_their_own(phantom: Path, tmp_path: Path) -> None:
    patches = {"canvas": 96, "stride": 32, "foreground": 0.5, "most": 3, "seed": 1}
    reader = a_reader(tmp_path, phantom, patches=patches)
    entry = reader.prepare(tmp_path / "cache", SILENT)
    designs, frame = reader.load(entry), reader.frame(entry)
    assert len(set(designs.ids)) == len(designs) and (frame["foreground"] >= 0.5).all()
    assert frame["id"].str[:32].value_counts().max() == 3
    assert ((designs.images > 0).mean(axis=(1, 2, 3)) > 0.4).all()
    assert frame.groupby("patient")["split"].nunique().max() == 1
    with pytest.raises(BadRequest, match="smaller than"):
        a_reader(tmp_path, phantom, patches={"canvas": 16, "stride": 8})
    with pytest.raises(BadRequest, match="not known"):
        a_reader(tmp_path, phantom, patches={"stride": 8})


def test_pictures_with_too_little_breast_are_put_aside(phantom: Path, tmp_path: Path) -> None:
    usual = a_reader(tmp_path, phantom)
    shares = usual.frame(usual.prepare(tmp_path / "cache", SILENT))["foreground"]
    least = float(shares.quantile(0.25))
    reader = a_reader(tmp_path, phantom, foreground=least)
    entry = reader.prepare(tmp_path / "cache", SILENT)
    assert reader.account(entry)["quarantine"] == {"too_little_breast": int((shares < least).sum())}


def test_what_is_missing_is_said_before_anything_is_read(phantom: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"dataset\.root"):
        a_reader(tmp_path, Path()).__class__(a_spec(), tmp_path, root=None, metadata=None).prepare(
            tmp_path / "cache", SILENT
        )
    with pytest.raises(BadRequest, match="does not exist"):
        a_reader(tmp_path, tmp_path / "nowhere").prepare(tmp_path / "cache", SILENT)
    with pytest.raises(BadRequest, match="called metadata"):
        a_reader(tmp_path, phantom.parent).prepare(tmp_path / "cache", SILENT)
    density = a_spec(SIDE, Condition("colour", values=("a", "b"), optional=True))
    reader = a_reader(tmp_path, phantom, density)
    entry = reader.prepare(tmp_path / "cache", SILENT)
    with pytest.raises(DataError, match="colour"):
        reader.load(entry)


# odd folders ------------------------------------------------------------------------------------------------


def as_section(root: Path) -> dict[str, object]:
    return {"name": "screening", "reader": {"root": str(root), "metadata": None}}


def test_a_loop_of_links_is_one_missing_file_and_names_no_exam(tmp_path: Path) -> None:
    root = a_phantom(tmp_path / "data", "old")
    exam = root / "normal" / "900000000001" / "left" / "CC"
    exam.mkdir(parents=True)
    (exam / "IM-1.dcm").symlink_to(exam / "IM-1.dcm")
    with (root / "NLBSP-metadata.csv").open("a") as file:
        file.write("normal/900000000001/left/CC/IM-1.dcm,L,CC,60,0,0\r\n")
    before = signature(as_section(root), tmp_path)
    reader = a_reader(tmp_path, root)
    assert reader.account(reader.prepare(tmp_path / "cache", SILENT))["quarantine"] == {"missing": 1}
    next(root.rglob("*.dcm")).touch()
    assert signature(as_section(root), tmp_path) != before


def test_the_table_is_found_by_its_name_in_any_case_and_beside_hidden_ones(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "NLBSP-METADATA.CSV").write_text("table")
    (root / "._NLBSP-METADATA.CSV").write_text("of another system")
    assert signature(as_section(root), tmp_path)["files"] == "2"


def test_densities_that_change_are_noticed(tmp_path: Path) -> None:
    root = a_phantom(tmp_path / "data")
    density = Condition("density", values=("A", "B", "C", "D"), optional=True)
    reader = a_reader(tmp_path, root, a_spec(SIDE, density), density="truth.csv")
    first = reader.prepare(tmp_path / "cache", SILENT)
    with (root / "truth.csv").open() as file:
        places = [row["path"] for row in csv.DictReader(file)]
    lines = ["Density ;PATH", *(f"{'unknown' if k else 'D'};{place}" for k, place in enumerate(places))]
    (root / "truth.csv").write_text("\n".join(lines))
    second = reader.prepare(tmp_path / "cache", SILENT)
    assert second != first
    assert reader.frame(second)["density"].tolist() == ["D", *[""] * (len(places) - 1)]


@pytest.mark.parametrize(
    "content", [b"normal/900000000001/left/CC/a.dcm;B\n", b"path,density\n900000000001\xe9,B\n", b""]
)
def test_a_table_of_densities_that_cannot_be_used_shows_no_row(content: bytes, tmp_path: Path) -> None:
    root = a_phantom(tmp_path / "data")
    (root / "density.csv").write_bytes(content)
    with pytest.raises(DataError, match="cannot be used") as caught:
        a_reader(tmp_path, root, density="density.csv").prepare(tmp_path / "cache", SILENT)
    assert "900000000001" not in str(caught.value)


def test_nothing_but_faulty_files_is_refused_with_their_reasons(tmp_path: Path) -> None:
    root = a_phantom(tmp_path / "data", "old")
    files = sorted(root.rglob("*.dcm"))
    for path in files:
        path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError) as caught:
        a_reader(tmp_path, root).prepare(tmp_path / "cache", SILENT)
    assert f"truncated: {len(files)} files" in str(caught.value)
    assert "0 patients are left" in str(caught.value)
    assert not list((tmp_path / "cache").glob("*"))


def test_one_patient_is_too_few(tmp_path: Path) -> None:
    root = a_phantom(tmp_path / "data", "old")
    table = root / "NLBSP-metadata.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:3]))
    with pytest.raises(DataError, match="1 patients are left"):
        a_reader(tmp_path, root).prepare(tmp_path / "cache", SILENT)


def test_another_secret_makes_another_entry(phantom: Path, tmp_path: Path) -> None:
    other = Secret(bytes(32))
    entries = [
        a_reader(tmp_path, phantom, secret=secret).prepare(tmp_path / "cache", SILENT)
        for secret in (SECRET, other, SECRET)
    ]
    assert entries[0] == entries[2] != entries[1]
    names = [set(a_reader(tmp_path, phantom).frame(entry)["patient"]) for entry in entries[:2]]
    assert not names[0] & names[1]


def test_patches_that_are_none_are_refused(tmp_path: Path) -> None:
    for wrong in ({"most": 0}, {"foreground": 1.5}):
        with pytest.raises(BadRequest, match="patches"):
            a_reader(tmp_path, tmp_path, patches={"canvas": 64, "stride": 8, **wrong})
