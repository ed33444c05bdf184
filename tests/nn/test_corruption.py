"""Faults spoil designs in the one way that their names say."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from epuredgm.nn import corruption
from epuredgm.nn.corruption import REACH, spoiled

FAULTS = ("exchanged", "shifted", "dropped", "erased", "thickened", "blurred", "flipped")
shapes = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.integers(1, 9))


def masks(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4).float()


def apply(fault: str, images: Tensor, seed: int = 0) -> Tensor:
    found = getattr(corruption, fault)(images, torch.Generator().manual_seed(seed))
    assert isinstance(found, Tensor)
    return found


@given(st.sampled_from(FAULTS), shapes, st.integers(0, 2**31))
def test_images_of_any_size_stay_images_and_masks_stay_masks(
    fault: str, shape: tuple[int, ...], seed: int
) -> None:
    found = apply(fault, masks(shape, seed), seed)
    assert found.shape == shape and found.min() >= 0 and found.max() <= 1
    if fault != "blurred":
        assert ((found == 0) | (found == 1)).all()


@pytest.mark.parametrize("binary", [True, False])
def test_without_a_chance_nothing_is_spoiled_and_with_one_the_seed_decides(binary: bool) -> None:
    images = masks((20, 3, 16, 8))
    rngs = [torch.Generator().manual_seed(seed) for seed in (1, 1, 2)]
    assert torch.equal(spoiled(images, 0.0, binary, torch.Generator()), images)
    first, again, other = (spoiled(images, 0.5, binary, rng) for rng in rngs)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_about_as_many_designs_stay_whole_as_the_chance_says() -> None:
    images = masks((4000, 2, 16, 8))
    found = spoiled(images, 0.2, True, torch.Generator().manual_seed(0))
    whole = (found == images).flatten(1).all(1).float().mean()
    assert 0.8**6 - 0.03 < whole < 0.45  # some faults leave some designs as they were


def test_exchanged_components_are_those_of_another_design_in_their_place() -> None:
    images = masks((8, 3, 6, 5))
    found = apply("exchanged", images)
    for c in range(3):
        for design in found[:, c]:
            assert any(torch.equal(design, other) for other in images[:, c])
    assert not torch.equal(found, images)


def test_a_shift_is_that_of_a_loop_over_pixels() -> None:
    images = masks((40, 2, 7, 5))
    found = apply("shifted", images)
    seen = set()
    for design, moved in zip(images.flatten(0, 1), found.flatten(0, 1), strict=True):
        fits = []
        for down in range(-REACH, REACH + 1):
            for right in range(-REACH, REACH + 1):
                by_hand = torch.zeros_like(design)
                for row in range(7):
                    for column in range(5):
                        if 0 <= row - down < 7 and 0 <= column - right < 5:
                            by_hand[row, column] = design[row - down, column - right]
                if torch.equal(by_hand, moved):
                    fits.append((down, right))
        assert fits
        seen.update(fits)
    assert len(seen) > 20  # of 49


def test_dropped_components_are_gone_and_others_untouched() -> None:
    images = masks((300, 3, 4, 4)) + 0.0
    found = apply("dropped", images)
    gone = (found == 0).flatten(2).all(2)
    assert torch.equal(found[~gone], images[~gone])
    assert 0.25 < gone.float().mean() < 0.42


def test_what_is_erased_is_one_rectangle_in_all_components() -> None:
    found = apply("erased", torch.ones(50, 2, 12, 10))
    assert torch.equal(found[:, 0], found[:, 1])
    for empty in found[:, 0] == 0:
        rows, columns = empty.any(1), empty.any(0)
        assert torch.equal(empty, rows[:, None] & columns)
        assert rows.sum() <= 7 and columns.sum() <= 6
    assert (found == 0).any()


def test_edges_grow_and_shrink_but_nothing_far_from_an_edge_changes() -> None:
    images = torch.zeros(60, 1, 12, 12)
    images[:, :, 4:8, 4:8] = 1
    found = apply("thickened", images)
    assert (found[:, :, 5:7, 5:7] == 1).all()
    assert (found[:, :, :3] == 0).all() and (found[..., 9:] == 0).all()
    sizes = found.sum((1, 2, 3))
    assert sizes.min() < 16 < sizes.max()


def test_only_few_pixels_are_flipped_and_any_may_be() -> None:
    images = masks((2000, 1, 5, 4))
    turned = apply("flipped", images) != images
    assert 0.02 < turned.float().mean() < 0.05  # a third of 0.1
    assert turned.any(0).all()
