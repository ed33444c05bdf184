"""A phantom data set has the rates, layouts and truth that it says; patients are whole, bytes the same."""

from __future__ import annotations

import csv
from pathlib import Path, PureWindowsPath

import numpy as np
import pydicom
import pytest

from epuredgm.core.errors import BadRequest, Interrupted
from epuredgm.core.files import tree_sha256
from epuredgm.core.monitor import Monitor
from epuredgm.data.mammography import phantom_set
from epuredgm.data.mammography.phantom_cohort import SIZES, SLOTS, Size, draw_cohort
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_layouts import LAYOUTS
from epuredgm.data.mammography.phantom_set import make_phantom, masks_of

MINI = Size(6, Grid(80, 64, 3.2), cancer=0.2, false_positive=0.3, missing=0.2, repeats=0.2)


class StopAfter(Monitor):
    """Asks to stop when ``count`` patients are done."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0.0

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        self.done = done

    def stopping(self) -> bool:
        return self.done >= self.count


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom") / "new"
    make_phantom(folder, MINI, 3)
    return folder


# who is in it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "counts"), [("tiny", (24, 3, 6, 1, 11, 106)), ("small", (200, 5, 50, 3, 96, 893))]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_rates_are_met(name: str, counts: tuple[int, ...], seed: int) -> None:
    cohort = draw_cohort(SIZES[name], seed)
    views = [view for member in cohort for view in member.views]
    repeats = sum(take > 0 for *_, take in views)
    groups = [member.group for member in cohort]
    missing = len(cohort) * len(SLOTS) - (len(views) - repeats)
    found = (
        len(cohort),
        groups.count("abnormal"),
        groups.count("False Positive"),
        missing,
        repeats,
        len(views),
    )
    assert found == counts
    assert all(len(member.views) >= 3 for member in cohort)


def test_findings_differ_with_the_seed() -> None:
    one, other = ([m.group for m in draw_cohort(SIZES["tiny"], seed)] for seed in (0, 1))
    assert one != other


# files and tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_names_exactly_its_files(layout: str, tmp_path: Path) -> None:
    summary = make_phantom(tmp_path / "set", MINI, 3, layout)
    on_disk = {path.relative_to(summary.folder) for path in summary.folder.rglob("*.dcm")}
    rows = table(summary.table)
    assert len(rows) == len(on_disk) == summary.images
    cells = [row["File Path"] for row in rows]
    assert all("/" not in cell for cell in cells)  # as on Windows
    paths = [cell[: cell.index(".dcm") + 4] for cell in cells]
    assert {Path(*PureWindowsPath(path).parts) for path in paths} == on_disk
    truth = {row["path"]: row for row in table(summary.folder / "truth.csv")}
    assert {Path(path) for path in truth} == on_disk
    for row, path in zip(rows, paths, strict=True):
        known = truth[path.replace("\\", "/")]
        if layout == "one_column":
            said = known["laterality"] + known["view"] + known["age"] + known["exam_cancer"]
            assert row["File Path"] == path + said + known["exam_false_positive"] and len(row) == 1
            continue
        assert (row["Image Laterality"], row["View Position"]) == (known["laterality"], known["view"])
        assert (row["Age"], row["Cancer"]) == (known["age"], known["exam_cancer"])
        assert ("False Positive" in row) == (layout == "old")


def test_layouts_hold_the_same_pictures(made: Path, tmp_path: Path) -> None:
    make_phantom(tmp_path / "old", MINI, 3, "old")
    one, other = (
        sorted(path.read_bytes() for path in root.rglob("*.dcm")) for root in (made, tmp_path / "old")
    )
    assert one == other


def test_shuffled_columns_are_in_another_order(tmp_path: Path) -> None:
    summary = make_phantom(tmp_path / "set", MINI, 3, "shuffled")
    header = summary.table.read_text().splitlines()[0].split(",")
    assert header[0] != "File Path" and len(header) == 9


def test_truth_is_that_of_the_files(made: Path) -> None:
    for row in table(made / "truth.csv"):
        dataset = pydicom.dcmread(made / row["path"])
        assert (dataset.ImageLaterality, dataset.ViewPosition) == (row["laterality"], row["view"])
        assert dataset.PatientAge == f"{int(row['age']):03d}Y"
        breast, pectoral = masks_of(made, int(row["patient"]))[Path(row["path"]).name]
        assert np.array_equal(breast, dataset.pixel_array > 0)
        assert pectoral.any() == (row["view"] == "MLO") and breast.sum() == int(row["breast_pixels"])
        assert float(row["gland_fraction"]) == pytest.approx(float(row["gland_fraction_asked"]), rel=0.2)


def test_labels_are_those_of_the_exam_and_truth_those_of_the_breast(made: Path) -> None:
    rows = [row for row in table(made / "truth.csv") if row["exam_cancer"] == "1"]
    assert rows and {row["path"].split("/")[0] for row in rows} == {"abnormal"}
    assert {row["breast_cancer"] for row in rows} == {"0", "1"}  # one breast is healthy
    for row in rows:
        assert bool(row["lesions"]) == (row["breast_cancer"] == "1")
        assert ("-c/" in row["path"]) == (row["breast_cancer"] == "1")


# whole, resumable, always the same ---------------------------------------------------------------------


def test_bytes_do_not_depend_on_the_number_of_processes(made: Path, tmp_path: Path) -> None:
    make_phantom(tmp_path / "set", MINI, 3, workers=2)
    assert tree_sha256(tmp_path / "set") == tree_sha256(made)


def test_other_seeds_give_other_bytes(made: Path, tmp_path: Path) -> None:
    make_phantom(tmp_path / "set", MINI, 4)
    assert tree_sha256(tmp_path / "set") != tree_sha256(made)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_making_goes_on(workers: int, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with pytest.raises(Interrupted):
        make_phantom(folder, MINI, 3, monitor=StopAfter(2), workers=workers)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.dcm")}
    assert before and not (folder / "truth.csv").exists()
    summary = make_phantom(folder, MINI, 3)
    assert summary.made < MINI.patients
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())  # kept, not drawn again
    assert tree_sha256(folder) == tree_sha256(made)


def test_a_patient_that_fails_half_way_is_absent(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "set"
    calls = []

    def full_disk(path: Path, content: bytes) -> None:
        calls.append(path)
        if len(calls) == 7:
            raise OSError(28, "No space left on device")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr(phantom_set, "write_bytes", full_disk)
        with pytest.raises(OSError, match="No space"):
            make_phantom(folder, MINI, 3)
    assert len(list(folder.rglob("p_*"))) == 1
    assert not list(folder.rglob(".*"))
    make_phantom(folder, MINI, 3)
    assert tree_sha256(folder) == tree_sha256(made)


def test_making_again_makes_nothing(made: Path) -> None:
    before = tree_sha256(made)
    assert make_phantom(made, MINI, 3).made == 0
    assert tree_sha256(made) == before


def test_other_contents_are_refused(made: Path, tmp_path: Path) -> None:
    for arguments in ((MINI, 4, "new"), (MINI, 3, "old"), ("tiny", 3, "new")):
        with pytest.raises(BadRequest, match="another phantom"):
            make_phantom(made, *arguments)
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(BadRequest, match="not empty"):
        make_phantom(tmp_path, MINI, 3)
    with pytest.raises(BadRequest, match="no phantom of size"):
        make_phantom(tmp_path / "x", "huge")
    with pytest.raises(BadRequest, match="no phantom layout"):
        make_phantom(tmp_path / "x", MINI, 3, "cubist")
