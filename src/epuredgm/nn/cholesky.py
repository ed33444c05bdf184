"""Cholesky factors that exist: rounding may cost a nearly singular matrix its positive eigenvalues."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor

JITTER = (0.0, 1e-6, 1e-5, 1e-4, 1e-3)  # shares of the mean of the diagonal, tried in turn


def safe_cholesky(matrices: Tensor) -> Tensor:
    """Lower triangular factors of (..., D, D) matrices that are positive definite up to rounding.

    A matrix that has no factor gets the first jitter on its diagonal that gives it one; the others stay as
    they are. The jitter is sought without gradient and without asking the device how it went.
    """
    with torch.no_grad():
        level = matrices.diagonal(dim1=-2, dim2=-1).mean(-1)
        jitter = torch.zeros_like(level)
        for share in JITTER[1:]:
            failed = torch.linalg.cholesky_ex(_raised(matrices, jitter)).info > 0
            jitter = torch.where(failed, share * level, jitter)
    return torch.linalg.cholesky_ex(_raised(matrices, jitter)).L


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Within the block nothing is computed in half precision, for which there is no linear algebra."""
    return torch.autocast(device.type, enabled=False)


def _raised(matrices: Tensor, jitter: Tensor) -> Tensor:
    """The matrices with (...) ``jitter`` on their diagonals."""
    return matrices + torch.diag_embed(jitter[..., None].expand(matrices.shape[:-1]))
