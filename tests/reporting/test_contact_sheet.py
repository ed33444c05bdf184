"""Pictures show what is in the arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from epuredgm.core.spec import Component, DataSpec
from epuredgm.reporting.contact_sheet import contact_sheet

SPEC = DataSpec(
    "two", 4, 3, (Component("a", "one", "#ff0000"), Component("b", "two", "#0000ff")), (), mirrored=True
)


def test_the_sheet_is_a_picture_with_a_row_for_every_ten(tmp_path: Path) -> None:
    contact_sheet(np.zeros((13, 2, 4, 3), np.uint8), SPEC, tmp_path / "sheet.png", title="x", scale=10)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (10 * (60 + 8) + 8, 2 * (40 + 8) + 8 + 34)
