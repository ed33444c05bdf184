"""From the job of a report to the study that it shows: results, what lies beside them, and pictures."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import read_json
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.orchestration.plan import prepare_key
from epuredgm.orchestration.records import Record, Records
from epuredgm.reporting.study import Family, Run, Study
from epuredgm.stages.data_sets import designs_of, spec_of
from epuredgm.stages.study_designs import Bench, pictured, with_neighbours
from epuredgm.stages.study_grey import intensities, split_hashes, statistics
from epuredgm.stages.study_runs import run_of, troubles_of

NEWEST = 20  # invocations whose commands are shown
PLACE = "FOLDER"  # stands for a place on the machine


def study_of(job: JobFile, monitor: Monitor) -> Study:
    """All that the report shows.

    Inputs of the job: ``summary``, and as far as there are any ``designs`` and ``result/<model>/seed<N>``.

    Raises:
        BadRequest: if there is no summary to report on.
        CorruptArtefact: if an input is not what was written.
    """
    if "summary" not in job.inputs:
        raise BadRequest(
            f"there is no summary of the runs on {job.dataset} to report on",
            f"The message before this one says why; then: epuredgm report --dataset {job.dataset}.",
        )
    root = Path(job.workspace)
    workspace = Workspace(root, job.branch)
    job = _as_prepared(job, Records(workspace).get(prepare_key(job.dataset)))
    summary = read_json(root / job.inputs["summary"].path)
    results = [
        read_json(root / artefact.path)
        for name, artefact in sorted(job.inputs.items())
        if name.startswith("result/")
    ]
    families = _families(summary, results, workspace)
    spec = spec_of(job)
    private = bool(job.config["dataset"]["private"])
    bench = Bench(spec, designs_of(job), private) if "designs" in job.inputs else None
    alone: tuple[Family, ...] = ()
    if bench is not None:
        done = []
        for number, family in enumerate(families):
            monitor.progress(number, len(families), "collecting pictures")
            done.append(pictured(family, bench, workspace))
        if spec.values == "grey":
            alone = _alone(families, done, bench, workspace)
        families = with_neighbours(done, bench)
    elif spec.values == "grey":
        alone = _alone(families, families, None, workspace)
    evaluated = {(str(result["model"]), int(result["seed"])) for result in results}
    return Study(
        spec=spec,
        description=str(job.config["dataset"]["description"]),
        counts=_counts(bench),
        summary=summary,
        families=families,
        **_real(bench, spec),
        private=private,
        alone=alone,
        troubles=troubles_of(job.dataset, evaluated, workspace),
        settings=_settings(job.dataset, results, workspace),
        commands=_commands(job.dataset, results),
        typed=_typed(job.dataset, workspace),
        glossary=_glossary(),
    )


def _as_prepared(job: JobFile, prepared: Record | None) -> JobFile:
    """The job with the reader that its designs were made by: a report is often asked for without the run's
    overrides.
    """
    made = prepared.outputs.get("designs") if prepared is not None else None
    if prepared is None or made is None or job.inputs.get("designs") != made:
        return job
    section = "dataset.reader."
    known = {key[len(section) :]: value for key, value in prepared.hashed.items() if key.startswith(section)}
    dataset = {**job.config["dataset"], "reader": {**job.config["dataset"]["reader"], **known}}
    return replace(job, config={**job.config, "dataset": dataset})


def _families(
    summary: Mapping[str, Any], results: Sequence[Mapping[str, Any]], workspace: Workspace
) -> tuple[Family, ...]:
    """Every family with its runs, in the order of the main ranking."""
    records = Records(workspace)
    runs: dict[str, list[Run]] = {}
    notes: dict[str, list[str]] = {}
    for result in sorted(results, key=lambda each: (each["model"], each["seed"])):
        run, missing = run_of(result, workspace, records)
        runs.setdefault(str(result["model"]), []).append(run)
        notes.setdefault(str(result["model"]), []).extend(missing)
    order = [str(row["model"]) for row in summary["rankings"]]
    return tuple(
        Family(model, tuple(runs[model]), notes=tuple(notes[model])) for model in order if model in runs
    )


def _alone(
    families: Sequence[Family], pictures: Sequence[Family], bench: Bench | None, workspace: Workspace
) -> tuple[Family, ...]:
    """Every run by itself; of first runs there are pictures already."""
    found = []
    for family, first in zip(families, pictures, strict=True):
        found.append(replace(first, runs=first.runs[:1]))
        for run in family.runs[1:]:
            single = Family(family.model, (run,))
            found.append(single if bench is None else pictured(single, bench, workspace))
    return tuple(found)


def _real(bench: Bench | None, spec: DataSpec) -> dict[str, Any]:
    """What the study says of real designs."""
    if bench is None:
        return {"real": np.zeros((0, spec.channels, *spec.size), dtype=np.uint8)}
    designs = bench.designs
    return {
        "real": bench.real(),
        "real_conditions": designs.conditions[bench.real_rows()],
        "train_ranges": bench.train_ranges(),
        "statistics": statistics(designs, spec),
        "split_hashes": split_hashes(designs),
        "intensities": intensities(designs.images, spec, np.flatnonzero(~designs.train)),
    }


def _counts(bench: Bench | None) -> dict[str, int]:
    if bench is None:
        return {}
    train = int(bench.designs.train.sum())
    return {"train": train, "test": len(bench.designs) - train}


# how it was made ------------------------------------------------------------------------------------------


def _settings(dataset: str, results: Sequence[Mapping[str, Any]], workspace: Workspace) -> dict[str, Any]:
    """What the runs share: how the data were read, as recorded, and how designs were compared."""
    prepared = Records(workspace).get(prepare_key(dataset))
    read = prepared.hashed if prepared is not None else {}
    data = {key: _placeless(key, value) for key, value in read.items() if key.startswith("dataset.")}
    stated = [dict(result["provenance"]["settings"]) for result in results if "provenance" in result]
    return {**data, "evaluation": stated[0] if stated else {}}


def _commands(dataset: str, results: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """One command for each profile: its families, seeds and number of designs."""
    found = []
    for profile in sorted({str(result["profile"]) for result in results}):
        own = [result for result in results if str(result["profile"]) == profile]
        words = ["epuredgm", "run", "--dataset", dataset, "--profile", profile]
        words += ["--models", ",".join(dict.fromkeys(str(result["model"]) for result in own))]
        words += ["--seeds", ",".join(map(str, sorted({int(result["seed"]) for result in own})))]
        drawn = {_drawn(result) for result in own}
        if len(drawn) == 1:
            words += ["--num-samples", str(drawn.pop())]
        found.append(shlex.join(words))
    return tuple(found)


def _drawn(result: Mapping[str, Any]) -> int:
    """Designs of the run's first mode."""
    block = result["modes"][result["mode"]]
    while "counts" not in block:
        block = next(iter(block.values()))
    return int(block["counts"]["drawn"])


def _typed(dataset: str, workspace: Workspace) -> tuple[str, ...]:
    """The commands of the newest invocations that had jobs of the data set, without places."""
    found: list[str] = []
    for folder in sorted(path for path in workspace.logs.glob("*/state.json"))[-NEWEST:]:
        with suppress(FileNotFoundError, CorruptArtefact, KeyError, ValueError, AttributeError):
            state = read_json(folder)
            if any(_counts_for(entry, dataset) for entry in state["jobs"].values()):
                found.append(shlex.join(["epuredgm", *_portable(shlex.split(state["command"])[1:])]))
    return tuple(dict.fromkeys(found))


def _counts_for(entry: Mapping[str, Any], dataset: str) -> bool:
    """Whether a job is part of a run on the data set, not only of its summary."""
    return entry["dataset"] == dataset and entry["model"] is not None


def _portable(words: Iterable[str]) -> Iterable[str]:
    """The words of a command line but for what they say of places on the machine."""
    rest = iter(words)
    for word in rest:
        key, _, value = word.partition("=")
        if word in ("--workspace", "--conf"):
            next(rest, None)
        elif key not in ("--workspace", "--conf"):
            yield f"{key}={_placeless(key, value)}" if value else str(_placeless("", word))


def _placeless(key: str, value: Any) -> Any:
    """A setting's value; a folder's name, which may tell whose the data are, is not told."""
    named = isinstance(value, str) and value not in ("", "null")
    if named and (key.rpartition(".")[2] == "root" or _is_absolute(value.strip("'\""))):
        return PLACE
    return value


def _is_absolute(text: str) -> bool:
    return PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()


def _formal(paragraph: str) -> bool:
    """Whether it says how to call, not what it is."""
    return paragraph.startswith(("Args:", "Returns:", "Raises:"))


def _glossary() -> dict[str, tuple[str, ...]]:
    """What every metric is, as its own file says: the file's first line, then what ``compute`` gives."""
    found = {}
    for metric in all_metrics():
        module = inspect.cleandoc(sys.modules[metric.compute.__module__].__doc__ or "")
        own = inspect.getdoc(metric.compute) or ""
        paragraphs = [module.split("\n\n")[0], *own.split("\n\n")]
        found[metric.key] = tuple(" ".join(text.split()) for text in paragraphs if text and not _formal(text))
    return found
