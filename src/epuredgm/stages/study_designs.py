"""The pictures of a report: some designs of each set of samples, with the train designs nearest to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import file_sha256
from epuredgm.core.jobs import Mode, shows_real
from epuredgm.core.places import Workspace
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs, Stored
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation import nearness
from epuredgm.evaluation.neighbours import nearest
from epuredgm.evaluation.population import Population
from epuredgm.reporting.study import Adherence, Family, Gallery, Worst
from epuredgm.stages.build import resolve
from epuredgm.stages.study_grey import intensities, worst_of

SHOWN = 18  # designs of a set; around a given component, a third of them for each set
REAL = 22


@dataclass(frozen=True)
class Bench:
    """The real designs that pictures are held against; ``private`` ones are never shown, whole or in part."""

    spec: DataSpec
    designs: Designs
    private: bool = False

    @property
    def measurable(self) -> dict[str, Condition]:
        """The conditions that can be read back from designs."""
        return {each.name: each for each in self.spec.conditions if each.measure is not None}

    def train_ranges(self) -> dict[str, tuple[float, float]]:
        """Condition -> smallest and largest value of the train split."""
        train = self.designs.conditions[self.designs.train]
        return {
            name: (float(np.nanmin(train[:, k])), float(np.nanmax(train[:, k])))
            for k, name in enumerate(self.designs.condition_names)
            if len(train) and np.isfinite(train[:, k]).any()
        }

    def real_rows(self) -> NDArray[np.int64]:
        """A few test designs, spread evenly over the table; none of private ones."""
        rows = np.flatnonzero(~self.designs.train)
        return rows[_spread(len(rows), 0 if self.private else REAL)]

    def real(self) -> Stored:
        """The designs at :meth:`real_rows`."""
        return np.asarray(self.designs.images[self.real_rows()])

    def masks(self, images: Stored) -> NDArray[np.bool_]:
        """(N, C, H, W) bool: what counts as lit."""
        nothing = np.zeros((len(images), 0))
        population = Population(images, self.spec.values, nothing, ())
        return population.lit(images)

    def measured(self, images: Stored, names: Sequence[str]) -> NDArray[np.float64]:
        """(N, K) conditions as read back from designs; NaN where they cannot be."""
        values = np.full((len(images), len(names)), np.nan)
        if not self.measurable:
            return values
        masks = self.masks(images).view(np.uint8)
        for k, name in enumerate(names):
            condition = self.measurable.get(name)
            if condition is not None and len(images):
                values[:, k] = resolve(str(condition.measure))(masks)
        return values


def pictured(family: Family, bench: Bench, workspace: Workspace) -> Family:
    """The family with galleries and adherence of its first run; nearest train designs are still to be found.

    A set of samples is shown only if it is the one that was evaluated.
    """
    run = family.runs[0]
    stated = run.result.get("provenance", {})
    notes: list[str] = []
    if stated.get("data_fingerprint") != bench.designs.fingerprint:
        notes.append("its samples are not shown: it was evaluated on other data than there are now")
        return replace(family, notes=(*family.notes, *notes))
    galleries: list[Gallery] = []
    adherence: list[Adherence] = []
    worst: Worst | None = None
    for name, about in sorted(stated.get("samples", {}).items(), key=lambda each: _order(each[0])):
        mode, _, given = name.partition("/")
        place = workspace.samples(f"{family.model}_{bench.spec.name}", run.seed, mode, given or None)
        samples = _read(place / "samples.npz", about, bench.spec)
        if isinstance(samples, str):
            notes.append(f"{name}: not shown, {samples}")
            continue
        encoded = shows_real(mode)
        if encoded and bench.spec.levels > 1:
            worst = worst_of(samples, bench.designs, bench.spec, bench.private)
        if bench.private and shows_real(mode, given or None):
            notes.append(f"{name}: not shown, its pictures hold private ones or parts of them")
            continue
        galleries.append(_gallery(mode, given or None, samples, bench, encoded))
        if not given:
            adherence.extend(_adherence(mode, samples, bench))
    return replace(
        family,
        galleries=tuple(galleries),
        adherence=tuple(adherence),
        notes=(*family.notes, *notes),
        worst=worst,
    )


def _order(name: str) -> tuple[int, str]:
    """Modes in their usual order, then given components by name."""
    modes = [mode.value for mode in Mode]
    mode = name.partition("/")[0]
    return (modes.index(mode) if mode in modes else len(modes), name)


def with_neighbours(families: Sequence[Family], bench: Bench) -> tuple[Family, ...]:
    """The families with the nearest train design beside each shown one; one search for all of them.

    Of private data sets none is looked for.
    """
    shown = [gallery.samples for family in families for gallery in family.galleries]
    train = bench.designs.split("train")
    if not shown or not len(train) or bench.private:
        return tuple(families)
    if bench.spec.levels > 1:
        found_by_gate = nearness.nearest_stored(np.concatenate(shown), train.images, bench.spec.levels)
        distances, rows = nearness.distances(found_by_gate.best), found_by_gate.rows
    else:
        distances, rows = nearest(bench.masks(np.concatenate(shown)), bench.masks(train.images))
    start = 0
    found = []
    for family in families:
        galleries = []
        for gallery in family.galleries:
            part = slice(start, start + len(gallery.samples))
            start = part.stop
            galleries.append(
                replace(
                    gallery,
                    nearest=np.asarray(train.images[rows[part]]),
                    nearest_ids=tuple(train.ids[rows[part]].tolist()),
                    distances=distances[part],
                )
            )
        found.append(replace(family, galleries=tuple(galleries)))
    return tuple(found)


def _read(path: Path, about: Mapping[str, Any], spec: DataSpec) -> SampleSet | str:
    """The set of samples, or why it is not the one that was evaluated."""
    if not path.exists():
        return "the samples are gone"
    if file_sha256(path) != about["sha256"]:
        return "the samples are not the ones that were evaluated"
    try:
        samples = SampleSet.read(path)
    except CorruptArtefact as error:
        return error.message
    if (samples.components, samples.condition_names) != (spec.component_names, spec.condition_names):
        return "it was drawn for other components or conditions than this report was asked for"
    return samples


def _gallery(mode: str, given: str | None, samples: SampleSet, bench: Bench, encoded: bool) -> Gallery:
    count = SHOWN // 3 if given else SHOWN
    rows = _spread(len(samples), count)
    images, ids = samples.images[rows], tuple(samples.ids[rows].tolist())
    return Gallery(
        mode=mode,
        given=given,
        samples=images,
        asked=samples.conditions[rows].astype(np.float64),
        measured=bench.measured(images, samples.condition_names),
        nearest=images[:0],
        nearest_ids=(),
        distances=np.zeros(0),
        truth=_truth(ids, bench.designs) if given or encoded else None,
        truth_ids=ids,
        intensities=intensities(samples.images, bench.spec),
    )


def _truth(ids: Sequence[str], designs: Designs) -> Stored:
    """The test designs called ``ids``."""
    row_of = {str(name): row for row, name in enumerate(designs.ids)}
    return np.asarray(designs.images[[row_of[name] for name in ids]])


def _adherence(mode: str, samples: SampleSet, bench: Bench) -> list[Adherence]:
    """Asked and measured, for each condition that was asked for and can be measured."""
    ranges = bench.train_ranges()
    values = bench.measured(samples.images, samples.condition_names)
    found = []
    for k, name in enumerate(samples.condition_names):
        asked = samples.conditions[:, k].astype(np.float64)
        known = np.isfinite(asked) & np.isfinite(values[:, k])
        if name in bench.measurable and known.any():
            unit = bench.measurable[name].unit
            found.append(Adherence(mode, name, unit, asked[known], values[known, k], ranges[name]))
    return found


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """At most ``wanted`` of ``count`` rows, in order and evenly spread: a sweep is seen from end to end."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, wanted)).round().astype(np.int64))
