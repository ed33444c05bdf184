"""How often each design is drawn where some strata are rare: in proportion to frequency^-1/2, at most 10.

A stratum is a combination of categories of the chosen conditions; unknown counts as a category of its own.
A design of a stratum that holds the share f of the train designs has the weight ``min(f ** -0.5, 10)``, so
that a stratum is drawn in proportion to the square root of its share: rare ones more often, but never as
often as common ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import DataSpec

CAP = 10.0


@dataclass(frozen=True)
class Balance:
    """The weights of one train split.

    Attributes:
        names: the conditions that make the strata.
        strata: one for each that occurs: its categories, its count, its weight, its share of the draws.
        weights: float64 (N,), of each design.
    """

    names: tuple[str, ...]
    strata: tuple[dict[str, Any], ...]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, conditions: NDArray[np.float64], spec: DataSpec, names: Sequence[str]) -> Balance:
        """Weigh designs.

        Args:
            conditions: (N, K), places of categories, NaN where unknown.
            spec: the data set.
            names: some of its conditions that are categories.

        Raises:
            BadRequest: if a name is not one of these.
        """
        categories = {each.name: each for each in spec.conditions if each.values}
        if strange := [name for name in names if name not in categories]:
            raise BadRequest(
                f"dataset.balance: {', '.join(strange)} is not a condition with categories",
                f"Choose among: {', '.join(categories) or 'none'}",
            )
        columns = conditions[:, [spec.condition_names.index(name) for name in names]]
        kinds, of, counts = np.unique(
            np.nan_to_num(columns, nan=-1), axis=0, return_inverse=True, return_counts=True
        )
        weight = np.minimum((counts / len(columns)) ** -0.5, CAP)
        share = weight * counts / (weight * counts).sum()
        strata = tuple(
            {
                "stratum": {
                    name: categories[name].text(value if value >= 0 else math.nan)
                    for name, value in zip(names, kind, strict=True)
                },
                "designs": int(counts[k]),
                "weight": float(weight[k]),
                "share_of_draws": float(share[k]),
            }
            for k, kind in enumerate(kinds)
        )
        return cls(tuple(names), strata, weight[of.reshape(-1)])

    @property
    def effective(self) -> float:
        """The number of equally likely designs that leave as much chance: (sum w)^2 / sum w^2."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "conditions": list(self.names),
            "rule": f"min(share of designs ** -0.5, {CAP:g}), drawn with replacement",
            "designs": len(self.weights),
            "effective_designs": self.effective,
            "strata": list(self.strata),
        }
