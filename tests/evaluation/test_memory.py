"""Extractors learn and describe with as many designs at once as fit, and the figures are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from epuredgm.core.monitor import SILENT
from epuredgm.data.designs import Designs
from epuredgm.data.memory import FittingSize
from epuredgm.evaluation.extractor import Setting
from epuredgm.evaluation.extractors import domain
from epuredgm.evaluation.learning import learn


def pieces(setting: Setting, size: int) -> Setting:
    return replace(setting, at_once=lambda task, most: FittingSize(size))


def test_few_at_once_see_what_many_see(domain_setting: Setting, designs: Designs, tmp_path: Path) -> None:
    few = designs.rows(np.arange(120))
    short = replace(domain_setting.settings.domain, networks=1, steps=5)
    setting = replace(domain_setting, settings=replace(domain_setting.settings, domain=short))
    domain.fit(setting, few, tmp_path, SILENT)
    (whole, *_), (parts, *_) = domain.load(setting, tmp_path), domain.load(pieces(setting, 7), tmp_path)
    np.testing.assert_allclose(parts.describe(few.images), whole.describe(few.images), atol=1e-4)
    assert parts.describe(few.images[:0]).shape == whole.describe(few.images[:0]).shape


class Line(nn.Module):
    """y = w x, on a device with room for ``room`` rows."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.weight, self.room = nn.Parameter(torch.tensor([0.5])), room

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return (self.weight * x - y).square().mean()


def learned(room: int, at_once: FittingSize) -> float:
    network, rng = Line(room), torch.Generator().manual_seed(0)

    def draw() -> tuple[Tensor, Tensor]:
        x = torch.rand(10, generator=rng)
        return x, 3 * x

    optimiser = torch.optim.SGD(network.parameters(), 0.5)
    schedule: Any = torch.optim.lr_scheduler.ConstantLR(optimiser, 1.0)
    learn(network, draw, network.loss, optimiser, schedule, 12, SILENT, "a line", at_once)
    return float(network.weight.detach())


@pytest.mark.parametrize("room", [9, 5, 3, 1])
def test_what_is_learned_in_parts_is_what_is_learned_at_once(room: int) -> None:
    told: list[int] = []
    assert learned(room, FittingSize(10, told.append)) == pytest.approx(
        learned(10, FittingSize(10)), rel=1e-5
    )
    assert told and told[-1] <= room < 2 * told[-1] + 1


def test_a_row_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        learned(0, FittingSize(10))
