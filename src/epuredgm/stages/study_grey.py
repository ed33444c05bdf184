"""What a report shows of grey pictures: those lost most, intensities, how data are spread."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs, Stored
from epuredgm.data.samples import SampleSet
from epuredgm.reporting.study import Counted, Floats, Worst

BINS = 32  # of intensities
PICTURES = 300  # enough for a histogram of pixels
WORST = 6


def differences(pictures: Stored, others: Stored, levels: int) -> Floats:
    """(N,) root mean square of the difference in intensity of pictures in pairs."""
    found = [
        float(np.sqrt(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))) / levels
        for a, b in zip(pictures, others, strict=True)
    ]
    return np.array(found)


def worst_of(samples: SampleSet, designs: Designs, spec: DataSpec, private: bool) -> Worst | None:
    """The test pictures that came back least like themselves; None if no test picture is behind them."""
    row_of = {str(name): row for row, name in enumerate(designs.ids)}
    places = [row_of.get(str(name), -1) for name in samples.ids]
    if not places or min(places) < 0:
        return None
    errors = np.concatenate(
        [
            differences(image[None], designs.images[place][None], spec.levels)
            for image, place in zip(samples.images, places, strict=True)
        ]
    )
    rows = np.argsort(-errors, kind="stable")[:WORST]
    truth = np.stack([designs.images[places[row]] for row in rows])
    shown = slice(0, 0 if private else None)
    return Worst(
        errors=errors[rows],
        typical=float(np.median(errors)),
        names=tuple(str(samples.ids[row]) for row in rows),
        asked=samples.conditions[rows].astype(np.float64),
        truth=truth[shown],
        samples=samples.images[rows][shown],
    )


def intensities(
    pictures: Stored, spec: DataSpec, among: NDArray[np.int64] | None = None
) -> tuple[float, ...]:
    """Shares of pixels above 0 in equal bins of intensity from 0 to 1; empty for masks.

    Pictures are taken evenly from those at the rows ``among``, or from all.
    """
    rows = np.arange(len(pictures)) if among is None else among
    if spec.levels == 1 or not len(rows):
        return ()
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(PICTURES, len(rows))).round().astype(int))]
    counts = np.zeros(BINS)
    for row in rows:
        values = np.asarray(pictures[row]).ravel()
        counts += np.histogram(values[values > 0] / spec.levels, BINS, (0.0, 1.0))[0]
    return tuple((counts / max(1.0, counts.sum())).tolist())


# how data are spread --------------------------------------------------------------------------------------


def split_hashes(designs: Designs) -> dict[str, str]:
    """Split -> SHA-256 of the identities in it, one a line, sorted."""
    return {
        name: hashlib.sha256("\n".join(sorted(map(str, designs.ids[rows]))).encode()).hexdigest()
        for name, rows in (("train", designs.train), ("test", ~designs.train))
    }


def statistics(designs: Designs, spec: DataSpec) -> tuple[Counted, ...]:
    """How many designs of each split have each category; numbers as a median and a range."""
    known = {condition.name: condition for condition in spec.conditions}
    splits = (designs.conditions[designs.train], designs.conditions[~designs.train])
    found: list[Counted] = []
    for k, name in enumerate(designs.condition_names):
        if name in known:
            found.extend(_counted(known[name], splits[0][:, k], splits[1][:, k]))
    return tuple(found)


def _counted(condition: Condition, train: Floats, test: Floats) -> Iterator[Counted]:
    for place, value in enumerate(condition.values):
        yield Counted(condition.name, value, int((train == place).sum()), int((test == place).sum()))
    if not condition.values:
        yield Counted(condition.name, "median (range)", _summary(condition, train), _summary(condition, test))
    if condition.optional:
        yield Counted(condition.name, "unknown", int(np.isnan(train).sum()), int(np.isnan(test).sum()))


def _summary(condition: Condition, values: Floats) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return "none known"
    low, high = condition.text(float(known.min())), condition.text(float(known.max()))
    return f"{condition.text(float(np.median(known)))} ({low} to {high})"
