"""Path and target of flow matching against torchcfm; `pip install .[crosschecks]`."""

from __future__ import annotations

import pytest
import torch

from epuredgm.nn.flow import VELOCITY, straight, velocity

theirs = pytest.importorskip("torchcfm", reason="needs the extra crosschecks")


def test_the_path_and_the_target_are_theirs() -> None:
    rng = torch.Generator().manual_seed(0)
    noise, data = (torch.randn(6, 3, 8, 4, generator=rng) for _ in range(2))
    t = torch.tensor([0.0, 0.1, 0.4, 0.7, 0.95, 1.0])
    matcher = theirs.ConditionalFlowMatcher(sigma=0.0)
    _, x_t, target = matcher.sample_location_and_conditional_flow(noise, data, t)
    torch.testing.assert_close(straight(t).mix(data, noise), x_t)
    torch.testing.assert_close(VELOCITY.target(data, noise, straight(t)), target)
    torch.testing.assert_close(velocity(x_t, data, t)[:-1], target[:-1], rtol=1e-4, atol=1e-4)
