"""Flow matching that predicts the design itself: velocity regression on masks is far slower to learn.

The network sees x_t = (1 - t) noise + t design (t = 1 is data; :mod:`epuredgm.nn.flow`), the time, the
conditions and the known components, and is trained by the likelihood of the hidden ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from epuredgm.core.choices import require_choice
from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, LossTerms, Phase, Progress, SampleRequest, Update
from epuredgm.nn.embedding import ConditionEmbedding, TimeEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.flow import SOLVERS, at, interpolate, logit_normal_times, time_grid
from epuredgm.nn.guidance import guided
from epuredgm.nn.heads import head_for
from epuredgm.nn.unet import UNet


class FlowMatching(GenerativeModel):
    """Continuous normalising flow along straight paths (Lipman et al. 2023), with data prediction.

    Args:
        spec: the data set.
        patch, widths, blocks, attention: of the U-Net; see :class:`epuredgm.nn.unet.UNet`.
        context: width of the time and condition embeddings.
        time_mean, time_spread: of the logit of the training times.
        condition_dropout: share of the designs whose condition is replaced by the null vector, in [0, 1].
        given_share: share of the designs that come with known components, in [0, 1].
        solver: a name in :data:`epuredgm.nn.flow.SOLVERS`.
        steps: intervals of the solver.
        last_time: where it stops and takes the network's prediction, in (0, 1).
    """

    def __init__(
        self,
        spec: DataSpec,
        *,
        patch: int,
        widths: Sequence[int],
        blocks: int,
        attention: bool,
        context: int,
        time_mean: float,
        time_spread: float,
        condition_dropout: float,
        given_share: float,
        solver: str,
        steps: int,
        last_time: float,
    ) -> None:
        super().__init__(spec)
        require_choice("model.sampler.solver", solver, SOLVERS)
        self.head = head_for(spec)
        self.time = TimeEmbedding(context)
        self.condition = ConditionEmbedding(spec.condition_width, context)
        self.network = UNet(
            spec.size,
            2 * spec.channels,
            self.head.channels,
            spec.channels,
            context=context,
            patch=patch,
            widths=widths,
            blocks=blocks,
            attention=attention,
        )
        self.time_mean, self.time_spread = time_mean, time_spread
        self.condition_dropout, self.given_share = condition_dropout, given_share
        self.solve = SOLVERS[solver]
        self.times = time_grid(steps, last_time)

    def phases(self) -> Sequence[Phase]:
        """One phase, one update."""
        modules: tuple[nn.Module, ...] = (self.time, self.condition, self.network)
        return (Phase("main", (Update("all", modules, self.loss),), self.loss),)

    def loss(self, batch: Batch, progress: Progress) -> LossTerms:
        """Negative log likelihood of the hidden components, given a noisy version and the known ones."""
        images, rng = batch.images, progress.rng
        count, channels = images.shape[:2]
        evidence = Evidence.of(images, random_given(count, channels, self.given_share, rng))
        t = logit_normal_times(count, self.time_mean, self.time_spread, rng)
        noise = torch.randn(images.shape, generator=rng, device=images.device)
        x_t = interpolate(noise, 2 * images - 1, t)
        dropped = random_drop(count, self.condition_dropout, rng)
        logits = self.predict(x_t, t, self.condition(batch.conditions, dropped), evidence)
        return {"loss": self.head.nll(logits, images, evidence).mean()}

    def predict(self, x_t: Tensor, t: Tensor, condition: Tensor, evidence: Evidence) -> Tensor:
        """Logits of the design: (B, C, H, W), (B,), (B, context) and evidence -> (B, head.channels, H, W)."""
        return self.network(evidence.beside(x_t), self.time(t) + condition, evidence.given)

    def sample(self, request: SampleRequest, rng: torch.Generator) -> Tensor:
        """Follow the path from noise; see :meth:`GenerativeModel.sample`. Serves every mode."""
        evidence = Evidence.of_request(request, self.spec, self.device)
        logits = guided(self.predict, self.condition, request, evidence)

        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            return 2 * self.head.expectation(logits(x_t, t), evidence) - 1

        noise = torch.randn(evidence.values.shape, generator=rng, device=self.device)
        end = self.solve(denoise, noise, self.times)
        return self.head.decide(logits(end, at(self.times[-1], end)), evidence)
