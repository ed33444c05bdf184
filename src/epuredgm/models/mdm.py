"""Multinomial diffusion: noise replaces classes of pixels at random, and a network says what they were.

The network sees the noisy classes, the time, the conditions and the known components, and is trained by the
cross-entropy of the hidden ones. What it says is turned into the exact posterior of any earlier time, so that
a few long strides draw a design.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.absorbing import AbsorbingDiffusion
from epuredgm.nn.embedding import ConditionEmbedding, TimeEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.flow import logit_normal_times
from epuredgm.nn.guidance import guided
from epuredgm.nn.layers import UNetLayers
from epuredgm.nn.multinomial import Jump, PublishedDiffusion, UniformDiffusion
from epuredgm.nn.schedule import SCHEDULES, strides
from epuredgm.nn.states import one_hot, states_for
from epuredgm.nn.unet import UNet

OURS = {"uniform": UniformDiffusion, "absorbing": AbsorbingDiffusion}
PAPER = {"uniform": PublishedDiffusion}
PAPER_TIMES = 1000  # of the discrete chain whose bound trains the paper's form


class MDM(GenerativeModel):
    """Multinomial diffusion (Hoogeboom et al. 2021), or with an absorbing kernel (Sahoo et al. 2024).

    Args:
        spec: the data set, of binary masks.
        others: see :mod:`epuredgm.models.settings.mdm`.
    """

    def __init__(
        self,
        spec: DataSpec,
        *,
        kernel: str,
        schedule: str,
        fidelity: str,
        time_mean: float,
        time_spread: float,
        condition_dropout: float,
        given_share: float,
        context: int,
        unet: UNetLayers,
        steps: int,
        temperature: float,
        stride_mean: float,
        stride_spread: float,
    ) -> None:
        super().__init__(spec)
        self.paper = fidelity == "paper"
        forms = PAPER if self.paper else OURS
        self.states = states_for(spec)
        self.diffusion = forms[kernel](self.states.classes)
        self.alpha_bar = SCHEDULES[schedule]
        self.time = TimeEmbedding(context)
        self.condition = ConditionEmbedding(spec.condition_width, context)
        self.network = UNet(
            spec.size,
            self.states.variables * self.diffusion.seen + spec.channels,
            self.states.channels,
            numbers=spec.channels,
            context=context,
            layers=unet,
        )
        self.time_mean, self.time_spread = time_mean, time_spread
        self.given_share, self.condition_dropout = given_share, condition_dropout
        self.times, self.temperature = strides(steps, stride_mean, stride_spread), temperature

    def phases(self) -> Sequence[Phase]:
        """One phase, one update."""
        modules: tuple[nn.Module, ...] = (self.time, self.condition, self.network)
        return (Phase("main", (Update("all", modules, self.loss),), self.loss),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """What the diffusion asks of a prediction of the hidden components, from noisy and known ones."""
        rng, count = progress.rng, len(batch.images)
        evidence = Evidence.of(batch.images, random_given(count, self.spec.channels, self.given_share, rng))
        condition = self.condition(batch.conditions, random_drop(count, self.condition_dropout, rng))
        t, s = self._random_times(count, rng)
        x_0, alpha_bar_t = self.states.of(batch.images), self.alpha_bar(t)
        jump = Jump(self.diffusion.corrupt(x_0, alpha_bar_t, rng), alpha_bar_t, self.alpha_bar(s))
        logits = self.predict(jump.x_t, t, condition, evidence)
        losses = self.diffusion.loss(self.states.log_probabilities(logits, evidence), x_0, jump)
        return {"loss": losses.mean() * (PAPER_TIMES if self.paper else 1)}

    def predict(self, x_t: Tensor, t: Tensor, condition: Tensor, evidence: Evidence) -> Tensor:
        """Logits of the design: (B, G, H, W), (B,), (B, context) and evidence -> (B, states.channels, H, W).

        Noise on what is known tells nothing and is not shown.
        """
        shown = one_hot(x_t, self.diffusion.seen) * self.states.hidden(evidence)[:, :, None]
        seen = torch.cat([shown.flatten(1, 2), evidence.values], dim=1)
        return self.network(seen, self.time(t) + condition, evidence.given)

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Stride from noise to the design; see :meth:`GenerativeModel.sample`. Serves every mode."""
        evidence = Evidence.of_request(request, self.spec, self.device)
        logits = guided(self.predict, self.condition, request, evidence)
        x = self.diffusion.start((request.count, self.states.variables, *self.spec.size), rng)
        for now, then in pairwise(self.times):
            t, s = (torch.full((request.count,), time, device=self.device) for time in (now, then))
            log_w = self.states.log_probabilities(logits(x, t) / self.temperature, evidence)
            move = self.diffusion.back if then > 0 else self.diffusion.finish
            x = move(log_w, Jump(x, self.alpha_bar(t), self.alpha_bar(s)), rng)
        return self.states.images(x)

    def _random_times(self, count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """(count,) times t and the earlier ones that the loss looks back to."""
        if self.paper:
            step = torch.randint(PAPER_TIMES, (count,), generator=rng, device=rng.device)
            return (step + 1) / PAPER_TIMES, step / PAPER_TIMES
        t = logit_normal_times(count, self.time_mean, self.time_spread, rng)
        return t, torch.zeros_like(t)
