"""From configurations and seeds to jobs: pure, so that the same request always gives the same plan.

A job names its inputs by the job that makes them; no path is known here. Each seed's runs stand together, so
that a study that is stopped early has compared all models on its first seeds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.core.jobs import Job, Mode, Stage
from epuredgm.orchestration.fingerprint import facts, fingerprint, hashed

LOG_FOLDERS: Mapping[Stage, str] = {
    Stage.PREPARE: "data",
    Stage.REFERENCE: "evaluation",
    Stage.TRAIN: "training",
    Stage.SAMPLE: "sampling",
    Stage.EXPORT: "export",
    Stage.EVALUATE: "evaluation",
    Stage.AGGREGATE: "evaluation",
    Stage.REPORT: "evaluation",
}

Inputs = Mapping[str, tuple[str, str]]


def plan(
    configs: Mapping[str, Mapping[str, Any]],
    seeds: Sequence[int],
    *,
    stages: Collection[Stage],
    others: Collection[tuple[str, int]] = (),
    source: Mapping[str, str] | None = None,
    extractors: Mapping[str, str] | None = None,
    metrics: Sequence[str] = (),
    png: bool = False,
) -> tuple[Job, ...]:
    """All jobs of a study, every job after those that it needs.

    Args:
        configs: model name -> its composed configuration; all on one data set.
        seeds: run seeds.
        stages: the stages to plan; inputs made by others are named all the same and looked up in the records.
        others: (model, seed) of runs evaluated before, which the summary counts too.
        source: signature of the data set's files (:func:`epuredgm.core.sources.signature`).
        extractors: which weights from elsewhere there are (:func:`epuredgm.core.sources.extractors`).
        metrics: names of the metrics that there are; a new one makes evaluations stale.
        png: also export samples as one PNG per component.
    """
    scorers = {f"metric.{name}": "there" for name in metrics}
    runs = [
        _Run(model, seed, config, facts(config), scorers)
        for seed in seeds
        for model, config in configs.items()
    ]
    first = next(iter(configs.values()))
    everyone = sorted({(run.model, run.seed) for run in runs} | set(others))
    jobs = [_prepare(first, source or {}), _reference(first, extractors or {})]
    for run in runs:
        jobs.extend(run.jobs(png))
    jobs += [_aggregate(first, everyone), _report(first, everyone)]
    return tuple(job for job in jobs if job.stage in stages)


def modes_of(config: Mapping[str, Any]) -> tuple[Mode, ...]:
    """The modes a model is sampled in: those it supports, as far as the data set gives them a meaning."""
    dataset, supported = config["dataset"], config["model"]["supports"]
    conditions = dataset["condition_sets"][dataset["conditions"]].values()
    possible = {
        Mode.UNCONDITIONAL: "unconditional" in supported,
        Mode.CONDITIONAL: "conditional" in supported and bool(conditions),
        # something must be left to paint
        Mode.INPAINTING: "inpainting" in supported and len(dataset["components"]) > 1,
        # the conditional mode asked for more; it can be judged only where a design can be measured
        Mode.EXTRAPOLATION: "conditional" in supported
        and not dataset["normalized"]
        and any(condition["measure"] for condition in conditions),
        Mode.RECONSTRUCTION: "reconstruction" in supported,
    }
    return tuple(mode for mode in Mode if possible[mode])


def sample_names(config: Mapping[str, Any], mode: Mode) -> tuple[str, ...]:
    """Names of a sampling job's outputs: ``samples``, or ``samples/<given component>`` for inpainting."""
    if mode is Mode.INPAINTING:
        return tuple(f"samples/{name}" for name in config["dataset"]["components"])
    return ("samples",)


def prepare_key(dataset: str) -> str:
    """Key of the job that decodes a data set."""
    return f"{Stage.PREPARE}/{dataset}"


def reference_key(dataset: str) -> str:
    """Key of the job that fits the feature extractors and describes the real designs."""
    return f"{Stage.REFERENCE}/{dataset}"


def run_key(stage: Stage, model: str, dataset: str, seed: int, mode: str | None = None) -> str:
    """Key of a job of one run."""
    return f"{stage}/{model}_{dataset}/seed{seed}" + (f"/{mode}" if mode else "")


@dataclass(frozen=True)
class _Run:
    """One model at one seed."""

    model: str
    seed: int
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    scorers: Mapping[str, str]

    @property
    def dataset(self) -> str:
        name = self.config["dataset"]["name"]
        assert isinstance(name, str)
        return name

    def key(self, stage: Stage, mode: str | None = None) -> str:
        return run_key(stage, self.model, self.dataset, self.seed, mode)

    def jobs(self, png: bool) -> Iterator[Job]:
        """Training, then sampling in every mode, then the exports, then the evaluation."""
        modes = modes_of(self.config)
        designs = {"designs": (prepare_key(self.dataset), "designs")}
        weights = {"weights": (self.key(Stage.TRAIN), "weights")}
        yield self._job(Stage.TRAIN, designs)
        for mode in modes:
            yield self._job(Stage.SAMPLE, {**designs, **weights}, mode)
        for mode in modes if png else ():
            yield self._job(Stage.EXPORT, self._samples(mode), mode)
        scored = {**designs, "reference": (reference_key(self.dataset), "reference")}
        for mode in modes:
            for name, made in self._samples(mode).items():
                scored[name.replace("samples", f"samples/{mode}", 1)] = made
        yield self._job(Stage.EVALUATE, scored)

    def _samples(self, mode: Mode) -> dict[str, tuple[str, str]]:
        maker = self.key(Stage.SAMPLE, mode.value)
        return {name: (maker, name) for name in sample_names(self.config, mode)}

    def _job(self, stage: Stage, inputs: Inputs, mode: Mode | None = None) -> Job:
        name = mode.value if mode else None
        source = self.scorers if stage is Stage.EVALUATE else None
        content = hashed(stage, self.facts, seed=self.seed, mode=name, source=source)
        suffix = f"_{name}" if name else ""
        return Job(
            key=self.key(stage, name),
            stage=stage,
            dataset=self.dataset,
            model=self.model,
            seed=self.seed,
            mode=name,
            config=self.config,
            inputs=inputs,
            fingerprint=fingerprint(content),
            hashed=content,
            log=f"{LOG_FOLDERS[stage]}/{self.model}_seed{self.seed}{suffix}.log",
        )


def _prepare(config: Mapping[str, Any], source: Mapping[str, str]) -> Job:
    return _whole(Stage.PREPARE, config, {}, hashed(Stage.PREPARE, facts(config), source=source))


def _reference(config: Mapping[str, Any], extractors: Mapping[str, str]) -> Job:
    designs = {"designs": (prepare_key(config["dataset"]["name"]), "designs")}
    return _whole(Stage.REFERENCE, config, designs, hashed(Stage.REFERENCE, facts(config), source=extractors))


def _aggregate(config: Mapping[str, Any], runs: Sequence[tuple[str, int]]) -> Job:
    inputs = {**_made(config, runs, "result"), **_made(config, runs, "resamples")}
    return _whole(Stage.AGGREGATE, config, inputs, hashed(Stage.AGGREGATE, facts(config)), tolerant=True)


def _report(config: Mapping[str, Any], runs: Sequence[tuple[str, int]]) -> Job:
    dataset = config["dataset"]["name"]
    inputs = {
        "designs": (prepare_key(dataset), "designs"),
        "summary": (f"{Stage.AGGREGATE}/{dataset}", "summary"),
        **_made(config, runs, "result"),
    }
    content = hashed(Stage.REPORT, facts(config))
    return _whole(Stage.REPORT, config, inputs, content, tolerant=True, essential=("summary",))


def _made(config: Mapping[str, Any], runs: Sequence[tuple[str, int]], output: str) -> Inputs:
    """One output of the evaluations of many runs, as inputs called ``<output>/<model>/seed<N>``."""
    dataset = config["dataset"]["name"]
    return {
        f"{output}/{model}/seed{seed}": (run_key(Stage.EVALUATE, model, dataset, seed), output)
        for model, seed in runs
    }


def _whole(
    stage: Stage,
    config: Mapping[str, Any],
    inputs: Inputs,
    content: Mapping[str, Any],
    *,
    tolerant: bool = False,
    essential: tuple[str, ...] = (),
) -> Job:
    """A job of the whole data set."""
    dataset = config["dataset"]["name"]
    return Job(
        key=f"{stage}/{dataset}",
        stage=stage,
        dataset=dataset,
        model=None,
        seed=None,
        mode=None,
        config=config,
        inputs=inputs,
        fingerprint=fingerprint(content),
        hashed=content,
        log=f"{LOG_FOLDERS[stage]}/{stage}.log",
        tolerant=tolerant,
        essential=essential,
    )
