"""The toy data are the published ones, bit for bit, and obey every law that their definition implies."""

from __future__ import annotations

import hashlib
import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_makers import Stopping
from scipy import ndimage

from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError, Interrupted
from epuredgm.core.monitor import SILENT
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data import toy, toy_table
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.splits import subset
from epuredgm.data.toy import ToyReader
from epuredgm.data.toy_shapes import COMPONENTS, render, split_channels
from epuredgm.data.toy_stream import Parameters, draw

COUNT, SEED = 20000, 42
SPEC = DataSpec(
    name="toy",
    height=64,
    width=32,
    components=tuple(Component(name, name, "#000000") for name in COMPONENTS),
    conditions=(Condition("width_px", "px"), Condition("height_px", "px")),
    exclusive=True,
    mirrored=True,
)


class Published:
    """All 20,000 designs, made once for this file."""

    def __init__(self) -> None:
        self.train, self.parameters = draw(COUNT, SEED, SILENT)
        parts = [render(self.parameters.rows(slice(start, start + 1000))) for start in range(0, COUNT, 1000)]
        self.labels = np.concatenate([part.labels for part in parts])
        self.areas = np.concatenate([part.areas for part in parts])
        self.images = split_channels(self.labels)
        self.columns = toy_table.measure(self.parameters, self.areas, SEED)


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


def reader(count: int = 40, spec: DataSpec = SPEC, seed: int = 7) -> ToyReader:
    return ToyReader(spec, Path("unused"), count=count, seed=seed)


# the published data ------------------------------------------------------------------------------------


def test_the_three_oracles(published: Published) -> None:
    def sha256(array: np.ndarray) -> str:
        return hashlib.sha256(np.ascontiguousarray(array, dtype=np.uint8).data).hexdigest()

    assert sha256(published.images) == "b5b3cbcccc03b8ad821c7d21bacf87e9506672f624967879b0de229d3d8ad318"
    assert sha256(published.train) == "7df1d80db1736dae13e39ffc983680770418837b971d2b8dd391eb6d4633c986"
    assert sha256(published.labels) == "a0cb27b842803ebc8afb1606272770b995cd9de4d0fa60e53ca0202b748c406f"


def test_split_sizes_and_first_flags(published: Published) -> None:
    assert (published.train.sum(), (~published.train).sum()) == (16000, 4000)
    assert published.train[:20].astype(int).tolist() == [
        1,
        0,
        1,
        1,
        0,
        1,
        1,
        0,
        1,
        1,
        0,
        1,
        0,
        1,
        1,
        1,
        0,
        1,
        1,
        1,
    ]


def test_joint_law_of_the_thicknesses(published: Published) -> None:
    p = published.parameters
    pairs, counts = np.unique(np.stack([p.crown, p.carcass], axis=1), axis=0, return_counts=True)
    assert [tuple(pair) for pair in pairs.astype(int).tolist()] == [(4, 3), (4, 4), (5, 4), (5, 5), (6, 5)]
    expected = np.array([1 / 4, 1 / 4, 1 / 6, 1 / 6, 1 / 6])
    assert np.abs(counts / COUNT - expected).max() < 4 * math.sqrt(0.25 / COUNT)


def test_width_and_height_closed_forms_for_every_design(published: Published) -> None:
    p = published.parameters
    assert (mirrored_width(published.images) == np.minimum(64, 2 * (p.half_belly + p.crown) + 1)).all()
    assert (mirrored_height(published.images) == p.bottom - p.top + p.crown + 1).all()


def test_last_row_and_right_edge(published: Published) -> None:
    union = published.images.any(axis=1)
    assert (63 - union.any(axis=2)[:, ::-1].argmax(axis=1) == published.parameters.bottom).all()
    for mask in (published.images[:, 0], published.images[:, 1], union):
        assert mask[:, :, 31].any(axis=1).all()


def test_no_overlap_and_nothing_is_empty(published: Published) -> None:
    assert published.images.sum(axis=1).max() == 1
    assert published.images.any(axis=(2, 3)).all()


def test_class_shares(published: Published) -> None:
    shares = np.bincount(published.labels.ravel(), minlength=4) / published.labels.size
    assert np.abs(shares - [0.11368, 0.08342, 0.04529, 0.75761]).max() < 6e-6


def test_connectivity(published: Published) -> None:
    from epuredgm.evaluation.geometry import pieces, with_union

    train = published.train
    single = pieces(with_union(published.images > 0), 4) == 1
    assert single[:, [0, 1, 3]].all()
    assert (single[train, 2].sum(), single[~train, 2].sum()) == (12032, 3015)


def test_areas_on_the_whole_canvas(published: Published) -> None:
    assert np.abs(published.areas.mean(axis=0) - [470.72, 345.73, 185.22]).max() < 0.006
    assert np.abs(published.areas.std(axis=0) - [88.62, 66.23, 37.51]).max() < 0.006


def test_published_subset(published: Published) -> None:
    rows = subset(published.train, 1000)
    assert (np.diff(rows) > 0).all()
    assert (published.train[rows].sum(), (~published.train[rows]).sum()) == (800, 200)
    widths = pd.Series(published.columns["width_px"][rows]).value_counts().sort_index().astype(int).to_dict()
    assert widths == {49: 57, 51: 108, 53: 111, 55: 103, 57: 111, 59: 105, 61: 101, 63: 121, 64: 183}
    heights = pd.Series(published.columns["height_px"][rows]).value_counts().sort_index().tolist()
    assert heights == [12, 30, 47, 71, 78, 100, 137, 137, 109, 83, 66, 63, 42, 19, 6]
    half = published.images[rows].sum(axis=(2, 3))[published.train[rows]]
    assert np.abs(half.mean(axis=0) - [235.31, 172.27, 93.56]).max() < 0.006


# an independent, slow rendering of the definition --------------------------------------------------------


def slow_canvas(p: dict[str, float]) -> np.ndarray:
    """The 64 x 64 picture (3, 64, 64), pixel by pixel in plain Python."""
    tk, tc, top, bottom = p["crown"], p["carcass"], p["top"], p["bottom"]
    wb, wo, tf, lip = p["half_belly"], p["half_bottom"], p["sidewall"], p["lip"]
    mid = math.floor(top + p["belly"] * (bottom - top))
    arc, leg = mid - top, bottom - mid

    def ellipse(y: int, rx: float, ry: float) -> float:
        root = 1 - ((y - mid) / ry) ** 2
        return rx * math.sqrt(root) if root >= 0 else 0.0

    def carcass(y: int) -> tuple[float, float]:
        if y <= mid:
            return ellipse(y, max(0, wb - tc), max(0, arc - tc)), ellipse(y, wb, arc)
        base = wb + 0.5 * (1 - math.cos(math.pi * ((y - mid) / leg))) * (wo - wb)
        delta = y - (bottom - lip)
        round_off = lip * (1 - math.sqrt(1 - (delta / lip) ** 2)) if 0 <= delta <= lip else 0.0
        return max(0, base - tc) + round_off / 2, base - round_off / 2

    canvas = np.zeros((3, 64, 64), dtype=bool)
    for y in range(64):
        for x in range(64):
            d = abs(x - 32)
            inner, outer = carcass(y) if top <= y <= bottom else (1.0, 0.0)
            nc = inner <= d <= outer
            km = fpu = False
            if y <= mid and abs(y - mid) <= arc + tk:
                limit, hole = ellipse(y, wb + tk, arc + tk), ellipse(y, wb, arc) if y >= top else 0.0
                km = (hole < d <= limit or (d <= limit and y < top + tk)) and not nc
            if mid < y <= bottom:
                fpu = outer < d <= outer + tk + (y - mid) / leg * (tf - tk) and not nc and not km
            canvas[:, y, x] = nc, km, fpu
    return canvas


def test_rendering_areas_and_columns_against_the_slow_canvas(published: Published) -> None:
    for row in range(0, COUNT, 500):
        p = {name: float(column[row]) for name, column in published.parameters._asdict().items()}
        canvas = slow_canvas(p)
        assert (canvas[:, :, :32] == published.images[row]).all()
        areas = canvas.sum(axis=(1, 2))
        assert areas.tolist() == published.areas[row].tolist()
        check_columns(canvas, {name: column[row] for name, column in published.columns.items()})


def check_columns(canvas: np.ndarray, got: dict[str, float]) -> None:
    nc, km, fpu = canvas.sum(axis=(1, 2)).tolist()
    union = canvas.any(axis=0)
    total = int(union.sum())
    width, height = int(union.any(axis=0).sum()), int(union.any(axis=1).sum())

    def clip(value: float) -> float:
        return max(-1.0, min(1.0, value))

    expected = {
        "width_px": width,
        "height_px": height,
        "width_px_norm": width / 64,
        "height_px_norm": height / 64,
        "m_top": min(300, 0.5 * km),
        "m_side": min(300, 0.5 * fpu),
        "m_total": min(600, 0.3 * total),
        "round_top": km / total,
        "dm_top": clip((km / total - 0.3) / 0.3),
        "dm_side": clip((fpu / total - 0.2) / 0.2),
        "dm_total": clip((min(600, 0.3 * total) - 300) / 300),
        "dround_top": clip(2 * (km / total - 0.5)),
        "d_life": clip(nc / total - 0.5),
        "d_stab": clip(height / width - 1),
    }
    ranges = {"d_life": (-0.8, 1.735384615), "d_stab": (-0.006097561, 0.584527221)}
    for name, (low, high) in ranges.items():
        expected[f"{name}_norm"] = 2 * (expected[name] - low) / (high - low) - 1
    for name, value in expected.items():
        assert abs(got[name] - value) < 1e-12, name


def test_rejection_rule_is_exactly_one_connected_crown() -> None:
    rng = np.random.default_rng(3)
    for tau_k, tau_c in [(k, c) for k in range(4, 8) for c in range(3, min(5, k) + 1)]:
        for _ in range(3):
            p = {"crown": tau_k, "carcass": tau_c, "top": rng.integers(6, 13), "bottom": rng.integers(52, 59)}
            p |= {
                "half_belly": rng.integers(20, 29),
                "half_bottom": rng.integers(10, 19),
                "lip": rng.integers(2, 5),
            }
            canvas = slow_canvas(p | {"belly": rng.uniform(0.3, 0.5), "sidewall": rng.integers(1, 4)})
            assert (ndimage.label(canvas[1])[1] == 1) == (tau_k - tau_c <= 1)
            assert canvas.sum(axis=0).max() == 1


def test_noise_columns_depend_on_seed_and_row_alone(published: Published) -> None:
    few = toy_table.measure(published.parameters.rows(slice(0, 10)), published.areas[:10], SEED)
    other = toy_table.measure(published.parameters.rows(slice(0, 10)), published.areas[:10], SEED + 1)
    for name in ("d_cons", "d_rigid"):
        assert (few[name] == published.columns[name][:10]).all()
        assert (few[name] != other[name]).any()
        assert abs(published.columns[name].std() - 0.2) < 0.005
        assert np.abs(published.columns[name]).max() <= 1


# the reader ----------------------------------------------------------------------------------------------


def test_made_once_and_found_next_time(tmp_path: Path) -> None:
    first = reader().prepare(tmp_path, SILENT)
    before = {file.name: file.stat().st_mtime_ns for file in first.iterdir()}
    assert reader().prepare(tmp_path, SILENT) == first
    assert {file.name: file.stat().st_mtime_ns for file in first.iterdir()} == before
    assert reader(seed=8).prepare(tmp_path, SILENT) != first


def test_loaded_designs_are_the_drawn_ones(tmp_path: Path) -> None:
    designs = reader().load(reader().prepare(tmp_path, SILENT))
    train, parameters = draw(40, 7, SILENT)
    assert (designs.train == train).all()
    assert (designs.images == split_channels(render(parameters).labels)).all()
    assert designs.ids[:2].tolist() == ["toy_00000", "toy_00001"]
    assert (designs.conditions[:, 0] == mirrored_width(designs.images)).all()
    assert (designs.conditions[:, 1] == mirrored_height(designs.images)).all()
    assert designs.fingerprint == reader().load(reader().prepare(tmp_path / "else", SILENT)).fingerprint


def test_no_condition_at_all(tmp_path: Path) -> None:
    spec = DataSpec("toy", 64, 32, SPEC.components, ())
    made = reader(spec=spec)
    assert made.load(made.prepare(tmp_path, SILENT)).conditions.shape == (40, 0)


def test_an_unknown_condition_names_its_neighbour(tmp_path: Path) -> None:
    made = reader(spec=DataSpec("toy", 64, 32, SPEC.components, (Condition("widht_px"),)))
    with pytest.raises(DataError, match="did you mean 'width_px'"):
        made.load(made.prepare(tmp_path, SILENT))


def test_other_components_are_refused() -> None:
    with pytest.raises(BadRequest, match="group_nc, group_km, fpu"):
        reader(spec=DataSpec("toy", 64, 32, SPEC.components[:2], ()))
    with pytest.raises(BadRequest, match="at least 2"):
        draw(1, 0, SILENT)


def test_death_half_way_leaves_nothing_to_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(path: Path, arrays: object) -> None:
        path.write_bytes(b"half")
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(toy, "write_arrays", die)
        with pytest.raises(MemoryError):
            reader().prepare(tmp_path, SILENT)
    assert list(tmp_path.iterdir()) == []
    assert len(reader().load(reader().prepare(tmp_path, SILENT))) == 40


def test_sigkill_half_way_leaves_nothing_to_be_found(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2]); import test_toy as t\n"
        "write = t.toy.write_arrays\n"
        "die = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "t.toy.write_arrays = lambda path, arrays: (write(path, arrays), die())\n"
        "t.reader().prepare(Path(sys.argv[1]), t.SILENT)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("toy-*")) and list(tmp_path.iterdir())
    assert len(reader().load(reader().prepare(tmp_path, SILENT))) == 40


def test_a_stop_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        reader().prepare(tmp_path, Stopping(stop=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["labels.npz", "table.npz"])
def test_a_damaged_entry_is_refused_and_made_again(tmp_path: Path, name: str) -> None:
    entry = reader().prepare(tmp_path, SILENT)
    good = (entry / name).read_bytes()
    (entry / name).write_bytes(good[:-7] + b"1234567")
    with pytest.raises(CorruptArtefact):
        reader().load(entry)
    assert reader().prepare(tmp_path, SILENT) == entry
    assert (entry / name).read_bytes() == good


def test_another_stream_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "PUBLISHED", {(40, 7): "0" * 64})
    with pytest.raises(DataError, match="numpy"):
        reader().prepare(tmp_path, SILENT)


def test_frame_has_the_published_columns(tmp_path: Path) -> None:
    made = reader()
    table = made.frame(made.prepare(tmp_path, SILENT))
    assert list(table.columns) == list(toy_table.COLUMNS)
    assert (table.train ^ table.test).all()
    assert table.filepath[0].endswith("/full/toy_00000_full.png")
    assert table.width_px.dtype == np.int64


def test_parameters_stay_in_their_ranges(published: Published) -> None:
    p = Parameters(*published.parameters)
    bounds = {"top": (6, 12), "bottom": (52, 58), "half_belly": (20, 28), "half_bottom": (10, 18)}
    bounds |= {"sidewall": (1, 3), "lip": (2, 4)}
    for name, (low, high) in bounds.items():
        column = getattr(p, name)
        assert (column.min(), column.max()) == (low, high)
        share = np.unique(column, return_counts=True)[1] / COUNT
        assert np.abs(share - 1 / (high - low + 1)).max() < 4 * math.sqrt(0.25 / COUNT)
    assert p.belly.min() >= 0.3 and p.belly.max() < 0.5
