"""Gaussian diffusion with few, large sampling steps; by default the network says which design it sees.

The network sees x_t = sqrt(alpha_bar) design + sqrt(1 - alpha_bar) noise (t = 1 is noise only;
:mod:`epuredgm.nn.diffusion`), the time, the conditions and the known components.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.denoiser import DesignDenoiser
from epuredgm.nn.diffusion import PREDICTIONS, stratified_times, variance_preserving
from epuredgm.nn.diffusion_solvers import SOLVERS, knots
from epuredgm.nn.guidance import Denoiser
from epuredgm.nn.heads import head_for
from epuredgm.nn.layers import UNetLayers
from epuredgm.nn.readout import Likelihood, Readout, Regression
from epuredgm.nn.schedule import SCHEDULES, shifted


class DDPM(GenerativeModel):
    """Denoising diffusion (Ho et al. 2020) in continuous time, with a noise schedule that ends in pure noise.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.ddpm`.
    """

    def __init__(
        self,
        spec: DataSpec,
        *,
        fidelity: str,
        prediction: str,
        schedule: str,
        shift: float,
        unet: UNetLayers,
        context: int,
        condition_dropout: float,
        given_share: float,
        solver: str,
        steps: int,
        last_time: float,
    ) -> None:
        super().__init__(spec)
        path = variance_preserving(shifted(SCHEDULES[schedule], shift))
        readout = _readout(spec, fidelity, prediction)
        self.denoiser = DesignDenoiser(spec, path, readout, unet, context, condition_dropout, given_share)
        self.solver, self.knots = SOLVERS[solver], knots(path, steps, last_time)

    def phases(self) -> Sequence[Phase]:
        """One phase, one update."""
        return (Phase("main", (Update("all", (self.denoiser,), self.loss),), self.loss),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """Of the hidden components, given a noisy version and the known ones, at uniform times."""
        return {"loss": self.denoiser.losses(batch, stratified_times, progress.rng).mean()}

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Take the noise away step by step; see :meth:`GenerativeModel.sample`. Serves every mode."""

        def solve(denoise: Denoiser, noise: Tensor) -> Tensor:
            return self.solver(denoise, noise, self.knots, rng)

        return self.denoiser.sample(request, solve, self.knots[-1].t, rng)


def _readout(spec: DataSpec, fidelity: str, prediction: str) -> Readout:
    """What the output means."""
    head = head_for(spec)
    if fidelity == "paper":
        return Regression(head, spec.channels, PREDICTIONS[prediction])
    return Likelihood(head)
