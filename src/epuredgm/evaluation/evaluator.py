"""The one evaluator: samples by mode in, one JSON-ready result out; it knows no model and no metric by name.

Same input, same bytes: every random choice is derived from the seed, and nothing of the clock or the machine
enters the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact, Interrupted
from epuredgm.core.jobs import TASKS, Mode
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.seeds import derive
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation.case import Case
from epuredgm.evaluation.metric import Metric
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.population import Population
from epuredgm.evaluation.reference import NOTHING, Reference
from epuredgm.evaluation.resampling import Draws
from epuredgm.evaluation.scalar import Json, averaged, number

Samples = Mapping[str, SampleSet | Mapping[str, SampleSet]]

AVERAGE = "average"
"""Key of the mean over the sets of a mode that has one set per given component."""


def evaluate(
    spec: DataSpec,
    designs: Designs,
    samples: Samples,
    settings: EvaluationSettings,
    seed: int,
    monitor: Monitor = SILENT,
    reference: Reference = NOTHING,
) -> Json:
    """Score one run.

    Args:
        spec: the data set.
        designs: all real designs; values compare with the test split, floors draw from both.
        samples: mode -> one set, or mode -> given component -> set.
        settings: numbers of resamples and the level of intervals.
        seed: the run's seed.
        monitor: told after each metric; asked whether to stop.
        reference: the feature extractors; figures that need one are null without it.

    Returns:
        ``mode`` (of the headline block), ``metrics`` (the headline block: the first mode of the usual order
        that was sampled) and ``modes`` (every block). A block holds ``counts`` and one entry per metric.

    Raises:
        CorruptArtefact: if a sample set does not belong to this data set.
        Interrupted: if the monitor asks to stop.
    """
    order = [mode.value for mode in Mode if mode.value in samples]
    if not order:
        raise CorruptArtefact("there are no samples to evaluate", "Draw them first: --force sample")
    metrics = tuple(metric for metric in all_metrics() if spec.values in metric.values)
    bench = _Bench(spec, designs, settings, seed, reference)
    blocks = _blocks(bench, metrics, list(_sets(samples, order)), monitor)
    for mode in order:
        if isinstance(samples[mode], Mapping):
            blocks[mode][AVERAGE] = averaged(list(blocks[mode].values()))
    head = order[0]
    result = {"mode": head, "metrics": _headline(headline_block(blocks[head]), metrics), "modes": blocks}
    json.dumps(result, allow_nan=False)  # a NaN would make a file that few programs read
    return result


def headline_block(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mode's own block, or the average over its given components."""
    inner = block.get(AVERAGE, block)
    assert isinstance(inner, Mapping)
    return inner


class _Bench:
    """The real designs, described once for all sets of samples."""

    def __init__(
        self,
        spec: DataSpec,
        designs: Designs,
        settings: EvaluationSettings,
        seed: int,
        reference: Reference,
    ) -> None:
        self.spec, self.settings, self.seed, self.reference = spec, settings, seed, reference
        self.memory: dict[str, Any] = {}
        everyone = Population(designs.images, spec.values, designs.conditions, designs.condition_names)
        for name, features in reference.real.items():
            everyone.remember(name, features)
        self.train, self.test = (
            everyone.rows(np.flatnonzero(flag)) for flag in (designs.train, ~designs.train)
        )
        self.row_of = {str(name): row for row, name in enumerate(designs.ids[~designs.train])}

    def case(self, samples: SampleSet, name: str) -> Case:
        """One sample set with its counterpart: the designs of the same rows, or a subset of the same size.

        Of several completions the first is the set, so that its rows are independent.
        """
        self._check(samples, name)
        generated = Population(
            samples.images, self.spec.values, samples.conditions.astype(np.float64), samples.condition_names
        )
        paired = bool(samples.ids.size) and bool((samples.ids != "").all())
        given, extras = samples.given, dict(samples.extras)
        completions: tuple[Population, ...] = ()
        rows = None
        if paired:
            first, *further = self._rounds(samples, name)
            rows = self._rows(samples, name)[first]
            real = self.test.rows(rows)
            completions = tuple(generated.rows(rows) for rows in further)
            generated, given = generated.rows(first), given[first]
            extras = {key: values[first] for key, values in extras.items()}
        else:
            count = min(len(generated), len(self.test))
            chosen = self._subset(len(generated), count, "generated")
            generated, given = generated.rows(chosen), given[chosen]
            extras = {key: values[chosen] for key, values in extras.items()}
            real = self.test.rows(self._subset(len(self.test), count, "real"))
        draws = Draws.make(
            len(generated),
            len(self.train),
            len(self.test),
            bootstrap=self.settings.bootstrap,
            floor_repeats=self.settings.floor_repeats,
            paired=paired,
            seed=derive(self.seed, "evaluate", name),
        )
        return Case(
            spec=self.spec,
            generated=generated,
            real=real,
            given=given,
            train=self.train,
            test=self.test,
            paired=paired,
            completions=completions,
            draws=draws,
            confidence=self.settings.confidence,
            jackknife_groups=self.settings.jackknife_groups,
            seed=derive(self.seed, "evaluate", name),
            extractors=self.reference.extractors,
            missing=self.reference.missing,
            memory=self.memory,
            extras=extras,
            rows=rows,
        )

    def _rounds(self, samples: SampleSet, name: str) -> list[NDArray[np.int64]]:
        """Row numbers of each completion: all designs come once, then all of them again."""
        count = len(set(samples.ids.tolist()))
        if len(samples) % count or (samples.ids.reshape(-1, count) != samples.ids[:count]).any():
            raise CorruptArtefact(
                f"samples {name}: the completions of its {count} designs are not in rounds",
                "Draw them again: --force sample",
            )
        return list(np.arange(len(samples), dtype=np.int64).reshape(-1, count))

    def _subset(self, pool: int, count: int, side: str) -> NDArray[np.int64]:
        rng = np.random.default_rng(derive(self.seed, "evaluate", "subset", side, count))
        return np.sort(rng.choice(pool, count, replace=False))

    def _rows(self, samples: SampleSet, name: str) -> NDArray[np.int64]:
        unknown = [str(each) for each in samples.ids if str(each) not in self.row_of]
        if unknown:
            raise CorruptArtefact(
                f"samples {name}: {len(unknown)} of {len(samples)} rows name no test design: {unknown[0]}",
                "They were drawn for other data; draw them again: --force sample",
            )
        return np.array([self.row_of[str(each)] for each in samples.ids], dtype=np.int64)

    def _check(self, samples: SampleSet, name: str) -> None:
        expected = (self.spec.channels, self.spec.height, self.spec.width)
        if samples.components != self.spec.component_names or samples.images.shape[1:] != expected:
            raise CorruptArtefact(
                f"samples {name} hold {', '.join(samples.components)} at {samples.images.shape[1:]}; "
                f"data set {self.spec.name} has {', '.join(self.spec.component_names)} at {expected}",
                "They were drawn for other data; draw them again: --force sample",
            )
        if not len(samples):
            raise CorruptArtefact(f"samples {name} are empty", "Draw them again: --force sample")


def _sets(samples: Samples, order: list[str]) -> Iterator[tuple[str, str | None, SampleSet]]:
    for mode in order:
        content = samples[mode]
        if isinstance(content, SampleSet):
            yield mode, None, content
        else:
            yield from ((mode, given, content[given]) for given in sorted(content))


def _blocks(
    bench: _Bench,
    metrics: tuple[Metric, ...],
    work: list[tuple[str, str | None, SampleSet]],
    monitor: Monitor,
) -> dict[str, Any]:
    """Every set's block, by mode and, where sets have one, by given component."""
    blocks: dict[str, Any] = {}
    done, total = 0, len(work) * len(metrics)
    for mode, given, samples in work:
        case = bench.case(samples, f"{mode}/{given}" if given else mode)
        block: Json = {"counts": _counts(case, samples, mode)}
        for metric in metrics:
            if monitor.stopping():
                raise Interrupted("stopped while evaluating; samples are kept")
            if mode in {each.value for each in metric.modes}:
                block[metric.key] = metric.compute(case)
            done += 1
            monitor.progress(done, total, f"evaluating {mode}")
        if given is None:
            blocks[mode] = block
        else:
            blocks.setdefault(mode, {})[given] = block
    return blocks


def _counts(case: Case, samples: SampleSet, mode: str) -> Json:
    return {
        "drawn": len(samples),
        "compared": len(case.generated),
        "floor": case.draws.floor_count,
        "paired": case.paired,
        "distance_floor": _distance_floor(case) if mode in {each.value for each in TASKS} else None,
    }


def _distance_floor(case: Case) -> Json:
    """Which real designs stand in for generated ones in the floors of distances, and how near they are."""
    found: Json = {"kind": case.floor_kind}
    if case.paired:
        matches = case.matches()
        found["gaps"] = {name: number(gap) for name, gap in matches.gaps.items()}
        if matches.reason:
            found["reason"] = matches.reason
    return found


def _headline(block: Mapping[str, Any], metrics: tuple[Metric, ...]) -> Json:
    """The block under the guide's keys: a bare metric is its value, the reason of a missing one beside it."""
    result: Json = {}
    for metric in metrics:
        if metric.key not in block:
            continue
        content = block[metric.key]
        if not metric.bare:
            result[metric.key] = content
            continue
        result[metric.key] = content["value"]
        if "reason" in content:
            result[f"{metric.key}_reason"] = content["reason"]
    return result
