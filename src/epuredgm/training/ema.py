"""The exponential moving average of the weights, one step after every optimizer step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Parameters = Sequence[nn.Parameter]


class MovingAverage:
    """Averages of some parameters; buffers are not averaged, the model's own are used with both.

    Args:
        groups: the parameters that are averaged together, one group per update of a phase. A parameter may be
            in several groups and then has one average.
        decay: the share of the old average that a late step keeps; 0 turns averaging off.
    """

    def __init__(self, groups: Sequence[Parameters], decay: float) -> None:
        self.decay = decay
        unique = {id(parameter): parameter for group in groups for parameter in group} if decay else {}
        self._parameters: list[Tensor] = list(unique.values())
        self._averages = [parameter.detach().clone() for parameter in self._parameters]
        place = dict(zip(unique, self._averages, strict=True))
        self._groups = [([place[id(p)] for p in group if decay], list[Tensor](group)) for group in groups]

    @property
    def active(self) -> bool:
        """Whether averages are kept."""
        return bool(self._averages)

    @torch.no_grad()
    def step(self, group: int, count: int) -> None:
        """Move the averages of one group after its optimizer step number ``count`` (from 0).

        The decay is ``min(decay, (1 + count) / (10 + count))``, so that averages forget the random start.
        """
        averages, parameters = self._groups[group]
        if averages:
            kept = min(self.decay, (1 + count) / (10 + count))
            torch._foreach_lerp_(averages, parameters, 1 - kept)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block the parameters have the averages' values; after it, their own, bit for bit."""
        if not self._averages:
            yield
            return
        with torch.no_grad():
            own = [parameter.detach().clone() for parameter in self._parameters]
            torch._foreach_copy_(self._parameters, self._averages)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self._parameters, own)

    def state(self) -> list[Tensor]:
        """The averages, for a resume point."""
        return self._averages

    @torch.no_grad()
    def load(self, state: Sequence[Tensor]) -> None:
        """Take the averages of a resume point."""
        for average, kept in zip(self._averages, state, strict=True):
            average.copy_(kept)
