"""A mixture of experts is a density, and drawing from it by strata is drawing from it."""

from __future__ import annotations

import pytest
import torch

from epuredgm.nn.experts import Posterior, choose_sources, draw_each, mixture_log_density, of_sources
from epuredgm.nn.gaussian import DiagonalGaussian
from epuredgm.nn.laplace import DiagonalLaplace

SHARES = torch.tensor([0.2, 0.5, 0.3])


def experts(family: type[DiagonalGaussian] | type[DiagonalLaplace], designs: int, latent: int) -> Posterior:
    rng = torch.Generator().manual_seed(3)
    return family.of(torch.randn(len(SHARES), designs, 2 * latent, generator=rng))


@pytest.mark.parametrize("family", [DiagonalGaussian, DiagonalLaplace])
def test_the_mixture_integrates_to_one(family: type[DiagonalGaussian] | type[DiagonalLaplace]) -> None:
    grid = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
    one = experts(family, 1, 1)._make(part.double() for part in experts(family, 1, 1))
    density = mixture_log_density(one, SHARES.double(), grid[None, :, None, None])[0, :, 0].exp()
    assert float(torch.trapezoid(density, grid)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("family", [DiagonalGaussian, DiagonalLaplace])
def test_the_mixture_is_the_sum_of_its_experts(
    family: type[DiagonalGaussian] | type[DiagonalLaplace],
) -> None:
    q, z = experts(family, 5, 2), torch.randn(4, 6, 5, 2)
    found = mixture_log_density(q, SHARES, z)
    for s, k, b in ((0, 0, 0), (3, 5, 4), (2, 1, 3)):
        each = [q._make(part[e, b] for part in q).log_density(z[s, k, b]).exp() for e in range(3)]
        by_hand = sum(share * density for share, density in zip(SHARES, each, strict=True))
        torch.testing.assert_close(found[s, k, b], torch.as_tensor(by_hand).log())


def test_draws_come_from_the_experts_that_the_sources_name() -> None:
    mean = torch.arange(3.0)[:, None, None] * 100 + torch.arange(4.0)[None, :, None]
    q = DiagonalGaussian(mean, torch.full_like(mean, -10.0))
    sources = torch.tensor([[0, 2, 1, 1], [2, 2, 0, 1]])
    z = draw_each(of_sources(q, sources), 7, torch.Generator().manual_seed(0))
    assert z.shape == (2, 7, 4, 1)
    expected = sources * 100 + torch.arange(4)
    assert torch.equal(z[..., 0].round(), expected[:, None].expand(-1, 7, -1).float())


def test_one_source_counts_as_all_of_them_in_expectation() -> None:
    rng = torch.Generator().manual_seed(0)
    values = torch.tensor([1.0, 10.0, 100.0])
    every, counts = choose_sources(SHARES, 4, "all", rng)
    assert torch.equal(every, torch.arange(3)[:, None].expand(-1, 4))
    exact = (values[every] * counts[:, None]).sum(0)
    torch.testing.assert_close(exact, (values * SHARES).sum().expand(4))
    one, counts = choose_sources(SHARES, 200_000, "one", rng)
    assert one.shape == (1, 200_000)
    mean = (values[one] * counts[:, None]).sum(0).mean()
    torch.testing.assert_close(mean, exact[0], rtol=0.01, atol=0)
