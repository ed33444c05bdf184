"""Diversity: how alike two pictures of one set are on average, generated and real."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.evaluation import similarity
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.reduced import reduced
from epuredgm.evaluation.resampling import percentile_interval
from epuredgm.evaluation.scalar import Figure, Json, scalar

ROUNDS = 5  # every picture is compared with so many others
LARGEST = 128  # pixels along an edge; larger pictures are averaged down first
BOOTSTRAP = 400  # resamples of pictures

Floats = NDArray[np.float64]


def compute(case: Case) -> Json:
    """``generated`` and ``real``: mean MS-SSIM of ``pairs`` pairs of a set; 1: the same again and again.

    ``excess``: generated minus real; positive where generated pictures are more alike than real ones are.
    ``scales``: as many as hold the window.
    """
    height, width = reduced(case.real.images[:1], LARGEST).shape[2:]
    scales = similarity.scales_of(height, width)
    few = min(len(case.generated), len(case.real)) <= ROUNDS
    if not scales or few:
        reason = "too few pictures" if few else f"pictures of {height} x {width} px do not hold the window"
        return {name: scalar(None, reason=reason) for name in ("generated", "real", "excess")}
    generated, real = _likenesses(case.generated), _likenesses(case.real)
    own, others = _spread(generated, case.seed), _spread(real, case.seed + 1)
    excess = float(generated.mean() - real.mean())
    return {
        "generated": _figure(float(generated.mean()), own, case.confidence),
        "real": _figure(float(real.mean()), others, case.confidence),
        "excess": _figure(excess, own - others, case.confidence),
        "pairs": ROUNDS * len(case.generated),
        "scales": scales,
        "size": [height, width],
        "window": similarity.WINDOW,
    }


def _figure(value: float, resampled: Floats, confidence: float) -> Figure:
    return scalar(value, percentile_interval(resampled, confidence), replicates=lambda: resampled)


def _likenesses(population: Population) -> Floats:
    """(n, rounds) MS-SSIM of each picture with others: a shuffled circle's next ones."""
    count = len(population)
    pictures = reduced(population.images, LARGEST).astype(np.float32) / np.float32(population.levels)
    order = np.random.default_rng(derive(0, "pairs", count)).permutation(count)
    circle = torch.from_numpy(pictures[order])
    columns = []
    for step in range(1, ROUNDS + 1):
        ahead = circle.roll(-step, dims=0)
        per_component = [
            similarity.ms_ssim(circle[:, c : c + 1], ahead[:, c : c + 1]) for c in range(circle.shape[1])
        ]
        columns.append(torch.stack(per_component).mean(dim=0))
    return torch.stack(columns, dim=1).double().numpy()


def _spread(likenesses: Floats, seed: int) -> Floats:
    """(B,) means when pictures are drawn again; a pair counts as often as both of its pictures together."""
    count, rounds = likenesses.shape
    rng = np.random.default_rng(derive(seed, "pairs of a set"))
    result = np.empty(BOOTSTRAP)
    for draw in range(BOOTSTRAP):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        weights = np.stack([times * np.roll(times, -step) for step in range(1, rounds + 1)], axis=1)
        result[draw] = (weights * likenesses).sum() / max(1, weights.sum())
    return result


METRIC = Metric(
    key="ms_ssim",
    title="Likeness of pictures to each other",
    modes=(Mode.UNCONDITIONAL, Mode.CONDITIONAL),
    headlines=(
        # neither way is better: pictures of noise are the least alike
        Headline(
            "ms_ssim", "generated", "neither", bounds=(0, 1), title="MS-SSIM between generated pictures"
        ),
        Headline(
            "ms_ssim_excess",
            "excess",
            "neither",
            bounds=(-1, 1),
            title="MS-SSIM beyond that of real pictures",
        ),
    ),
    compute=compute,
    values=("grey",),
)
