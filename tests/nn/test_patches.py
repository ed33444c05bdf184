"""Space-to-depth loses nothing, and takes any size."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.nn.patches import depth_to_space, padded, patch_grid, space_to_depth


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2, 4]))
def test_depth_to_space_inverts_space_to_depth(b: int, c: int, rows: int, columns: int, patch: int) -> None:
    images = torch.rand(b, c, rows * patch, columns * patch)
    patches = space_to_depth(images, patch)
    assert patches.shape == (b, c * patch**2, rows, columns)
    assert torch.equal(depth_to_space(patches, patch), images)


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 2, 4]), st.integers(1, 3))
def test_the_grid_covers_any_size_and_can_be_halved(height: int, width: int, patch: int, levels: int) -> None:
    rows, columns = patch_grid((height, width), patch, levels)
    step = 2 ** (levels - 1)
    assert rows % step == columns % step == 0
    assert 0 <= rows * patch - height < patch * step
    assert 0 <= columns * patch - width < patch * step


def test_padding_is_background_to_the_right_and_below() -> None:
    images = torch.ones(1, 2, 3, 5)
    wide = padded(images, (2, 2), 4)
    assert wide.shape == (1, 2, 8, 8)
    assert torch.equal(wide[:, :, :3, :5], images)
    assert wide.sum() == images.sum()
    assert padded(images, (3, 5), 1) is images
