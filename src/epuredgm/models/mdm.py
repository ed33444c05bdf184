"""Multinomial diffusion: every pixel is a class that noise replaces at random, and a network says what it was.

The network sees the noisy classes, the time, the conditions and the known components, and is trained by the
cross-entropy of the hidden ones; what it says is turned into the exact posterior of any earlier time, so that a
few long strides draw a design.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from epuredgm.core.choices import FIDELITIES, require_choice
from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.absorbing import AbsorbingDiffusion
from epuredgm.nn.embedding import ConditionEmbedding, TimeEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.flow import logit_normal_times
from epuredgm.nn.guidance import guided
from epuredgm.nn.multinomial import Diffusion, Jump, PlugInDiffusion, UniformDiffusion
from epuredgm.nn.schedule import SCHEDULES
from epuredgm.nn.states import one_hot, states_for
from epuredgm.nn.unet import UNet

KERNELS: dict[str, type[UniformDiffusion] | type[AbsorbingDiffusion]] = {
    "uniform": UniformDiffusion,
    "absorbing": AbsorbingDiffusion,
}
PAPER_TIMES = 1000  # of the discrete chain whose bound the paper's form trains


class MDM(GenerativeModel):
    draws = frozenset({"binary"})

    def __init__(
        self,
        spec: DataSpec,
        *,
        fidelity: str,
        kernel: str,
        schedule: str,
        context: int,
        widths: Sequence[int],
        patch: int,
        attention: bool,
        blocks: int,
        time_mean: float,
        time_spread: float,
        given_share: float,
        condition_dropout: float,
        steps: int,
        temperature: float,
        grid_mean: float,
        grid_spread: float,
    ) -> None:
        super().__init__(spec)
        require_choice("model.network.fidelity", fidelity, FIDELITIES)
        require_choice("model.network.kernel", kernel, KERNELS)
        require_choice("model.network.schedule", schedule, SCHEDULES)
        self.paper = fidelity == "paper"
        self.states = states_for(spec)
        self.diffusion: Diffusion = (PlugInDiffusion if self.paper else KERNELS[kernel])(self.states.classes)
        self.alpha_bar = SCHEDULES[schedule]
        self.time = TimeEmbedding(context)
        self.condition = ConditionEmbedding(spec.condition_width, context)
        self.network = UNet(
            spec.size,
            self.states.variables * self.diffusion.seen + spec.channels,
            self.states.channels,
            numbers=spec.channels,
            widths=widths,
            patch=patch,
            context=context,
            attention=attention,
            blocks=blocks,
        )
        self.time_mean, self.time_spread = time_mean, time_spread
        self.condition_dropout, self.given_share = condition_dropout, given_share
        self.temperature = temperature
        q = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        self.times = torch.sigmoid(grid_mean + grid_spread * torch.special.ndtri(1 - q)).tolist()

    def phases(self) -> Sequence[Phase]:
        """One phase, one update."""
        modules: tuple[nn.Module, ...] = (self.time, self.condition, self.network)
        return (Phase("main", (Update("all", modules, self.loss),), self.loss),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        rng, count = progress.rng, len(batch.images)
        evidence = Evidence.of(batch.images, random_given(count, self.spec.channels, self.given_share, rng))
        t, s = self.random_times(count, rng)
        x_0 = self.states.of(batch.images)
        jump = Jump(self.diffusion.corrupt(x_0, self.alpha_bar(t), rng), self.alpha_bar(t), self.alpha_bar(s))
        condition = self.condition(batch.conditions, random_drop(count, self.condition_dropout, rng))
        log_p = self.states.log_probabilities(self.predict(jump.x_t, t, condition, evidence), evidence)
        losses = self.diffusion.loss(log_p, x_0, jump)
        return {"loss": losses.mean() * (PAPER_TIMES if self.paper else 1)}

    def random_times(self, count, rng):
        if self.paper:
            i = torch.randint(PAPER_TIMES, (count,), generator=rng, device=rng.device)
            return (i + 1) / PAPER_TIMES, i / PAPER_TIMES
        t = logit_normal_times(count, self.time_mean, self.time_spread, rng)
        return t, torch.zeros_like(t)

    def predict(self, x_t: Tensor, t: Tensor, condition: Tensor, evidence: Evidence) -> Tensor:
        hidden = self.states.hidden(evidence)[:, :, None]
        shown = (one_hot(x_t, self.diffusion.seen) * hidden).flatten(1, 2)
        seen = torch.cat([shown, evidence.values], dim=1)
        return self.network(seen, self.time(t) + condition, evidence.given)

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        evidence = Evidence.of_request(request, self.spec, self.device)
        logits = guided(self.predict, self.condition, request, evidence)
        x = self.diffusion.start((request.count, self.states.variables, *self.spec.size), rng)
        for now, then in pairwise(self.times):
            t, s = (torch.full((request.count,), time, device=self.device) for time in (now, then))
            jump = Jump(x, self.alpha_bar(t), self.alpha_bar(s))
            log_p = self.states.log_probabilities(logits(x, t) / self.temperature, evidence)
            move = self.diffusion.back if then > 0 else self.diffusion.finish
            x = move(log_p, jump, rng)
        return self.states.images(x)
