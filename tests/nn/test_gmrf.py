"""The field is positive definite and obeys its graph; conditioning it is textbook conditioning."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from epuredgm.nn.gaussian import FullGaussian
from epuredgm.nn.gmrf import InformationForm, MarkovField, canonical_correlations

CHAIN = ((0, 1), (1, 2))


def random_field(widths: list[int], edges: tuple[tuple[int, int], ...], seed: int) -> MarkovField:
    rng = torch.Generator().manual_seed(seed)
    field = MarkovField(widths, edges).double()
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
    field.fit(torch.randn(sum(widths), generator=rng, dtype=torch.float64), covariance_of(field.learned()))
    return field


def covariance_of(form: InformationForm) -> Tensor:
    return torch.linalg.inv(form.precision.detach())


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 1000))
def test_the_precision_stays_positive_definite_after_violent_steps(nodes: int, width: int, seed: int) -> None:
    """Structurally, not by a barrier: 200 Adam steps of size 0.1 in random directions."""
    rng = torch.Generator().manual_seed(seed)
    pairs = [(i, j) for i in range(nodes) for j in range(i + 1, nodes)]
    field = MarkovField([width] * nodes, [pair for pair in pairs if torch.rand((), generator=rng) < 0.7])
    optimizer = torch.optim.Adam(field.parameters(), lr=0.1)
    for _ in range(200):
        for parameter in field.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=rng)
        optimizer.step()
    precisions = 10 * torch.rand(20, width * nodes, generator=rng)
    values = torch.randn(20, width * nodes, generator=rng)
    for form in (field.learned(), field.learned().observe(values, precisions)):
        gaussian = form.gaussian()
        assert torch.isfinite(gaussian.mean).all()
        assert (gaussian.factor.diagonal(dim1=-2, dim2=-1) > 0).all()
        assert (torch.linalg.eigvalsh(form.precision.double()) > 0).all()


def test_without_an_edge_there_is_no_precision_and_no_dependence_given_the_rest() -> None:
    field = random_field([2, 3, 2], CHAIN, seed=0)
    for form in (field.learned(), field.fitted()):
        assert (form.precision[:2, 5:] == 0).all()
        covariance = covariance_of(form)
        assert (covariance[:2, 5:].abs() > 1e-3).any()  # dependent, but only through the node between
        middle = torch.arange(7).eq(2) | torch.arange(7).eq(3) | torch.arange(7).eq(4)
        given_middle = form.fix(torch.ones(7, dtype=torch.float64), middle).gaussian().covariance()
        torch.testing.assert_close(given_middle[:2, 5:], torch.zeros(2, 2, dtype=torch.float64))


def test_a_fit_has_the_moments_on_linked_nodes() -> None:
    field = random_field([2, 3, 2], CHAIN, seed=1)
    root = torch.randn(7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    mean, covariance = torch.arange(7.0).double(), root @ root.T
    field.fit(mean, covariance)
    fitted = field.fitted().gaussian()
    torch.testing.assert_close(fitted.mean, mean)
    torch.testing.assert_close(fitted.covariance()[:5, :5], covariance[:5, :5])
    torch.testing.assert_close(fitted.covariance()[2:, 2:], covariance[2:, 2:])
    whole = random_field([2, 3, 2], (*CHAIN, (0, 2)), seed=1)
    whole.fit(mean, covariance)
    torch.testing.assert_close(whole.fitted().gaussian().covariance(), covariance)


def test_the_fit_minimises_the_divergence_from_its_posteriors() -> None:
    """Of any number of posteriors q, mean KL(q || p) is least for the p of their moments."""
    rng = torch.Generator().manual_seed(2)
    root = torch.randn(50, 4, 6, dtype=torch.float64, generator=rng)
    posteriors = FullGaussian.of_covariance(
        torch.randn(50, 4, dtype=torch.float64, generator=rng), root @ root.mT / 6
    )
    mean = posteriors.mean.mean(0)
    away = posteriors.mean - mean
    covariance = posteriors.covariance().mean(0) + away.T @ away / 50

    def divergence(mean: Tensor, covariance: Tensor) -> Tensor:
        return posteriors.kl_to(FullGaussian.of_covariance(mean, covariance)).mean()

    best = divergence(mean, covariance)
    for _ in range(20):
        shift, turn = torch.randn(4, generator=rng).double(), torch.randn(4, 4, generator=rng).double()
        step = torch.eye(4).double() + 0.1 * turn
        assert divergence(mean + 0.1 * shift, covariance) > best
        assert divergence(mean, step @ covariance @ step.T) > best


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**6 - 1), st.integers(0, 100))
def test_fixing_is_exact_conditioning(pattern: int, seed: int) -> None:
    field = random_field([2, 2, 2], CHAIN, seed)
    known = torch.tensor([bool(pattern >> k & 1) for k in range(6)])
    values = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    gaussian = field.fitted().fix(values, known).gaussian()
    free, mean, covariance = ~known, field.mean, covariance_of(field.fitted())
    gain = covariance[free][:, known] @ torch.linalg.pinv(covariance[known][:, known])
    torch.testing.assert_close(gaussian.mean[free], mean[free] + gain @ (values - mean)[known])
    torch.testing.assert_close(gaussian.mean[known], values[known])
    rest = covariance[free][:, free] - gain @ covariance[known][:, free]
    torch.testing.assert_close(gaussian.covariance()[free][:, free], rest)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**3 - 1), st.integers(0, 100))
def test_observing_some_nodes_is_conditioning_on_noisy_copies(pattern: int, seed: int) -> None:
    """Brute force: the joint Gaussian of x and y = x + noise, conditioned on y of the observed nodes."""
    field = random_field([2, 2, 2], CHAIN, seed)
    rng = torch.Generator().manual_seed(seed)
    observed = torch.tensor([bool(pattern >> k & 1) for k in range(3)]).repeat_interleave(2)
    values = torch.randn(6, dtype=torch.float64, generator=rng)
    precisions = torch.rand(6, dtype=torch.float64, generator=rng) + 0.1
    gaussian = field.fitted().observe(values, precisions * observed).gaussian()
    mean, covariance = field.mean, covariance_of(field.fitted())
    noisy = (covariance + torch.diag(1 / precisions))[observed][:, observed]
    gain = covariance[:, observed] @ torch.linalg.inv(noisy)
    torch.testing.assert_close(gaussian.mean, mean + gain @ (values - mean)[observed])
    torch.testing.assert_close(gaussian.covariance(), covariance - gain @ covariance[observed])


def test_all_or_nothing_observed_is_the_exact_posterior_or_the_prior() -> None:
    field = random_field([2, 2], ((0, 1),), seed=3)
    values = torch.randn(4, dtype=torch.float64)
    prior = field.fitted().gaussian()
    nothing = field.fitted().observe(values, torch.zeros(4, dtype=torch.float64)).gaussian()
    torch.testing.assert_close(nothing.mean, prior.mean)
    torch.testing.assert_close(nothing.factor, prior.factor)
    certain = field.fitted().observe(values, torch.full((4,), 1e10, dtype=torch.float64)).gaussian()
    torch.testing.assert_close(certain.mean, values, rtol=1e-6, atol=1e-6)


def test_rows_may_differ_in_what_is_known() -> None:
    field = random_field([2, 2, 2], CHAIN, seed=4)
    rng = torch.Generator().manual_seed(0)
    values, known = torch.randn(5, 6, generator=rng).double(), torch.rand(5, 6, generator=rng) < 0.5
    together = field.fitted().fix(values, known).gaussian()
    for row in range(5):
        alone = field.fitted().fix(values[row], known[row]).gaussian()
        torch.testing.assert_close(together.mean[row], alone.mean)
        torch.testing.assert_close(together.factor[row], alone.factor)


def test_joint_draws_of_missing_nodes_have_their_covariance() -> None:
    """Two missing nodes, drawn given the third, depend on each other as the formula says."""
    field = random_field([2, 2, 2], (*CHAIN, (0, 2)), seed=6)
    values, precisions = torch.ones(6).double(), torch.tensor([50.0] * 2 + [0.0] * 4).double()
    form = field.fitted().observe(values, precisions)
    many = InformationForm(form.precision.expand(50_000, -1, -1), form.potential.expand(50_000, -1))
    drawn = many.gaussian().draw(torch.Generator().manual_seed(0))[:, 2:]
    expected = form.gaussian().covariance()[2:, 2:]
    scale = expected.diagonal().sqrt()
    error = (drawn.T.cov() - expected) / (scale[:, None] * scale)
    assert (error.abs() < 0.03).all()
    correlations = expected / (scale[:, None] * scale)
    assert correlations[:2, 2:].abs().max() > 0.3  # the two are not drawn apart
    torch.testing.assert_close(
        drawn.mean(0), form.gaussian().mean[2:], rtol=0, atol=0.03 * float(scale.max())
    )


def test_canonical_correlations_do_not_depend_on_how_a_node_is_written() -> None:
    rng = torch.Generator().manual_seed(7)
    root = torch.randn(6, 8, dtype=torch.float64, generator=rng)
    covariance, turn = root @ root.T, torch.eye(6, dtype=torch.float64)
    turn[:3, :3] = torch.randn(3, 3, dtype=torch.float64, generator=rng)
    turn[3:, 3:] = torch.randn(3, 3, dtype=torch.float64, generator=rng)
    one = canonical_correlations(covariance, range(3), range(3, 6))
    two = canonical_correlations(turn @ covariance @ turn.T, range(3), range(3, 6))
    assert one == pytest.approx(two)
    assert all(0 <= value <= 1 for value in one)
    pair = torch.tensor([[2.0, 1.2], [1.2, 2.0]], dtype=torch.float64)
    assert canonical_correlations(pair, [0], [1]) == pytest.approx([0.6])


def test_partial_canonical_correlations_are_those_given_the_rest() -> None:
    field = random_field([2, 2, 2], (*CHAIN, (0, 2)), seed=8)
    precision = field.learned().precision.detach()
    rest = torch.linalg.inv(precision[:4, :4])  # covariance of the first two nodes given the third
    assert canonical_correlations(precision, range(2), range(2, 4)) == pytest.approx(
        canonical_correlations(rest, range(2), range(2, 4))
    )


def test_fixing_drawn_values_integrates_the_conditional_over_them() -> None:
    """z_O ~ N(m, V): then z_U has mean mu + G (m - mu_O) and covariance S_UU - G S_OU + G V G^T (A.1)."""
    field = random_field([2, 2], ((0, 1),), seed=9)
    values, spread = torch.tensor([1.0, -1.0]).double(), torch.tensor([0.7, 0.2]).double()
    rng = torch.Generator().manual_seed(0)
    drawn = values + spread.sqrt() * torch.randn(60_000, 2, dtype=torch.float64, generator=rng)
    known = torch.tensor([True, True, False, False]).expand(60_000, -1)
    missing = field.fitted().fix(torch.cat([drawn, 0 * drawn], 1), known).gaussian().draw(rng)[:, 2:]
    mean, covariance = field.mean, covariance_of(field.fitted())
    gain = covariance[2:, :2] @ torch.linalg.inv(covariance[:2, :2])
    expected = covariance[2:, 2:] - gain @ covariance[:2, 2:] + gain @ torch.diag(spread) @ gain.T
    scale = expected.diagonal().sqrt()
    assert (((missing.T.cov() - expected) / (scale[:, None] * scale)).abs() < 0.03).all()
    error = missing.mean(0) - mean[2:] - gain @ (values - mean[:2])
    assert (error.abs() < 0.03 * scale).all()


def test_mixed_precision_leaves_the_algebra_alone() -> None:
    field = random_field([2, 2, 2], CHAIN, seed=10).float()
    values, known = torch.randn(6), torch.tensor([True, False] * 3)

    def outcome() -> list[Tensor]:
        forms = [field.learned(), field.fitted(), field.fitted().fix(values, known)]
        gaussians = [form.gaussian() for form in forms]
        return [*gaussians[0], *gaussians[1], *gaussians[2], gaussians[2].covariance()]

    exact = outcome()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for one, two in zip(exact, outcome(), strict=True):
            assert torch.equal(one, two)
