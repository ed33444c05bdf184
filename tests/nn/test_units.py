"""Units in use are those whose posterior means differ between designs."""

from __future__ import annotations

import torch

from epuredgm.nn.gaussian import DiagonalGaussian
from epuredgm.nn.units import UnitUse


def test_a_unit_that_says_the_same_of_every_design_is_not_in_use() -> None:
    rng = torch.Generator().manual_seed(0)
    means = torch.randn(300, 4, generator=rng) * torch.tensor([1.0, 0.0, 0.5, 0.0]) + 3
    posteriors = DiagonalGaussian(means, torch.full((300, 4), -2.0))
    units = UnitUse(4)
    assert units.describe() == {"units": 4, "active_units": 0, "kl": 0.0}
    units.record(
        DiagonalGaussian(*rows) for rows in zip(*(part.split(70) for part in posteriors), strict=True)
    )
    told = units.describe()
    assert told["active_units"] == 2
    assert abs(told["kl"] - float(posteriors.kl_to_standard().mean())) < 1e-3


def test_the_statistics_are_saved_with_the_weights() -> None:
    units, copy = UnitUse(2), UnitUse(2)
    units.record([DiagonalGaussian(torch.randn(50, 2), torch.zeros(50, 2))])
    copy.load_state_dict(units.state_dict())
    assert copy.describe() == units.describe() != UnitUse(2).describe()
