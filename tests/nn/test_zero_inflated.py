"""The likelihood of pictures with exact zeros, brute force and at its best scale."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import distributions

from epuredgm.core.spec import Component, DataSpec
from epuredgm.nn.zero_inflated import FIRST_SCALE, ReconstructionLoss

SPEC = DataSpec("made_up", 4, 4, (Component("a", "a", "#808080"),), (), values="grey", bits=16)


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(3, 1, 4, 4, generator=rng)
    images[:, :, :, 2:] = 0
    return torch.randn(3, 2, 4, 4, generator=rng), images


@pytest.mark.parametrize(
    ("likelihood", "density"), [("laplace", distributions.Laplace), ("gaussian", distributions.Normal)]
)
def test_nats_are_those_of_the_densities(likelihood: str, density: type[distributions.Distribution]) -> None:
    decoded, images = pictures()
    occupancy, intensity, scale = ReconstructionLoss(SPEC, likelihood, "learned")(decoded, images)
    assert float(scale) == pytest.approx(FIRST_SCALE)
    logits, mean = decoded.chunk(2, dim=1)
    there = images > 0
    chance = distributions.Bernoulli(logits=logits).log_prob(there.float())
    log_density = torch.where(there, density(mean, FIRST_SCALE).log_prob(images), 0)
    torch.testing.assert_close(occupancy, -chance.sum((1, 2, 3)))
    torch.testing.assert_close(intensity, -log_density.sum((1, 2, 3)))


@pytest.mark.parametrize("likelihood", ["laplace", "gaussian"])
def test_no_learned_scale_is_better_than_the_analytic_one(likelihood: str) -> None:
    decoded, images = pictures()
    best = ReconstructionLoss(SPEC, likelihood, "analytic")(decoded, images)
    learned = ReconstructionLoss(SPEC, likelihood, "learned")
    assert learned.raw is not None
    for factor in (0.9, 1.0, 1.1):
        with torch.no_grad():
            learned.raw.fill_(float((best.scale * factor).log()) / 10)
        nats = learned(decoded, images).intensity.sum()
        assert nats >= best.intensity.sum() - 1e-3
        if factor == 1.0:
            torch.testing.assert_close(nats, best.intensity.sum())


def test_a_picture_has_exact_zeros_where_nothing_is() -> None:
    decoded = torch.tensor([[2.0, -2.0, 2.0, 2.0], [0.4, 0.4, 1.5, -0.5]]).view(1, 2, 1, 4)
    read = ReconstructionLoss(SPEC, "laplace", "learned")
    assert read.picture(decoded).flatten().tolist() == pytest.approx([0.4, 0.0, 1.0, 1 / 65535])


def test_a_perfect_picture_has_a_finite_density() -> None:
    spec = dataclasses.replace(SPEC, bits=8)
    _, images = pictures()
    loss = ReconstructionLoss(spec, "laplace", "analytic")(torch.cat([images, images], 1), images)
    assert float(loss.scale) == pytest.approx(1 / 255)


def test_a_local_scale_is_that_of_its_own_pixel() -> None:
    decoded, images = pictures()
    offsets = torch.linspace(-1, 1, 48).view(3, 1, 4, 4)
    loss = ReconstructionLoss(SPEC, "laplace", "local")
    intensity = loss(torch.cat([decoded, offsets], 1), images).intensity
    density = distributions.Laplace(decoded[:, 1:], FIRST_SCALE * offsets.exp()).log_prob(images)
    torch.testing.assert_close(intensity, -torch.where(images > 0, density, 0).sum((1, 2, 3)))


@pytest.mark.parametrize("scale", ["local", "learned"])
def test_errors_put_into_the_picture_give_the_image(scale: str) -> None:
    decoded, images = pictures()
    loss = ReconstructionLoss(SPEC, "laplace", scale)
    logits = torch.where(images > 0, 1.0, -1.0)
    maps = torch.cat([logits, decoded[:, 1:], decoded[:, 1:]][: loss.channels], 1)
    torch.testing.assert_close(loss.picture(maps, loss.errors(maps, images)), images)


def test_the_fringe_is_what_is_decoded_within_two_pixels_of_what_is_there() -> None:
    images, mean = torch.zeros(1, 1, 4, 8), torch.zeros(1, 1, 4, 8)
    images[..., :3] = 0.5
    mean[..., 3], mean[..., 4], mean[..., 5] = 0.2, -0.1, 9.0  # the last is too far away to count
    maps = torch.cat([torch.zeros_like(mean), mean + images], 1)
    loss = ReconstructionLoss(SPEC, "laplace", "learned")
    assert float(loss.fringe(maps, images)) == pytest.approx(4 * (0.2 + 0.1) / FIRST_SCALE)
    assert float(loss.fringe(torch.zeros_like(maps), images)) == 0
