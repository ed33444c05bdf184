"""What a command line asks for: its flags, turned into configurations, seeds and a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.device import resolve_devices, resolve_profile
from epuredgm.cli.options import chosen_models, chosen_seeds
from epuredgm.config import Conf, Overrides, compose, compose_dataset, find_conf
from epuredgm.core import inception
from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import Job, Stage
from epuredgm.core.metrics import metric_names
from epuredgm.core.places import Workspace
from epuredgm.core.sources import signature
from epuredgm.orchestration.assess import Assessment, assess
from epuredgm.orchestration.fingerprint import changes, facts
from epuredgm.orchestration.plan import plan, run_key
from epuredgm.orchestration.records import Records, evaluated_runs


@dataclass(frozen=True)
class Request:
    """The flags that say what a study is; shared by ``run``, ``verify`` and ``aggregate``."""

    dataset: str
    workspace: Path
    conf_dir: Path | None = None
    models: str | None = None
    seeds: str | None = None
    profile: str = "auto"
    device: str = "auto"
    num_samples: int | None = None
    overrides: tuple[str, ...] = ()
    inception_weights: Path | None = None


@dataclass(frozen=True)
class Study:
    """A request, resolved: a composed configuration for each model, the seeds, the places, the devices."""

    dataset: str
    profile: str
    profile_reason: str
    configs: Mapping[str, Mapping[str, Any]]
    seeds: tuple[int, ...]
    workspace: Workspace
    devices: tuple[str, ...]

    def source(self) -> dict[str, str]:
        """The signature of the data set's files; empty for generated data.

        Raises:
            BadRequest: if the files or the table's columns are not there.
        """
        dataset = next(iter(self.configs.values()))["dataset"]
        return signature(dataset, self.workspace.data(self.dataset))

    def jobs(self, stages: Collection[Stage], *, png: bool = False) -> tuple[Job, ...]:
        """The study's plan, restricted to some stages."""
        planned = {(model, seed) for model in self.configs for seed in self.seeds}
        others = [run for run in evaluated_runs(self.workspace, self.dataset) if run not in planned]
        return plan(
            self.configs,
            self.seeds,
            stages=stages,
            others=others,
            source=self.source(),
            metrics=metric_names(),
            extractors=inception.signature(next(iter(self.configs.values())), self.workspace),
            png=png,
        )

    def assess(self, jobs: tuple[Job, ...], force: Collection[Stage] = ()) -> tuple[Assessment, ...]:
        """What is to do and what is up to date, and why; reads, never writes."""
        return assess(jobs, self.workspace, force)


def resolve(request: Request) -> Study:
    """Compose every configuration of a request.

    Raises:
        BadRequest: for an unknown data set, model, profile, seed, device or key.
    """
    conf = find_conf(request.conf_dir)
    conf.check("dataset", request.dataset)
    if request.seeds is not None:
        chosen_seeds(request.seeds, [])  # refused before a second is spent
    devices = resolve_devices(request.device)
    profile, reason = resolve_profile(conf, request.profile, request.device)
    words = list(request.overrides)
    if request.num_samples is not None:
        words.append(f"sampling.num_samples={request.num_samples}")
    if request.inception_weights is not None:
        words.append(f"reference.inception.weights={request.inception_weights}")
    overrides = Overrides.parse(words, conf.names("model"))
    models = families(conf, request.models, request.dataset, profile, overrides)
    unused = sorted(set(overrides.by_model or {}) - set(models))
    if unused:
        raise BadRequest(
            f"overrides for {', '.join(unused)}, which are not among the chosen models", "See --models."
        )
    configs = compose_all(conf, request.dataset, models, profile, overrides)
    if not configs:
        raise BadRequest(f"there is no model in {conf.root / 'model'}")
    for config in configs.values():
        _require_suited(config)
    first = next(iter(configs.values()))
    return Study(
        dataset=request.dataset,
        profile=profile,
        profile_reason=reason,
        configs=configs,
        seeds=chosen_seeds(request.seeds, first["study"]["seeds"]),
        workspace=Workspace(request.workspace, first["profile"]["branch"]),
        devices=devices,
    )


def compose_all(
    conf: Conf, dataset: str, models: Sequence[str], profile: str, overrides: Overrides
) -> dict[str, dict[str, Any]]:
    """A configuration for each model.

    Raises:
        BadRequest: with what is wrong for all, each once; names the models where it is not wrong for all.
    """
    configs, refused = {}, dict[str, list[str]]()
    errors: list[BadRequest] = []
    for model in models:
        try:
            configs[model] = compose(conf, dataset, model, profile, overrides.for_model(model))
        except BadRequest as error:
            errors.append(error)
            refused.setdefault(error.message, []).append(model)
    if errors:
        raise _refused(errors, refused, len(models))
    return configs


def _refused(errors: Sequence[BadRequest], refused: Mapping[str, Sequence[str]], count: int) -> BadRequest:
    """What is wrong for all ``count`` models, then what is wrong for some, under their names."""
    if len(refused) == 1 and len(errors) == count:
        return errors[0]
    shared: list[str] = []
    if len(errors) == count:
        every = [error.message.splitlines() for error in errors]
        shared = [
            line for line in every[0] if line.startswith("  - ") and all(line in each for each in every)
        ]
    told = ["configuration:", *shared] if shared else []
    for message, which in refused.items():
        own = [line for line in message.splitlines() if line not in shared]
        if len(own) > 1 or not shared:
            told.append(f"{', '.join(which)}: " + "\n".join(own))
    return BadRequest("\n".join(told), errors[0].hint)


def families(
    conf: Conf, chosen: str | None, dataset: str, profile: str, overrides: Overrides
) -> tuple[str, ...]:
    """The families of a study: those of ``--models``, else those that the data set names, else all that suit.

    Raises:
        BadRequest: if a name is not known.
    """
    names = conf.names("model")
    if chosen is not None or not names:
        return chosen_models(conf, chosen)
    words = [word for word in overrides.common if word.lstrip("+~").startswith("dataset.")]
    about = compose_dataset(conf, dataset, profile, words)["dataset"]
    if about["models"] is not None:
        return tuple(conf.check("model", name) for name in about["models"])
    return tuple(name for name in names if about["values"] in conf.drawn_by(name))


def _require_suited(config: Mapping[str, Any]) -> None:
    model, dataset = config["model"], config["dataset"]
    if dataset["values"] not in model["draws"]:
        raise BadRequest(
            f"{model['name']} draws {' and '.join(model['draws'])} values, and data set {dataset['name']} "
            f"holds {dataset['values']} ones",
            "Leave the family out: --models names those that are wanted.",
        )


def require_as_made(study: Study, command: str) -> None:
    """Refuse a command on runs whose data set was set otherwise; where some agree, say which do not.

    Raises:
        BadRequest: if no evaluated run was made as asked; says what to add.
    """
    now = facts(next(iter(study.configs.values())))
    runs = evaluated_runs(study.workspace, study.dataset)
    records = Records(study.workspace)
    differing: dict[str, dict[str, Any]] = {}
    for model, seed in runs:
        record = records.get(run_key(Stage.EVALUATE, model, study.dataset, seed))
        made = {key: value for key, value in record.hashed.items() if key in now} if record else {}
        then = {key: value for key, value in made.items() if key.startswith("dataset.")}
        if any(now[key] != value for key, value in then.items()):
            differing[f"{model}:{seed}"] = then
    if not differing:
        return
    name, then = next(iter(differing.items()))
    lines = list(changes(then, {key: now[key] for key in then}))
    asked = "; ".join(lines[:3])
    if len(differing) < len(runs):
        listed = ", ".join(list(differing)[:6]) + (", ..." if len(differing) > 6 else "")
        click.echo(f"note: {listed} were made with other settings of the data set ({asked})", err=True)
        return
    raise BadRequest(
        f"the runs of {study.dataset} were made with other settings of the data set than this {command} has "
        f"({name}: {asked})",
        _as_made(study, then),
    )


def _as_made(study: Study, then: Mapping[str, Any]) -> str:
    """What to add to a command so that it is as the runs were made."""
    section = next(iter(study.configs.values()))["dataset"]
    columns = then.get("dataset.condition_columns")
    for name, about in section["condition_sets"].items():
        if name != section["conditions"] and list(about) == columns:
            return f"Add what the run was given: dataset.conditions={name}"
    return "Add the words dataset.KEY=VALUE that the run was given."
