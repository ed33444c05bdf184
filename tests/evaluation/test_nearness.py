"""The search for the most similar picture, against brute force; the arithmetic of the verdict on copies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from epuredgm.evaluation import copies
from epuredgm.evaluation.nearness import COARSE, EDGE, REACH, distances, nearest, reduced

LEVELS = 65535


def smooth(rng: np.random.Generator, count: int, edge: int) -> torch.Tensor:
    """(count, 1, edge, edge) pictures with structure at all scales."""
    noise = torch.from_numpy(rng.random((count, 1, edge, edge), dtype=np.float32))
    return sum(
        torch.nn.functional.interpolate(
            torch.nn.functional.avg_pool2d(noise, size), size=(edge, edge), mode="bilinear"
        )
        for size in (1, 4, 16)
    )  # type: ignore[return-value]


def overlap_correlation(a: np.ndarray, b: np.ndarray, y: int, x: int) -> float:
    """Of ``a`` moved by (y, x) with ``b``, over the pixels that both have."""
    height, width = a.shape
    ours = a[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
    theirs = b[max(0, y) : height - max(0, -y), max(0, x) : width - max(0, -x)]
    return float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])


def test_the_search_is_that_of_every_flip_and_shift() -> None:
    edge = 32
    reach = REACH * edge // EDGE
    rng = np.random.default_rng(0)
    ours, theirs = smooth(rng, 3, edge), smooth(rng, 5, edge)
    found = nearest(ours, theirs, kept=5)
    steps = range(-reach, reach + 1)
    for row in range(3):
        picture = ours[row, 0].numpy().astype(np.float64)
        brute = [
            max(
                overlap_correlation(way, other[0].numpy().astype(np.float64), y, x)
                for way in (picture, picture[:, ::-1])
                for y in steps
                for x in steps
            )
            for other in theirs
        ]
        assert found.rows[row] == int(np.argmax(brute))
        np.testing.assert_allclose(found.correlations[row], sorted(brute)[::-1], atol=1e-5)


@pytest.mark.parametrize("way", ["same", "flipped", "shifted", "brighter"])
def test_a_copy_is_found_among_many_however_it_was_moved(way: str) -> None:
    rng = np.random.default_rng(1)
    others = smooth(rng, 200, EDGE)
    original = others[150:151]
    moved = {
        "same": original,
        "flipped": original.flip(-1),
        "shifted": torch.nn.functional.pad(original, (REACH, 0, 0, 3))[..., 3:, :EDGE],
        "brighter": 0.5 * original + 0.1,
    }[way]
    found = nearest(moved, others, kept=8)
    assert found.rows[0] == 150
    assert found.best[0] > 1 - 1e-5
    assert distances(found.correlations)[0, 0] < 5e-3
    assert (found.correlations[0, 1:] < 0.95).all()


def test_flat_pictures_are_like_nothing() -> None:
    found = nearest(torch.full((1, 1, 64, 64), 0.5), smooth(np.random.default_rng(2), 4, 64))
    assert found.best[0] == 0


def test_large_pictures_are_reduced_to_means_of_areas() -> None:
    images = np.random.default_rng(3).integers(0, LEVELS, (3, 1, 256, 128), dtype=np.uint16)
    small = reduced(images, LEVELS)
    means = images.reshape(3, 1, 64, 4, 32, 4).mean(axis=(3, 5)) / LEVELS
    np.testing.assert_allclose(small.numpy(), means, atol=1e-5)
    assert reduced(images[..., :32, :16], LEVELS).shape == (3, 1, 32, 16)
    assert EDGE % COARSE == 0


def test_the_chance_is_that_of_independent_draws() -> None:
    rng = np.random.default_rng(4)
    generated, held_out, place = 60, 110, 2
    draws = rng.random((20_000, generated + held_out))
    limit = np.sort(draws[:, :held_out], axis=1)[:, place - 1]
    near = (draws[:, held_out:] <= limit[:, None]).sum(axis=1)
    for count in (0, 1, 2, 4):
        expected = copies.chance_of(count, generated, held_out, place)
        assert (near >= count).mean() == pytest.approx(expected, abs=0.01)


def test_independent_sets_seldom_exceed_the_bound_and_planted_ones_do() -> None:
    rng = np.random.default_rng(5)
    failed = [not copies.nearness(rng.random(200), rng.random(130)).passed for _ in range(1000)]
    assert np.mean(failed) < 2 * copies.CHANCE
    planted = np.concatenate([np.zeros(10), 0.5 + rng.random(190)])
    assert not copies.nearness(planted, 0.5 + rng.random(130)).passed
    for generated, held_out in ((50, 100), (200, 130), (1000, 1000)):
        place = max(1, held_out // 100)
        bound = copies.allowed_share(generated, held_out, place)
        assert bound >= copies.ALLOWED
        reached = copies.chance_of(round(bound * generated) + 1, generated, held_out, place)
        assert reached < copies.CHANCE


def test_the_limit_of_correlation_leaves_room_above_the_held_out_pictures() -> None:
    assert copies.correlation_limit(np.array([0.5, 0.9])) == copies.CORRELATION
    assert copies.correlation_limit(np.array([0.5, 0.99])) == pytest.approx(0.992)


@pytest.mark.parametrize(
    ("counts", "words"),
    [((49, 1000, 1000), "49 generated"), ((50, 99, 1000), "99 train"), ((50, 100, 99), "99 held-out real")],
)
def test_too_few_is_said(counts: tuple[int, int, int], words: str) -> None:
    assert words in copies.too_few(*counts)
    assert copies.too_few(50, 100, 100) == ""


def test_a_faint_copy_is_a_copy() -> None:
    others = smooth(np.random.default_rng(6), 20, EDGE)
    found = nearest(0.3 + 0.002 * others[7:8].flip(-1), others)
    assert found.rows[0] == 7
    assert found.best[0] > 0.999


def test_what_has_no_distance_is_near() -> None:
    held_out = np.linspace(1, 2, 130)
    spoiled = np.where(np.arange(100) < 10, np.nan, 1.5)
    assert copies.nearness(spoiled, held_out).share == 0.1
    assert not copies.nearness(spoiled, held_out).passed
