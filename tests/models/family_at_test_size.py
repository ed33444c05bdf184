"""A family at test size for any data set, designs for it, and a few steps of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from epuredgm.config import Conf, compose
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.interface import Batch, GenerativeModel, Progress, SampleRequest
from epuredgm.stages.build import resolve
from epuredgm.stages.models import make_model

CONF = Conf(Path(__file__).parents[2] / "conf")
HEIGHT, WIDTH = 64, 32


@dataclass(frozen=True)
class Family:
    """One entry of the registry."""

    name: str
    config: dict[str, Any]
    training: dict[str, Any]

    @property
    def supports(self) -> list[str]:
        return self.config["supports"]

    def with_network(self, **changed: Any) -> Family:
        """The family with other settings of its network."""
        return replace(self, config={**self.config, "network": {**self.config["network"], **changed}})

    @property
    def kind(self) -> type[GenerativeModel]:
        kind: type[GenerativeModel] = resolve(self.config["target"])
        return kind

    @property
    def draws(self) -> list[str]:
        return self.config["draws"]

    @property
    def pace(self) -> dict[str, Any]:
        """Settings of :func:`train`: a game between updates needs its balance, and is played as declared."""
        games = [p["updates"] for p in self.training["phases"].values() if len(p["updates"]) > 1]
        optimizers = [update["optimizer"] for updates in games for update in updates.values()]
        return {key: optimizers[-1][key] for key in ("lr", "betas")} if optimizers else {}

    def build(self, spec: DataSpec, seed: int = 0, **changed: Any) -> GenerativeModel:
        """The family for a data set; ``changed`` replaces settings of the network or the sampler."""
        torch.manual_seed(seed)
        groups = [{**self.config[name]} for name in ("network", "sampler")]
        for group in groups:
            group.update({key: value for key, value in changed.items() if key in group})
        return make_model(self.config["target"], spec, *groups).eval()


@lru_cache
def family_called(name: str) -> Family:
    """A registered family, at the size of the profile ``test``."""
    config = compose(CONF, "toy", name, "test")
    return Family(name, config["model"], config["training"])


def make_spec(
    components: int,
    conditions: int,
    *,
    exclusive: bool = True,
    values: str = "binary",
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> DataSpec:
    return DataSpec(
        name="made_up",
        height=size[0],
        width=size[1],
        components=tuple(Component(f"part_{k}", f"part {k}", "#808080") for k in range(components)),
        conditions=tuple(Condition(f"number_{k}") for k in range(conditions)),
        values=values,
        exclusive=exclusive,
    )


def make_batch(spec: DataSpec, count: int, seed: int = 0) -> Batch:
    """Blocks of 8 x 8 pixels at random, exclusive where the data set is; conditions of unit variance."""
    rng = torch.Generator().manual_seed(seed)
    shape = (count, spec.channels, math.ceil(spec.height / 8), math.ceil(spec.width / 8))
    if spec.exclusive:
        labels = torch.randint(spec.channels + 1, (count, 1, *shape[2:]), generator=rng)
        images = (labels == torch.arange(1, spec.channels + 1)[:, None, None]).float()
    else:
        images = torch.rand(shape, generator=rng)
        images = images.round() if spec.values == "binary" else images
    images = images.repeat_interleave(8, 2).repeat_interleave(8, 3)[:, :, : spec.height, : spec.width]
    return Batch(images, torch.randn(count, spec.condition_width, generator=rng))


def progress(step: int = 0, steps: int = 10) -> Progress:
    return Progress(0, 1, step, steps, torch.Generator().manual_seed(1000 + step))


def train(
    model: GenerativeModel,
    batches: Callable[[int], Batch],
    steps: int,
    lr: float = 5e-3,
    betas: tuple[float, float] = (0.9, 0.999),
) -> None:
    """All phases of the family, ``steps`` steps each, as the trainer would but for its comforts."""
    for phase in model.phases():
        optimizers = [
            torch.optim.Adam([p for m in update.modules for p in m.parameters()], lr=lr, betas=betas)
            for update in phase.updates
        ]
        for step in range(steps):
            for update, optimizer in zip(phase.updates, optimizers, strict=True):
                optimizer.zero_grad(set_to_none=True)
                update.loss(batches(step), progress(step, steps))["loss"].backward()
                optimizer.step()
        with torch.no_grad():
            phase.finish((batches(step) for step in range(4)), progress(steps, steps))


def draw(model: GenerativeModel, request: SampleRequest, seed: int = 0) -> Tensor:
    with torch.no_grad():
        return model.sample(request, torch.Generator().manual_seed(seed)).clone()


def request_for(mode: str, batch: Batch, given: int = 0) -> SampleRequest:
    """A request of the mode, around component ``given`` of the batch where one is given."""
    count, channels = batch.images.shape[:2]
    conditions = batch.conditions if batch.conditions.shape[1] else None
    if mode == "unconditional":
        return SampleRequest(count)
    if mode == "conditional":
        return SampleRequest(count, conditions)
    flags = (torch.arange(channels) == given).expand(count, -1)
    return SampleRequest(count, conditions, batch.images * flags[:, :, None, None], flags)
