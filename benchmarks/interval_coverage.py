"""How often intervals of a difference over seeds and designs cover it, and how often equal families are told
apart.

Made-up figures of equal families: a training deviates by ``training``, the draw of designs by ``designs``, of
which a share of the variance, ``shared``, hits all seeds alike, because they are held against one test split.

    python benchmarks/interval_coverage.py [--trials 2000]
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from epuredgm.evaluation.evidence import holm, of_designs, of_seeds

Floats = NDArray[np.float64]

REPLICATES = 20  # of a jackknife, the fewest that there are
DRAWN = 400  # resamples of the plain bootstrap
CASES = ((1.0, 0.0, 0.0), (1.0, 0.1, 0.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0), (0.5, 1.0, 0.5), (0.0, 1.0, 1.0))
FAMILIES, FIGURES = 9, 8


def figures(
    rng: np.random.Generator, families: int, seeds: int, case: tuple[float, float, float]
) -> tuple[Floats, Floats]:
    """(F, S) values of equal families and (F, S, B) replicates."""
    training, designs, shared = case
    split = designs * np.sqrt(shared) * rng.standard_normal((families, 1))
    own = designs * np.sqrt(1 - shared) * rng.standard_normal((families, seeds))
    values = training * rng.standard_normal((families, seeds)) + split + own
    return values, designs * rng.standard_normal((families, seeds, REPLICATES))


def plain_bootstrap(rng: np.random.Generator, gaps: Floats, again: Floats) -> tuple[float, float]:
    """The percentile interval of a hierarchical bootstrap: seeds with replacement, a replicate of each."""
    seeds = rng.integers(len(gaps), size=(DRAWN, len(gaps)))
    chosen = rng.integers(REPLICATES, size=seeds.shape)
    drawn = (gaps[seeds] + (again - again.mean(axis=1, keepdims=True))[seeds, chosen]).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def coverage(seeds: int, case: tuple[float, float, float], trials: int) -> tuple[float, float, float]:
    """Of the interval that is used, of Student's over seeds alone, and of the plain bootstrap."""
    rng = np.random.default_rng(seeds)
    covered = np.zeros(3)
    for _ in range(trials):
        values, again = figures(rng, 2, seeds, case)
        gaps = values[0] - values[1]
        mean = float(gaps.mean())
        evidence = of_seeds(gaps, [of_designs(*again[:, s]) for s in range(seeds)])
        reach = float(stats.t.ppf(0.975, seeds - 1) * stats.sem(gaps))
        ends = (
            evidence.interval(mean, 0.95),
            (mean - reach, mean + reach),
            plain_bootstrap(rng, gaps, again[0] - again[1]),
        )
        covered += [low <= 0 <= high for low, high in ends]
    used, student, bootstrap = covered / trials
    return float(used), float(student), float(bootstrap)


def told_apart(seeds: int, case: tuple[float, float, float], studies: int) -> tuple[float, float]:
    """Share of pairs below 0.05 without adjustment, and share of studies with one below it after Holm's."""
    rng = np.random.default_rng(100 + seeds)
    raw, any_at_all = [], 0
    for _ in range(studies):
        p_values = []
        for _ in range(FIGURES):
            values, again = figures(rng, FAMILIES, seeds, case)
            for a, b in itertools.combinations(range(FAMILIES), 2):
                gaps = values[a] - values[b]
                spreads = [of_designs(again[a, s], again[b, s]) for s in range(seeds)]
                p_values.append(of_seeds(gaps, spreads).p_value(float(gaps.mean())))
        raw.append(np.mean(np.array(p_values) <= 0.05))
        any_at_all += min(holm(p_values)) <= 0.05
    return float(np.mean(raw)), any_at_all / studies


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    print("| seeds | training | designs | of it shared | used | Student | plain bootstrap |")
    print("|---|---|---|---|---|---|---|")
    for seeds, case in itertools.product((2, 3, 5, 10), CASES):
        shares = coverage(seeds, case, trials)
        print(
            f"| {seeds} | {' | '.join(f'{x:g}' for x in case)} | {' | '.join(f'{x:.1%}' for x in shares)} |"
        )
    print(
        f"\n{FAMILIES} equal families, {FIGURES} figures, {FIGURES * FAMILIES * (FAMILIES - 1) // 2} tests:\n"
    )
    print("| seeds | training | designs | of it shared | pairs below 0.05 | studies with one after Holm |")
    print("|---|---|---|---|---|---|")
    for seeds, case in itertools.product((3, 5), CASES[:4]):
        raw, wrong = told_apart(seeds, case, max(20, trials // 10))
        print(f"| {seeds} | {' | '.join(f'{x:g}' for x in case)} | {raw:.1%} | {wrong:.1%} |")


if __name__ == "__main__":
    main()
