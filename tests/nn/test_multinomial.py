"""The posteriors against enumeration with transition matrices, and what they make of a true denoiser."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from epuredgm.nn.multinomial import (
    Diffusion,
    Jump,
    PublishedDiffusion,
    UniformDiffusion,
    draw,
    log_belief,
    log_posterior,
)

K = 3
PRIOR = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
signals = st.floats(0.02, 0.98)


def kernel(left: float) -> Tensor:
    """Q[i, j] = q(x_t = j | x_s = i), of which a share ``left`` stays, written out by hand."""
    return torch.tensor(
        [[left + (1 - left) / 3 if i == j else (1 - left) / 3 for j in range(K)] for i in range(K)],
        dtype=torch.float64,
    )


def predictions(seed: int = 0) -> Tensor:
    """(K, K): a distribution of x_0 for each x_t."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(K, K, generator=rng, dtype=torch.float64).softmax(1)


def jump(alpha_bar_t: float, alpha_bar_s: float) -> Jump:
    """From each of the K states of one pixel, side by side."""
    left = torch.tensor([alpha_bar_t, alpha_bar_s], dtype=torch.float64)[:, None].expand(2, K)
    return Jump(torch.arange(K)[:, None, None, None], left[0], left[1])


def as_field(p: Tensor) -> Tensor:
    return p[:, None, :, None, None]


def posterior(w: Tensor, alpha_bar_t: float, alpha_bar_s: float) -> Tensor:
    """(K, K): row x_t, column x_s."""
    return log_posterior(as_field(w.log()), jump(alpha_bar_t, alpha_bar_s)).exp()[:, 0, :, 0, 0]


def without_own(p: Tensor, alpha_bar_t: float) -> Tensor:
    """w of p(x_0 | x_t), both (K, K) with rows x_t: the state's own likelihood divided out."""
    w = p / kernel(alpha_bar_t).T
    return w / w.sum(1, keepdim=True)


def enumerated(p: Tensor, alpha_bar_t: float, alpha_bar_s: float) -> Tensor:
    """The sum over x_0 of p(x_0 | x_t) q(x_s | x_0) q(x_t | x_s) / q(x_t | x_0), term by term."""
    to_s, to_t, between = kernel(alpha_bar_s), kernel(alpha_bar_t), kernel(alpha_bar_t / alpha_bar_s)
    result = torch.zeros(K, K, dtype=torch.float64)
    for x_t in range(K):
        for x_s in range(K):
            for x_0 in range(K):
                bayes = to_s[x_0, x_s] * between[x_s, x_t] / to_t[x_0, x_t]
                result[x_t, x_s] += p[x_t, x_0] * bayes
    return result


def true_denoiser(alpha_bar_t: float) -> Tensor:
    """p(x_0 | x_t) by Bayes, for the data distribution PRIOR: row x_t."""
    joint = PRIOR[:, None] * kernel(alpha_bar_t)
    return (joint / joint.sum(0)).T


def test_the_kernels_are_a_semigroup() -> None:
    torch.testing.assert_close(kernel(0.7) @ kernel(0.4), kernel(0.28))


@settings(max_examples=30, deadline=None)
@given(signals, signals, st.integers(0, 2**31))
def test_the_posterior_is_the_enumerated_one_for_every_stride(one: float, two: float, seed: int) -> None:
    p, alpha_bar_t, alpha_bar_s = predictions(seed), one * two, one
    result = posterior(without_own(p, alpha_bar_t), alpha_bar_t, alpha_bar_s)
    torch.testing.assert_close(result, enumerated(p, alpha_bar_t, alpha_bar_s), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("alpha_bar_t", "alpha_bar_s"), [(0.0, 0.3), (0.0, 1.0), (0.4, 1.0), (0.9999, 1.0)])
def test_the_posterior_holds_at_both_ends_of_time(alpha_bar_t: float, alpha_bar_s: float) -> None:
    p = predictions()
    result = posterior(without_own(p, alpha_bar_t), alpha_bar_t, alpha_bar_s)
    torch.testing.assert_close(result, enumerated(p, alpha_bar_t, alpha_bar_s))


@settings(max_examples=30, deadline=None)
@given(signals, signals, st.integers(0, 2**31))
def test_it_is_the_closed_form_in_p_which_sums_to_one_as_it_stands(one: float, two: float, seed: int) -> None:
    """(a [j = x_t] + (1 - a) / K) (b w_j + (1 - b) W / K); b = alpha_bar_s, a b = alpha_bar_t, w = p / Z."""
    p = predictions(seed)
    w = p / kernel(one * two).T
    closed = kernel(two) * (one * w + (1 - one) * w.sum(1, keepdim=True) / K)
    torch.testing.assert_close(closed.sum(1), torch.ones(K, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(posterior(without_own(p, one * two), one * two, one), closed)


def test_fed_with_p_itself_it_would_be_another() -> None:
    """The usual mistake: p(x_0 | x_t), learned by cross-entropy, put into the published posterior."""
    assert (posterior(predictions(), 0.3, 0.6) - enumerated(predictions(), 0.3, 0.6)).abs().max() > 0.01


def test_the_belief_is_prior_times_likelihood_and_a_jump_to_the_design_draws_from_it() -> None:
    at, p = jump(0.4, 1.0), predictions()
    belief = log_belief(as_field(without_own(p, 0.4).log()), at)
    torch.testing.assert_close(belief.exp(), as_field(p))
    torch.testing.assert_close(log_posterior(as_field(without_own(p, 0.4).log()), at), belief)


@pytest.mark.parametrize("alpha_bar_s", [0.7, 1.0])
def test_the_term_of_the_bound_is_the_kl_of_the_posteriors(alpha_bar_s: float) -> None:
    x_0 = torch.tensor([2, 0, 1])
    certain = torch.eye(K, dtype=torch.float64)[x_0]
    model = posterior(predictions(), 0.4, alpha_bar_s)
    true = enumerated(certain, 0.4, alpha_bar_s)
    expected = kl_divergence(Categorical(probs=true), Categorical(probs=model))
    term = PublishedDiffusion(K).loss(
        as_field(predictions().log()), x_0[:, None, None, None], jump(0.4, alpha_bar_s)
    )
    torch.testing.assert_close(term, expected, rtol=0, atol=1e-9)
    if alpha_bar_s == 1:  # where our loss is the same
        ours = UniformDiffusion(K).loss(
            as_field(predictions().log()), x_0[:, None, None, None], jump(0.4, 1.0)
        )
        torch.testing.assert_close(term, ours)


def test_the_term_stays_finite_for_predictions_that_rule_the_truth_out() -> None:
    log_p = torch.tensor([[0.0, -torch.inf, -200.0]] * K)
    log_p.requires_grad_(True)
    for alpha_bar_s in (0.7, 1.0):
        at = Jump(jump(0.4, 1).x_t, torch.full((K,), 0.4), torch.full((K,), alpha_bar_s))
        loss = PublishedDiffusion(K).loss(as_field(log_p), torch.tensor([2, 2, 0])[:, None, None, None], at)
        (gradient,) = torch.autograd.grad(loss.sum(), log_p)
        assert torch.isfinite(loss).all()
        assert torch.isfinite(gradient).all()


def test_the_reverse_chain_of_a_true_denoiser_ends_in_the_data_whatever_its_strides() -> None:
    for times in ([0.0, 1.0], [0.0, 0.1, 0.5, 1.0], torch.linspace(0, 1, 20).tolist()):
        marginal = torch.full((K,), 1 / K, dtype=torch.float64)
        for alpha_bar_t, alpha_bar_s in pairwise(times):
            w = without_own(true_denoiser(alpha_bar_t), alpha_bar_t)
            marginal = marginal @ posterior(w, alpha_bar_t, alpha_bar_s)
        torch.testing.assert_close(marginal, PRIOR)


def test_the_bound_of_a_true_denoiser_is_the_entropy_of_the_data() -> None:
    """Its reverse chain is the true one, so that no step of the bound loses anything."""
    bound = torch.zeros((), dtype=torch.float64)
    for t, s in pairwise([0.0, 0.2, 0.5, 0.9, 1.0]):
        log_w = as_field(without_own(true_denoiser(t), t).log())
        for x_0 in range(K):
            terms = PublishedDiffusion(K).loss(log_w, torch.full((K, 1, 1, 1), x_0), jump(t, s))
            bound = bound + PRIOR[x_0] * (kernel(t)[x_0] * terms).sum()
    torch.testing.assert_close(bound, Categorical(probs=PRIOR).entropy())


def test_two_pixels_that_agree_are_drawn_to_agree_as_the_steps_grow_many() -> None:
    """The reverse draws pixels apart; that is an error of the order of the steps, and none in the limit."""
    pairs = torch.cartesian_prod(torch.arange(K), torch.arange(K))

    def disagreement(steps: int) -> float:
        marginal = torch.full((K**2,), 1 / K**2, dtype=torch.float64)
        for t, s in pairwise(torch.linspace(0, 1, steps + 1, dtype=torch.float64).tolist()):
            other = pairs.flip(1)  # what each pixel is told by: the class that they share, seen at the other
            joint = (PRIOR[:, None, None] * kernel(t)[:, other]).permute(1, 0, 2)[:, None, :, None]
            log_w = joint.log().log_softmax(2)
            left = torch.tensor([t, s], dtype=torch.float64)[:, None].expand(2, len(pairs))
            each = log_posterior(log_w, Jump(pairs[:, None, None, :], left[0], left[1])).exp()[:, 0, :, 0]
            marginal = marginal @ (each[:, pairs[:, 0], 0] * each[:, pairs[:, 1], 1])
        return float(marginal[pairs[:, 0] != pairs[:, 1]].sum())

    errors = [disagreement(steps) for steps in (1, 8, 64, 512)]
    assert errors[0] == pytest.approx(float(1 - PRIOR.square().sum()))
    assert errors[3] < 0.01
    assert all(fine < coarse / 2 for coarse, fine in pairwise(errors))


@pytest.mark.parametrize("diffusion", [UniformDiffusion(K), PublishedDiffusion(K)])
def test_drawn_states_have_the_probabilities_of_the_kernel(diffusion: Diffusion) -> None:
    x_0 = torch.randint(K, (40, 2, 50, 50), generator=torch.Generator().manual_seed(0))
    alpha_bar = torch.full((40,), 0.3)
    x_t = diffusion.corrupt(x_0, alpha_bar, torch.Generator().manual_seed(1))
    shares = torch.stack([torch.bincount(x_t[x_0 == k], minlength=K) / (x_0 == k).sum() for k in range(K)])
    torch.testing.assert_close(shares.double(), kernel(0.3), rtol=0, atol=0.01)


def test_draws_follow_the_weights_and_never_take_a_class_of_weight_zero() -> None:
    weights = torch.tensor([0.0, 1.0, 0.0, 3.0, 0.0])[:, None, None].expand(1, 1, 5, 400, 500)
    counts = torch.bincount(draw(weights, torch.Generator().manual_seed(0)).flatten(), minlength=5)
    assert (counts[[0, 2, 4]] == 0).all()
    assert float(counts[1]) / 200_000 == pytest.approx(0.25, abs=0.005)
