"""The Gaussian terms agree with torch.distributions and with the moments of their draws."""

from __future__ import annotations

import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from epuredgm.nn.gaussian import DiagonalGaussian, FullGaussian, pooled_moments

LATENT = 4


def diagonal(count: int) -> DiagonalGaussian:
    return DiagonalGaussian.of(torch.randn(count, 2 * LATENT, generator=torch.Generator().manual_seed(1)))


def full(count: int) -> FullGaussian:
    rng = torch.Generator().manual_seed(2)
    return FullGaussian.of(torch.randn(count, FullGaussian.parameters(LATENT), generator=rng), LATENT)


def as_distribution(gaussian: FullGaussian) -> MultivariateNormal:
    return MultivariateNormal(gaussian.mean, precision_matrix=gaussian.factor @ gaussian.factor.mT)


def test_kl_to_the_standard_normal() -> None:
    q = diagonal(5)
    normal = Independent(Normal(q.mean, (0.5 * q.log_variance).exp()), 1)
    standard = Independent(Normal(torch.zeros(5, LATENT), torch.ones(5, LATENT)), 1)
    torch.testing.assert_close(q.kl_to_standard(), kl_divergence(normal, standard))
    assert (DiagonalGaussian(torch.zeros(2, 3), torch.zeros(2, 3)).kl_to_standard() == 0).all()


def test_kl_of_a_diagonal_from_a_full_gaussian() -> None:
    q, p = diagonal(5), full(5)
    normal = MultivariateNormal(q.mean, torch.diag_embed(q.log_variance.exp()))
    torch.testing.assert_close(p.kl_from(q), kl_divergence(normal, as_distribution(p)), rtol=1e-4, atol=1e-4)


def test_kl_from_itself_is_zero() -> None:
    q = diagonal(3)
    p = FullGaussian(q.mean, torch.diag_embed((-0.5 * q.log_variance).exp()))
    torch.testing.assert_close(p.kl_from(q), torch.zeros(3), rtol=0, atol=1e-5)


def test_draws_have_the_moments() -> None:
    rng = torch.Generator().manual_seed(0)
    q = DiagonalGaussian(*(part.expand(100_000, -1) for part in diagonal(1)))
    z = q.draw(rng)
    torch.testing.assert_close(z.mean(0), q.mean[0], rtol=0, atol=0.03)
    torch.testing.assert_close(z.var(0).log(), q.log_variance[0], rtol=0, atol=0.03)
    p = full(1)
    many = FullGaussian(p.mean.expand(100_000, -1), p.factor.expand(100_000, -1, -1))
    covariance = as_distribution(p).covariance_matrix[0]
    z = many.draw(rng)
    scale = covariance.diagonal().sqrt()
    assert (((z.mean(0) - p.mean[0]) / scale).abs() < 0.03).all()
    assert (((z.T.cov() - covariance) / (scale[:, None] * scale)).abs() < 0.03).all()


def test_extreme_outputs_stay_finite() -> None:
    wild = 1e4 * torch.ones(2, 2 * LATENT)
    assert torch.isfinite(DiagonalGaussian.of(wild).kl_to_standard()).all()
    p = FullGaussian.of(-100 * torch.ones(2, FullGaussian.parameters(LATENT)), LATENT)
    assert torch.isfinite(p.kl_from(diagonal(2))).all()


def test_density_and_divergence_of_diagonal_gaussians_of_any_shape() -> None:
    parameters = torch.randn(3, 5, 2 * LATENT, generator=torch.Generator().manual_seed(3))
    q, p = DiagonalGaussian.of(parameters), DiagonalGaussian.of(parameters.flip(0))
    normals = [Independent(Normal(each.mean, (0.5 * each.log_variance).exp()), 1) for each in (q, p)]
    torch.testing.assert_close(q.kl_to(p), kl_divergence(*normals), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(q.kl_to(q), torch.zeros(3, 5))
    z = torch.randn(3, 5, LATENT)
    torch.testing.assert_close(q.log_density(z), normals[0].log_prob(z))


def random_full(seed: int, count: int = 6) -> FullGaussian:
    rng = torch.Generator().manual_seed(seed)
    root = torch.randn(count, LATENT, LATENT + 1, dtype=torch.float64, generator=rng)
    mean = torch.randn(count, LATENT, dtype=torch.float64, generator=rng)
    return FullGaussian.of_covariance(mean, root @ root.mT)


def test_covariance_and_precision_say_the_same() -> None:
    q = random_full(0)
    precision = q.factor @ q.factor.mT
    again = FullGaussian.of_precision(precision, (precision @ q.mean[..., None])[..., 0])
    torch.testing.assert_close(again.mean, q.mean)
    torch.testing.assert_close(again.factor, q.factor)
    torch.testing.assert_close(q.covariance() @ precision, torch.eye(LATENT).double().expand(6, -1, -1))


def test_divergence_of_full_gaussians() -> None:
    q, p = random_full(1), random_full(2)
    torch.testing.assert_close(
        q.kl_to(p), kl_divergence(as_distribution(q), as_distribution(p)), rtol=1e-5, atol=1e-5
    )
    assert (q.kl_to(p) > 0).all()
    torch.testing.assert_close(q.kl_to(q), torch.zeros(6).double())
    prior = FullGaussian(p.mean[0], p.factor[0])
    torch.testing.assert_close(q.kl_to(prior)[3], FullGaussian(q.mean[3], q.factor[3]).kl_to(prior))


def test_the_marginal_of_the_last_numbers() -> None:
    q = random_full(3)
    last = q.last(2)
    torch.testing.assert_close(last.mean, q.mean[:, 2:])
    torch.testing.assert_close(last.covariance(), q.covariance()[:, 2:, 2:])


def test_pooled_moments_are_those_of_draws_from_every_row() -> None:
    q, known = random_full(4), torch.randn(6, 2)
    moments = pooled_moments(
        [
            (known[:4], FullGaussian(*(part[:4] for part in q))),
            (known[4:], FullGaussian(*(part[4:] for part in q))),
        ]
    )
    many = FullGaussian(*(part.repeat_interleave(40_000, 0) for part in q))
    rows = torch.cat([known.repeat_interleave(40_000, 0), many.draw(torch.Generator().manual_seed(0))], 1)
    scale = moments.covariance.diagonal().sqrt()
    assert ((rows.mean(0) - moments.mean).abs() < 0.02 * scale).all()
    assert ((rows.T.cov() - moments.covariance).abs() < 0.03 * scale[:, None] * scale).all()
    torch.testing.assert_close(moments.within[2:, 2:], q.covariance().mean(0))
    shares = moments.informative()
    assert (shares >= -1e-9).all()
    assert (shares <= 1 + 1e-9).all()
    torch.testing.assert_close(shares[:2], torch.ones(2).double())  # what is known has no variance within


def test_gaussians_side_by_side_and_colder_draws() -> None:
    q, p = diagonal(5), diagonal(5)
    both = DiagonalGaussian.stack([q, p])
    torch.testing.assert_close(
        both.kl_to_standard(), torch.stack([q.kl_to_standard(), p.kl_to_standard()], 1)
    )
    warm, cold, frozen = (q.draw(torch.Generator().manual_seed(0), t) for t in (1.0, 0.5, 0.0))
    torch.testing.assert_close(cold - q.mean, 0.5 * (warm - q.mean))
    assert torch.equal(frozen, q.mean)
