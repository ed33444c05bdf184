"""Finding, cutting and resizing the breast, against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_makers import breast
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.core.errors import BadRequest
from epuredgm.data.mammography.breast import Frame, area_average, canonical, find_breast
from epuredgm.data.mammography.faults import Unreadable
from epuredgm.data.mammography.patches import chosen, cut, foreground, grid


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("shape", [(64, 48), (256, 192), (1300, 1100)])
def test_the_breast_is_found_with_labels_and_noise_around(side: str, shape: tuple[int, int]) -> None:
    clean = breast(*shape, side=side)
    pixels = np.clip(clean + np.abs(np.random.default_rng(0).normal(0, 0.002, shape)), 0, 1).astype(
        np.float32
    )
    label = slice(2, 2 + shape[0] // 20), slice(shape[1] // 2, shape[1] // 2 + shape[1] // 10)
    pixels[label] = 1.0
    found = find_breast(pixels)
    truth = clean > 0
    assert (found.mask & truth).sum() / (found.mask | truth).sum() >= 0.97
    assert found.chest == {"L": "left", "R": "right"}[side]
    assert found.doubts(side) == () and found.doubts("R" if side == "L" else "L") == ("side",)


def test_doubts() -> None:
    rows, columns = np.mgrid[:100, :100]
    tiny = find_breast(((rows - 50) ** 2 + columns**2 < 100).astype(np.float32) * 0.5)
    assert tiny.doubts() == ("area_small",)
    wide = np.zeros((100, 100), np.float32)
    wide[20:80] = 0.5
    assert "clipped" in find_breast(wide).doubts()
    full = np.full((100, 100), 0.5, np.float32)
    full[:4] = full[-8:] = 0.0
    assert "area_large" in find_breast(full).doubts()
    pieces = breast(100, 100).astype(np.float32)
    for corner in (2, 14, 26):
        pieces[corner : corner + 9, 80:95] = 0.5
    assert "several_components" in find_breast(pieces).doubts()
    with pytest.raises(Unreadable) as caught:
        find_breast(np.zeros((50, 50), np.float32))
    assert caught.value.code == "no_breast"


def test_holes_are_filled_also_at_the_chest_wall() -> None:
    pixels = breast(100, 80).astype(np.float32)
    holed = pixels.copy()
    holed[45:55, :6] = 0.0
    holed[40:46, 20:26] = 0.0
    np.testing.assert_array_equal(find_breast(holed).mask, find_breast(pixels).mask)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 7), st.integers(1, 7), st.integers(0, 99))
def test_area_averages_are_those_of_a_finer_grid(h: int, w: int, rows: int, columns: int, seed: int) -> None:
    picture = np.random.default_rng(seed).random((h, w))
    found = area_average(picture, Frame(0.0, 0.0, h, w, False, w), (rows, columns))
    fine = picture.repeat(rows, axis=0).repeat(columns, axis=1)  # every cell is whole in it
    np.testing.assert_allclose(found, fine.reshape(rows, h, columns, w).mean(axis=(1, 3)), atol=1e-12)
    assert found.mean() == pytest.approx(picture.mean())


def test_what_lies_outside_is_nothing() -> None:
    found = area_average(np.ones((4, 4)), Frame(-2.0, -4.0, 8.0, 8.0, False, 4), (4, 2))
    np.testing.assert_allclose(found, [[0, 0], [0, 1], [0, 1], [0, 0]])


@pytest.mark.parametrize("size", [(64, 64), (40, 32), (32, 64), (100, 37)])
def test_the_canonical_frame(size: tuple[int, int]) -> None:
    left = breast(200, 150).astype(np.float32)
    one = canonical(left, find_breast(left), 0.4, size)
    assert one.pixels.shape == one.mask.shape == size and one.pixels.dtype == np.float32
    assert one.mask[:, 0].any() and one.frame.left == 0.0  # the chest wall stays at the border
    assert one.frame.height / size[0] == pytest.approx(one.frame.width / size[1])  # nothing is distorted
    assert one.mm_per_pixel == pytest.approx(0.4 * one.frame.height / size[0])
    area = one.foreground * size[0] * size[1] * one.mm_per_pixel**2
    assert area == pytest.approx((left > 0).sum() * 0.16, rel=0.05)  # in mm²
    assert one.pixels.sum() * one.mm_per_pixel**2 == pytest.approx(left.sum() * 0.16, rel=1e-3)
    mirrored = canonical(left[:, ::-1].copy(), find_breast(left[:, ::-1].copy()), 0.4, size)
    np.testing.assert_array_equal(mirrored.pixels, one.pixels)
    assert mirrored.frame.flipped and not one.frame.flipped


def test_places_lead_back_to_the_source() -> None:
    pixels = breast(200, 150, side="R").astype(np.float32)
    pixels[90:92, 90:92] = 1.0
    one = canonical(pixels, find_breast(pixels), None, (400, 400))
    y, x = np.unravel_index(one.pixels.argmax(), one.pixels.shape)
    row, column = one.frame.to_source(float(y) + 0.5, float(x) + 0.5, (400, 400))
    assert 90 <= row <= 92 and 90 <= column <= 92 and one.mm_per_pixel is None


def test_labels_outside_the_breast_are_gone() -> None:
    pixels = breast(200, 150).astype(np.float32)
    labelled = pixels.copy()
    labelled[2:10, 100:140] = 1.0
    one, other = (canonical(p, find_breast(p), None, (64, 64)) for p in (pixels, labelled))
    np.testing.assert_array_equal(one.pixels, other.pixels)


@given(st.integers(8, 40), st.integers(8, 40), st.integers(1, 8), st.integers(1, 9))
def test_a_grid_starts_at_the_chest_wall_and_covers_all(h: int, w: int, size: int, stride: int) -> None:
    corners = grid((h, w), size, stride)
    assert tuple(corners[0]) == (0, 0) and corners.min() >= 0
    assert (corners + size <= (h, w)).all() and len(np.unique(corners, axis=0)) == len(corners)
    seen = np.zeros((h, w), bool)
    for y, x in corners:
        seen[y : y + size, x : x + size] = True
    assert stride > size or seen.all()


def test_foreground_and_cut_are_those_of_slices() -> None:
    rng = np.random.default_rng(0)
    mask, pixels = rng.random((30, 40)) > 0.5, rng.random((30, 40)).astype(np.float32)
    corners = grid((30, 40), 8, 5)
    slices = [(slice(y, y + 8), slice(x, x + 8)) for y, x in corners]
    np.testing.assert_array_equal(cut(pixels, corners, 8), [pixels[place] for place in slices])
    np.testing.assert_allclose(foreground(mask, corners, 8), [mask[place].mean() for place in slices])


def test_a_choice_is_seeded_and_has_enough_breast() -> None:
    mask = breast(100, 80) > 0
    every = chosen(mask, 16, 8, 0.5, None, 0, "a")
    few = chosen(mask, 16, 8, 0.5, 5, 0, "a")
    assert len(few) == 5 and (foreground(mask, every, 16) >= 0.5).all()
    assert {tuple(corner) for corner in few} <= {tuple(corner) for corner in every}
    np.testing.assert_array_equal(few, chosen(mask, 16, 8, 0.5, 5, 0, "a"))
    others = [chosen(mask, 16, 8, 0.5, 5, 1, "a"), chosen(mask, 16, 8, 0.5, 5, 0, "b")]
    assert any(not np.array_equal(few, other) for other in others)
    with pytest.raises(BadRequest):
        grid((10, 10), 11, 4)
