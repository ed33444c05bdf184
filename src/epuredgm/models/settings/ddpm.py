"""Settings of :class:`epuredgm.models.ddpm.DDPM`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from epuredgm.core.fields import Fraction, Problem, Share, between
from epuredgm.models.settings import Evaluations, Fidelity
from epuredgm.nn.layers import EvenWidth, UNetLayers


@dataclass(frozen=True)
class Network:
    """What training depends on.

    Attributes:
        fidelity: ``ours``: the likelihood of the design; ``paper``: a squared error with min-SNR weights.
        prediction: what the network says; see :data:`epuredgm.nn.diffusion.PREDICTIONS`.
        schedule: see :data:`epuredgm.nn.schedule.SCHEDULES`.
        shift: of the schedule towards noise; see :func:`epuredgm.nn.schedule.shifted`.
        unet: size of the network.
        context: width of the time and condition embeddings.
        condition_dropout, given_share: see :class:`epuredgm.nn.denoiser.DesignDenoiser`.
    """

    fidelity: Fidelity
    prediction: Literal["x0", "v", "epsilon"]
    schedule: Literal["cosine", "sigmoid", "linear"]
    shift: Annotated[float, between(-10, 10)]
    unet: UNetLayers
    context: EvenWidth
    condition_dropout: Share
    given_share: Share

    def rules(self) -> Iterator[Problem]:
        """Only the design itself has a likelihood."""
        if self.fidelity == "ours" and self.prediction != "x0":
            now = f"not {self.prediction!r}; or take fidelity=paper"
            yield "prediction", f"must be x0 with fidelity ours, {now}"


@dataclass(frozen=True)
class Sampler:
    """What only sampling depends on.

    Attributes:
        solver: see :data:`epuredgm.nn.diffusion_solvers.SOLVERS`.
        steps: its intervals.
        last_time: where it stops and takes the network's prediction.
    """

    solver: Literal["dpm_solver_2m", "dpm_solver_2m_sde", "ddim", "ancestral"]
    steps: Evaluations
    last_time: Fraction
