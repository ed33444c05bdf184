"""Faults of grey pictures spoil them in the one way that their names say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from epuredgm.nn import grey_faults
from epuredgm.nn.feature_network import FeatureNetwork
from epuredgm.nn.grey_faults import spoiled

FAULTS = ("averaged", "swapped", "brightened", "blurred", "grained")


def pictures(count: int = 20, side: int = 16) -> Tensor:
    images = torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(0))
    images[..., side // 2 :] = 0
    return images


def apply(fault: str, images: Tensor, seed: int = 0) -> Tensor:
    found = getattr(grey_faults, fault)(images, torch.Generator().manual_seed(seed))
    assert isinstance(found, Tensor)
    return found


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 2, 5, 9), (2, 1, 33, 32)])
def test_intensities_stay_intensities_at_any_size(fault: str, shape: tuple[int, ...]) -> None:
    found = apply(fault, torch.rand(shape))
    assert found.shape == shape and found.min() >= 0 and found.max() <= 1


def test_without_a_chance_nothing_is_spoiled_and_with_one_the_seed_decides() -> None:
    images = pictures()
    rngs = [torch.Generator().manual_seed(seed) for seed in (1, 1, 2)]
    assert torch.equal(spoiled(images, 0.0, torch.Generator()), images)
    first, again, other = (spoiled(images, 0.5, rng) for rng in rngs)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_brightness_leaves_air_and_the_order_of_intensities() -> None:
    images = pictures()
    found = apply("brightened", images)
    assert torch.equal(found[images == 0], images[images == 0])
    for before, after in zip(images.flatten(1), found.flatten(1), strict=True):
        inside = before > grey_faults.AIR
        assert (after[inside][before[inside].argsort()].diff() >= 0).all()


def test_a_blur_takes_variation_away_and_keeps_a_flat_picture() -> None:
    images = pictures()
    assert (apply("blurred", images).var(dim=(1, 2, 3)) <= images.var(dim=(1, 2, 3)) + 1e-6).all()
    assert torch.allclose(apply("blurred", torch.full((4, 1, 8, 8), 0.3)), torch.tensor(0.3))


def test_noise_is_seldom_put_on_air_and_is_of_many_strengths() -> None:
    images = torch.full((300, 1, 16, 16), 0.5)
    images[..., 8:] = 0
    found = apply("grained", images)
    on_air = (found[..., 8:] > 0).any(dim=3).any(dim=2).any(dim=1).float().mean()
    assert 0.2 < on_air < 0.45
    strengths = (found - images)[..., :8].std(dim=(1, 2, 3))
    assert strengths.max() > 20 * strengths.min()


def test_a_swapped_patch_is_anothers_in_its_place() -> None:
    images = pictures(8)
    found = apply("swapped", images)
    assert not torch.equal(found, images)
    for after, before in zip(found, images, strict=True):
        wrong = after != before
        if wrong.any():
            assert any(torch.equal(after[wrong], other[wrong]) for other in images)


def test_grey_networks_see_detail_and_masks_are_read_as_before() -> None:
    grey, binary = (FeatureNetwork((32, 32), 1, 4, grey=flag).eval() for flag in (True, False))
    images = torch.rand(3, 1, 32, 32)
    assert grey(images).shape == binary(images).shape == (3, 4)
    assert grey.encoder.stem.in_channels == 2 * binary.encoder.stem.in_channels
    assert grey.loss(images, images, 2.0).isfinite()
