"""Designs survive the way to states and back, and evidence counts both ways."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from epuredgm.nn.evidence import Evidence
from epuredgm.nn.heads import ExclusiveHead, Head, IndependentHead
from epuredgm.nn.multinomial import cross_entropy
from epuredgm.nn.states import ExclusiveStates, OverlappingStates, States, one_hot

SHAPE = (4, 3, 5, 6)
KINDS = [(ExclusiveStates(3), ExclusiveHead(3)), (OverlappingStates(3), IndependentHead(3))]
GIVEN = torch.tensor([[False, True, False], [True, False, True], [False, False, False], [True, True, True]])


def images_of(states: States) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return states.images(torch.randint(states.classes, (4, states.variables, 5, 6), generator=rng))


@pytest.mark.parametrize(("states", "head"), KINDS)
def test_images_survive_the_way_to_states_and_back(states: States, head: Head) -> None:
    images = images_of(states)
    assert images.shape == SHAPE
    assert states.of(images).max() < states.classes
    assert torch.equal(states.images(states.of(images)), images)
    assert states.channels == head.channels


def test_masks_that_overlap_lose_nothing() -> None:
    images = torch.ones(SHAPE)
    states = OverlappingStates(3)
    assert torch.equal(states.images(states.of(images)), images)


@pytest.mark.parametrize(("states", "head"), KINDS)
def test_probabilities_sum_to_one_and_are_those_of_the_head(states: States, head: Head) -> None:
    images, logits = images_of(states), torch.randn(4, states.channels, 5, 6)
    evidence = Evidence.of(images, GIVEN)
    log_p = states.log_probabilities(logits, evidence)
    torch.testing.assert_close(log_p.exp().sum(2), torch.ones(4, states.variables, 5, 6))
    torch.testing.assert_close(cross_entropy(log_p, states.of(images)), head.nll(logits, images, evidence))


@pytest.mark.parametrize(("states", "head"), KINDS)
def test_evidence_is_certain_where_it_is_and_impossible_elsewhere(states: States, head: Head) -> None:
    images, logits = images_of(states), torch.randn(4, states.channels, 5, 6)
    evidence = Evidence.of(images, GIVEN)
    p = states.log_probabilities(logits, evidence).exp()
    likely = states.images(p.argmax(2))
    assert torch.equal(likely[GIVEN], images[GIVEN])
    hidden = states.hidden(evidence)
    assert torch.equal(p.argmax(2)[~hidden], states.of(images)[~hidden])
    if isinstance(states, ExclusiveStates):
        impossible = p[:, 0, 1:] * hidden
        assert (impossible[GIVEN] == 0).all()
        assert not hidden[3].logical_and(images[3].sum(0) > 0).any()


@pytest.mark.parametrize(("states", "head"), KINDS)
def test_logits_of_what_is_known_get_no_gradient_and_no_nan(states: States, head: Head) -> None:
    images, logits = images_of(states), torch.randn(4, states.channels, 5, 6, requires_grad=True)
    evidence = Evidence.of(images, GIVEN)
    cross_entropy(states.log_probabilities(logits, evidence), states.of(images)).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[3] == 0).all()
    assert (logits.grad[2] != 0).all()


def test_one_hot_marks_the_class() -> None:
    states = torch.randint(3, (2, 2, 3, 3))
    assert torch.equal(one_hot(states, 3).argmax(2), states)
    assert (one_hot(states, 3).sum(2) == 1).all()
    assert (one_hot(torch.full((1, 1, 1, 1), 3), 3) == 0).all()  # a class beyond marks none
