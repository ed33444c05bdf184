"""A reference comes back as it was made, for the data that it was made of, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import tree_sha256
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.extractor import Extractor, Features, Images, Maker, Setting, Unavailable
from epuredgm.evaluation.reference import NOTHING, described_rows, load_reference, make_reference
from epuredgm.evaluation.scalar import figures

Make = Callable[..., SampleSet]
ABSENT = "its weights are not here"


def areas(images: Images) -> Features:
    return images.sum(axis=(2, 3)).astype(np.float32)


def maker(name: str = "areas", most: int | None = None, absent: str = "") -> Maker:
    """Areas; it learns how many train designs there are, and may be absent when made or when loaded."""

    def fit(setting: Setting, designs: Designs, folder: Path, monitor: Monitor) -> None:
        if absent == "made":
            raise Unavailable(ABSENT)
        (folder / f"{name}.txt").write_text(str(int(designs.train.sum())))

    def load(setting: Setting, folder: Path) -> tuple[Extractor, ...]:
        if absent == "loaded":
            raise Unavailable(ABSENT)
        return (Extractor(name, areas, {"train": int((folder / f"{name}.txt").read_text())}, most),)

    return Maker((name,), fit, load)


def test_what_was_made_comes_back(domain_setting: Setting, designs: Designs, tmp_path: Path) -> None:
    makers = (maker(), maker("some", most=7))
    make_reference(makers, domain_setting, designs, tmp_path / "r", SILENT)
    found = load_reference(makers, domain_setting, designs, tmp_path / "r")
    count = int(designs.train.sum())
    assert found.facts == {"areas": {"train": count}, "some": {"train": count}}
    assert not found.missing
    assert np.array_equal(found.real["areas"], areas(designs.images))
    described = np.isfinite(found.real["some"]).all(axis=1)
    assert described[designs.train].sum() == described[~designs.train].sum() == 7
    assert np.array_equal(found.real["some"][described], areas(designs.images)[described])
    assert np.isnan(found.real["some"][~described]).all()


def test_made_twice_it_has_the_same_bytes(domain_setting: Setting, designs: Designs, tmp_path: Path) -> None:
    for name in "ab":
        make_reference((maker(most=5),), domain_setting, designs, tmp_path / name, SILENT)
    assert tree_sha256(tmp_path / "a") == tree_sha256(tmp_path / "b")


def test_that_of_other_data_is_refused(domain_setting: Setting, designs: Designs, tmp_path: Path) -> None:
    make_reference((maker(),), domain_setting, designs, tmp_path / "r", SILENT)
    with pytest.raises(CorruptArtefact, match="other designs"):
        load_reference((maker(),), domain_setting, replace(designs, fingerprint="another"), tmp_path / "r")


def _shortened(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [_shortened, _altered, Path.unlink])
@pytest.mark.parametrize("file", ["areas.txt", "areas.npz", "entry.json"])
def test_a_damaged_one_is_refused(
    domain_setting: Setting, designs: Designs, tmp_path: Path, damage: Callable[[Path], None], file: str
) -> None:
    make_reference((maker(),), domain_setting, designs, tmp_path / "r", SILENT)
    damage(tmp_path / "r" / file)
    with pytest.raises(CorruptArtefact):
        load_reference((maker(),), domain_setting, designs, tmp_path / "r")


@pytest.mark.parametrize("absent", ["made", "loaded"])
def test_an_extractor_that_cannot_be_had_is_a_reason_and_no_error(
    domain_setting: Setting, designs: Designs, tmp_path: Path, absent: str
) -> None:
    notes: list[str] = []

    class Listener(Monitor):
        def note(self, message: str) -> None:
            notes.append(message)

    makers = (maker(), maker("domain", absent=absent))
    make_reference(makers, domain_setting, designs, tmp_path / "r", Listener())
    found = load_reference(makers, domain_setting, designs, tmp_path / "r")
    assert found.missing == {"domain": ABSENT} and set(found.extractors) == {"areas"}
    assert len(notes) == 1 and ABSENT in notes[0]


@pytest.mark.parametrize("missing", [{}, {"domain": ABSENT}])
def test_figures_without_their_extractor_are_null_with_the_reason(
    spec: DataSpec,
    designs: Designs,
    settings: EvaluationSettings,
    make: Make,
    missing: Mapping[str, str],
) -> None:
    samples = {"unconditional": make(designs.images[:50])}
    reference = replace(NOTHING, missing=missing)
    block = evaluate(spec, designs, samples, settings, 0, reference=reference)["metrics"]
    found = dict(figures({key: block[key] for key in ("fd_domain", "manifold")}))
    assert len(found) == 5
    for figure in found.values():
        assert figure["value"] is figure["interval"] is None
        assert figure["reason"] == missing.get("domain", "the reference has no extractor domain")


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.one_of(st.none(), st.integers(1, 15)))
def test_as_many_designs_of_each_split_are_described_as_may_be(train: list[bool], most: int | None) -> None:
    flags = np.array(train)
    rows = described_rows(flags, most)
    assert (np.diff(rows) > 0).all()
    for side in (flags, ~flags):
        there = int(side.sum())
        assert side[rows].sum() == (there if most is None else min(there, most))
