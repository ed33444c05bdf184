"""A model's weights at one moment, held in memory: the best so far, or the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from epuredgm.data.weights import Weights, restore
from epuredgm.training.ema import MovingAverage


@dataclass(frozen=True)
class Snapshot:
    """Weights and where they are from.

    Attributes:
        weights: live and averaged tensors; buffers are the same in both.
        phase, epoch, step: the moment.
        score: the validation loss that chose them; None if none did.
    """

    weights: Weights
    phase: str
    epoch: int
    step: int
    score: float | None

    @classmethod
    def take(
        cls, model: nn.Module, average: MovingAverage, phase: str, epoch: int, step: int, score: float | None
    ) -> Snapshot:
        """Copy a model and its averages."""
        live = _copy(model.state_dict())
        averaged = None
        if average.active:
            names = {name for name, _ in model.named_parameters(remove_duplicate=False)}
            with average.in_place():
                state = model.state_dict()
                averaged = {**live, **_copy({name: state[name] for name in state if name in names})}
        return cls(Weights(live, averaged, {}), phase, epoch, step, score)

    def restore(self, model: nn.Module) -> None:
        """Load the weights for use into a model."""
        restore(model, self.weights.for_use)

    def with_buffers(self, buffers: Mapping[str, Tensor]) -> Snapshot:
        """The same weights with what the end of a phase has put into buffers."""
        live = {**self.weights.live, **buffers}
        averaged = None if self.weights.ema is None else {**self.weights.ema, **buffers}
        return replace(self, weights=Weights(live, averaged, {}))

    def facts(self) -> dict[str, Any]:
        """The moment, JSON-ready."""
        return {"phase": self.phase, "epoch": self.epoch, "step": self.step, "loss": self.score}

    def state(self) -> dict[str, Any]:
        """For a resume point."""
        ema = None if self.weights.ema is None else dict(self.weights.ema)
        return {"live": dict(self.weights.live), "ema": ema, **self.facts()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], device: torch.device) -> Snapshot:
        """The inverse of :meth:`state`, on the model's device: the end of a phase adds buffers from there."""
        live = {name: tensor.to(device) for name, tensor in state["live"].items()}
        ema = state["ema"] and {name: tensor.to(device) for name, tensor in state["ema"].items()}
        weights = Weights(live, ema, {})
        return cls(weights, state["phase"], state["epoch"], state["step"], state["loss"])


def filled_buffers(before: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The saved buffers of a model that are not as they were ``before``, copied."""
    return {
        name: tensor.detach().clone()
        for name, tensor in saved_buffers(model).items()
        if name not in before or before[name].shape != tensor.shape or not torch.equal(before[name], tensor)
    }


def saved_buffers(model: nn.Module) -> dict[str, Tensor]:
    """The buffers that are part of a model's state."""
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in parameters}


def _copy(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state.items()}
