"""Shared and private codes of designs: drawn from a source, borrowed where the source has none.

The shared code comes from the source's expert (:mod:`epuredgm.nn.experts`); if the source is a component, its
private code is its own. All other components are decoded with private codes that know nothing of the design,
from auxiliary priors (MMVAE+, Palumbo et al. 2023).

Sizes: S sources, T target components, K draws, B designs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from epuredgm.nn.experts import Posterior, draw_each, mapped, mixture_log_density, of_sources


class Codes(NamedTuple):
    """Draws of the latents of a batch.

    Attributes:
        sources: (S, B) numbers of experts; T and above are no single component.
        shared: (S, K, B, Dz), from the source's expert.
        own: (S, K, B, Dw), the private code of the source; without meaning where that is no component.
        borrowed: (S, T, K, B, Dw), from the auxiliary priors.
    """

    sources: Tensor
    shared: Tensor
    own: Tensor
    borrowed: Tensor

    @classmethod
    def drawn(
        cls,
        sources: Tensor,
        shared: Posterior,
        private: Posterior,
        auxiliary: Posterior,
        draws: int,
        rng: torch.Generator,
    ) -> Codes:
        """K draws of each source, from experts (E, B, Dz), posteriors (T, B, Dw) and priors (T, Dw)."""
        z = draw_each(of_sources(shared, sources), draws, rng)
        own = draw_each(_of_components(private, sources), draws, rng)
        shape = len(sources), -1, *z.shape[1:3], -1
        borrowed = mapped(auxiliary, lambda part: part[:, None, None].expand(shape)).draw(rng)
        return cls(sources, z, own, borrowed)

    def of_targets(self) -> Tensor:
        """(S, K, B, T, Dw + Dz): what each target is decoded from, private code first."""
        targets = torch.arange(self.borrowed.shape[1], device=self.sources.device)
        is_source = (self.sources[:, None] == targets[:, None])[:, :, None, :, None]
        private = torch.where(is_source, self.own[:, None], self.borrowed).permute(0, 2, 3, 1, 4)
        shared = self.shared[:, :, :, None].expand(*private.shape[:-1], -1)
        return torch.cat([private, shared], dim=-1)

    def log_density(self, shared: Posterior, private: Posterior, shares: Tensor) -> Tensor:
        """log q(z | all experts) + log q(w | source), (S, K, B): the second where the source is a component.

        Args:
            shared: (E, B, Dz) experts.
            private: (T, B, Dw) posteriors.
            shares: (E,) weights of the mixture of experts.
        """
        q = mapped(_of_components(private, self.sources), lambda part: part[:, None])
        own = q.log_density(self.own) * self.has_own()
        return mixture_log_density(shared, shares, self.shared) + own

    def log_prior(self, shared: Posterior, private: Posterior) -> Tensor:
        """log p(z) + log p(w), (S, K, B), of the codes that :meth:`log_density` is about."""
        return shared.log_density(self.shared) + private.log_density(self.own) * self.has_own()

    def has_own(self) -> Tensor:
        """(S, 1, B) bool: whether the source is a component."""
        return (self.sources < self.borrowed.shape[1])[:, None]


def _of_components(private: Posterior, sources: Tensor) -> Posterior:
    """The private posteriors of the sources, (S, B, Dw); any component's where a source is none."""
    return of_sources(private, sources.clamp(max=len(private[0]) - 1))
