"""Privacy: the gate that generated pictures pass if none of them repeats a real one.

It sees every picture that was drawn, not only those that other metrics compare, since all may be released.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.evaluation import copies
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.copies import Nearness
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.nearness import PART, Nearest, distances, nearest, reduced
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.resampling import share_interval
from epuredgm.evaluation.scalar import Json, number, scalar

EXTRACTOR = "domain"
MOST = 1000  # held-out pictures that are looked at
LISTED = 10

Floats = NDArray[np.float64]


class Unseen(NamedTuple):
    """The held-out side: (M,) rows of the test split, and how near each is to the train split."""

    pictures: Population
    found: Nearest


def compute(case: Case) -> Json:
    """Whether the generated pictures may be released.

    ``verdict`` in a word, ``passed`` (null where it is not decided) and ``reasons`` why not. ``pixels``:
    distance to the nearest train picture (see
    :mod:`epuredgm.evaluation.nearness`); ``relative``: the same over the mean distance to the next nearest
    ones, which sees copies under noise; ``features``: distance in domain features. Each has ``near`` (share
    of generated pictures nearer than the ``quantile`` of held-out ones) and its ``bound``. ``copied``: how
    many correlate with a train picture above ``limits.correlation``, ``copied_held_out``: with a picture of
    the test split, which nobody may hand in as generated either. ``held_out_correlation``: ``median`` and
    ``highest`` of held-out real pictures. ``nearest``: the most suspicious pictures; ``generated`` is the row
    in the sample set, ``train`` the row in the train split.
    """
    everything = case.generated.whole
    counts = {
        "generated": len(everything),
        "train": len(case.train),
        "held_out": min(MOST, len(case.test)),
    }
    if reason := copies.too_few(*counts.values()):
        return _undecided(reason, counts)
    unseen = case.once("privacy: held-out pictures", lambda: _unseen(case))
    found = nearest(_small(everything), _train(case))
    return _decided(case, found, unseen, _tests(case, found, unseen), counts)


def _tests(case: Case, found: Nearest, unseen: Unseen) -> dict[str, Nearness]:
    """The comparisons with held-out pictures by name; that of features is left out where there are none."""
    apart, usual = (distances(each.best) for each in (found, unseen.found))
    relative = _relative(found), _relative(unseen.found)
    tests = {
        "pixels": copies.nearness(apart, usual, among=copies.singled_out(*relative)),
        "relative": copies.nearness(*relative),
    }
    if EXTRACTOR in case.extractors:
        sides = case.generated.whole, unseen.pictures
        generated, held_out = (_in_features(case, each) for each in sides)
        tests["features"] = copies.nearness(generated, held_out)
    return tests


def _decided(
    case: Case, found: Nearest, unseen: Unseen, tests: dict[str, Nearness], counts: dict[str, int]
) -> Json:
    """The verdict and what it rests on."""
    limit = copies.correlation_limit(unseen.found.best)
    copied = int((found.best > limit).sum())
    repeated = int((nearest(_small(case.generated.whole), _test(case)).best > limit).sum())
    faults = _faults(tests, copied, repeated, limit)
    obstacles = _obstacles(tests, unseen)
    blocks = {name: _block(test, case.confidence) for name, test in tests.items()}
    return {
        **_verdict(faults, obstacles),
        "features": _no_test(case.why_not(EXTRACTOR)),
        **blocks,
        "copied": copied,
        "copied_held_out": repeated,
        "held_out_correlation": {
            "median": number(float(np.median(unseen.found.best))),
            "highest": number(float(unseen.found.best.max())),
        },
        "counts": counts,
        "limits": _limits(limit),
        "nearest": _suspicious(found),
    }


def _verdict(faults: list[str], obstacles: list[str]) -> Json:
    """Failed if something is wrong; not decided if a test could not be made; else passed."""
    word = copies.FAILED if faults else copies.NOT_DECIDED if obstacles else copies.PASSED
    passed = {copies.PASSED: True, copies.FAILED: False}.get(word)
    return {"verdict": word, "passed": passed, "reasons": [*faults, *obstacles]}


def _faults(tests: dict[str, Nearness], copied: int, repeated: int, limit: float) -> list[str]:
    """What is wrong with the pictures."""
    words = {
        "pixels": "pixels",
        "relative": "pixels relative to the next nearest",
        "features": "domain features",
    }
    reasons = [copies.described(test, words[name]) for name, test in tests.items()]
    if copied:
        reasons.append(f"{copied} generated pictures correlate with a train picture above {limit:.4f}")
    if repeated:
        reasons.append(f"{repeated} generated pictures correlate with a held-out real one above {limit:.4f}")
    return [reason for reason in reasons if reason]


def _obstacles(tests: dict[str, Nearness], unseen: Unseen) -> list[str]:
    """Why a test says nothing."""
    reasons = []
    if unseen.found.best.max() > copies.REPEATED:
        reasons.append(
            "held-out real pictures repeat train pictures, so that they say nothing: mend the split"
        )
    if "features" not in tests:
        reasons.append("the pictures could not be compared in domain features")
    return reasons


def _block(test: Nearness, confidence: float) -> Json:
    hits, count = int(test.near.sum()), len(test.near)
    return {
        "near": scalar(test.share, share_interval(hits, count, confidence)),
        "quantile": number(test.quantile),
        "bound": number(test.bound),
    }


def _no_test(reason: str) -> Json:
    return {"near": scalar(None, reason=reason), "quantile": None, "bound": None}


def _undecided(reason: str, counts: dict[str, int]) -> Json:
    """There are too few pictures for any test."""
    return {
        **_verdict([], [reason]),
        **{name: _no_test(reason) for name in ("pixels", "relative", "features")},
        "copied": None,
        "copied_held_out": None,
        "held_out_correlation": {"median": None, "highest": None},
        "counts": counts,
        "limits": _limits(None),
        "nearest": [],
    }


def _limits(correlation: float | None) -> Json:
    """The thresholds of the verdict, so that a result explains itself."""
    return {
        "correlation": number(correlation),
        "near_quantile": copies.QUANTILE,
        "near_share": copies.ALLOWED,
        "singled_out_quantile": copies.SINGLED_OUT,
        "chance": copies.CHANCE,
        "fewest": [copies.FEWEST_GENERATED, copies.FEWEST_TRAIN, copies.FEWEST_HELD_OUT],
    }


def _suspicious(found: Nearest) -> list[Json]:
    """The pictures most like a train picture, the most alike first."""
    order = np.argsort(-found.best, kind="stable")[:LISTED]
    apart = distances(found.best)
    return [
        {
            "generated": int(row),
            "train": int(found.rows[row]),
            "distance": number(float(apart[row])),
            "correlation": number(float(found.best[row])),
        }
        for row in order
    ]


def _relative(found: Nearest) -> Floats:
    """(N,) distance to the nearest train picture over the mean one to the next nearest ones."""
    apart = distances(found.correlations)
    return np.asarray(apart[:, 0] / np.maximum(apart[:, 1:].mean(axis=1), 1e-6))


def _unseen(case: Case) -> Unseen:
    """Seeded test pictures, the same ones for every run and mode."""
    rng = np.random.default_rng(derive(0, "privacy", len(case.test)))
    pictures = case.test.rows(np.sort(rng.permutation(len(case.test))[:MOST]))
    return Unseen(pictures, nearest(_small(pictures), _train(case)))


def _train(case: Case) -> Tensor:
    return case.once("privacy: train pictures", lambda: _small(case.train))


def _test(case: Case) -> Tensor:
    return case.once("privacy: test pictures", lambda: _small(case.test))


def _parts(population: Population) -> list[NDArray[np.int64]]:
    rows = np.arange(len(population), dtype=np.int64)
    return [rows[start : start + PART] for start in range(0, len(rows), PART)]


def _small(population: Population) -> Tensor:
    """(N, C, h, w) reduced pictures, in parts: large ones never stand in memory together."""
    levels = population.levels
    return torch.cat([reduced(population.rows(part).images, levels) for part in _parts(population)])


def _in_features(case: Case, population: Population) -> Floats:
    """(N,) distance to the nearest train picture in features, as stored or flipped, whichever is nearer."""
    describe = case.extractors[EXTRACTOR].describe
    train = torch.from_numpy(case.train.feature(EXTRACTOR, describe)).float()
    train = train[train.isfinite().all(1)]
    least = []
    for part in _parts(population):
        images = population.rows(part).images
        ways = (images, np.ascontiguousarray(images[..., ::-1]))
        apart = [torch.cdist(torch.from_numpy(describe(way)).float(), train).amin(1) for way in ways]
        least.append(torch.minimum(*apart))
    return np.asarray(torch.cat(least).double().numpy())


METRIC = Metric(
    key="privacy",
    title="Privacy gate",
    modes=(Mode.UNCONDITIONAL, Mode.CONDITIONAL),
    headlines=(
        Headline("near_train", "pixels.near", bounds=(0, 1), title="Near to a train picture"),
        Headline("near_train_features", "features.near", bounds=(0, 1), title="Near to one in features"),
    ),
    compute=compute,
    values=("grey",),
    extractors=(EXTRACTOR,),
)
