"""Compatibility: how generated components meet the given one, against how real ones meet it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.geometry import pairs
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.scalar import Json, scalar

Floats = NDArray[np.float64]
PairValues = Callable[[Population], Floats]  # (N, P)

ALL = "all"
"""Key of the sum over the generated components."""


def compute(case: Case) -> Json:
    """``contact.<c>`` and ``overlap.<c>``: of each generated component with the given one, and of ``all``.

    Contact is a length: pixel sides between neighbouring pixels of which one belongs to either. Overlap is an
    area: pixels of both. Each has ``wd`` (W1 between its generated and its real distribution) and ``mean``;
    contact also ``difference`` (mean absolute difference to the true design of the same row; other
    completions may be as good) and ``lost`` (share without contact among designs whose true one has some).
    """
    names = case.spec.component_names
    given = np.flatnonzero(case.given.any(axis=0)).tolist()
    free = [c for c in range(len(names)) if c not in given]
    if not given or not free:
        reason = "no component was given" if free else "every component was given"
        nothing = {ALL: {"wd": scalar(None, reason=reason)}}
        return {"contact": nothing, "overlap": nothing}
    chosen = {**{names[c]: [c] for c in free}, ALL: free}
    return {
        "contact": {name: _contact(case, given, own) for name, own in chosen.items()},
        "overlap": {name: _overlap(case, given, own) for name, own in chosen.items()},
    }


def _contact(case: Case, given: Sequence[int], own: Sequence[int]) -> Json:
    lengths = partial(_total, Population.contact_lengths, given, own)
    result: Json = {
        "unit": "px",
        "wd": case.wasserstein(lengths).scalar(case.confidence),
        "mean": case.mean(lengths(case.generated), floor=lengths),
    }
    if case.paired:
        drawn, true = lengths(case.generated), lengths(case.real)
        missing = "no true design has contact"
        result["difference"] = case.mean(np.abs(drawn - true))
        result["lost"] = case.share(drawn == 0, among=true > 0, missing=missing)
    return result


def _overlap(case: Case, given: Sequence[int], own: Sequence[int]) -> Json:
    """Without a figure where nothing is ever drawn: an overlap of 0 would be praise for that."""
    pixels = partial(_total, Population.shared, given, own)
    drawn = bool(case.generated.areas()[:, list(own)].any())
    missing = "" if drawn or set(own) <= case.absent else "every generated component is empty"
    mean = case.mean(pixels(case.generated), floor=pixels)
    return {
        "unit": "px",
        "wd": case.wasserstein(pixels, missing).scalar(case.confidence),
        "mean": scalar(None, reason=missing) if missing else mean,
    }


def _total(values: PairValues, given: Sequence[int], own: Sequence[int], population: Population) -> Floats:
    """(N,) the sum of a pairwise quantity over the pairs of a given and an own component."""
    mixed = [
        k
        for k, (a, b) in enumerate(pairs(population.areas().shape[1]))
        if (a in given and b in own) or (b in given and a in own)
    ]
    return np.asarray(values(population)[:, mixed].sum(axis=1), dtype=np.float64)


METRIC = Metric(
    key="compatibility",
    title="Compatibility with the given component",
    modes=(Mode.INPAINTING,),
    headlines=(
        Headline("contact", f"contact.{ALL}.wd", unit="px", title="Contact with the given component"),
        Headline("contact_overlap", f"overlap.{ALL}.wd", unit="px", title="Overlap with the given component"),
    ),
    compute=compute,
    values=("binary",),
)
