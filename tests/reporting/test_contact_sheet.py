"""Pictures show what is in the arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from epuredgm.core.spec import Component, DataSpec
from epuredgm.reporting.contact_sheet import colored, contact_sheet

SPEC = DataSpec(
    "two", 4, 3, (Component("a", "one", "#ff0000"), Component("b", "two", "#0000ff")), (), mirrored=True
)


def test_colours_are_the_components_and_the_right_half_mirrors_the_left() -> None:
    images = np.zeros((1, 2, 4, 3), np.uint8)
    images[0, 0, 0, 0] = 1
    images[0, 1, 1, 1] = 1
    picture = colored(images, SPEC)[0]
    assert picture.shape == (4, 6, 3)
    assert picture[0, 0].tolist() == [255, 0, 0]
    assert picture[1, 1].tolist() == [0, 0, 255]
    assert picture[3, 2].tolist() == [255, 255, 255]
    assert (picture == picture[:, ::-1]).all()


def test_an_overlap_looks_like_no_component() -> None:
    picture = colored(np.ones((1, 2, 4, 3), np.uint8), SPEC)[0, 0, 0].tolist()
    assert picture not in ([255, 0, 0], [0, 0, 255], [255, 255, 255])


def test_the_sheet_is_a_picture_with_a_row_for_every_ten(tmp_path: Path) -> None:
    contact_sheet(np.zeros((13, 2, 4, 3), np.uint8), SPEC, tmp_path / "sheet.png", title="x", scale=10)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (10 * (60 + 8) + 8, 2 * (40 + 8) + 8 + 34)
