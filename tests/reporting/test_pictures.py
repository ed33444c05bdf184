"""A picture in a page is the design, pixel by pixel."""

from __future__ import annotations

import base64
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from epuredgm.data.rendering import colored
from epuredgm.reporting.pictures import data_address, pictures
from reporting.study_makers import spec


def decoded(address: str) -> np.ndarray:
    head, _, content = address.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        return np.asarray(picture.convert("RGB"))


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 400), st.integers(0, 2**31))
def test_no_color_is_lost(height: int, width: int, colors: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colors, 3), dtype=np.uint8)
    picture = palette[rng.integers(0, colors, (height, width))]
    assert (decoded(data_address(picture)) == picture).all()


def test_pictures_are_the_colored_mirrored_designs() -> None:
    rng = np.random.default_rng(0)
    for values, most in (("binary", 1), ("grey", 255)):
        declared = spec(values=values)
        designs = rng.integers(0, most + 1, (5, 2, 6, 4), dtype=np.uint8)
        made = pictures(designs, declared)
        assert len(made) == 5
        for address, expected in zip(made, colored(designs, declared), strict=True):
            assert (decoded(address) == expected).all()
    assert pictures(designs[:0], declared) == ()
