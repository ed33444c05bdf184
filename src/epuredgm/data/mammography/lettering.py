"""Letters in a picture, over tissue as well as beside it, of any script, size and turn; nothing is read.

Letters that were burned in have sharp rims, one level within, and stand in a line. Tissue has soft rims, and
what is sharp in it (calcifications, clips, folds) has plain outlines or stands in no line. Sharp steps in a
part of the pixels say where to look, which costs little where there are none; there, things are cut out at
several levels and measured. Large letters are looked for in block means, small ones in the pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]

TILE = 32  # pixels: side of what is looked at or not
ROWS = 8  # of so many rows of the whole picture one is searched for steps
STEPS = (
    0.06,
    0.17,
)  # of the full range: smallest step that is sharp, in the quietest and the noisiest pictures
NOISE = (0.99, 1.6)  # over tissue it is this quantile of all steps, times the factor
AIR = (0.9, 3.0)  # the same beside it
SOME = 4  # of so many pixels one is looked at where shares are enough
BUSY = 0.05  # share of sharp steps in a tile that is looked at
RIM = 0.8  # of that step: what a rim has at least
LEVELS = 10  # at which things are cut out
SIZES = (4, 120)  # pixels: the longer side of a letter, where it is looked for
SHARP = 0.6  # share of a letter's rim that is sharp
OUTLINE = (
    1.15,
    1.6,
)  # of letters: perimeter over that of the box, which is 1 for any plain shape; at least, and clear
LEVEL = 0.1  # of a letter's step: what is so near to its level is of that level
CLEAR = 2.5  # times the least sharp step: a step that leaves no doubt
EVIDENCE = 1.4  # of a line at least, see :func:`_evidence`
LETTERS = 3, 5  # of a line at least; of one of two things, which are letters that touch
ALIKE = 2.2  # ratio of sizes of letters in a line
GAP = 1.4  # between neighbours, relative to their size
WORD = 1.3, 1.8, 4  # letters that touch: outline and longer side over shorter at least, and letters at most
ASIDE = 0.5  # of a letter from the line, relative to its size
MOST = 400  # things at one level, the sharpest ones
AT_ONCE = 1 << 22  # pixels of all levels that are cut out together
PLANE = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))])  # what is connected, in one level


@dataclass(frozen=True)
class Line:
    """Letters in a line.

    Attributes:
        boxes: (n, 4) top, left, bottom, right of each, in pixels of the whole picture.
        shapes: bool (h, w) of each, at the scale that they were seen at.
    """

    boxes: Doubles
    shapes: tuple[Mask, ...]


@dataclass(frozen=True)
class _Things:
    """What is connected at one level and may be a letter: (n, 4) boxes, shapes, and how jagged each is."""

    boxes: NDArray[np.int64]
    shapes: tuple[Mask, ...]
    outlines: Doubles

    @property
    def lengths(self) -> Doubles:
        """The longer side of each box."""
        return np.asarray((self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1), dtype=np.float64)

    @property
    def letters(self) -> Doubles:
        """How many each may be: letters that touch, or are joined in their script, make one thing."""
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        ratio = sides.max(axis=1) / sides.min(axis=1)
        several = (self.outlines >= WORD[0]) & (ratio >= WORD[1])
        return np.where(several, np.clip(np.rint(ratio), 1, WORD[2]), 1.0)

    @property
    def centres(self) -> Doubles:
        return np.asarray((self.boxes[:, 2:] + self.boxes[:, :2]) / 2)


@dataclass(frozen=True)
class _Look:
    """Where to look closely: a window, the least step that is sharp there, and which of its pixels count."""

    window: Window
    step: float
    counted: Mask


def lines_of_letters(pixels: Floats, small: Floats, tissue: Mask, enough: int) -> list[Line]:
    """Every line of letters; one may be there several times.

    Args:
        pixels: (H, W) in [0, 1].
        small: means of blocks of them, in which large letters are looked for.
        tissue: (H, W) where there is some; beside it pictures are quieter, and fainter letters are seen.
        enough: a line of more letters ends the search.
    """
    factor = round(pixels.shape[0] / small.shape[0])
    found = []
    for line in _all_lines(pixels, small, tissue, factor):
        found.append(line)
        if len(line.boxes) > enough:
            break
    return found


def _all_lines(pixels: Floats, small: Floats, tissue: Mask, factor: int) -> Iterator[Line]:
    for look in _busy(small, tissue[::factor, ::factor], 1):
        yield from _lines(small, look, factor)
    if factor > 1:
        for look in _busy(pixels, tissue, ROWS):
            yield from _lines(pixels, look, 1)


def _busy(picture: Floats, tissue: Mask, rows: int) -> Iterator[_Look]:
    """Windows with many sharp steps along every ``rows``-th row, over tissue and beside it."""
    high, wide = (-(-side // TILE) for side in picture.shape)
    searched = picture[::rows]
    steps = np.zeros((high * TILE // rows, wide * TILE), dtype=np.float32)
    inner = steps[: searched.shape[0], 1 : searched.shape[1] - 1]
    np.abs(np.subtract(searched[:, 2:], searched[:, :-2], out=inner), out=inner)
    by_tile = steps.reshape(high, TILE // rows, wide, TILE).transpose(0, 2, 1, 3)
    over = _covered(tissue, high, wide)
    for tiles, noise in ((over, NOISE), (~over, AIR)):
        if not tiles.any():
            continue
        level = np.quantile(by_tile[..., ::SOME][tiles], noise[0])
        step = float(np.clip(level * noise[1], *STEPS))
        busy = np.zeros(tiles.shape, dtype=np.bool_)
        busy[tiles] = (by_tile[tiles] > step).mean(axis=(1, 2)) >= BUSY
        labels, _ = ndimage.label(busy, np.ones((3, 3)))
        for down, across in ndimage.find_objects(labels):
            near = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in (down, across))
            window = (
                slice(near[0].start * TILE, near[0].stop * TILE),
                slice(near[1].start * TILE, near[1].stop * TILE),
            )
            yield _Look(window, step, tiles[near].repeat(TILE, axis=0).repeat(TILE, axis=1))


def _covered(tissue: Mask, high: int, wide: int) -> Mask:
    """Tiles with tissue."""
    some = tissue[::SOME, ::SOME]
    inside = np.zeros((high * TILE // SOME, wide * TILE // SOME), dtype=np.bool_)
    inside[: some.shape[0], : some.shape[1]] = some
    return np.asarray(inside.reshape(high, TILE // SOME, wide, TILE // SOME).any(axis=(1, 3)))


def _lines(picture: Floats, look: _Look, scale: int) -> Iterator[Line]:
    """The lines in a window."""
    part, window = picture[look.window], look.window
    highest, lowest = _extreme(part, np.maximum), _extreme(part, np.minimum)
    edges = (highest - lowest > RIM * look.step) & look.counted[: part.shape[0], : part.shape[1]]
    middles = ((highest + lowest) / 2)[edges]
    if not middles.size:
        return
    corner = np.array([window[0].start, window[1].start] * 2)
    levels = np.unique(np.quantile(middles, np.linspace(0.04, 0.96, LEVELS)))
    together = max(1, AT_ONCE // (2 * part.size))
    for start in range(0, len(levels), together):
        some = levels[start : start + together, None, None]
        for things in _things(np.concatenate([part > some, part <= some]), edges):
            known: dict[int, tuple[float, float]] = {}
            for chosen in _in_lines(things):
                if _evidence(part, things, chosen, look.step, known) >= EVIDENCE:
                    shapes = tuple(things.shapes[one] for one in chosen)
                    yield Line(((things.boxes[chosen] + corner) * scale).astype(np.float64), shapes)


def _extreme(part: Floats, choose: np.ufunc) -> Floats:
    """The highest or lowest of 3 x 3 pixels."""
    padded = np.pad(part, 1, mode="edge")
    across = choose(choose(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    return np.asarray(choose(choose(across[:-2], across[1:-1]), across[2:]))


def _things(layers: Mask, edges: Mask) -> Iterator[_Things]:
    """In each layer (L, h, w) the connected things of a letter's size with a sharp rim."""
    labels, count = ndimage.label(layers, PLANE)
    perimeters, sharp = _rims(np.asarray(labels, dtype=np.int32), edges, count)
    found: list[list[tuple[float, int, Window]]] = [[] for _ in layers]
    for number, (layer, down, across) in enumerate(ndimage.find_objects(labels), start=1):
        longer = max(down.stop - down.start, across.stop - across.start)
        share = sharp[number] / perimeters[number]
        if SIZES[0] <= longer <= SIZES[1] and share >= SHARP:
            found[layer.start].append((share, number, (down, across)))
    for plane, those in enumerate(found):
        if len(those) < 2:
            continue
        kept = sorted(those, key=lambda each: (-each[0], each[1]))[:MOST]
        boxes = np.array([(d.start, a.start, d.stop, a.stop) for _, _, (d, a) in kept])
        around = 2.0 * (boxes[:, 2:] - boxes[:, :2]).sum(axis=1)
        numbers = np.array([number for _, number, _ in kept])
        shapes = tuple(labels[(plane, *box)] == number for _, number, box in kept)
        yield _Things(boxes, shapes, perimeters[numbers] / around)


def _rims(labels: NDArray[Any], edges: Mask, count: int) -> tuple[Doubles, Doubles]:
    """Of each label, sides of pixels at its rim, and how many of them are sharp."""
    padded = np.pad(labels, ((0, 0), (1, 1), (1, 1)))
    inside, flat = labels > 0, np.broadcast_to(edges, labels.shape)
    whole, sharp = np.zeros(count + 1), np.zeros(count + 1)
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        beyond = padded[:, y : y + labels.shape[1], x : x + labels.shape[2]]
        rim = inside & (beyond == 0)
        at, is_sharp = labels[rim], flat[rim]
        whole += np.bincount(at, minlength=count + 1)
        sharp += np.bincount(at[is_sharp], minlength=count + 1)
    return whole, sharp


def _evidence(
    part: Floats,
    things: _Things,
    chosen: NDArray[np.int64],
    sharp: float,
    known: dict[int, tuple[float, float]],
) -> float:
    """How much speaks for letters: their number, each as far as it is of one level, jagged and clear.

    Args:
        known: what was measured of things before, which lines share.
    """
    for one in chosen.tolist():
        if one not in known:
            known[one] = _level(part, things.boxes[one], things.shapes[one])
    even, steps = np.array([known[one] for one in chosen.tolist()]).T
    clear = min(1.0, float(np.median(steps)) / (CLEAR * sharp))
    jagged = min(1.0, float(things.outlines[chosen].mean()) - (OUTLINE[1] - 1))
    return float(things.letters[chosen] @ even) * clear * jagged


def _level(part: Floats, box: NDArray[np.int64], shape: Mask) -> tuple[float, float]:
    """The share of a thing that is of one level, compared with the step to what is around it; the step."""
    top, left, bottom, right = (int(side) for side in box)
    up, aside = min(2, top), min(2, left)
    around = part[top - up : bottom + 2, left - aside : right + 2]
    placed = np.zeros(around.shape, dtype=np.bool_)
    placed[up : up + shape.shape[0], aside : aside + shape.shape[1]] = shape
    beside = ~ndimage.binary_dilation(placed)
    within = around[placed]
    level = np.median(within)
    step = abs(level - np.median(around[beside])) if beside.any() else 0.0
    return float((np.abs(within - level) <= LEVEL * step).mean()), float(step)


def _in_lines(things: _Things) -> Iterator[NDArray[np.int64]]:
    """Things that stand in a line and are jagged enough: their places, of each line in order."""
    lengths, centres, letters = things.lengths, things.centres, things.letters
    sizes = lengths / letters
    away = centres[:, None] - centres[None]
    larger, smaller = np.maximum(sizes[:, None], sizes), np.minimum(sizes[:, None], sizes)
    apart = np.hypot(away[..., 0], away[..., 1]) - (lengths[:, None] + lengths) / 2
    near = (apart <= GAP * larger) & (larger <= ALIKE * smaller)
    seen: set[tuple[int, ...]] = set()
    for one, other in zip(*np.nonzero(np.triu(near, 1)), strict=True):
        run = _run(int(one), int(other), sizes, lengths, centres)
        if letters[run].sum() >= LETTERS[len(run) < LETTERS[0]] and tuple(run) not in seen:
            seen.add(tuple(run))
            if things.outlines[run].mean() >= OUTLINE[0]:
                yield run


def _run(one: int, other: int, sizes: Doubles, lengths: Doubles, centres: Doubles) -> NDArray[np.int64]:
    """Those on the line through two neighbours, without gaps, in order along it."""
    size = (sizes[one] + sizes[other]) / 2
    along = centres[other] - centres[one]
    along = along / max(float(np.hypot(*along)), 1e-9)
    from_one = centres - centres[one]
    fits = np.abs(from_one @ np.array([-along[1], along[0]])) <= ASIDE * size
    fits &= np.maximum(sizes, size) <= ALIKE * np.minimum(sizes, size)
    place = from_one @ along
    order = np.flatnonzero(fits)[np.argsort(place[fits], kind="stable")]
    apart = np.diff(place[order]) - (lengths[order][1:] + lengths[order][:-1]) / 2
    parts = np.split(order, np.flatnonzero(apart > GAP * size) + 1)
    return next(part for part in parts if one in part) if len(order) else order
