"""View markers: the letters that say side and view, such as ``R CC``, which every archive has and which name nobody.

Letters are told by their shape alone, against those of two fonts, and only what is one of the few standard
markers as a whole counts; anything else beside them is text.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

MARKER = re.compile(r"[RL]?(?:CC|MLO|ML|LM|XCC|XCCL|AT)|[RL]|(?:CC|MLO|ML|LM)[RL]")
GRID = (14, 10)  # cells that a letter's shape is brought to
LIKENESS = 0.55  # correlation with a letter, below which a shape is none
RATIO = 0.15  # what a ratio of sides that is e times another one takes from it
MIXED = {"0": "O", "Q": "O", "G": "C"}  # read as what they look like
STROKE = 0.45  # of the largest: what is smaller is no letter but a stroke or a point
FINE = 4  # samples of a cell along each side
MOST = 8
LETTERS = string.ascii_uppercase + string.digits


def is_marker(boxes: NDArray[np.float64], shapes: Sequence[Mask]) -> bool:
    """Whether letters read as a view marker, in one line or several, turned by quarters or mirrored.

    Args:
        boxes: (n, 4) top, left, bottom, right.
        shapes: bool (h, w) of each.
    """
    if not 0 < len(boxes) <= MOST:
        return False
    ways = ((quarters, mirrored) for quarters in range(4) for mirrored in (False, True))
    return any(MARKER.fullmatch(_read(*_turned(boxes, shapes, *way))) for way in ways)


def _turned(
    boxes: NDArray[np.float64], shapes: Sequence[Mask], quarters: int, mirrored: bool
) -> tuple[NDArray[np.float64], list[Mask]]:
    """The letters after turning them counter-clockwise."""
    for _ in range(quarters):
        boxes = np.stack([-boxes[:, 3], boxes[:, 0], -boxes[:, 1], boxes[:, 2]], axis=1)
    if mirrored:
        boxes = np.stack([boxes[:, 0], -boxes[:, 3], boxes[:, 2], -boxes[:, 1]], axis=1)
    turned = [np.rot90(shape, quarters) for shape in shapes]
    return boxes, [shape[:, ::-1] for shape in turned] if mirrored else turned


def _read(boxes: NDArray[np.float64], shapes: Sequence[Mask]) -> str:
    """The letters in lines from top to bottom; ``?`` for what is none; strokes between them are left out."""
    sides = boxes[:, 2:] - boxes[:, :2]
    whole = np.flatnonzero(sides.max(axis=1) >= STROKE * sides.max())
    lines: list[list[int]] = []
    for one in whole[np.argsort(boxes[whole, 0])]:
        if lines and boxes[one, 0] < boxes[lines[-1], [0]].mean() / 2 + boxes[lines[-1], [2]].mean() / 2:
            lines[-1].append(int(one))
        else:
            lines.append([int(one)])
    inorder = [one for line in lines for one in sorted(line, key=lambda one: float(boxes[one, 1]))]
    return "".join(_letter(shapes[one]) for one in inorder)


def _letter(shape: Mask) -> str:
    names, templates, ratios = _templates()
    cells, ratio = _described(shape)
    scores = templates @ cells - RATIO * np.abs(ratios - ratio)
    best = int(scores.argmax())
    return MIXED.get(names[best], names[best]) if scores[best] >= LIKENESS else "?"


def _described(shape: Mask) -> tuple[Floats, float]:
    """Coverage of the cells of a grid, standardised, (cells,), and the logarithm of height over width."""
    rows = np.linspace(0, shape.shape[0], GRID[0] * FINE, endpoint=False).astype(int)
    columns = np.linspace(0, shape.shape[1], GRID[1] * FINE, endpoint=False).astype(int)
    fine = shape[np.ix_(rows, columns)].astype(np.float32)
    cells = fine.reshape(GRID[0], FINE, GRID[1], FINE).mean(axis=(1, 3)).ravel()
    cells = cells - cells.mean()
    return cells / max(float(np.linalg.norm(cells)), 1e-6), float(np.log(shape.shape[0] / shape.shape[1]))


@functools.cache
def _templates() -> tuple[str, Floats, Floats]:
    """The letters' names, their shapes (n, cells) and ratios (n,), in the fonts that Pillow has with it."""
    from PIL import Image, ImageDraw, ImageFont

    names, cells, ratios = "", [], []
    for font in (ImageFont.load_default(48), ImageFont.load_default_imagefont()):
        for name in LETTERS:
            sheet = Image.new("L", (80, 80), 0)
            ImageDraw.Draw(sheet).text((8, 8), name, fill=255, font=font)
            drawn = np.asarray(sheet) > 127
            rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
            described = _described(drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
            names += name
            cells.append(described[0])
            ratios.append(described[1])
    return names, np.stack(cells), np.array(ratios, dtype=np.float32)
