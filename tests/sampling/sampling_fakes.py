"""A model that draws noise, and small data sets to ask it about."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.settings import SamplingSettings
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.conditions import ConditionNormaliser
from epuredgm.data.designs import Designs
from epuredgm.interface import GenerativeModel, Phase, SampleRequest
from epuredgm.sampling.sampler import Sampler


def spec(values: str = "binary", exclusive: bool = True, conditions: int = 2) -> DataSpec:
    return DataSpec(
        "small",
        height=6,
        width=4,
        components=tuple(Component(name, name, "#112233") for name in "abc"),
        conditions=tuple(Condition(f"c{k}") for k in range(conditions)),
        values=values,
        exclusive=exclusive,
    )


class Noise(GenerativeModel):
    """Draws uniform noise from its stream and from torch's own; remembers what it was asked."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.anchor = nn.Parameter(torch.zeros(1))
        self.asked: list[SampleRequest] = []

    def phases(self) -> list[Phase]:
        return []

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        assert torch.is_inference_mode_enabled()
        self.asked.append(request)
        shape = (request.count, self.spec.channels, self.spec.height, self.spec.width)
        return (torch.rand(shape, generator=rng) + torch.rand(shape)) / 2


class Forbidden:
    """Images that nobody may look at."""

    def __getitem__(self, _: Any) -> NoReturn:
        raise AssertionError("test images were read")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("test images were read")


def designs(spec: DataSpec, count: int = 40, images: Any = None) -> Designs:
    rng = np.random.default_rng(0)
    if images is None:
        label = rng.integers(0, spec.channels + 1, (count, 1, spec.height, spec.width))
        images = (label == np.arange(1, spec.channels + 1)[None, :, None, None]).astype(np.uint8)
        if spec.values == "grey":
            images = rng.integers(0, 256, images.shape, dtype=np.uint8)
    return Designs(
        images=images,
        ids=np.array([f"row{k:03d}" for k in range(count)]),
        train=np.arange(count) % 2 == 0,
        conditions=rng.normal(50, 5, (count, spec.condition_width)),
        condition_names=spec.condition_names,
        fingerprint="f",
    )


def sampler(model: Noise, seed: int = 0, monitor: Monitor = SILENT, batch_size: int = 7) -> Sampler:
    names = model.spec.condition_names
    count = len(names)
    normaliser = ConditionNormaliser(
        names, (50.0,) * count, (5.0,) * count, ((),) * count, (False,) * count, ((),) * count
    )
    return Sampler(model, normaliser, SamplingSettings(100, 1, batch_size, 1.5, 0.25), seed, None, monitor)
