"""One update at work: its optimizer, its learning rate, its clipping, its moving average."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch._dynamo  # takes seconds and the first optimizer imports it: here a warm server does, once
from torch import Tensor, nn

from epuredgm.core.settings import OptimizerSettings, UpdateSettings
from epuredgm.interface import Batch, LossTerms, Progress, Update
from epuredgm.training.ema import MovingAverage
from epuredgm.training.figures import Figures
from epuredgm.training.memory import averaged, parts
from epuredgm.training.precision import Precision
from epuredgm.training.schedule import learning_rate

FUSED_ON = ("cpu", "cuda")
KINDS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def make_optimizer(parameters: list[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Adam or AdamW in its fused form where there is one.

    Weight decay is for weights: tensors of one axis (biases, gains of norms) have none.
    """
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return KINDS[settings.name](
        [group for group in groups if group["params"]],
        lr=settings.lr,
        betas=(settings.betas[0], settings.betas[1]),
        fused=all(p.device.type in FUSED_ON and p.is_floating_point() for p in parameters),
    )


@torch.no_grad()
def clip_(parameters: list[nn.Parameter], limit: float) -> Tensor | None:
    """Scale gradients down to a total norm of at most ``limit``; the norm before, or None without gradients.

    As ``torch.nn.utils.clip_grad_norm_``, which on the CPU loops over the tensors in Python.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return None
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp(max=1.0))
    return norm


@contextmanager
def only(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Within the block these parameters, of all the model's, take gradients (R2)."""
    for parameter in parameters:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(False)


class Optimiser:
    """Carries out one update.

    Args:
        update: the family's update.
        parameters: those it may change.
        settings: how.
        steps: steps of the phase; the update makes ``steps * repeats`` optimizer steps.
        average, group: the phase's moving average and this update's group in it.
        precision: what the loss is computed in.
    """

    def __init__(
        self,
        update: Update,
        parameters: list[nn.Parameter],
        settings: UpdateSettings,
        steps: int,
        average: MovingAverage,
        group: int,
        precision: Precision,
    ) -> None:
        self.update, self.parameters, self.settings = update, parameters, settings
        self.optimizer = make_optimizer(parameters, settings.optimizer)
        self.scaler = precision.scaler()
        self._total = steps * settings.repeats
        self._average, self._group, self._precision = average, group, precision

    def gradient(self, batch: Batch, progress: Progress, size: int) -> LossTerms:
        """Put the gradient on ``batch``, computed ``size`` designs at a time, into the parameters.

        Returns:
            The loss terms: weighted means of those of the parts.
        """
        self.clear()
        return averaged(self._backwards(batch, progress, size))

    def _backwards(self, batch: Batch, progress: Progress, size: int) -> Iterator[tuple[LossTerms, float]]:
        """The terms of each part and its share, once its gradient is added."""
        for part, share in parts(batch, size):
            with self._precision.autocast():
                terms = self.update.loss(part, progress)
            self._backward(terms["loss"] if share == 1 else terms["loss"] * share)
            yield terms, share

    def clear(self) -> None:
        """Forget the gradient."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self, terms: LossTerms, progress: Progress, repeat: int, figures: Figures) -> None:
        """One optimizer step with what :meth:`gradient` left; its terms and norm are added to ``figures``."""
        count = progress.step * self.settings.repeats + repeat
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(count, self._total, self.settings.optimizer)
        norm = self._descend()
        self._average.step(self._group, count)
        figures.add(terms, f"{self.update.name}.")
        if (
            norm is not None and self.scaler is None
        ):  # a scaler's overflows are its business, not a divergence
            figures.add({f"{self.update.name}.gradient_norm": norm})

    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def _backward(self, loss: Tensor) -> None:
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def _descend(self) -> Tensor | None:
        """Clip, step; the norm of the gradient."""
        if self.scaler is None:
            norm = clip_(self.parameters, self.settings.clip_norm)
            self.optimizer.step()
            return norm
        self.scaler.unscale_(self.optimizer)
        norm = clip_(self.parameters, self.settings.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return norm

    def state(self) -> dict[str, object]:
        """Optimizer and scaler, for a resume point."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict() if self.scaler else {},
        }

    def load(self, state: dict[str, dict[str, object]]) -> None:
        """Take the optimizer and scaler of a resume point."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler:
            self.scaler.load_state_dict(state["scaler"])
