"""Lower bounds on a log evidence from K log importance weights, and the gradient of low variance for one.

With log w_k = log p(x, z_k) - log q(z_k | x), z_k ~ q: the mean of log w_k is the ELBO, and the log of the
mean of w_k a tighter bound (IWAE, Burda et al. 2016), whose gradient in q drowns in noise as K grows. The
doubly reparameterised estimator (DReG, Tucker et al. 2019) of the same gradient does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from torch import Tensor


def elbo(log_weights: Tensor) -> Tensor:
    """(S, K, B) -> (S, B): the mean over the K draws."""
    return log_weights.mean(1)


def iwae(log_weights: Tensor) -> Tensor:
    """(S, K, B) -> (S, B): the log of the mean weight; its gradient in log w_k is w_k over their sum."""
    return log_weights.logsumexp(1) - math.log(log_weights.shape[1])


BOUNDS: dict[str, Callable[[Tensor], Tensor]] = {"elbo": elbo, "iwae": iwae, "dreg": iwae}


def reparameterise_twice(log_weights: Tensor, latents: Iterable[Tensor]) -> None:
    """Turn the gradient of :func:`iwae` in the parameters of q into the DReG one (Tucker et al. 2019, eq. 8).

    q's parameters must reach the log weights through the draws alone: its densities are evaluated with
    detached parameters. The bound weighs the gradient that arrives at each draw by the normalised weight
    once; the hooks set here do so a second time, on its way on to q. All else keeps the plain gradient.

    Args:
        log_weights: (S, K, B).
        latents: draws from q, (S, K, B, D) each.
    """
    weights = log_weights.detach().softmax(1)[..., None]
    for latent in latents:
        if latent.requires_grad:
            latent.register_hook(lambda gradient: gradient * weights)
