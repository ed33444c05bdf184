"""A prior over grids of latents that follows a learned path from noise (flow matching, Lipman et al. 2023).

A Gaussian prior draws every latent by itself, and neighbours that do not belong together decode to haze. The
path starts from that Gaussian and ends at what the encoder really says of the train pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epuredgm.core.spec import DataSpec
from epuredgm.nn.condition_embedder import ConditionEmbedder
from epuredgm.nn.embedding import TimeEmbedding
from epuredgm.nn.flow import VELOCITY, logit_normal_times, midpoint, straight, time_grid
from epuredgm.nn.layers import UNetLayers
from epuredgm.nn.unet import UNet

FARTHEST = 10.0  # deviations; a latent farther away would drown all others in a squared error
LAST = 0.999  # time at which the path is left for the predicted latents


class LatentFlow(nn.Module):
    """The velocity of noisy latents, in units of the Gaussian prior.

    Args:
        spec: the data set.
        shape: channels, rows and columns of the latents.
        layers: size of the network.
        context: width of the time and condition embeddings.
    """

    def __init__(self, spec: DataSpec, shape: tuple[int, int, int], layers: UNetLayers, context: int) -> None:
        super().__init__()
        self.shape = shape
        self.time = TimeEmbedding(context)
        self.condition = ConditionEmbedder(spec, context)
        self.network = UNet(shape[1:], shape[0], shape[0], context=context, layers=layers)

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """(B, channels, h, w), (B,) and (B, context), embedded -> velocities (B, channels, h, w)."""
        velocity: Tensor = self.network(x_t, self.time(t) + condition)
        return velocity

    def losses(self, latents: Tensor, conditions: Tensor, rng: torch.Generator) -> Tensor:
        """(B,): mean squared error of the velocity of latents (B, channels, P) in the prior's units."""
        data = latents.clamp(-FARTHEST, FARTHEST).unflatten(2, self.shape[1:])
        t = logit_normal_times(len(data), 0.0, 1.0, rng)
        noise = torch.randn(data.shape, generator=rng, device=data.device)
        level = straight(t)
        said = self(level.mix(data, noise), t, self.condition(conditions)).float()
        return (said - VELOCITY.target(data, noise, level)).square().flatten(1).mean(1)

    def draw(self, noise: Tensor, condition: Tensor, steps: int) -> Tensor:
        """Follow the path from standard normal (B, channels, P) noise under embedded conditions."""

        def data(x_t: Tensor, t: Tensor) -> Tensor:
            return VELOCITY.data(self(x_t, t, condition).float(), x_t, straight(t))

        start = noise.unflatten(2, self.shape[1:])
        return midpoint(data, start, time_grid(steps, LAST)).flatten(2)
