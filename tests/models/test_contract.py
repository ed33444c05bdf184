"""What every family promises, whatever it is: a new file in `conf/model/` is covered by being there."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from family_at_test_size import Family, draw, make_batch, make_spec, progress, request_for, train

from epuredgm.core.errors import UnsupportedMode
from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel

MODES = ("unconditional", "conditional", "inpainting")
RECONSTRUCTION = "reconstruction"
SPECS = {
    "toy-like": make_spec(3, 2),
    "one-component": make_spec(1, 0),
    "odd-size": make_spec(2, 1, size=(13, 10)),
    "five-overlapping": make_spec(5, 4, exclusive=False),
    "grey": make_spec(3, 2, exclusive=False, values="grey"),
    "grey-one-component": make_spec(1, 2, exclusive=False, values="grey", size=(32, 32)),
}
TOYS = {"binary": SPECS["toy-like"], "grey": SPECS["grey"]}


@pytest.fixture(params=SPECS, scope="module")
def spec(request: pytest.FixtureRequest, form: Family) -> DataSpec:
    """A data set that the family can draw."""
    chosen = SPECS[request.param]
    if chosen.values not in form.draws:
        pytest.skip(f"{form.name} does not draw {chosen.values} values")
    return chosen


@pytest.fixture(scope="module")
def toy(form: Family) -> DataSpec:
    """A small data set of the first kind of values that the family draws."""
    return TOYS[form.draws[0]]


@pytest.fixture(scope="module")
def trained(form: Family, toy: DataSpec) -> GenerativeModel:
    """A model that has seen enough for its zero-initialised layers to have left zero."""
    model = form.build(toy)
    train(model, lambda step: make_batch(toy, 8, step), 30)
    return model.eval()


def modes_of(form: Family, spec: DataSpec) -> list[str]:
    """The modes in which the family draws designs of the data set."""
    return [m for m in MODES if m in form.supports and (m != "conditional" or spec.condition_width)]


def test_supports_only_modes_that_exist(form: Family) -> None:
    assert set(form.supports) <= {*MODES, RECONSTRUCTION}


def test_a_family_reconstructs_designs_if_and_only_if_it_says_so(form: Family, spec: DataSpec) -> None:
    model, batch = form.build(spec), make_batch(spec, 3)
    rng = torch.Generator().manual_seed(0)
    if RECONSTRUCTION not in form.supports:
        with pytest.raises(UnsupportedMode):
            model.reconstruct(batch, rng)
        return
    with torch.no_grad():
        images, kl, codes = model.reconstruct(batch, rng)
    assert images.shape == batch.images.shape
    assert images.min() >= 0
    assert images.max() <= 1
    assert kl.shape == (3,)
    assert (kl >= 0).all()
    assert codes.shape[0] == 3
    assert codes.ndim == 2


def test_samples_have_the_shape_and_range_of_designs(form: Family, spec: DataSpec) -> None:
    model, batch = form.build(spec), make_batch(spec, 3)
    for mode in modes_of(form, spec):
        images = draw(model, request_for(mode, batch, given=spec.channels - 1))
        assert images.shape == batch.images.shape
        assert images.dtype == torch.float32
        assert images.min() >= 0
        assert images.max() <= 1


def test_a_mode_that_is_not_supported_is_refused(form: Family, toy: DataSpec) -> None:
    model, batch = form.build(toy), make_batch(toy, 2)
    for mode in set(MODES) - set(form.supports):
        with pytest.raises(UnsupportedMode):
            draw(model, request_for(mode, batch))


def test_an_update_reaches_all_of_its_modules_and_nothing_else(form: Family, spec: DataSpec) -> None:
    model, batch = form.build(spec), make_batch(spec, 4)
    for phase in model.phases():
        assert all(torch.isfinite(term) for term in phase.validate(batch, progress()).values())
        for update in phase.updates:
            own = {id(p) for module in update.modules for p in module.parameters()}
            before = {name: value.clone() for name, value in model.state_dict().items()}
            optimizer = torch.optim.SGD([p for p in model.parameters() if id(p) in own], lr=1e-4)
            for step in range(3):  # zero-initialised layers pass no gradient on at first
                optimizer.zero_grad(set_to_none=True)
                update.loss(batch, progress(step))["loss"].backward()
                for name, parameter in model.named_parameters():
                    if id(parameter) in own:
                        assert parameter.grad is not None, f"{name} is not reached"
                        assert torch.isfinite(parameter.grad).all(), (
                            f"{name} has a gradient that is no number"
                        )
                optimizer.step()
            names = {name for name, parameter in model.named_parameters() if id(parameter) in own}
            for name, value in model.state_dict().items():
                if name not in names:
                    assert torch.equal(value, before[name]), f"{name} is not the update's to change"
            for module in update.modules:
                changed = (
                    not torch.equal(parameter, before[name])
                    for name, parameter in model.named_parameters()
                    if any(parameter is mine for mine in module.parameters())
                )
                assert any(changed), f"{update.name} leaves a whole module as it was"


def test_the_condition_changes_the_loss(trained: GenerativeModel, toy: DataSpec) -> None:
    batch = make_batch(toy, 8, seed=3)
    other = batch._replace(conditions=batch.conditions + 2)
    with torch.no_grad():  # of one update at least: some learn pictures of any condition
        assert any(
            update.loss(batch, progress())["loss"] != update.loss(other, progress())["loss"]
            for phase in trained.phases()
            for update in phase.updates
        )


def test_the_condition_changes_the_samples(form: Family, trained: GenerativeModel, toy: DataSpec) -> None:
    if "conditional" not in form.supports:
        pytest.skip("the family has no conditional mode")
    batch = make_batch(toy, 8, seed=3)
    other = batch._replace(conditions=batch.conditions + 2)
    one, two = (draw(trained, request_for("conditional", each)) for each in (batch, other))
    assert not torch.equal(one, two)


def test_the_same_seed_draws_the_same_samples(form: Family, trained: GenerativeModel, toy: DataSpec) -> None:
    for mode in modes_of(form, toy):
        request = request_for(mode, make_batch(toy, 8, seed=4))
        assert torch.equal(draw(trained, request, seed=1), draw(trained, request, seed=1))
        assert not torch.equal(draw(trained, request, seed=1), draw(trained, request, seed=2))


def test_pixels_that_are_not_given_have_no_influence(
    form: Family, trained: GenerativeModel, toy: DataSpec
) -> None:
    if "inpainting" not in form.supports:
        pytest.skip("the family has no inpainting mode")
    request = request_for("inpainting", make_batch(toy, 4, seed=5))
    assert request.known is not None
    assert request.given is not None
    noise = torch.rand(request.known.shape, generator=torch.Generator().manual_seed(0))
    leaky = torch.where(request.given[:, :, None, None], request.known, noise)
    assert torch.equal(draw(trained, request), draw(trained, dataclasses.replace(request, known=leaky)))


def test_the_given_component_changes_the_others(
    form: Family, trained: GenerativeModel, toy: DataSpec
) -> None:
    if "inpainting" not in form.supports:
        pytest.skip("the family has no inpainting mode")
    batch = make_batch(toy, 8, seed=5)
    other = batch._replace(images=batch.images.roll(8, 3))
    # an independent reading of the others: the pixels that neither given component covers
    free = (batch.images[:, :1] + other.images[:, :1] == 0).expand(-1, 2, -1, -1)
    one, two = (draw(trained, request_for("inpainting", each))[:, 1:] for each in (batch, other))
    assert not torch.equal(one[free], two[free])


def test_no_generated_component_overlaps_an_exclusive_one(
    form: Family, trained: GenerativeModel, toy: DataSpec
) -> None:
    if not toy.exclusive:
        pytest.skip("components of this data set may overlap")
    batch = make_batch(toy, 8, seed=6)
    for mode in modes_of(form, toy):
        images = draw(trained, request_for(mode, batch))
        if mode == "inpainting":
            images[:, 0] = batch.images[:, 0]
        assert ((images > 0.5).sum(1) <= 1).all()


def test_weights_and_buffers_carry_the_whole_model(
    form: Family, trained: GenerativeModel, toy: DataSpec
) -> None:
    copy = form.build(toy, seed=99)
    copy.load_state_dict(trained.state_dict())
    for mode in modes_of(form, toy):
        request = request_for(mode, make_batch(toy, 4, seed=7))
        assert torch.equal(draw(trained, request), draw(copy.eval(), request))


def test_the_loss_is_a_function_of_weights_batch_and_stream(trained: GenerativeModel, toy: DataSpec) -> None:
    batch = make_batch(toy, 4, seed=8)
    for phase in trained.phases():
        for update in phase.updates:
            with torch.no_grad():
                torch.manual_seed(0)
                one = update.loss(batch, progress(2))["loss"]
                torch.manual_seed(1)
                assert torch.equal(one, update.loss(batch, progress(2))["loss"])


def shifted_blocks(step: int) -> Batch:
    """Component 0 is a block anywhere in the upper half; component 1 is the block 24 rows below it."""
    rng = torch.Generator().manual_seed(step)
    rows, columns = torch.randint(0, 28, (32,), generator=rng), torch.randint(0, 22, (32,), generator=rng)
    y, x = torch.arange(64)[:, None], torch.arange(32)
    upper = ((y - rows[:, None, None]) // 10 == 0) & ((x - columns[:, None, None]) // 10 == 0)
    return Batch(torch.stack([upper, upper.roll(24, 1)], 1).float(), torch.zeros(32, 0))


@pytest.mark.slow
def test_inpainting_is_learned(family: Family) -> None:
    if "inpainting" not in family.supports:
        pytest.skip("the family has no inpainting mode")
    model = family.build(make_spec(2, 0))
    train(model, shifted_blocks, 220, **family.pace)
    batch = shifted_blocks(10**6)
    drawn = draw(model.eval(), request_for("inpainting", batch))[:, 1] > 0.5
    truth = batch.images[:, 1] > 0.5

    def agreement(real: torch.Tensor) -> float:
        return float(((drawn & real).sum((1, 2)) / (drawn | real).sum((1, 2)).clamp_min(1)).mean())

    assert agreement(truth) > 0.15
    assert agreement(truth) > 3 * agreement(truth.roll(1, 0))  # the truth of another design
