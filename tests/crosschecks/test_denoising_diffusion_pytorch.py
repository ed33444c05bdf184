"""Schedule, loss and posterior of ddpm against denoising-diffusion-pytorch; `pip install .[crosschecks]`."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from epuredgm.core.spec import Component, DataSpec
from epuredgm.nn.diffusion import PREDICTIONS, Level, variance_preserving
from epuredgm.nn.diffusion_solvers import SOLVERS, Knot, posterior_variance
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.heads import head_for
from epuredgm.nn.readout import Regression
from epuredgm.nn.schedule import SCHEDULES

theirs = pytest.importorskip("denoising_diffusion_pytorch", reason="needs the extra crosschecks")

SIZE, STEPS, COUNT = (8, 4), 1000, 7
THEIR_NAME = {"x0": "pred_x0", "v": "pred_v", "epsilon": "pred_noise"}
T = torch.tensor([1, 20, 150, 400, 650, 900, 980])  # steps of theirs: step t is our time (t + 1) / 1000
RNG = torch.Generator().manual_seed(0)
IMAGES = torch.rand(COUNT, 2, *SIZE, generator=RNG)
NOISE, OUTPUT = (torch.randn(COUNT, 2, *SIZE, generator=RNG) for _ in range(2))


class Says(nn.Module):
    """A network of theirs that says the same whatever it sees."""

    channels = out_dim = 2
    self_condition = False

    def forward(self, x: Tensor, t: Tensor, x_self_cond: Tensor | None = None) -> Tensor:
        return OUTPUT


def diffusion(**settings: Any) -> Any:
    return theirs.GaussianDiffusion(Says(), image_size=SIZE, timesteps=STEPS, **settings)


def level(schedule: str) -> Level:
    return variance_preserving(SCHEDULES[schedule])((T + 1) / STEPS)


def test_the_sigmoid_schedule_is_theirs() -> None:
    ours = SCHEDULES["sigmoid"](torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS).float()
    torch.testing.assert_close(diffusion().alphas_cumprod, ours, rtol=0, atol=1e-6)


def test_the_cosine_schedule_is_theirs_without_the_offset() -> None:
    ours = SCHEDULES["cosine"](torch.arange(1, STEPS + 1, dtype=torch.float64) / STEPS).float()
    same = diffusion(beta_schedule="cosine", schedule_fn_kwargs={"s": 0.0})
    torch.testing.assert_close(same.alphas_cumprod, ours, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_loss_is_theirs_with_min_snr_weights(name: str) -> None:
    other = diffusion(objective=THEIR_NAME[name], min_snr_loss_weight=True)
    expected = other.p_losses(2 * IMAGES - 1, T, noise=NOISE, loss_reduction="none")
    parts = tuple(Component(f"part_{k}", "part", "#000000") for k in range(2))
    spec = DataSpec("made_up", *SIZE, parts, (), exclusive=False)
    readout = Regression(head_for(spec), 2, PREDICTIONS[name])
    nothing = Evidence.none((COUNT, 2, *SIZE), IMAGES.device)
    losses = readout.losses(OUTPUT, IMAGES, NOISE, level("sigmoid"), nothing)
    torch.testing.assert_close(losses / IMAGES[0].numel(), expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_noising_and_the_data_of_a_prediction_are_theirs(name: str) -> None:
    other = diffusion(objective=THEIR_NAME[name])
    x_t = level("sigmoid").mix(2 * IMAGES - 1, NOISE)
    torch.testing.assert_close(x_t, other.q_sample(2 * IMAGES - 1, T, NOISE), rtol=1e-3, atol=1e-4)
    expected = other.model_predictions(x_t, T).pred_x_start
    data = PREDICTIONS[name].data(OUTPUT, x_t, level("sigmoid"))
    torch.testing.assert_close(data, expected, rtol=1e-3, atol=1e-3)


def test_one_ancestral_step_has_the_mean_and_variance_of_their_posterior() -> None:
    other, x_t, data = diffusion(), OUTPUT.double(), NOISE.double()
    times = torch.stack([T, T + 1], 1).double() / STEPS
    alpha, sigma = variance_preserving(SCHEDULES["sigmoid"])(times.flatten())
    shares = torch.stack([times, alpha.view(-1, 2), sigma.view(-1, 2)], 2).tolist()
    for row, (then, now) in enumerate((Knot(*one), Knot(*two)) for one, two in shares):
        mean, variance, _ = other.q_posterior(data[row : row + 1], x_t[row : row + 1], T[row : row + 1])
        assert posterior_variance(now, then) == pytest.approx(float(variance), rel=5e-3)
        known = data[row : row + 1]
        start, stream = x_t[row : row + 1], torch.Generator().manual_seed(1)
        end = SOLVERS["ancestral"](lambda x, t, known=known: known, start, [now, then], stream)
        fresh = torch.randn(end.shape, generator=torch.Generator().manual_seed(1), dtype=end.dtype)
        drawn_mean = end - math.sqrt(posterior_variance(now, then)) * fresh
        torch.testing.assert_close(drawn_mean, mean.double(), rtol=2e-3, atol=2e-3)
