"""The network of the families that denoise, how it is trained on noisy designs and how it draws new ones.

Time, conditions and known components enter the same way whatever the path from design to noise; a family
brings the path, the times that training sees, the reading of the output and the solver.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, SampleRequest
from epuredgm.nn.diffusion import Path
from epuredgm.nn.embedding import ConditionEmbedding, TimeEmbedding, random_drop
from epuredgm.nn.evidence import Evidence, random_given
from epuredgm.nn.guidance import Denoiser, at, guided
from epuredgm.nn.layers import UNetLayers
from epuredgm.nn.readout import Readout
from epuredgm.nn.unet import UNet


class DesignDenoiser(nn.Module):
    """A U-Net that sees a noisy design, its time, its conditions and the known components.

    Args:
        spec: the data set.
        path: from design to noise.
        readout: what the output means.
        unet: the size of the network.
        context: width of the time and condition embeddings.
        condition_dropout: share of the designs whose condition is replaced by the null vector, in [0, 1].
        given_share: share of the designs that come with known components, in [0, 1].
    """

    def __init__(
        self,
        spec: DataSpec,
        path: Path,
        readout: Readout,
        unet: UNetLayers,
        context: int,
        condition_dropout: float,
        given_share: float,
    ) -> None:
        super().__init__()
        self.spec, self.path, self.readout = spec, path, readout
        self.condition_dropout, self.given_share = condition_dropout, given_share
        self.time = TimeEmbedding(context)
        self.condition = ConditionEmbedding(spec.condition_width, context)
        flags = channels = spec.channels
        self.network = UNet(spec.size, 2 * channels, readout.channels, flags, context=context, layers=unet)

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor, evidence: Evidence) -> Tensor:
        """(B, C, H, W), (B,), (B, context) and evidence -> (B, readout.channels, H, W)."""
        return self.network(evidence.beside(x_t), self.time(t) + condition, evidence.given)

    def losses(
        self, batch: Batch, draw_times: Callable[[int, torch.Generator], Tensor], rng: torch.Generator
    ) -> Tensor:
        """(B,): what the readout makes of the hidden components, given a noisy version and the known ones.

        Args:
            batch: of designs.
            draw_times: (count, rng) -> (count,) times of the path.
            rng: random stream.
        """
        images = batch.images
        count, channels = images.shape[:2]
        evidence = Evidence.of(images, random_given(count, channels, self.given_share, rng))
        t = draw_times(count, rng)
        level = self.path(t)
        noise = torch.randn(images.shape, generator=rng, device=images.device)
        context = self.condition(batch.conditions, random_drop(count, self.condition_dropout, rng))
        output = self(level.mix(2 * images - 1, noise), t, context, evidence)
        return self.readout.losses(output, images, noise, level, evidence)

    def sample(
        self,
        request: SampleRequest,
        solve: Callable[[Denoiser, Tensor], Tensor],
        last: float,
        rng: torch.Generator,
    ) -> Tensor:
        """Designs from noise, in every mode; see :meth:`epuredgm.interface.GenerativeModel.sample`.

        Args:
            request: what is asked for.
            solve: (predictor of the coded design, noise) -> x at the time ``last``.
            last: where the most probable design is taken.
            rng: random stream.
        """
        device = self.condition.null_vector.device
        evidence = Evidence.of_request(request, self.spec, device)
        outputs = guided(self, self.condition, request, evidence)

        def denoise(x_t: Tensor, t: Tensor) -> Tensor:
            return self.readout.data(outputs(x_t, t), x_t, self.path(t), evidence)

        noise = torch.randn(evidence.values.shape, generator=rng, device=device)
        end = solve(denoise, noise)
        t = at(last, end)
        return self.readout.decide(outputs(end, t), end, self.path(t), evidence)
