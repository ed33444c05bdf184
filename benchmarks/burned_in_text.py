"""How much of the text that is burned into pictures the gate sees, and how often it sees some where none is.

    python benchmarks/burned_in_text.py [--texts 600] [--clean 400] [--seed 1] [--fonts DIR] [--films DIR]

Texts of several scripts, fonts, sizes, levels, turns and styles are planted into breasts of the phantom and
beside them, one in a picture. Clean are pictures of the phantom with masses and calcifications, the same
with things that are no text (implants, clips, paddles, wires), and with view markers beside the breast.
``--fonts`` is a folder with more font files; those of matplotlib and Pillow are always there. ``--films`` is
a folder of real pictures (PNG or PGM), of which the findings are counted.
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

from epuredgm.data.mammography.breast import find_breast
from epuredgm.data.mammography.burned_in import inspect_pixels
from epuredgm.data.mammography.faults import Unreadable
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
        (ink == "black" and low < DARKEST)
        or (ink == "darker" and low < step)
        or (ink == "brighter" and high + step > 1)
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


# pictures that have no text --------------------------------------------------------------------------


def pictures(seed: int) -> Iterator[Floats]:
    """Pictures of the phantom of several sizes, a third each with nothing, a benign and a malignant mass."""
    rng = np.random.default_rng([seed, 0])
    for number in itertools.count():
        side, view, kind = rng.choice(["L", "R"]), rng.choice(["CC", "MLO"]), KINDS[number % 3]
        findings = [] if kind is None else [Finding(kind, side)]
        grid = GRIDS[rng.choice(len(GRIDS), p=OFTEN)]
        exposure = expose(draw_patient(seed, number), side, view, grid, findings)
        yield (np.rint(exposure.presentation * BRIGHTEST * 4095) / 4095).astype(np.float32)


def with_things(rng: np.random.Generator, pixels: Floats, breast: Mask) -> Floats:
    """The picture with what is sharp and no text: an implant, clips, a wire, balls, a paddle's edge."""
    rows, columns = pixels.shape
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    inside = np.argwhere(breast)
    places = inside[rng.integers(len(inside), size=8)].astype(np.float32)
    unit = rows / 320
    drawn = pixels.copy()
    for what in rng.choice(["implant", "clips", "wire", "balls", "paddle"], size=2, replace=False):
        (cy, cx), level = places[0], float(rng.uniform(0.8, 1.0))
        if what == "implant":
            shape = ((y - cy) / (70 * unit)) ** 2 + ((x - cx) / (40 * unit)) ** 2 < 1
        elif what == "clips":
            turn = rng.uniform(0, np.pi, len(places))
            shape = np.zeros(pixels.shape, dtype=np.bool_)
            for (py, px), angle in zip(places[: rng.integers(2, 7)], turn, strict=False):
                along = (y - py) * np.sin(angle) + (x - px) * np.cos(angle)
                across = (y - py) * np.cos(angle) - (x - px) * np.sin(angle)
                shape |= (np.abs(along) < 4 * unit) & (np.abs(across) < max(1.0, 0.7 * unit))
        elif what == "wire":
            shape = np.abs(y - cy - 20 * unit * np.sin(x / (30 * unit))) < max(1.0, 0.6 * unit)
        elif what == "balls":
            shape = np.zeros(pixels.shape, dtype=np.bool_)
            for py, px in places[:2]:
                shape |= np.hypot(y - py, x - px) < 3 * unit
        else:
            tilt = np.tan(np.radians(rng.uniform(-3, 3)))
            shape = np.abs(y - cy - tilt * (x - cx)) < max(1.0, 0.8 * unit)
            level = float(rng.uniform(0.2, 0.6))
        drawn[shape] = np.maximum(drawn[shape], level)
    return drawn


def with_marker(
    rng: np.random.Generator, pixels: Floats, breast: Mask, name: str
) -> tuple[Floats, str] | None:
    """The picture with a view marker in a corner off the chest wall; None if it touches the breast."""
    font, enlarged = font_of(name, int(rng.choice(HEIGHTS[1:5])))
    text, style = str(rng.choice(MARKERS)), STYLES[rng.integers(2)]
    writing = Writing(text, font, enlarged, float(rng.choice(TURNS[:1] * 3 + TURNS[1:2])), style)
    rows, columns = writing.ink().shape
    wall_left = breast[:, : breast.shape[1] // 8].sum() > breast[:, -breast.shape[1] // 8 :].sum()
    top = 8 if rng.random() < 0.5 else pixels.shape[0] - rows - 8
    left = pixels.shape[1] - columns - 8 if wall_left else 8
    if min(top, left) < 0 or breast[top : top + rows, left : left + columns].any():
        return None
    return burn(pixels, writing, top, left, float(rng.uniform(0.6, 1.0)), 0.0), text


# measuring ---------------------------------------------------------------------------------------------


def found(pixels: Floats) -> bool:
    """Whether the gate sees text."""
    return bool(inspect_pixels(pixels, find_breast(pixels)))


def recall(count: int, seed: int, fonts: dict[str, tuple[str, ...]]) -> list[tuple[dict[str, str], bool]]:
    """What each planted text is, and whether it was seen; one in six stands beside the breast."""
    rng, made = np.random.default_rng([seed, 1]), []
    scripts = list(fonts)
    for pixels in pictures(seed):
        breast = find_breast(pixels).mask
        for _ in range(4):  # of one picture, since drawing it takes longer
            script, beside = str(rng.choice(scripts)), rng.random() < 1 / 6
            name, text = str(rng.choice(fonts[script])), str(rng.choice(TEXTS[script]))
            planted = plant(rng, pixels, ~breast if beside else breast, script, name, text)
            if planted is not None:
                told = {**planted.told, "where": "beside" if beside else "over", "text": text}
                made.append((told, found(planted.pixels)))
            if len(made) == count:
                return made
    raise AssertionError


def alarms(count: int, seed: int, latin: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Of each kind of picture without text, how many were taken for some, and how many there were."""
    rng, counts = np.random.default_rng([seed, 2]), {"clean": [0, 0], "things": [0, 0], "markers": [0, 0]}
    for pixels in itertools.islice(pictures(seed + 1), count):
        breast = find_breast(pixels).mask
        marked = with_marker(rng, pixels, breast, str(rng.choice(latin)))
        cases = {"clean": pixels, "things": with_things(rng, pixels, breast)}
        for kind, each in (cases | ({"markers": marked[0]} if marked else {})).items():
            counts[kind][0] += found(each)
            counts[kind][1] += 1
    return {kind: (seen, number) for kind, (seen, number) in counts.items()}


def tables(made: list[tuple[dict[str, str], bool]]) -> None:
    """Print the share that was seen, by everything that is known of a text."""
    print(f"seen: {sum(seen for _, seen in made)} of {len(made)} texts ({np.mean([s for _, s in made]):.1%})")
    for key in made[0][0]:
        groups = defaultdict(list)
        for told, seen in made:
            groups[told[key]].append(seen)
        cells = [f"{name} {np.mean(each):.0%} of {len(each)}" for name, each in sorted(groups.items())]
        print(f"  {key:8}{', '.join(cells)}")
    for told, seen in made:
        if not seen:
            print("  missed:", ", ".join(told.values()))


def films(folder: Path) -> None:
    """Print how many real pictures have findings, by finding."""
    from PIL import Image

    counts: dict[str, int] = defaultdict(int)
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".png", ".pgm"))
    for path in paths:
        pixels = (np.asarray(Image.open(path).convert("L")) / 255).astype(np.float32)
        try:
            found_there = inspect_pixels(pixels, find_breast(pixels))
        except Unreadable as fault:
            counts[str(fault)] += 1
            continue
        for finding in found_there:
            counts[finding.reason] += 1
        counts["none"] += not found_there
    print(f"{len(paths)} films: {dict(counts)}")


def cost() -> None:
    """Print what looking for text adds to reading a picture of full size."""
    exposure = expose(draw_patient(3, 1), "L", "MLO", GRIDS[-1])
    pixels = (exposure.presentation * BRIGHTEST).astype(np.float32)
    breast = find_breast(pixels)
    spent = min(_seconds(lambda: inspect_pixels(pixels, breast)) for _ in range(9))
    print(f"{pixels.shape[0]} x {pixels.shape[1]}: {spent * 1e3:.1f} ms for a clean picture")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure all of it and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--clean", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fonts", type=Path)
    parser.add_argument("--films", type=Path)
    asked = parser.parse_args()
    fonts = fonts_of(asked.fonts)
    tables(recall(asked.texts, asked.seed, fonts))
    upright = tuple(name for name in fonts["Latin"] if "It" not in Path(name).stem)
    for kind, (seen, number) in alarms(asked.clean, asked.seed, upright).items():
        print(f"false alarms, {kind}: {seen} of {number}")
    if asked.films:
        films(asked.films)
    cost()


if __name__ == "__main__":
    main()
