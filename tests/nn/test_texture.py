"""Drawn errors have the power of the measured ones at every frequency, and theirs alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from epuredgm.nn.texture import Texture


def errors(count: int, seed: int) -> Tensor:
    """Noise of deviation 0.5 that belongs together over three pixels in a row."""
    white = torch.randn(count, 1, 16, 18, generator=torch.Generator().manual_seed(seed))
    return 0.5 * 3**0.5 * functional.avg_pool2d(white, (1, 3), stride=1)


def correlation(drawn: Tensor, step: int) -> float:
    return float((drawn * drawn.roll(step, 3)).mean() / drawn.square().mean())


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_variance_and_correlation_are_those_of_the_errors_that_count(share: float) -> None:
    texture = Texture(1, (16, 16))
    there = torch.zeros(50, 1, 16, 16)
    there[:, :, : int(16 * share)] = 1
    texture.fit((errors(50, seed), there) for seed in range(4))
    drawn = texture.draw(500, torch.Generator().manual_seed(0))
    assert float(drawn.std()) == pytest.approx(0.5, rel=0.03)
    assert correlation(drawn, 1) == pytest.approx(2 / 3, abs=0.06)
    assert correlation(drawn, 5) == pytest.approx(0, abs=0.05)


def test_a_place_has_the_mean_and_the_deviation_of_the_errors_there() -> None:
    texture, place = Texture(1, (16, 16)), torch.linspace(-1, 1, 16)
    there = torch.ones(50, 1, 16, 16)
    texture.fit(((1 + place.abs()) * errors(50, seed) + place, there) for seed in range(8))
    drawn = texture.draw(1000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn.mean((0, 1, 2)), place, atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.std((0, 1, 2)), 0.5 * (1 + place.abs()), atol=0, rtol=0.06)


def test_the_mean_of_a_place_is_not_taken_for_correlation() -> None:
    texture, place = Texture(1, (16, 16)), torch.linspace(-3, 3, 16)
    texture.fit((errors(50, seed) + place, torch.ones(50, 1, 16, 16)) for seed in range(4))
    noise = texture.draw(500, torch.Generator().manual_seed(0)) - texture.mean
    assert correlation(noise, 1) == pytest.approx(2 / 3, abs=0.06)


def test_where_few_pictures_have_errors_they_are_as_everywhere() -> None:
    texture = Texture(1, (16, 16))
    there = torch.ones(200, 1, 16, 16)
    there[1:, :, 12:] = 0
    texture.fit([(errors(200, 0), there)])
    assert float(texture.deviation[:, 12:].mean()) == pytest.approx(0.5, rel=0.06)
    assert float(texture.mean[:, 12:].abs().max()) < 0.15


def test_it_is_white_before_it_is_fitted_and_depends_on_the_stream_alone() -> None:
    texture = Texture(2, (9, 7))
    one, two = (texture.draw(50, torch.Generator().manual_seed(seed)) for seed in (0, 0))
    assert torch.equal(one, two)
    assert one.shape == (50, 2, 9, 7)
    assert float(one.std()) == pytest.approx(1, rel=0.05)
    assert correlation(one, 1) == pytest.approx(0, abs=0.05)
