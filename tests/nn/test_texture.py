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


def test_it_is_white_before_it_is_fitted_and_depends_on_the_stream_alone() -> None:
    texture = Texture(2, (9, 7))
    one, two = (texture.draw(50, torch.Generator().manual_seed(seed)) for seed in (0, 0))
    assert torch.equal(one, two)
    assert one.shape == (50, 2, 9, 7)
    assert float(one.std()) == pytest.approx(1, rel=0.05)
    assert correlation(one, 1) == pytest.approx(0, abs=0.05)
