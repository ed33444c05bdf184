"""Space-to-depth loses nothing, and says at the door what it cannot cut."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import Component, DataSpec
from epuredgm.nn.patches import depth_to_space, patch_grid, space_to_depth


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2, 4]))
def test_depth_to_space_inverts_space_to_depth(b: int, c: int, rows: int, columns: int, patch: int) -> None:
    images = torch.rand(b, c, rows * patch, columns * patch)
    patches = space_to_depth(images, patch)
    assert patches.shape == (b, c * patch**2, rows, columns)
    assert torch.equal(depth_to_space(patches, patch), images)


def test_a_size_that_cannot_be_cut_is_refused() -> None:
    spec = DataSpec("odd", 60, 32, (Component("a", "a", "#000000"),), ())
    assert patch_grid(spec, 4, 1) == (15, 8)
    with pytest.raises(BadRequest, match="multiple of 8"):
        patch_grid(spec, 4, 2)
