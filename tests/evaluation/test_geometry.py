"""Vectorised geometry equals the one-design-at-a-time form on anything, and closed forms on rectangles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import ndimage

from epuredgm.evaluation import geometry
from epuredgm.evaluation.population import Population

Masks = NDArray[np.bool_]

some_masks = arrays.arrays(
    np.bool_,
    st.tuples(st.integers(1, 11), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
)


@given(some_masks, st.sampled_from([4, 8]))
def test_pieces_equal_one_labelling_call_per_mask(masks: Masks, connectivity: int) -> None:
    expected = [
        [ndimage.label(mask, geometry.IN_PLANE[connectivity])[1] for mask in design] for design in masks
    ]
    np.testing.assert_array_equal(geometry.pieces(masks, connectivity), expected)


@given(some_masks)
def test_pieces_at_eight_need_only_the_masks_in_several_pieces_at_four(masks: Masks) -> None:
    at_four = geometry.pieces(masks, 4)
    np.testing.assert_array_equal(geometry.pieces_from(masks, at_four), geometry.pieces(masks, 8))


@given(some_masks)
def test_plain_masks_are_one_piece_and_the_others_are_labelled(masks: Masks) -> None:
    counts = geometry.pieces(masks, 4)
    assert (counts[geometry.is_stack(masks)] == 1).all()
    np.testing.assert_array_equal(geometry.pieces_at_four(masks), counts)


@pytest.mark.parametrize("width", [7, 8, 31, 32, 33, 63, 64, 65])
def test_a_stack_of_overlapping_runs_is_plain_up_to_the_width_of_a_word(width: int) -> None:
    mask = np.zeros((1, 1, 5, width), dtype=bool)
    mask[0, 0, 1, : width - 1] = mask[0, 0, 2, width - 2 :] = mask[0, 0, 3, width - 1] = True
    assert geometry.is_stack(mask).item() == (width <= 64)
    apart = mask.copy()
    apart[0, 0, 2, width - 2] = False
    assert not geometry.is_stack(apart).item()
    assert geometry.pieces_at_four(apart).item() == 2


@given(some_masks)
def test_contact_lengths_count_the_sides_between_two_components(masks: Masks) -> None:
    count, channels, height, width = masks.shape
    measured = geometry.contact_lengths(masks)
    assert measured.shape == (count, len(geometry.pairs(channels)))
    for k, (a, b) in enumerate(geometry.pairs(channels)):
        for n in range(count):
            sides = 0
            for y, x in np.ndindex(height, width):
                for v, u in ((y + 1, x), (y, x + 1)):
                    if v < height and u < width:
                        here, there = masks[n, :, y, x], masks[n, :, v, u]
                        sides += bool((here[a] and there[b]) or (here[b] and there[a]))
            assert measured[n, k] == sides
            if not (masks[n, a] & masks[n, b]).any():
                assert (measured[n, k] > 0) == geometry.contacts(masks)[n, k, 0]


@given(some_masks)
def test_thickness_is_the_mean_and_the_largest_count_of_lit_rows_and_columns(masks: Masks) -> None:
    measured = geometry.thickness(geometry.profiles(masks), masks.shape[2])
    for n, c in np.ndindex(masks.shape[:2]):
        for axis in (0, 1):
            counts = masks[n, c].sum(axis=1 - axis)
            lit = counts[counts > 0]
            expected = [lit.mean(), lit.max()] if lit.size else [0, 0]
            np.testing.assert_allclose(measured[n, c, 2 * axis : 2 * axis + 2], expected, rtol=1e-12)


def test_what_has_no_place_is_further_off_than_anything_that_has_one() -> None:
    places = np.array([[0.0, 0.0], [63.0, 31.0], [np.nan, np.nan]])
    placed = geometry.far_outside(places, (64, 32))
    between = np.abs(placed[0] - placed[1])
    assert (np.abs(placed[2] - placed[:2]) > between).all()


@given(some_masks)
def test_areas_centres_and_boxes_equal_those_of_each_mask(masks: Masks) -> None:
    height = masks.shape[2]
    profile = geometry.profiles(masks)
    centres, boxes = geometry.centres(profile, height), geometry.boxes(profile, height)
    np.testing.assert_array_equal(geometry.areas(profile, height), masks.sum(axis=(2, 3)))
    for n, c in np.ndindex(masks.shape[:2]):
        rows, columns = np.nonzero(masks[n, c])
        if not len(rows):
            assert np.isnan(centres[n, c]).all() and np.isnan(boxes[n, c]).all()
            continue
        np.testing.assert_allclose(centres[n, c], ndimage.center_of_mass(masks[n, c]), rtol=1e-12)
        assert boxes[n, c].tolist() == [rows.min(), rows.max(), columns.min(), columns.max()]


@given(some_masks)
def test_overlaps_equal_set_operations(masks: Masks) -> None:
    shared = geometry.shared_pixels(masks)
    area = geometry.areas(geometry.profiles(masks), masks.shape[2])
    measured = geometry.overlaps(shared, area)
    for k, (a, b) in enumerate(geometry.pairs(masks.shape[1])):
        for n in range(len(masks)):
            both, either = (masks[n, a] & masks[n, b]).sum(), (masks[n, a] | masks[n, b]).sum()
            total = masks[n, a].sum() + masks[n, b].sum()
            assert shared[n, k] == both
            assert measured[n, k].tolist() == [both / either, 2 * both / total] if either else [0, 0]


@given(some_masks)
def test_contacts_equal_dilation(masks: Masks) -> None:
    measured = geometry.contacts(masks)
    assert measured.shape == (len(masks), len(geometry.pairs(masks.shape[1])), 2)
    for k, (a, b) in enumerate(geometry.pairs(masks.shape[1])):
        for side, connectivity in enumerate((4, 8)):
            for n in range(len(masks)):
                grown = ndimage.binary_dilation(masks[n, a], geometry.IN_PLANE[connectivity])
                assert measured[n, k, side] == (grown & masks[n, b]).any()


def test_a_rectangle_has_the_centre_area_and_box_of_a_rectangle() -> None:
    mask = np.zeros((1, 1, 20, 10), dtype=bool)
    mask[0, 0, 3:9, 2:6] = True
    profile = geometry.profiles(mask)
    assert geometry.areas(profile, 20).item() == 24
    assert geometry.centres(profile, 20).tolist() == [[[5.5, 3.5]]]
    assert geometry.boxes(profile, 20).tolist() == [[[3, 8, 2, 5]]]


def _population(masks: Masks) -> Population:
    return Population(masks.astype(np.uint8), "binary", np.zeros((len(masks), 0)), ())


def test_descriptors_do_not_depend_on_how_the_set_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = np.random.default_rng(0).random((23, 3, 8, 6)) < 0.4

    def everything(population: Population) -> list[NDArray[np.float64]]:
        whole = [population.areas(), population.centres(), population.boxes(), population.overlaps()]
        whole += [population.thickness(), population.contact_lengths()]
        return [*whole, population.contacts(), population.pieces(4), population.pieces(8)]

    at_once = everything(_population(masks))
    index = np.array([5, 5, 22, 0])
    for part, whole in zip(everything(_population(masks).rows(index)), at_once, strict=True):
        np.testing.assert_array_equal(part, whole[index])
    monkeypatch.setattr("epuredgm.evaluation.population.CHUNK_BYTES", 5 * masks[0].nbytes)
    for part, whole in zip(everything(_population(masks)), at_once, strict=True):
        np.testing.assert_array_equal(part, whole)


def test_a_descriptor_is_computed_once_for_all_subsets() -> None:
    calls = 0

    def count(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        nonlocal calls
        calls += 1
        return images.sum(axis=(1, 2, 3)).astype(np.float64)

    population = _population(np.ones((6, 1, 2, 2), dtype=bool))
    for subset in (
        population,
        population.rows(np.array([1, 2])),
        population.rows(np.array([3, 4])).rows([1]),
    ):
        subset.feature("pixels", count)
    assert calls == 1


def test_grey_images_are_lit_above_one_half() -> None:
    images = np.array([0, 1, 127, 128, 255], dtype=np.uint8).reshape(5, 1, 1, 1)
    grey = Population(images, "grey", np.zeros((5, 0)), ())
    assert grey.areas().ravel().tolist() == [0, 0, 0, 1, 1]
