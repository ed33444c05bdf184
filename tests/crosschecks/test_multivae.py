"""The published form of MMVAE+ against the implementation in `multivae`: the same numbers and gradients."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Laplace

from epuredgm.core.spec import Component, DataSpec
from epuredgm.interface import Batch, Progress
from epuredgm.models.mmvaeplus import PAPER_BETA, PAPER_SCALE, Codes, MMVAEPlus
from epuredgm.nn.importance import BOUNDS, reparameterise_twice
from epuredgm.nn.layers import DecoderLayers, EncoderLayers

with warnings.catch_warnings():  # of its dependencies, at their import
    warnings.simplefilter("ignore")
    multivae = pytest.importorskip("multivae.models", exc_type=ImportError)
    datasets = pytest.importorskip("multivae.data.datasets.base", exc_type=ImportError)

DRAWS, DESIGNS, SHARED, PRIVATE, SIZE = 5, 4, 3, 2, (8, 4)
NAMES = ("a", "b", "c")
OBJECTIVES = {"iwae": "iwae_looser", "dreg": "dreg_looser"}


def ours(objective: str, draws: int = DRAWS) -> MMVAEPlus:
    torch.manual_seed(0)
    model = MMVAEPlus(
        DataSpec("made_up", *SIZE, tuple(Component(name, name, "#000000") for name in NAMES), ()),
        fidelity="paper",
        shared=SHARED,
        private=PRIVATE,
        encoder=EncoderLayers(patch=4, widths=[16], blocks=1, features=8),
        decoder=DecoderLayers(patch=4, widths=[16], blocks=1),
        context=8,
        condition_dropout=0.0,
        objective=objective,
        draws=draws,
        sources="all",
        whole_share=0.5,
        beta=1.0,
        kl_warmup=0.5,
        prior_components=1,
        prior_iterations=1,
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def theirs(objective: str) -> nn.Module:
    """Their model around no networks: it is only asked for its objective."""
    config = multivae.MMVAEPlusConfig(
        n_modalities=len(NAMES),
        latent_dim=SHARED,
        input_dims=dict.fromkeys(NAMES, (1, *SIZE)),
        modalities_specific_dim=PRIVATE,
        K=DRAWS,
        beta=PAPER_BETA,
        loss=OBJECTIVES[objective],
        prior_and_posterior_dist="laplace_with_softmax",
        decoders_dist=dict.fromkeys(NAMES, "laplace"),
        decoder_dist_params={name: {"scale": PAPER_SCALE} for name in NAMES},
    )
    return multivae.MMVAEPlus(config)


def their_loss(model: MMVAEPlus, images: Tensor, codes: Codes, objective: str) -> Tensor:
    """Their objective on our posteriors, draws and reconstructions; source by source, target by target."""
    reference = theirs(objective)
    shared, private = model.encode(images)
    if objective == "dreg":
        shared, private = shared.detach(), private.detach()
    posteriors, embeddings, reconstructions = {}, {}, {}
    context = model.condition(images.new_zeros(DESIGNS, 0)).repeat(DRAWS, 1)
    for s, source in enumerate(NAMES):
        posteriors[source] = {
            "u": Laplace(shared.mean[s], shared[1][s]),
            "w": Laplace(private.mean[s], private[1][s]),
        }
        embeddings[source] = {"u": codes.shared[s], "w": codes.own[s]}
        u, w = embeddings[source]["u"], embeddings[source]["w"]  # the very tensors that they hook
        private_codes = [w if t == s else codes.borrowed[s, t] for t in range(len(NAMES))]
        latents = torch.stack([torch.cat([code, u], dim=-1) for code in private_codes], dim=2)
        outputs = model.decoder(latents.flatten(0, 1), context)
        reconstructions[source] = {
            target: outputs[:, t, None].unflatten(0, (DRAWS, DESIGNS)) for t, target in enumerate(NAMES)
        }
    inputs = datasets.MultimodalBaseDataset(data={name: images[:, t, None] for t, name in enumerate(NAMES)})
    compute = reference._dreg_looser if objective == "dreg" else reference._iwae_looser
    return compute(posteriors, embeddings, reconstructions, inputs).loss / DESIGNS


def our_loss(model: MMVAEPlus, images: Tensor, codes: Codes, objective: str) -> Tensor:
    shared, private = model.encode(images)
    if objective == "dreg":
        shared, private = shared.detach(), private.detach()
    likelihood = model.log_likelihood(codes, images, model.condition(images.new_zeros(DESIGNS, 0)))
    log_weights = likelihood + PAPER_BETA * model.log_densities(codes, shared, private)
    if objective == "dreg":
        reparameterise_twice(log_weights, (codes.shared, codes.own))
    return -BOUNDS[objective](log_weights).mean()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_and_gradients_are_those_of_multivae(objective: str) -> None:
    """For DReG they hand out a surrogate of the right gradient; we hand out the bound itself."""
    results = []
    images = torch.rand(DESIGNS, len(NAMES), *SIZE, generator=torch.Generator().manual_seed(1)).round()
    for loss_of in (our_loss, their_loss):
        model = ours(objective)
        codes, counts = model.draw_codes(*model.encode(images), torch.Generator().manual_seed(2))
        torch.testing.assert_close(counts, torch.full((3,), 1 / 3))
        loss = loss_of(model, images, codes, objective)
        loss.backward()
        results.append((loss.detach(), {name: p.grad for name, p in model.named_parameters()}))
    (mine, my_gradients), (reference, their_gradients) = results
    if objective == "iwae":
        torch.testing.assert_close(mine, reference, rtol=1e-5, atol=1e-4)
    assert any(gradient is not None and (gradient != 0).any() for gradient in my_gradients.values())
    for name, gradient in my_gradients.items():
        torch.testing.assert_close(gradient, their_gradients[name], rtol=1e-4, atol=1e-4, msg=name)


def test_the_training_loss_is_the_objective_checked_above() -> None:
    """The same stream gives the same draws, so that the loss of a step can be built again from its parts."""
    images = torch.rand(DESIGNS, len(NAMES), *SIZE, generator=torch.Generator().manual_seed(1)).round()
    model, rng = ours("iwae"), torch.Generator().manual_seed(3)
    step = Progress(0, 1, 0, 1, torch.Generator().manual_seed(3))
    loss = model.loss(Batch(images, images.new_zeros(DESIGNS, 0)), step)["loss"]
    torch.rand(DESIGNS, generator=rng)  # condition dropout
    codes, _ = model.draw_codes(*model.encode(images), rng)
    torch.testing.assert_close(loss, their_loss(model, images, codes, "iwae"), rtol=1e-5, atol=1e-4)


def test_scales_and_priors_are_those_of_multivae() -> None:
    model, reference = ours("iwae"), theirs("iwae")
    raw = torch.randn(6, 2 * SHARED)
    torch.testing.assert_close(model.family.of(raw)[1], reference._log_var_to_std(raw[:, SHARED:]))
    mean, scale = reference.pz_params
    standard = model.standard(SHARED + PRIVATE)
    torch.testing.assert_close(standard.mean, mean[0])
    torch.testing.assert_close(standard[1], scale[0])
