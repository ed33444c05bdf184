"""What is the CVAE's own: an objective in nats, conditions made unknown, a latent of stated size."""

from __future__ import annotations

import math

import pytest
import torch
from family_at_test_size import CONF, Family, draw, family_called, make_batch, make_spec, progress, train

from epuredgm.config import compose
from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.interface import Batch, Progress, SampleRequest
from epuredgm.models.cvae import CVAE
from epuredgm.nn.film import AttentionBlock
from epuredgm.stages.models import make_model

SPEC = make_spec(1, 2, exclusive=False, values="grey", size=(32, 32))


@pytest.fixture(scope="module")
def family() -> Family:
    return family_called("cvae")


def built(family: Family, spec: DataSpec = SPEC, **network: object) -> CVAE:
    model = family.with_network(**network).build(spec)
    assert isinstance(model, CVAE)
    return model


def breasts(count: int, seed: int = 0) -> Batch:
    """Half discs at the left border, of a size and a brightness that the two conditions tell."""
    rng = torch.Generator().manual_seed(seed)
    conditions = torch.randn(count, 2, generator=rng)
    y, x = torch.arange(32)[:, None] - 16.0, torch.arange(32)[None]
    radius = (12 + 3 * conditions[:, 0].clamp(-1, 1))[:, None, None]
    inside = ((x**2 + y**2).sqrt() < radius).float()
    bright = (0.5 + 0.2 * conditions[:, 1].clamp(-1, 1))[:, None, None]
    return Batch((inside * bright)[:, None], conditions)


def test_the_validation_loss_is_the_negative_elbo_in_nats(family: Family) -> None:
    model, batch = built(family, scale="learned"), breasts(4)
    terms = model.validate(batch, progress())
    context = model.condition(batch.conditions)
    posterior, prior = model.encoder(batch.images, context), model.prior(context)
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(
        normal(posterior.mean, posterior.deviation), normal(prior.mean, prior.deviation)
    )
    decoded = model.decoder(posterior.draw(progress().rng), context)
    logits, mean = decoded.chunk(2, dim=1)
    there = batch.images > 0
    chance = torch.distributions.Bernoulli(logits=logits).log_prob(there.float())
    density = torch.distributions.Laplace(mean, terms["scale"]).log_prob(batch.images)
    elbo = (chance + torch.where(there, density, 0)).sum() - kl.sum()
    torch.testing.assert_close(terms["loss"], -elbo / 4, rtol=1e-4, atol=1e-2)


def test_the_negative_elbo_bounds_the_negative_log_likelihood_in_its_own_nats(family: Family) -> None:
    """By importance sampling: weights p(x | z, c) p(z | c) / q(z | x, c) have the loss as their mean log,
    and the log of their mean is larger and closer to log p(x | c) the more there are."""
    model, one = built(family), breasts(1)
    train(model, lambda step: breasts(16, step), 3)
    model.eval()
    rng, count = torch.Generator().manual_seed(0), 512
    batch = Batch(one.images.repeat(count, 1, 1, 1), one.conditions.repeat(count, 1))
    with torch.no_grad():
        context = model.condition(batch.conditions)
        posterior, prior = model.encoder(batch.images, context), model.prior(context)
        z = posterior.draw(rng)
        nll = model.reconstruction(model.decoder(z, context), batch.images)
        ratio = (prior.log_density(z) - posterior.log_density(z)).sum(1)
        weights = ratio - nll.occupancy - nll.intensity
        loss = float(model.validate(batch, Progress(0, 1, 0, 1, rng))["loss"])
    error = float(weights.std()) * (2 / count) ** 0.5
    assert loss == pytest.approx(-float(weights.mean()), abs=5 * error)
    bounds = [float((weights.view(-1, k).logsumexp(1) - math.log(k)).mean()) for k in (1, 8, count)]
    assert bounds == sorted(bounds)
    assert bounds[-1] > bounds[0]


def test_the_kl_is_free_where_the_posterior_is_the_prior(family: Family) -> None:
    model = built(family)
    prior = model.prior(model.condition(breasts(3).conditions))
    assert model.kl(prior, prior).total == 0


def test_the_loss_warms_the_kl_up_and_weighs_the_edges(family: Family) -> None:
    model, batch = (
        built(family, free_bits=0.0, kl_warmup=0.5, condition_dropout=0.0, unconditional=0.0),
        breasts(4),
    )
    for step, weight in ((0, 0.0), (25, 0.5), (50, 1.0), (99, 1.0)):
        terms = model.loss(batch, progress(step, 100))
        beside = model.edge_weight * terms["edge"] + terms["fringe"]
        torch.testing.assert_close(terms["loss"], terms["reconstruction"] + weight * terms["kl"] + beside)


@pytest.mark.parametrize(("profile", "latents"), [("local", 128), ("hpc", 256), ("full", 256)])
def test_the_latent_has_the_stated_size(profile: str, latents: int) -> None:
    model = compose(CONF, "toy", "cvae", profile)["model"]
    spec = make_spec(1, 2, exclusive=False, values="grey", size=(256, 256))
    with torch.device("meta"):
        built = make_model(model["target"], spec, model["network"], model["sampler"])
    assert isinstance(built, CVAE)
    assert built.grid.shape[1:] == (8, 8)
    assert built.moments[0].numel() == latents


@pytest.mark.parametrize(
    ("profile", "batch", "epochs", "patience"), [("local", 16, 100, 30), ("hpc", 32, 200, 75)]
)
@pytest.mark.parametrize("dataset", ["nlbs", "nlbs_phantom"])
def test_trainings_on_a_device_are_those_that_were_asked_for(
    profile: str, batch: int, epochs: int, patience: int, dataset: str
) -> None:
    config = compose(CONF, dataset, "cvae", profile)
    training, data = config["training"], config["dataset"]
    assert data["size"] == [256, 256]
    assert (training["batch_size"], training["epochs"], training["lr"]) == (batch, epochs, 1e-4)
    assert training["precision"] == "auto"
    assert data["reader"]["workers"] == (8 if profile == "hpc" else None)
    assert training["patience"] * training["eval_every"] == patience
    assert patience > epochs * config["model"]["network"]["kl_warmup"]  # no stop while the KL is still light
    assert training["check_every"] == training["gallery_every"] == 10
    assert all(value > 0 for value in data["augmentation"].values())
    assert data["balance"] == ["cancer", "false_positive", "view", "laterality"]


@pytest.mark.parametrize("dataset", ["nlbs", "nlbs_phantom"])
def test_the_quick_training_is_as_measured(dataset: str) -> None:
    config = compose(CONF, dataset, "cvae", "quick")
    training = config["training"]
    assert not any(config["dataset"]["augmentation"].values())
    assert config["dataset"]["balance"] is None
    assert [training[key] for key in ("patience", "gallery_every", "check_every", "eval_every")] == [
        None,
        None,
        0,
        3,
    ]


def test_positions_see_each_other_on_grids_of_sixteen_and_less() -> None:
    model = compose(CONF, "nlbs", "cvae", "local")["model"]
    spec = make_spec(1, 2, exclusive=False, values="grey", size=(256, 256))
    with torch.device("meta"):
        built = make_model(model["target"], spec, model["network"], model["sampler"])
    assert isinstance(built, CVAE)
    attended = [isinstance(level.attention, AttentionBlock) for level in built.encoder.levels]
    assert attended == [False, False, False, True, True]  # edges 128, 64, 32, 16, 8
    assert [isinstance(level.attention, AttentionBlock) for level in built.decoder.levels] == attended[::-1]


@pytest.mark.parametrize("size", [(32, 32), (512, 512), (160, 128), (100, 37)])
def test_pictures_of_any_size_come_back_at_their_size(family: Family, size: tuple[int, int]) -> None:
    spec = make_spec(1, 0, exclusive=False, values="grey", size=size)
    model, batch = built(family, spec), make_batch(spec, 2)
    with torch.no_grad():
        images, kl, codes = model.reconstruct(batch, progress().rng)
    assert images.shape == (2, 1, *size)
    assert kl.shape == (2,)
    assert codes.shape == (2, model.moments[0].numel())
    assert max(model.grid.shape[1:]) <= 12


def test_training_makes_latents_say_something_and_zeros_stay_zeros(family: Family) -> None:
    model = built(family)
    batch = breasts(32, seed=99)
    before = model.validate(batch, progress())["loss"].item()
    train(model, lambda step: breasts(16, step), 120)
    model.eval()
    assert model.validate(batch, progress())["loss"].item() < before - 300
    learned = model.learned()
    assert learned["kl"] > 1
    assert sum(learned["kl_channels"]) == pytest.approx(learned["kl"], rel=1e-5)
    assert 0 < learned["active_units"] <= learned["units"]
    asked = SampleRequest(32, conditions=torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(16, 1))
    images = draw(model, asked)
    assert (images[:, :, :, 28:] == 0).float().mean() > 0.9
    area = (images > 0).float().sum((1, 2, 3))
    assert area[::2].mean() > 1.3 * area[1::2].mean()


def test_a_word_that_is_no_likelihood_is_refused(family: Family) -> None:
    with pytest.raises(BadRequest, match="likelihood"):
        built(family, likelihood="poisson")


def test_each_condition_is_made_unknown_by_itself_and_whole(family: Family) -> None:
    spec = DataSpec(
        "made_up",
        32,
        32,
        SPEC.components,
        (
            Condition("view", values=("CC", "MLO")),
            Condition("age", optional=True),
            Condition("class", values=tuple("ABCD")),
        ),
        values="grey",
    )
    model = built(family, spec)
    known = torch.ones(4000, spec.condition_width)
    kept = model.condition.drop(known, 0.3, 0.0, torch.Generator().manual_seed(0))
    spans = [kept[:, span] for span in spec.condition_spans]
    assert all(((span == 0).all(1) | (span == 1).all(1)).all() for span in spans)
    shares = torch.stack([span[:, 0] for span in spans], dim=1)
    torch.testing.assert_close(shares.mean(0), torch.full((3,), 0.7), rtol=0, atol=0.03)
    assert shares.T.corrcoef().triu(1).abs().max() < 0.05
    all_or_none = model.condition.drop(known, 0.0, 0.5, torch.Generator().manual_seed(0))
    assert ((all_or_none == 0).all(1) | (all_or_none == 1).all(1)).all()
