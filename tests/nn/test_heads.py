"""Heads are probabilities: they sum to one, agree with brute force, and leave the given components alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from epuredgm.nn.evidence import Evidence
from epuredgm.nn.heads import ExclusiveHead, Head, IndependentHead, LaplaceHead, labels_of


def exclusive_images(count: int, components: int, seed: int = 0) -> Tensor:
    labels = torch.randint(components + 1, (count, 1, 4, 6), generator=torch.Generator().manual_seed(seed))
    return (labels == torch.arange(1, components + 1)[:, None, None]).float()


@pytest.fixture(params=[1, 3, 5])
def components(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_exclusive_probabilities_sum_to_one(components: int) -> None:
    logits = torch.randn(2, components + 1, 4, 6)
    expected = ExclusiveHead(components).expectation(logits)
    background = logits.softmax(1)[:, 0]
    torch.testing.assert_close(expected.sum(1) + background, torch.ones(2, 4, 6))


def test_exclusive_likelihood_is_the_probability_of_the_labels(components: int) -> None:
    images, logits = exclusive_images(2, components), torch.randn(2, components + 1, 4, 6)
    full = torch.cat([1 - images.sum(1, keepdim=True), images], 1)
    brute = -(logits.softmax(1) * full).sum(1).log().sum((1, 2))
    torch.testing.assert_close(ExclusiveHead(components).nll(logits, images), brute)


def test_exclusive_likelihood_of_the_hidden_is_conditional_on_the_given() -> None:
    """log p(hidden | given) per pixel = log p(all) - log p(what is given says of the pixel)."""
    images, logits = exclusive_images(3, 3), torch.randn(3, 4, 4, 6, dtype=torch.float64)
    evidence = Evidence.of(images, torch.tensor([True, False, True]).expand(3, -1))
    p = logits.softmax(1)
    label = labels_of(images)
    own = p.gather(1, label[:, None])[:, 0]
    covered = (label == 1) | (label == 3)
    brute = -torch.where(covered, torch.ones_like(own), own / (p[:, 0] + p[:, 2])).log().sum((1, 2))
    torch.testing.assert_close(
        ExclusiveHead(3).nll(logits, images, evidence).double(), brute, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("head", [ExclusiveHead(3), IndependentHead(3)])
def test_likelihoods_of_given_and_hidden_make_up_that_of_all(head: Head) -> None:
    images, logits = exclusive_images(3, 3), 5 * torch.randn(3, head.channels, 4, 6)
    given = torch.tensor([[True, False, True], [True, True, True], [False, False, False]])
    evidence = Evidence.of(images, given)
    torch.testing.assert_close(
        head.nll_of_given(logits, evidence) + head.nll(logits, images, evidence), head.nll(logits, images)
    )


HEADS = [ExclusiveHead(3), IndependentHead(3), LaplaceHead(3, True, 0.75), LaplaceHead(3, False, 0.75)]


@pytest.mark.parametrize("head", HEADS)
def test_given_components_are_returned_cost_nothing_and_get_no_gradient(head: Head) -> None:
    images = exclusive_images(2, 3)
    given = torch.tensor([[True, False, True], [True, True, True]])
    evidence = Evidence.of(images, given)
    logits = torch.randn(2, head.channels, 4, 6, requires_grad=True)
    for result in (head.expectation(logits, evidence), head.decide(logits, evidence)):
        assert torch.equal(result[given], images[given])
        assert (result >= 0).all()
        assert (result <= 1).all()
    losses = head.nll(logits, images, evidence)
    assert losses[1] == 0
    losses.sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[0, [head.channels - 3, head.channels - 1]] == 0).all()
    assert (logits.grad[0, head.channels - 2] != 0).any()


def test_exclusive_decision_is_one_hot_and_never_on_given_pixels() -> None:
    images, logits = exclusive_images(4, 3), 3 * torch.randn(4, 4, 4, 6)
    evidence = Evidence.of(images, torch.tensor([False, True, False]).expand(4, -1))
    head = ExclusiveHead(3)
    assert (head.decide(logits, evidence).sum(1) <= 1).all()
    assert (head.expectation(logits, evidence).sum(1) <= 1 + 1e-6).all()
    decided = head.decide(logits)
    assert torch.equal(labels_of(decided), logits.argmax(1))


def test_independent_likelihood_is_the_bernoulli_one() -> None:
    logits, images = torch.randn(2, 3, 4, 6), torch.rand(2, 3, 4, 6).round()
    brute = -torch.distributions.Bernoulli(logits=logits).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(IndependentHead(3).nll(logits, images), brute)


def test_the_score_of_a_grey_level_is_best_at_the_level() -> None:
    levels = torch.linspace(0.05, 0.95, 19)
    images = torch.full((19, 1, 1, 1), 0.3)
    losses = IndependentHead(1).nll(levels.logit()[:, None, None, None], images)
    assert levels[losses.argmin()] == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("kind", [ExclusiveHead, IndependentHead])
def test_logits_of_single_components_become_logits_of_the_head(kind: type[Head], components: int) -> None:
    head, logits = kind(components), torch.randn(2, components, 4, 6)
    joined = head.of_components(logits)
    assert joined.shape == (2, head.channels, 4, 6)
    assert torch.equal(joined[:, head.channels - components :], logits)
    assert (joined[:, : head.channels - components] == 0).all()


def test_marginals_keep_their_probabilities_where_they_leave_some_to_the_background(components: int) -> None:
    p = torch.rand(2, components, 4, 6) * 0.9 / components
    joint = ExclusiveHead(components).of_marginals(p.logit()).softmax(1)
    torch.testing.assert_close(joint[:, 1:], p)
    torch.testing.assert_close(joint[:, 0], 1 - p.sum(1))
    assert torch.equal(IndependentHead(components).of_marginals(p), p)


def test_no_background_is_left_on_the_border_of_two_sure_components() -> None:
    head = ExclusiveHead(2)
    sure = torch.tensor([[0.9, 0.45, 0.3, 0.01], [0.9, 0.46, 0.3, 0.02]]).logit()[None, :, None]
    assert labels_of(head.decide(head.of_marginals(sure))).tolist()[0][0][1:] == [2, 0, 0]
    assert torch.isfinite(head.of_marginals(100 * torch.randn(2, 2, 4, 6))).all()


def test_the_laplace_likelihood_has_a_fixed_scale() -> None:
    outputs, images = torch.randn(2, 3, 4, 6), torch.rand(2, 3, 4, 6).round()
    brute = -torch.distributions.Laplace(outputs, 0.75).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(LaplaceHead(3, True, 0.75).nll(outputs, images), brute)


def test_the_laplace_decision_leaves_a_pixel_to_the_strongest_where_the_data_are_exclusive() -> None:
    images, outputs = exclusive_images(4, 3), 2 * torch.randn(4, 3, 4, 6)
    evidence = Evidence.of(images, torch.tensor([False, True, False]).expand(4, -1))
    free, exclusive = LaplaceHead(3, False, 0.75), LaplaceHead(3, True, 0.75)
    assert torch.equal(free.decide(outputs), outputs.clamp(0, 1))
    decided = exclusive.decide(outputs)
    assert ((decided > 0).sum(1) <= 1).all()
    torch.testing.assert_close(decided.amax(1), outputs.clamp(0, 1).amax(1))
    completed = exclusive.decide(outputs, evidence)
    assert ((completed > 0).sum(1) <= 1).all()
    assert torch.equal(completed[:, 1], images[:, 1])
