"""Small families of every shape that the trainer must serve, and small data for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from epuredgm.core.fields import read
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.settings import TrainingSettings
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.resident import ResidentDesigns
from epuredgm.interface import Batch, GenerativeModel, Phase, Progress, SampleRequest, Update
from epuredgm.training.inputs import Inputs
from epuredgm.training.trainer import Trained, train

SPEC = DataSpec(
    "small",
    height=8,
    width=4,
    components=(Component("a", "a", "#112233"), Component("b", "b", "#445566")),
    conditions=(Condition("width"),),
)


def coder(out: int = 2) -> nn.Sequential:
    """A network with everything that has state: weights, norm statistics, dropout."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.Dropout(0.2),
        nn.Conv2d(4, out, 3, padding=1),
    )


class Family(GenerativeModel):
    def __init__(self) -> None:
        super().__init__(SPEC)

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        return torch.rand(request.count, 2, 8, 4, generator=rng)


class Plain(Family):
    """One phase, one update; the loss draws from the step's stream."""

    def __init__(self) -> None:
        super().__init__()
        self.net = coder()
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.epochs_seen: list[int] = []

    def loss(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        noise = torch.randn(batch.images.shape, generator=progress.rng)
        loss = (self.net(batch.images + 0.1 * noise) - batch.images).square().mean()
        return {"loss": loss + 0.01 * batch.conditions.square().mean(), "half": loss / 2}

    def phases(self) -> list[Phase]:
        return [
            Phase("main", (Update("all", (self.net, self.frozen), self.loss),), self.loss, self.after_epoch)
        ]

    def after_epoch(self, progress: Progress) -> None:
        self.epochs_seen.append(progress.epoch)


class Adversarial(Family):
    """Two updates against each other, one repeated, the last weights kept."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic = coder(), nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
        self.bystander = coder()
        self.streams: list[float] = []

    def drawn(self, batch: Batch, progress: Progress) -> Tensor:
        noise = torch.randn(batch.images.shape, generator=progress.rng)
        self.streams.append(float(noise[0, 0, 0, 0]))
        return self.generator(noise)

    def critic_loss(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        drawn = self.drawn(batch, progress)
        assert not drawn.requires_grad
        return {"loss": self.critic(drawn).mean() - self.critic(batch.images).mean()}

    def generator_loss(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        return {"loss": -self.critic(self.drawn(batch, progress)).mean()}

    def phases(self) -> list[Phase]:
        updates = (
            Update("critic", (self.critic,), self.critic_loss),
            Update("generator", (self.generator,), self.generator_loss),
        )
        return [Phase("adversarial", updates, self.generator_loss)]


class TwoStage(Family):
    """An encoder, then a prior on what it says; both phases end by filling buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.prior = coder(), nn.Linear(64, 1)
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("codes", torch.zeros(0))

    def encode_loss(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        return {"loss": (self.encoder(batch.images) - batch.images).square().mean()}

    def prior_loss(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        code = self.encoder(batch.images)
        assert not code.requires_grad
        centred = code - self.mean[None, :, None, None]
        return {"loss": (self.prior(centred.flatten(1)) - batch.conditions).square().mean()}

    def fit_mean(self, batches: Iterable[Batch], progress: Progress) -> None:
        assert not torch.is_grad_enabled() and not self.training
        codes = torch.cat([self.encoder(batch.images) for batch in batches])
        self.mean.copy_(codes.mean(dim=(0, 2, 3)))
        self.codes = codes.flatten(1)

    def phases(self) -> list[Phase]:
        return [
            Phase(
                "autoencoder",
                (Update("vq", (self.encoder,), self.encode_loss),),
                self.encode_loss,
                finish=self.fit_mean,
            ),
            Phase("prior", (Update("prior", (self.prior,), self.prior_loss),), self.prior_loss),
        ]


class Staged(Family):
    """A phase per component, all with the settings of one name, then one on top."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({name: nn.Linear(32, 4) for name in SPEC.component_names})
        self.top = nn.Linear(8, 1)

    def part_phase(self, channel: int, name: str) -> Phase:
        def loss(batch: Batch, progress: Progress) -> dict[str, Tensor]:
            return {"loss": (self.parts[name](batch.images[:, channel].flatten(1)) - 1).square().mean()}

        return Phase(f"marginal/{name}", (Update("vae", (self.parts[name],), loss),), loss)

    def top_loss(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        codes = [part(batch.images[:, k].flatten(1)) for k, part in enumerate(self.parts.values())]
        return {"loss": (self.top(torch.cat(codes, 1)) - batch.conditions).square().mean()}

    def phases(self) -> list[Phase]:
        marginals = [self.part_phase(k, name) for k, name in enumerate(SPEC.component_names)]
        return [*marginals, Phase("meta", (Update("meta", (self.top,), self.top_loss),), self.top_loss)]


FAMILIES: dict[str, type[Family]] = {
    "plain": Plain, "adversarial": Adversarial, "two_stage": TwoStage, "staged": Staged
}  # fmt: skip


def update(**changed: Any) -> dict[str, Any]:
    optimizer = {
        "name": "adamw",
        "lr": 0.01,
        "betas": [0.9, 0.99],
        "weight_decay": 0.01,
        "warmup": 0.1,
        "final_lr": 0.1,
        **changed.pop("optimizer", {}),
    }
    return {"optimizer": optimizer, "repeats": 1, "clip_norm": 1.0, **changed}


def phase(updates: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    return {"epochs": None, "steps": 11, "keep": "best", "updates": dict(updates), **changed}


PHASES: dict[str, dict[str, Any]] = {
    "plain": {"main": phase({"all": update()})},
    "adversarial": {
        "adversarial": phase(
            {"critic": update(repeats=3), "generator": update(optimizer={"name": "adam"})}, keep="last"
        )
    },
    "two_stage": {
        "autoencoder": phase({"vq": update()}, steps=6),
        "prior": phase({"prior": update()}, epochs=2, steps=None),
    },
    "staged": {"marginal": phase({"vae": update()}, steps=4), "meta": phase({"meta": update()}, steps=5)},
}


def settings(phases: Mapping[str, Any], **changed: Any) -> TrainingSettings:
    content = {
        "epochs": None,
        "steps": None,
        "batch_size": 8,
        "lr": 0.01,
        "ema_decay": 0.9,
        "eval_every": 1,
        "check_every": 0,
        "precision": "fp32",
        "channels_last": True,
        "compile": False,
        "log_every": 3,
        "checkpoint_seconds": 1e9,
        "phases": dict(phases),
        **changed,
    }
    return read(TrainingSettings, content)


def designs(count: int, seed: int = 0) -> ResidentDesigns:
    rng = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 2, (count, 2, 8, 4), generator=rng, dtype=torch.uint8)
    return ResidentDesigns(images, torch.randn(count, 1, generator=rng), torch.device("cpu"))


def inputs(
    model: GenerativeModel, chosen: TrainingSettings, monitor: Monitor = SILENT, seed: int = 5
) -> Inputs:
    return Inputs(model, designs(35), designs(10, seed=1), chosen, seed, monitor)


def fresh(kind: str) -> Family:
    torch.manual_seed(3)
    return FAMILIES[kind]()


def run(kind: str, folder: Path, monitor: Monitor = SILENT, **changed: Any) -> tuple[Family, Trained]:
    """Train the family ``kind`` in ``folder``."""
    model = fresh(kind)
    trained = train(
        inputs(model, settings(PHASES[kind], **changed), monitor), folder, {"about": kind}, "this run"
    )
    return model, trained
