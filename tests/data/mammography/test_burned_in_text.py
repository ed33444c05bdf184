"""Text burned into pictures is seen over the breast and beside it, whatever it looks like; not so markers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageFont

from epuredgm.data.mammography.breast import find_breast
from epuredgm.data.mammography.burned_in import BESIDE, OVER, inspect_pixels
from epuredgm.data.mammography.findings import Finding
from epuredgm.data.mammography.phantom import expose
from epuredgm.data.mammography.phantom_acquisition import BRIGHTEST
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_lesions import Finding as Mass
from epuredgm.data.mammography.phantom_patient import draw_patient
from epuredgm.data.mammography.phantom_text import Style, Writing, burn

Floats = NDArray[np.float32]
SHIPPED = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
NAMES = {
    "latin": "DOE^JANE 1961-02-03",
    "cyrillic": "ИВАНОВА АННА",
    "greek": "Γεωργίου 1959",
    "arabic": "مريم حسن ١٩٥٨",
    "hebrew": "שרה כהן 1950",
}
LOOKS: tuple[tuple[str, int, float, Style], ...] = (  # level, size, turn, style
    ("white", 14, 0.0, "plain"),
    ("black", 16, 90.0, "smooth"),
    ("brighter", 20, 180.0, "outlined"),
    ("darker", 26, 270.0, "boxed"),
    ("white", 18, 7.0, "smooth"),
    ("brighter", 26, -12.0, "plain"),
)


@cache
def picture(number: int, side: str = "L", view: str = "MLO", height: int = 640) -> Floats:
    masses = [Mass("malignant", side)] if number % 2 else []  # type: ignore[arg-type]
    grid = Grid(height, height * 4 // 5, 256 / height)
    exposure = expose(draw_patient(4711, number), side, view, grid, masses)  # type: ignore[arg-type]
    return (exposure.presentation * BRIGHTEST).astype(np.float32)


def truetype(size: int, name: str = "DejaVuSans") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(SHIPPED / f"{name}.ttf"), size)


def seen(pixels: Floats) -> tuple[Finding, ...]:
    return inspect_pixels(pixels, find_breast(pixels))


def over_the_breast(pixels: Floats, writing: Writing, ink: str) -> Floats:
    """The text in the middle of the breast."""
    rows, columns = np.nonzero(find_breast(pixels).mask)
    high, wide = writing.ink().shape
    top = int(np.clip(np.median(rows) - high / 2, 0, pixels.shape[0] - high))
    left = int(np.clip(np.median(columns) - wide / 2, 0, pixels.shape[1] - wide))
    around = pixels[top : top + high, left : left + wide]
    low, high_level = np.quantile(around, 0.05), np.quantile(around, 0.95)
    level = {"white": 1.0, "black": 0.0, "brighter": high_level + 0.2, "darker": max(0.0, low - 0.2)}[ink]
    return burn(pixels, writing, top, left, float(min(level, 1.0)), 1.0 if level < 0.5 else 0.0)


@pytest.mark.parametrize(("ink", "size", "turn", "style"), LOOKS)
@pytest.mark.parametrize("script", NAMES)
def test_a_name_over_the_breast_is_seen(script: str, ink: str, size: int, turn: float, style: Style) -> None:
    writing = Writing(NAMES[script], truetype(size), 1, turn, style)
    assert OVER in seen(over_the_breast(picture(0), writing, ink))


@pytest.mark.parametrize("enlarged", [1, 2, 3])
@pytest.mark.parametrize("height", [320, 640, 1280])
def test_letters_of_a_bitmap_font_are_seen_in_pictures_of_any_size(height: int, enlarged: int) -> None:
    writing = Writing("DOE^J 1961", ImageFont.load_default_imagefont(), enlarged)
    assert OVER in seen(over_the_breast(picture(1, height=height), writing, "white"))


def test_faint_text_beside_the_breast_is_seen() -> None:
    pixels = picture(0)
    for level in (0.15, 0.5, 1.0):
        written = burn(pixels, Writing("ID 4711-0815", truetype(16), style="smooth"), 8, 380, level, 0.0)
        assert seen(written) == (BESIDE,)


@pytest.mark.parametrize("height", [160, 320, 640])
def test_clean_pictures_have_no_finding(height: int) -> None:
    """With calcifications in every other one."""
    pictures = [(n, side, view) for n in range(6) for side in "LR" for view in ("CC", "MLO")]
    assert [each for each in pictures if seen(picture(*each, height=height))] == []


@pytest.mark.parametrize("text", ["R CC", "L CC", "R MLO", "L-MLO", "RCC", "LMLO", "R", "L\nMLO"])
def test_view_markers_are_no_text(text: str) -> None:
    pixels = picture(2)
    bitmap = Writing(text, ImageFont.load_default_imagefont(), 2)
    upright, turned = Writing(text, truetype(24), style="smooth"), Writing(text, truetype(24), 1, 90.0)
    for writing in (bitmap, upright, turned):
        columns = writing.ink().shape[1]
        assert seen(burn(pixels, writing, 8, pixels.shape[1] - columns - 8, 1.0, 0.0)) == ()


@pytest.mark.parametrize("text", ["R CC DOE", "L MLO 1961", "KIMURA", "4711", "ANNA", "R MLO\nJANE DOE"])
def test_what_stands_with_a_marker_or_is_as_short_is_text(text: str) -> None:
    writing = Writing(text, truetype(24), style="smooth")
    columns = writing.ink().shape[1]
    pixels = picture(2)
    assert BESIDE in seen(burn(pixels, writing, 8, pixels.shape[1] - columns - 8, 1.0, 0.0))


def test_sharp_things_that_are_no_text_have_no_finding() -> None:
    """An implant, clips in a row, and a paddle's edge."""
    y, x = np.mgrid[:640, :512].astype(np.float32)
    implant, clips, paddle = (picture(3).copy() for _ in range(3))
    implant[((y - 320) / 140) ** 2 + ((x - 60) / 80) ** 2 < 1] = 0.95
    for k in range(5):
        clips[280 + 20 * k : 284 + 20 * k, 60 + 3 * k : 72 + 3 * k] = 1.0
    paddle[np.abs(y - 100 - 0.03 * x) < 1.5] = 0.5
    assert [seen(each) for each in (implant, clips, paddle)] == [(), (), ()]


def test_noise_and_a_full_grid_of_letters_end_soon() -> None:
    rng = np.random.default_rng(0)
    noise = picture(0).copy()
    noise[:, :200] = rng.random((640, 200), dtype=np.float32)
    page = burn(picture(0), Writing("\n".join(["JANE DOE 1961"] * 30), truetype(12)), 20, 20, 1.0, 0.0)
    seen(noise)
    assert seen(page)
