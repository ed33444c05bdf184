"""Every matrix that is positive definite up to rounding has a factor, and a good one is not touched."""

from __future__ import annotations

import torch

from epuredgm.nn.cholesky import full_precision, safe_cholesky


def test_a_proper_matrix_keeps_its_factor_beside_one_that_has_none() -> None:
    root = torch.randn(4, 6, 6, generator=torch.Generator().manual_seed(0))
    matrices = root @ root.mT + torch.eye(6)
    matrices[2] = torch.ones(6, 6) - 1e-6 * torch.eye(6)
    factors = safe_cholesky(matrices)
    proper = [0, 1, 3]
    assert torch.equal(factors[proper], torch.linalg.cholesky(matrices[proper]))
    assert torch.isfinite(factors).all()
    torch.testing.assert_close(factors[2] @ factors[2].mT, matrices[2], rtol=0, atol=2e-3)


def test_the_gradient_is_that_of_the_factor() -> None:
    root = torch.randn(3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    root.requires_grad_()
    assert torch.autograd.gradcheck(lambda r: safe_cholesky(r @ r.mT + torch.eye(4)), root)


def test_linear_algebra_is_not_done_in_half_precision() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
        with full_precision(product.device):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert product.dtype == torch.bfloat16
