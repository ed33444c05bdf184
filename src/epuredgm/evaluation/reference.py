"""The reference of a data set: its feature extractors, and the real designs as they see them.

Made once by the ``reference`` job as a sealed folder, loaded by the evaluation of every run, so that all runs
are held against the same features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact, Interrupted
from epuredgm.core.monitor import Monitor
from epuredgm.core.seeds import derive
from epuredgm.data.designs import Designs
from epuredgm.data.entries import new_entry, open_entry, read_arrays, write_arrays
from epuredgm.evaluation.extractor import Extractor, Features, Maker, Setting, Unavailable

REMEDY = "Make it again: --force reference"

PART = 256
"""Designs described between two reports of progress."""


@dataclass(frozen=True)
class Reference:
    """What evaluations compare through.

    Attributes:
        extractors: by name.
        missing: names of extractors that cannot be had, each with the reason.
        real: name -> float32 (N, D) features of all real designs; a row of NaN was not described.
    """

    extractors: Mapping[str, Extractor]
    missing: Mapping[str, str]
    real: Mapping[str, Features]

    @property
    def facts(self) -> dict[str, dict[str, object]]:
        """What results must share to be compared, by extractor."""
        return {name: dict(each.facts) for name, each in sorted(self.extractors.items())}


NOTHING = Reference({}, {}, {})
"""Without extractors: figures that need one are null."""


def make_reference(
    makers: Sequence[Maker], setting: Setting, designs: Designs, path: Path, monitor: Monitor
) -> None:
    """Fit every extractor, describe the real designs, and seal the folder ``path``.

    What is not available is noted with its reason; it is no error.
    """
    facts: dict[str, object] = {"data_fingerprint": designs.fingerprint, "missing": {}, "extractors": {}}
    missing: dict[str, str] = {}
    with new_entry(path, facts) as folder:
        for maker in _suiting(makers, setting):
            try:
                maker.fit(setting, designs, folder, monitor)
                extractors = maker.load(setting, folder)
            except Unavailable as absence:
                missing.update(dict.fromkeys(maker.names, absence.message))
                monitor.note(f"{', '.join(maker.names)}: {absence}")
                continue
            for extractor in extractors:
                rows = described_rows(designs.train, extractor.most)
                features = _described(extractor, designs, rows, monitor)
                write_arrays(folder / f"{extractor.name}.npz", {"rows": rows, "features": features})
        facts["missing"] = missing


def load_reference(makers: Sequence[Maker], setting: Setting, designs: Designs, path: Path) -> Reference:
    """Read back what :func:`make_reference` made.

    Raises:
        CorruptArtefact: if it is not what was written, or was made of other data.
    """
    facts = open_entry(path)
    if facts["data_fingerprint"] != designs.fingerprint:
        raise CorruptArtefact(f"{path} was made of other designs", REMEDY)
    missing = dict(facts["missing"])
    extractors: dict[str, Extractor] = {}
    for maker in _suiting(makers, setting):
        if set(maker.names) <= set(missing):
            continue
        try:
            extractors.update({each.name: each for each in maker.load(setting, path)})
        except Unavailable as absence:
            missing.update(dict.fromkeys(maker.names, absence.message))
    real = {name: _spread(read_arrays(path / f"{name}.npz"), len(designs)) for name in extractors}
    return Reference(extractors, missing, real)


def _suiting(makers: Sequence[Maker], setting: Setting) -> tuple[Maker, ...]:
    """Those that the data set has use for."""
    return tuple(maker for maker in makers if maker.suits(setting.spec))


def described_rows(train: NDArray[np.bool_], most: int | None) -> NDArray[np.int64]:
    """Row numbers, in order, of at most ``most`` seeded designs of each split; of all if None.

    Args:
        train: bool (N,), False for the test split.
        most: designs of each split.
    """
    chosen = []
    for side in (True, False):
        rows = np.flatnonzero(train == side)
        order = np.random.default_rng(derive(0, "described", int(side))).permutation(rows)
        chosen.append(order if most is None else order[:most])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def _described(extractor: Extractor, designs: Designs, rows: NDArray[np.int64], monitor: Monitor) -> Features:
    """(len(rows), D) features of some designs; in parts, for a network may take minutes for all."""
    parts = []
    for start in range(0, max(1, len(rows)), PART):
        if monitor.stopping():
            raise Interrupted("stopped while describing real designs")
        monitor.progress(start, len(rows), f"describing real designs: {extractor.name}")
        parts.append(extractor.describe(designs.images[rows[start : start + PART]]))
    return np.concatenate(parts).astype(np.float32)


def _spread(stored: Mapping[str, NDArray[np.generic]], count: int) -> Features:
    """(count, D): the stored features at their rows, NaN elsewhere."""
    features = np.asarray(stored["features"], dtype=np.float32)
    whole = np.full((count, features.shape[1]), np.nan, dtype=np.float32)
    whole[np.asarray(stored["rows"], dtype=np.int64)] = features
    return whole
