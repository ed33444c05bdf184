"""What a report shows of grey pictures: nearest ones, those lost most, intensities, how data are spread."""

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
SIDE = 32  # pixels of the pictures that are held against each other
PICTURES = 300  # enough for a histogram of pixels
WORST = 6
ROWS = 1024  # pictures of the other set at a time


def closest(pictures: Stored, others: Stored, levels: int) -> tuple[Floats, NDArray[np.int64]]:
    """The nearest of other pictures, seen from afar (32 pixels a side).

    Args:
        pictures: (N, C, H, W) as stored.
        others: (M, C, H, W), M > 0.
        levels: the stored value that stands for 1.

    Returns:
        (N,) root mean square of the difference in intensity; (N,) rows of ``others``.
    """
    here = _small(pictures, levels)
    least = np.full(len(here), np.inf)
    place = np.zeros(len(here), dtype=np.int64)
    for start in range(0, len(others), ROWS):
        there = _small(others[start : start + ROWS], levels)
        apart = (here**2).sum(1)[:, None] + (there**2).sum(1) - 2 * here @ there.T
        found = apart.argmin(axis=1)
        value = apart[np.arange(len(here)), found]
        nearer = value < least
        least[nearer], place[nearer] = value[nearer], found[nearer] + start
    return np.sqrt(np.maximum(least, 0) / max(1, here.shape[1])), place


def _small(pictures: Stored, levels: int) -> Floats:
    """(N, C h w) means of blocks of pixels; what does not fill a block at the edge is left out."""
    n, c, height, width = pictures.shape
    down, across = max(1, height // SIDE), max(1, width // SIDE)
    whole = pictures[:, :, : height // down * down, : width // across * across].astype(np.float64) / levels
    blocks = whole.reshape(n, c, height // down, down, width // across, across)
    return np.asarray(blocks.mean(axis=(3, 5)).reshape(n, -1))


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
