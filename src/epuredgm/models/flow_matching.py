"""Flow matching that predicts the design itself: velocity regression on masks is far slower to learn.

The network sees x_t = (1 - t) noise + t design (t = 1 is data; :mod:`epuredgm.nn.flow`), the time, the
conditions and the known components, and is trained by the likelihood of the hidden ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.denoiser import DesignDenoiser
from epuredgm.nn.flow import SOLVERS, VELOCITY, logit_normal_times, straight, time_grid
from epuredgm.nn.guidance import Denoiser
from epuredgm.nn.heads import head_for
from epuredgm.nn.layers import UNetLayers
from epuredgm.nn.readout import Likelihood, Regression


class FlowMatching(GenerativeModel):
    """Continuous normalising flow along straight paths (Lipman et al. 2023), with data prediction.

    Args:
        spec: the data set.
        others: see :mod:`epuredgm.models.settings.flow_matching`.
    """

    def __init__(
        self,
        spec: DataSpec,
        *,
        unet: UNetLayers,
        context: int,
        condition_dropout: float,
        given_share: float,
        fidelity: str,
        time_mean: float,
        time_spread: float,
        last_time: float,
        steps: int,
        solver: str,
    ) -> None:
        super().__init__(spec)
        self.fidelity, self.time_mean, self.time_spread = fidelity, time_mean, time_spread
        head = head_for(spec)
        readout = Likelihood(head) if fidelity == "ours" else Regression(head, spec.channels, VELOCITY)
        self.denoiser = DesignDenoiser(spec, straight, readout, unet, context, condition_dropout, given_share)
        self.solve = SOLVERS[solver]
        self.times = time_grid(steps, last_time)

    def phases(self) -> Sequence[Phase]:
        """One phase, one update."""
        return (Phase("main", (Update("all", (self.denoiser,), self.loss),), self.loss),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """Of the hidden components, given a noisy version and the known ones."""
        return {"loss": self.denoiser.losses(batch, self.draw_times, progress.rng).mean()}

    def draw_times(self, count: int, rng: torch.Generator) -> Tensor:
        """(count,) times that training sees."""
        if self.fidelity == "ours":
            return logit_normal_times(count, self.time_mean, self.time_spread, rng)
        return torch.rand(count, generator=rng, device=rng.device)

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Follow the path from noise; see :meth:`GenerativeModel.sample`. Serves every mode."""

        def solve(denoise: Denoiser, noise: Tensor) -> Tensor:
            return self.solve(denoise, noise, self.times)

        return self.denoiser.sample(request, solve, self.times[-1], rng)
