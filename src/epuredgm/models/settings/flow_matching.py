"""Settings of :class:`epuredgm.models.flow_matching.FlowMatching`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from epuredgm.core.fields import Fraction, Share
from epuredgm.models.settings import Evaluations, Fidelity, Logit, Spread
from epuredgm.nn.layers import EvenWidth, UNetLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        unet: size of the network.
        context: width of the time and condition embeddings.
        condition_dropout, given_share: see :class:`epuredgm.nn.denoiser.DesignDenoiser`.
        fidelity: ``ours``, or ``paper``: the velocity, regressed by squared error at uniform times.
        time_mean, time_spread: of the logit of the training times; without effect on ``paper``.
    """

    unet: UNetLayers
    context: EvenWidth
    condition_dropout: Share
    given_share: Share
    fidelity: Fidelity
    time_mean: Logit
    time_spread: Spread


@dataclass(frozen=True)
class Sampler:
    """What only sampling depends on.

    Attributes:
        last_time: where the solver stops and the network's prediction is taken.
        steps: intervals of the solver.
        solver: see :data:`epuredgm.nn.flow.SOLVERS`.
    """

    last_time: Fraction
    steps: Evaluations
    solver: Literal["euler", "midpoint"]
