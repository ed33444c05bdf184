"""Validity: the share of designs with the properties that all real designs have; the rules are read off the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from epuredgm.evaluation.case import Case
from epuredgm.evaluation.geometry import pairs
from epuredgm.evaluation.metric import ALL_MODES, Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json

REAL_SHARE = 0.999
"""A property is required if at least this share of the real designs has it: room for a spoiled scan or two."""

Flags = NDArray[np.bool_]
Property = Callable[[Population], Flags]


def compute(case: Case) -> Json:
    """``valid``: share of designs with every required property; ``properties``: the share for each of them.

    ``empty``: share of designs in which a component (``any``: at least one) has no pixel. ``overlap``: share in
    which two components (``any``: at least two) share a pixel.
    """
    names = case.spec.component_names
    required = list(_required(case, _candidates(names)))

    def valid(population: Population) -> Flags:
        flags = [holds(population) for _, _, holds in required]
        return np.logical_and.reduce(flags) if flags else np.ones(len(population), dtype=np.bool_)

    properties: Json = {}
    for kind, subject, holds in required:
        properties.setdefault(kind, {})[subject] = _share(case, holds)
    return {
        "valid": _share(case, valid),
        "properties": properties,
        "empty": {
            **{name: _share(case, lambda p, c=c: p.areas()[:, c] == 0) for c, name in enumerate(names)},
            "any": _share(case, lambda p: (p.areas() == 0).any(axis=1)),
        },
        "overlap": {
            **{
                f"{names[a]}_{names[b]}": _share(case, lambda p, a=a, b=b: p.shared()[:, a, b] > 0)
                for a, b in pairs(len(names))
            },
            "any": _share(case, lambda p: np.triu(p.shared(), k=1).any(axis=(1, 2))),
        },
    }


def _share(case: Case, holds: Property) -> Json:
    return case.share(holds(case.generated), floor=holds)


def _candidates(names: tuple[str, ...]) -> Iterator[list[tuple[str, str, Property]]]:
    """Properties as (kind, subject, test), in groups from the strictest: the strictest that holds is required."""
    for c, name in enumerate((*names, "union")):
        if c < len(names):
            yield [("nonempty", name, lambda p, c=c: p.areas()[:, c] > 0)]
        yield [
            (f"one_piece_{connectivity}", name, lambda p, c=c, k=connectivity: p.pieces(k)[:, c] == 1)
            for connectivity in (4, 8)
        ]
    for k, (a, b) in enumerate(pairs(len(names))):
        pair = f"{names[a]}_{names[b]}"
        yield [("disjoint", pair, lambda p, a=a, b=b: p.shared()[:, a, b] == 0)]
        yield [
            (f"touching_{connectivity}", pair, lambda p, k=k, side=side: p.contacts()[:, k, side])
            for side, connectivity in enumerate((4, 8))
        ]


def _required(
    case: Case, groups: Iterator[list[tuple[str, str, Property]]]
) -> Iterator[tuple[str, str, Property]]:
    """The first property of each group that the real designs have."""
    count = len(case.train) + len(case.test)
    for group in groups:
        for kind, subject, holds in group:
            if holds(case.train).sum() + holds(case.test).sum() >= REAL_SHARE * count:
                yield kind, subject, holds
                break


METRIC = Metric(
    key="validity",
    title="Validity",
    modes=ALL_MODES,
    headlines=(
        Headline("valid", "valid", better="higher", ranked=True),
        Headline("empty", "empty.any"),
        Headline("overlap", "overlap.any"),
    ),
    compute=compute,
)
