"""The prior sees no token that comes later, keeps given components exactly, and guides as it should."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from epuredgm.interface import SampleRequest
from epuredgm.nn.token_prior import Choice, TokenPrior, given_first

COMPONENTS, TOKENS, CODES = 3, 4, 7
PLAIN = Choice(temperature=1.0, top_p=1.0)


@pytest.fixture
def prior() -> TokenPrior:
    network = TokenPrior(COMPONENTS, TOKENS, CODES, 2, width=16, layers=2, heads=4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    return network.eval()


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_codes(count: int, seed: int = 0) -> Tensor:
    return torch.randint(CODES, (count, COMPONENTS, TOKENS), generator=stream(seed))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**31))
def test_given_components_come_first_and_others_keep_their_order(components: int, seed: int) -> None:
    flags = torch.rand(20, components, generator=stream(seed)) < 0.5
    for row, order in zip(flags.tolist(), given_first(flags).tolist(), strict=True):
        inside = [k for k in range(components) if row[k]]
        assert order == inside + [k for k in range(components) if not row[k]]


@pytest.mark.parametrize("changed", range(COMPONENTS * TOKENS))
def test_a_token_changes_later_logits_only(prior: TokenPrior, changed: int) -> None:
    codes, order = random_codes(4), torch.tensor([2, 0, 1]).expand(4, -1)
    other = codes.clone()
    component, place = order[0, changed // TOKENS], changed % TOKENS
    other[:, component, place] = (other[:, component, place] + 1) % CODES
    condition = prior.condition(torch.randn(4, 2))
    one, two = prior(codes, order, condition), prior(other, order, condition)
    torch.testing.assert_close(one[:, : changed + 1], two[:, : changed + 1], rtol=0, atol=1e-5)
    assert (one[:, changed + 1 :] - two[:, changed + 1 :]).abs().amax((0, 2)).gt(1e-4).all()


def test_the_likelihood_is_a_distribution_over_all_sequences() -> None:
    """Brute force over every design of a tiny prior, in two orders of its components."""
    small = TokenPrior(2, 2, 3, 0, width=16, layers=2, heads=2)
    every = torch.cartesian_prod(*[torch.arange(3)] * 4).view(81, 2, 2)
    for order in ([0, 1], [1, 0]):
        nll = small.nll(every, torch.tensor(order).expand(81, -1), small.condition.null(81))
        torch.testing.assert_close((-nll).exp().sum(), torch.ones(()))


def test_draws_have_the_probabilities_of_the_likelihood() -> None:
    """Stepping with a cache draws from the very distribution that training fits."""
    small = TokenPrior(2, 1, 3, 0, width=16, layers=2, heads=2)
    with torch.no_grad():
        small.out.weight.mul_(6)
        every = torch.cartesian_prod(torch.arange(3), torch.arange(3)).view(9, 2, 1)
        p = (-small.nll(every, torch.tensor([0, 1]).expand(9, -1), small.condition.null(9))).exp()
        n = 40_000
        nothing, none = torch.zeros(n, 2, 1, dtype=torch.long), torch.zeros(n, 2, dtype=torch.bool)
        drawn = small.draw(nothing, none, SampleRequest(n), PLAIN, stream())[:, :, 0]
    counts = torch.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=9) / n
    assert p.max() > 2 * p.min()
    assert (counts - p).abs().max() < 0.01


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_given_components_are_an_exact_prefix_and_hidden_codes_have_no_influence(seed: int) -> None:
    torch.manual_seed(0)
    network = TokenPrior(COMPONENTS, TOKENS, CODES, 2, width=16, layers=2, heads=4)
    codes, flags = random_codes(6, seed), torch.rand(6, COMPONENTS, generator=stream(seed)) < 0.5
    request = SampleRequest(6, torch.randn(6, 2, generator=stream(seed)))
    with torch.no_grad():
        drawn = network.draw(codes, flags, request, PLAIN, stream(1))
        hidden = torch.where(flags[:, :, None], codes, random_codes(6, seed + 1))
        assert torch.equal(drawn, network.draw(hidden, flags, request, PLAIN, stream(1)))
    assert torch.equal(drawn[flags], codes[flags])
    assert ((drawn >= 0) & (drawn < CODES)).all()


def greedy(prior: TokenPrior, request: SampleRequest) -> Tensor:
    """With almost no temperature a draw is the argmax, whatever the stream."""
    count = request.count
    nothing = torch.zeros(count, COMPONENTS, TOKENS, dtype=torch.long)
    none = torch.zeros(count, COMPONENTS, dtype=torch.bool)
    with torch.no_grad():
        return prior.draw(nothing, none, request, Choice(1e-6, 1.0), stream())


def test_guidance_extrapolates_the_logits_from_the_null_branch(prior: TokenPrior) -> None:
    """Every token of a guided greedy draw is the argmax of u + s (c - u), each from a whole forward pass."""
    conditions, order = torch.randn(16, 2), torch.arange(COMPONENTS).expand(16, -1)
    for scale in (0.0, 1.0, 2.5):
        drawn = greedy(prior, SampleRequest(16, conditions, guidance=scale))
        with torch.no_grad():
            c = prior(drawn, order, prior.condition(conditions))
            u = prior(drawn, order, prior.condition.null(16))
        assert torch.equal((u + scale * (c - u)).argmax(2), drawn.flatten(1))


def test_without_conditions_guidance_has_no_effect(prior: TokenPrior) -> None:
    assert torch.equal(greedy(prior, SampleRequest(8, guidance=3.0)), greedy(prior, SampleRequest(8)))


def test_the_nucleus_holds_the_likeliest_codes_only() -> None:
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(4000, -1)
    for top_p, expected in ((0.4, {0}), (0.6, {0, 1}), (0.9, {0, 1, 2}), (1.0, {0, 1, 2, 3})):
        assert set(Choice(1.0, top_p).draw(logits, stream()).tolist()) == expected
    share = (Choice(1.0, 0.6).draw(logits, stream()) == 0).float().mean()
    assert abs(float(share) - 0.5 / 0.8) < 0.03
    sharp = (Choice(0.5, 1.0).draw(logits, stream()) == 0).float().mean()
    assert abs(float(sharp) - 0.25 / (0.25 + 0.09 + 0.0225 + 0.0025)) < 0.03
