"""How much of the text that is burned into pictures the gate sees, and how often it sees some where none is.

    python benchmarks/burned_in_text.py [--texts 600] [--clean 400] [--seed 1] [--fonts FOLDER]

Texts of several scripts, fonts, sizes, levels, turns and styles are planted into breasts of the phantom and
beside them, one in a picture. Clean are pictures of the phantom with masses and calcifications, the same
with things that are no text (implants, clips, paddles, wires), and with view markers beside the breast.
``--fonts`` is a folder with more font files; those of matplotlib and Pillow are always there.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont
from scipy import ndimage

from epuredgm.data.mammography.breast import find_breast
from epuredgm.data.mammography.burned_in import inspect_pixels
from epuredgm.data.mammography.phantom import expose
from epuredgm.data.mammography.phantom_acquisition import BRIGHTEST
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_lesions import Finding
from epuredgm.data.mammography.phantom_patient import draw_patient
from epuredgm.data.mammography.phantom_text import Style, Writing, burn

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
GRIDS = (Grid(320, 256, 0.8), Grid(640, 512, 0.4), Grid(1280, 1024, 0.2), Grid(2560, 2048, 0.1))
OFTEN = (0.3, 0.4, 0.27, 0.03)  # how often each is taken
KINDS = (None, "malignant", "benign")
TEXTS = {
    "Latin": (
        "DOE^JANE 1961-02-03",
        "Smith, Mary",
        "MÜLLER ERIKA",
        "ID 4711-0815",
        "12.08.1964",
        "Garcia 3A77",
    ),
    "Cyrillic": ("ИВАНОВА АННА", "Петрова 12.03.1957", "СИДОРЕНКО"),
    "Greek": ("ΠΑΠΠΑ ΜΑΡΙΑ", "Γεωργίου 1959", "ΝΙΚΟΛΑΟΥ"),
    "Arabic": ("فاطمة الزهراء", "مريم حسن ١٩٥٨", "عائشة محمود"),
    "CJK": ("山田花子", "王小明 1962", "佐藤 美咲"),
}
MARKERS = (
    "R CC",
    "L CC",
    "R MLO",
    "L MLO",
    "RCC",
    "LCC",
    "RMLO",
    "LMLO",
    "L-MLO",
    "R-CC",
    "R",
    "L",
    "R\nCC",
    "L\nMLO",
)
STYLES: tuple[Style, ...] = ("plain", "smooth", "outlined", "boxed")
TURNS = (0.0, 90.0, 180.0, 270.0, 5.0, -8.0, 12.0)
HEIGHTS = (11, 14, 18, 26, 38, 56)  # pixels of the font
INKS = ("white", "brighter", "darker", "black")
CONTRAST = (0.15, 0.3)  # of letters that are neither black nor white, to what is around
DARKEST = 0.15  # tissue that black letters are planted on
OLD = "PIL 11"


@dataclass(frozen=True)
class Planted:
    """A picture with a text, and what is planted."""

    pixels: Floats
    told: dict[str, str]


def fonts_of(folder: Path | None) -> dict[str, tuple[str, ...]]:
    """Names of font files by script; the bitmap font of Pillow is Latin."""
    shipped = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    named = {path.stem: path for path in shipped.glob("DejaVu*.ttf")}
    sans = [str(named[name]) for name in ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono")]
    serif = [str(named[name]) for name in ("DejaVuSerif", "DejaVuSerif-Bold")]
    more = sorted(str(path) for path in (folder.rglob("*.?tf") if folder else ()))
    cjk = tuple(path for path in more if "cjk" in path.lower())
    latin = tuple(
        path for path in more if path not in cjk and not any(each in path for each in ("Thin", "Light"))
    )
    found = {
        "Latin": (OLD, OLD, *sans, *serif, *latin),
        "Cyrillic": (*sans, *serif),
        "Greek": (*sans, *serif),
        "Arabic": tuple(sans[:2]),
        "CJK": cjk,
    }
    return {script: names for script, names in found.items() if names}


def font_of(name: str, height: int) -> tuple[Font, int]:
    """A font, and how much it is enlarged: bitmap fonts have one size."""
    if name == OLD:
        return ImageFont.load_default_imagefont(), max(1, round(height / 11))
    return ImageFont.truetype(name, height), 1


def plant(
    rng: np.random.Generator, pixels: Floats, where: Mask, script: str, name: str, text: str
) -> Planted | None:
    """The picture with a text where ``where`` holds; None if it has no room there."""
    height, ink = int(rng.choice(HEIGHTS)), str(rng.choice(INKS))
    style, degrees = STYLES[rng.choice(4, p=(0.35, 0.35, 0.15, 0.15))], float(rng.choice(TURNS))
    font, enlarged = font_of(name, height)
    writing = Writing(text, font, enlarged, degrees, style)
    rows, columns = writing.ink().shape
    if rows >= where.shape[0] or columns >= where.shape[1]:
        return None
    sums = np.pad(where.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    tops, lefts = np.nonzero(inside >= 0.97 * rows * columns)
    if not len(tops):
        return None
    one = int(rng.integers(len(tops)))
    top, left = int(tops[one]), int(lefts[one])
    around = pixels[top : top + rows, left : left + columns]
    low, high = (float(q) for q in np.quantile(around, (0.05, 0.95)))
    step = float(rng.uniform(*CONTRAST))
    if (
        ink == "black"
        and low < DARKEST
        or ink == "darker"
        and low < step
        or ink == "brighter"
        and high + step > 1
    ):
        ink = "white" if ink in ("black", "darker") else "darker"
    level = {"white": 1.0, "black": 0.0, "brighter": high + step, "darker": low - step}[ink]
    behind = 0.0 if level > (low + high) / 2 else 1.0
    told = {
        "script": script,
        "font": Path(name).stem,
        "height": f"{height:02d}",
        "ink": ink,
        "turn": f"{degrees:g}",
        "style": style,
        "rows": f"{pixels.shape[0]:04d}",
    }
    return Planted(burn(pixels, writing, top, left, level, behind), told)
