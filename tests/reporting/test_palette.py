"""Families can be told apart: on white and on near-black, and with each kind of colour vision."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epuredgm.reporting.palette import COLORS, MARKERS, family_colors, marker_of

# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency"
# (2009), severity 1, on linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# Ottosson, "A perceptual color space for image processing" (2020)
CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
OPPONENTS = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def linear(color: str) -> NDArray[np.float64]:
    values = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(OPPONENTS) @ np.cbrt(np.array(CONES) @ np.clip(light, 0, 1))


def luminance(color: str) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("paper", ["#ffffff", "#16181d", "#000000"])
def test_every_colour_stands_out(color: str, paper: str) -> None:
    """Contrast of WCAG 2.2 (1.4.11, graphical objects): at least 3 to 1."""
    darker, lighter = sorted([luminance(color), luminance(paper)])
    assert (lighter + 0.05) / (darker + 0.05) >= 3


@pytest.mark.parametrize(
    ("vision", "least"), [(name, 0.14 if name == "normal" else 0.055) for name in VISION]
)
def test_no_two_colours_look_alike(vision: str, least: float) -> None:
    """0.02 in OKLab is about the smallest difference that is seen."""
    seen = [oklab(np.array(VISION[vision]) @ linear(color)) for color in COLORS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= least


def test_shapes_tell_apart_what_colours_do_not() -> None:
    assert len(set(MARKERS)) == len(MARKERS) == len(COLORS) >= 12
    assert len({marker_of(color) for color in COLORS}) == len(COLORS)


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=12), st.randoms())
def test_a_colour_depends_on_the_set_of_names_alone(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    colors = family_colors(names)
    assert family_colors(shuffled + names) == colors
    assert len(set(colors.values())) == len(names)
