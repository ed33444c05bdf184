"""Settings of :class:`epuredgm.models.mdm.MDM`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from epuredgm.core.fields import Problem, Share, between
from epuredgm.models.settings import Evaluations, Fidelity, Logit, Spread
from epuredgm.nn.layers import EvenWidth, UNetLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        kernel: what noise does to a class: ``uniform`` or, with ``ours`` only, ``absorbing``.
        schedule: see :data:`epuredgm.nn.schedule.SCHEDULES`.
        fidelity: ``ours``: cross-entropy, exact posterior, most probable design at the end. ``paper``: the
            variational bound over 1000 evenly drawn times, plug-in posterior, a draw at the end.
        time_mean, time_spread: of the logit of the training times of ``ours``; time 1 is noise.
        condition_dropout: share of the designs whose condition is replaced by the null vector.
        given_share: share of the designs that come with known components.
        context: width of the time and condition embeddings.
        unet: size of the network.
    """

    kernel: Literal["uniform", "absorbing"]
    schedule: Literal["cosine", "sigmoid", "linear"]
    fidelity: Fidelity
    time_mean: Logit
    time_spread: Spread
    condition_dropout: Share
    given_share: Share
    context: EvenWidth
    unet: UNetLayers

    def rules(self) -> Iterator[Problem]:
        """The published form has one kernel."""
        if self.fidelity == "paper" and self.kernel != "uniform":
            yield "kernel", f"must be uniform with fidelity paper, not {self.kernel!r}"


@dataclass(frozen=True)
class Sampler:
    """What only sampling depends on.

    Attributes:
        steps: one evaluation each.
        temperature: the logits are divided by it; below 1 makes draws more typical.
        stride_mean, stride_spread: of the logit of times, at whose quantiles it evaluates; time 1 is noise.
    """

    steps: Evaluations
    temperature: Annotated[float, between(0, 100, above=True)]
    stride_mean: Logit
    stride_spread: Annotated[float, between(0, 20, above=True)]
