"""Both readings score hidden components only and hand out designs that keep the promises of the head."""

from __future__ import annotations

import pytest
import torch

from epuredgm.core.spec import Component, DataSpec
from epuredgm.nn.diffusion import PREDICTIONS, variance_preserving
from epuredgm.nn.evidence import Evidence
from epuredgm.nn.flow import VELOCITY, straight
from epuredgm.nn.heads import head_for
from epuredgm.nn.readout import Likelihood, Readout, Regression
from epuredgm.nn.schedule import SCHEDULES

COUNT = 5
T = torch.linspace(0.1, 0.9, COUNT)
LEVEL = variance_preserving(SCHEDULES["cosine"])(T)
KINDS = {name: (prediction, LEVEL) for name, prediction in PREDICTIONS.items()}
KINDS["velocity"] = (VELOCITY, straight(T))


def make_spec(exclusive: bool, values: str = "binary") -> DataSpec:
    parts = tuple(Component(f"part_{k}", "part", "#000000") for k in range(3))
    return DataSpec("made_up", 6, 4, parts, (), values=values, exclusive=exclusive)


def make_images(exclusive: bool) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    if not exclusive:
        return torch.rand(COUNT, 3, 6, 4, generator=rng)
    labels = torch.randint(4, (COUNT, 1, 6, 4), generator=rng)
    return (labels == torch.arange(1, 4)[:, None, None]).float()


def make_noise() -> torch.Tensor:
    return torch.randn(COUNT, 3, 6, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_perfect_prediction_costs_nothing_and_draws_the_design(kind: str, exclusive: bool) -> None:
    prediction, level = KINDS[kind]
    spec, images, noise = (
        make_spec(exclusive, "binary" if exclusive else "grey"),
        make_images(exclusive),
        make_noise(),
    )
    readout = Regression(head_for(spec), 3, prediction)
    x_t, nothing = level.mix(2 * images - 1, noise), Evidence.none((COUNT, 3, 6, 4), images.device)
    output = prediction.target(2 * images - 1, noise, level)
    assert torch.equal(readout.losses(output, images, noise, level, nothing), torch.zeros(COUNT))
    torch.testing.assert_close(readout.data(output, x_t, level, nothing), 2 * images - 1, rtol=0, atol=1e-4)
    torch.testing.assert_close(readout.decide(output, x_t, level, nothing), images, rtol=0, atol=1e-4)


@pytest.mark.parametrize("readout", ["likelihood", "regression"])
def test_known_components_cost_nothing_and_are_handed_out_untouched(readout: str) -> None:
    head = head_for(make_spec(True))
    kinds: dict[str, Readout] = {
        "likelihood": Likelihood(head),
        "regression": Regression(head, 3, PREDICTIONS["v"]),
    }
    images, noise = make_images(True), make_noise()
    evidence = Evidence.of(images, torch.tensor([True, False, False]).expand(COUNT, -1))
    output = torch.randn(
        COUNT, kinds[readout].channels, 6, 4, generator=torch.Generator().manual_seed(2)
    ).requires_grad_()
    kinds[readout].losses(output, images, noise, LEVEL, evidence).sum().backward()
    assert output.grad is not None
    given = output.grad[:, 1] if readout == "likelihood" else output.grad[:, 0]
    assert torch.equal(given, torch.zeros_like(given))
    drawn = kinds[readout].decide(output.detach(), noise, LEVEL, evidence)
    assert torch.equal(drawn[:, 0], images[:, 0])
    assert (drawn.sum(1) <= 1).all()


def test_a_regressed_design_cuts_each_component_at_one_half() -> None:
    readout = Regression(head_for(make_spec(True)), 3, PREDICTIONS["x0"])
    output = torch.tensor([-0.1, -0.2, -0.3]).expand(COUNT, 6, 4, 3).permute(0, 3, 1, 2).clone()
    output[:, 1, :, :2] = 0.1
    output[:, 2, :, :1] = 7.0
    nothing = Evidence.none((COUNT, 3, 6, 4), output.device)
    labels = readout.decide(output, output, LEVEL, nothing).permute(0, 2, 3, 1)[0, 0]
    assert labels.tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_the_data_are_cut_to_their_range() -> None:
    readout = Regression(head_for(make_spec(True)), 3, PREDICTIONS["epsilon"])
    nothing = Evidence.none((COUNT, 3, 6, 4), T.device)
    data = readout.data(100 * make_noise(), make_noise(), LEVEL, nothing)
    assert data.abs().max() == 1
