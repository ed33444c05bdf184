"""View markers: the letters that say side and view, such as ``R CC``. They name nobody.

Only a group of letters that is one of the standard markers as a whole counts; anything beside them is text.
Shapes are compared with those of two fonts, upright and slanted, so letters that are drawn in another way
still do; a text of as many letters that look much like those of a marker may be taken for one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Boxes = NDArray[np.float64]
Floats = NDArray[np.float32]

VIEWS = ("CC", "MLO", "ML", "LM", "XCC", "XCCL", "AT")
MARKERS = (*"RL", "CC", "MLO", *(s + v for s in "RL" for v in VIEWS), *(v + s for s in "RL" for v in VIEWS))
GRID = (14, 10)  # cells that a letter's shape is brought to
FINE = 4  # samples of a cell along each side
ALIKE = 0.44  # mean correlation of the letters with those of a marker, at least
RATIO = 0.15  # what a ratio of sides that is e times another one takes from it
STROKE = 0.45  # of the largest: what is smaller is no letter but a stroke or a point
WIDE = 1.25  # of its height: what is wider may be letters that touch
MOST = 8  # things in a marker, strokes among them
SLANTS = (0.0, 0.22)  # columns to the right for each row up
SIZE = 48  # of the larger font


def is_marker(boxes: Boxes, shapes: Sequence[Mask]) -> bool:
    """Whether letters read as a view marker, in one line or several, turned by quarters or mirrored.

    Args:
        boxes: (n, 4) top, left, bottom, right.
        shapes: bool (h, w) of each.
    """
    return likeness(boxes, shapes) >= ALIKE


def likeness(boxes: Boxes, shapes: Sequence[Mask]) -> float:
    """The mean correlation with the letters of the marker that is most alike; 0 if none has as many."""
    if not 0 < len(boxes) <= MOST:
        return 0.0
    best = 0.0
    for quarters in range(4):
        for mirrored in (False, True):
            letters = _turned(boxes, shapes, quarters, mirrored)
            best = max(best, _likeness(*letters), _likeness(*_parted(*letters)))
    return best


def _likeness(boxes: Boxes, shapes: Sequence[Mask]) -> float:
    order = _reading_order(boxes)
    known = [marker for marker in MARKERS if len(marker) == len(order)]
    if not known:
        return 0.0
    letters = [_letters_like(shapes[one]) for one in order]
    return max(float(np.mean([each[m] for each, m in zip(letters, marker, strict=True)])) for marker in known)


def _turned(boxes: Boxes, shapes: Sequence[Mask], quarters: int, mirrored: bool) -> tuple[Boxes, list[Mask]]:
    """The letters after turning them counter-clockwise, and mirroring."""
    turned = list(shapes)
    for _ in range(quarters):
        boxes = np.stack([-boxes[:, 3], boxes[:, 0], -boxes[:, 1], boxes[:, 2]], axis=1)
        turned = [np.rot90(shape) for shape in turned]
    if mirrored:
        boxes = np.stack([boxes[:, 0], -boxes[:, 3], boxes[:, 2], -boxes[:, 1]], axis=1)
        turned = [shape[:, ::-1] for shape in turned]
    return boxes, turned


def _parted(boxes: Boxes, shapes: Sequence[Mask]) -> tuple[Boxes, list[Mask]]:
    """The letters after those that touch are parted where there is least ink."""
    todo: list[tuple[Sequence[float], Mask]] = list(zip(boxes.tolist(), shapes, strict=True))
    done: list[tuple[Sequence[float], Mask]] = []
    while todo and len(todo) + len(done) <= MOST:
        (top, left, bottom, right), shape = todo.pop()
        wide = shape.shape[1]
        if wide <= WIDE * shape.shape[0] or wide < 4:
            done.append(((top, left, bottom, right), shape))
            continue
        first = wide // 5
        ink = np.append(shape[:, first : wide - first].sum(axis=0), shape.size)
        start = int(ink.argmin())
        cut = first + start + int((ink[start:] > ink[start]).argmax())  # where the foot of an L ends
        middle = left + (right - left) * cut / wide
        todo.append(((top, left, bottom, middle), shape[:, :cut]))
        todo.append(((top, middle, bottom, right), shape[:, cut:]))
    done += todo
    return np.array([box for box, _ in done]), [shape for _, shape in done]


def _reading_order(boxes: Boxes) -> list[int]:
    """Places of letters in lines from the top, each from the left, without strokes between them."""
    sides = boxes[:, 2:] - boxes[:, :2]
    whole = np.flatnonzero(sides.max(axis=1) >= STROKE * sides.max())
    lines: list[list[int]] = []
    for one in whole[np.argsort(boxes[whole, 0], kind="stable")]:
        middle = boxes[lines[-1]][:, [0, 2]].mean() if lines else -np.inf
        if boxes[one, 0] < middle:
            lines[-1].append(int(one))
        else:
            lines.append([int(one)])
    return [one for line in lines for one in sorted(line, key=lambda one: float(boxes[one, 1]))]


def _letters_like(shape: Mask) -> dict[str, float]:
    """Of each letter, the highest correlation of its drawings with a shape."""
    names, drawings, ratios = _drawings()
    cells, ratio = _described(shape)
    scores = drawings @ cells - RATIO * np.abs(ratios - ratio)
    best: dict[str, float] = {}
    for name, score in zip(names, scores.tolist(), strict=True):
        best[name] = max(best.get(name, -1.0), score)
    return best


def _described(shape: Mask) -> tuple[Floats, float]:
    """Coverage of the cells of a grid, standardised, (cells,), and the logarithm of height over width."""
    rows = np.linspace(0, shape.shape[0], GRID[0] * FINE, endpoint=False).astype(int)
    columns = np.linspace(0, shape.shape[1], GRID[1] * FINE, endpoint=False).astype(int)
    fine = shape[np.ix_(rows, columns)].astype(np.float32)
    cells = fine.reshape(GRID[0], FINE, GRID[1], FINE).mean(axis=(1, 3)).ravel()
    cells = cells - cells.mean()
    return cells / max(float(np.linalg.norm(cells)), 1e-6), float(np.log(shape.shape[0] / shape.shape[1]))


@functools.cache
def _drawings() -> tuple[str, Floats, Floats]:
    """Letters' names, shapes (n, cells) and ratios (n,), in the fonts that Pillow has with it."""
    from PIL import Image, ImageDraw, ImageFont

    names, cells, ratios = "", [], []
    for font in (ImageFont.load_default(SIZE), ImageFont.load_default_imagefont()):
        for name in sorted(set("".join(MARKERS))):
            sheet = Image.new("L", (2 * SIZE, 2 * SIZE), 0)
            ImageDraw.Draw(sheet).text((SIZE // 2, SIZE // 4), name, fill=255, font=font)
            for slant in SLANTS:
                way = (1, slant, -slant * SIZE, 0, 1, 0)
                slanted = sheet.transform(sheet.size, Image.Transform.AFFINE, way)
                drawn = np.asarray(slanted) > 127
                rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
                described = _described(drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
                names += name
                cells.append(described[0])
                ratios.append(described[1])
    return names, np.stack(cells), np.array(ratios, dtype=np.float32)
