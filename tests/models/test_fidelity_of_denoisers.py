"""The published objectives of the families that denoise: what they are, and that they keep the contract."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from family_at_test_size import Family, draw, make_batch, make_spec, progress, request_for, train

from epuredgm.core.spec import DataSpec

MODES = ("unconditional", "conditional", "inpainting")
SPECS = {"toy-like": make_spec(3, 2), "grey": make_spec(2, 1, exclusive=False, values="grey", size=(13, 10))}
PAPERS: dict[str, tuple[str, dict[str, Any]]] = {
    "flow_matching": ("flow_matching", {}),
    "ddpm-x0": ("ddpm", {"prediction": "x0"}),
    "ddpm-v": ("ddpm", {"prediction": "v"}),
    "ddpm-epsilon": ("ddpm", {"prediction": "epsilon"}),
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("paper", PAPERS)
def test_the_published_objective_trains_and_draws_in_every_mode(
    families: dict[str, Family], paper: str, spec: DataSpec
) -> None:
    name, changed = PAPERS[paper]
    model = families[name].build(spec, fidelity="paper", **changed)
    batch = make_batch(spec, 4, 3)
    with torch.no_grad():
        before = model.phases()[0].validate(batch, progress())["loss"]
    train(model, lambda step: make_batch(spec, 8, step), 20)
    with torch.no_grad():
        assert model.phases()[0].validate(batch, progress())["loss"] < before
    for mode in MODES:
        request = request_for(mode, batch)
        images = draw(model.eval(), request)
        assert images.min() >= 0
        assert images.max() <= 1
        assert images.std() > 0
        if spec.exclusive:
            assert ((images > 0.5).sum(1) <= 1).all()
        if request.known is not None:
            torch.testing.assert_close(images[:, 0], request.known[:, 0])


@pytest.mark.parametrize("paper", PAPERS)
def test_a_network_that_says_nothing_pays_the_mean_square_of_the_target(
    families: dict[str, Family], paper: str
) -> None:
    """With the last layers zero the loss is a closed form of the path and of the data's mean square."""
    name, changed = PAPERS[paper]
    spec = make_spec(1, 0)
    model = families[name].build(spec, fidelity="paper", given_share=0.0, **changed)
    for parameter in model.denoiser.network.pixels.parameters():
        torch.nn.init.zeros_(parameter)
    batch = make_batch(spec, 256)
    with torch.no_grad():
        loss = float(model.loss(batch, progress())["loss"]) / (spec.height * spec.width)
    level = model.denoiser.path(torch.linspace(0.0005, 0.9995, 1000))
    snr = (level.alpha / level.sigma) ** 2
    clipped = snr.clamp(max=5.0)
    data = float((2 * batch.images - 1).square().mean())
    expected = {
        "flow_matching": torch.tensor(1 + data),
        "ddpm-x0": clipped * data,
        "ddpm-v": clipped / (snr + 1) * (level.alpha**2 + level.sigma**2 * data),
        "ddpm-epsilon": clipped / snr,
    }[paper]
    assert loss == pytest.approx(float(expected.mean()), rel=0.02)
