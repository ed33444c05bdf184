"""Edges: none lost by equal pictures, all by a flat one, and nothing outside counts."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from epuredgm.nn.edges import EdgeLoss, eroded

EDGES = EdgeLoss()


def pictures(count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    images = functional.interpolate(
        torch.rand(count, 1, 8, 8, generator=rng), scale_factor=8, mode="bilinear"
    )
    there = torch.zeros(count, 1, 64, 64)
    there[:, :, 8:56, :40] = 1
    return images * there, there


def test_equal_pictures_lose_no_edge() -> None:
    images, there = pictures()
    assert EDGES(images, images, there).abs().max() == 0


def test_a_flat_picture_loses_all_edges_at_any_contrast() -> None:
    images, there = pictures()
    for contrast in (1.0, 0.5):
        lost = EDGES(torch.full_like(images, 0.3), contrast * images, there)
        assert lost.tolist() == pytest.approx([1.0, 1.0], abs=0.1)


def test_a_blurred_picture_loses_some() -> None:
    images, there = pictures()
    blurred = functional.avg_pool2d(images, 9, stride=1, padding=4)
    lost = EDGES(blurred, images, there)
    assert (lost > 0.02).all()
    assert (lost < 0.9).all()


def test_what_is_drawn_outside_does_not_count() -> None:
    images, there = pictures()
    drawn = 0.7 * images
    outside = drawn + 0.4 * (1 - there)
    torch.testing.assert_close(EDGES(outside, images, there), EDGES(drawn, images, there))


def test_the_border_of_the_picture_is_no_edge_of_what_is_there() -> None:
    there = torch.zeros(1, 1, 8, 8)
    there[..., :5] = 1
    assert torch.equal(eroded(there, 2)[0, 0, 0], torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0]))


def test_small_pictures_have_fewer_sizes() -> None:
    images = torch.rand(2, 1, 5, 3)
    assert torch.isfinite(EDGES(images, images.flip(3), torch.ones_like(images))).all()
