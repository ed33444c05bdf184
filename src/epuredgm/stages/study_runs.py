"""The facts of a report that lie beside the results: curves, what was learned, cost, what went wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import file_sha256, read_json
from epuredgm.core.jobs import Stage
from epuredgm.core.places import Workspace
from epuredgm.data.arrays import tensor_shapes
from epuredgm.orchestration.plan import run_key
from epuredgm.orchestration.pointers import read_pointer
from epuredgm.orchestration.records import Record, Records, overview
from epuredgm.reporting.study import Cost, Draw, Phase, Run, Series, Trouble

POINTS = 200  # of a curve: more than a small chart has pixels for
AMISS = ("failed", "interrupted", "lost")


def run_of(result: Mapping[str, Any], workspace: Workspace, records: Records) -> tuple[Run, tuple[str, ...]]:
    """One run with all that lies beside its result, and notes of what is missing."""
    model, dataset, seed = result["model"], result["dataset"], result["seed"]
    record = records.get(run_key(Stage.TRAIN, model, dataset, seed))
    folder = _folder(record, workspace, f"{model}_{dataset}", seed)
    notes = []
    if folder is None:
        notes.append(f"seed {seed}: its run folder is gone, and with it curves and cost of training")
    elif _trained_again(record, result):
        notes.append(f"seed {seed}: it was trained again since it was evaluated; curves and cost are newer")
    made = Run(
        seed=seed,
        result=result,
        phases=_phases(folder / "history.jsonl") if folder else (),
        learned=_json(folder / "learned.json") if folder else {},
        cost=_cost(record, folder, result, workspace),
        folder=folder.relative_to(workspace.root.resolve()).as_posix() if folder else "",
        weights=weights.name if (weights := _weights(record, folder, workspace)) else "",
        config_sha256=_hash(folder / "config.yaml") if folder else "",
    )
    return made, tuple(notes)


def _folder(record: Record | None, workspace: Workspace, run: str, seed: int) -> Path | None:
    """Where the run lies: as its record says, else where the pointer leads."""
    if record is not None and record.run and (workspace.root / record.run).is_dir():
        return (workspace.root / record.run).resolve()
    found = read_pointer(workspace.run_pointer(run, seed))
    return found if found is not None and found.is_relative_to(workspace.root.resolve()) else None


def _trained_again(record: Record | None, result: Mapping[str, Any]) -> bool:
    stated = result.get("provenance", {}).get("weights_sha256")
    made = record.outputs.get("weights") if record is not None else None
    return made is not None and stated is not None and made.sha256 != stated


# curves ---------------------------------------------------------------------------------------------------


def _phases(path: Path) -> tuple[Phase, ...]:
    """The losses in ``history.jsonl`` by phase, in the order of training."""
    phases: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for line in _lines(path):
        if not {"phase", "kind", "step", "terms"} <= line.keys():
            continue
        curves = phases.setdefault(str(line["phase"]), {})
        for name, value in dict(line["terms"]).items():
            if value is not None and name.split(".")[-1] == "loss":
                label = " ".join([str(line["kind"]), *name.split(".")[:-1]])
                curves.setdefault(label, []).append((float(line["step"]), float(value)))
    return tuple(
        Phase(name, {label: _series(points) for label, points in curves.items()})
        for name, curves in phases.items()
        if curves
    )


def _series(points: list[tuple[float, float]]) -> Series:
    chosen = np.unique(np.linspace(0, len(points) - 1, min(POINTS, len(points))).round().astype(int))
    return Series(tuple(points[i][0] for i in chosen), tuple(points[i][1] for i in chosen))


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with suppress(OSError, ValueError, RecursionError):  # what a power cut left half written is the last line
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if isinstance(line, dict):
                yield line


# cost -----------------------------------------------------------------------------------------------------


def _cost(record: Record | None, folder: Path | None, result: Mapping[str, Any], place: Workspace) -> Cost:
    weights = _weights(record, folder, place)
    return Cost(
        parameters=_parameters(weights) if weights else None,
        training_seconds=record.seconds if record else None,
        peak_memory=record.peak_memory if record else None,
        peak_device_memory=record.peak_device_memory if record else None,
        device=record.device if record else "",
        draws=tuple(_draws(result, place)),
    )


def _draws(result: Mapping[str, Any], workspace: Workspace) -> Iterable[Draw]:
    run = f"{result['model']}_{result['dataset']}"
    for name in result.get("provenance", {}).get("samples", {}):
        mode, _, given = name.partition("/")
        about = _json(workspace.samples(run, result["seed"], mode, given or None) / "timing.json")
        if about:
            seconds, evaluations = float(about["seconds_per_1000"]), int(about["evaluations"])
            yield Draw(mode, given or None, seconds, evaluations, str(about.get("device", "")))


def _weights(record: Record | None, folder: Path | None, workspace: Workspace) -> Path | None:
    if record is not None and "weights" in record.outputs:
        path = workspace.root / record.outputs["weights"].path
        return path if path.exists() else None
    return next(iter(sorted((folder / "check").glob("*.safetensors"))), None) if folder else None


def _parameters(path: Path) -> int | None:
    """Numbers in the weights, of which averages are another copy; only the file's header is read."""
    with suppress(CorruptArtefact):
        shapes = tensor_shapes(path)
        return sum(math.prod(shapes[name]) for name in shapes if name.startswith("live."))
    return None


def _hash(path: Path) -> str:
    return file_sha256(path) if path.is_file() else ""


def _json(path: Path) -> dict[str, Any]:
    """A JSON file's content; nothing if there is none that can be read."""
    with suppress(FileNotFoundError, CorruptArtefact):
        content = read_json(path)
        return content if isinstance(content, dict) else {}
    return {}


# what went wrong ------------------------------------------------------------------------------------------


def troubles_of(dataset: str, evaluated: set[tuple[str, int]], workspace: Workspace) -> tuple[Trouble, ...]:
    """Jobs that did not end well, and runs that were begun and have no result, with what they wait for."""
    amiss: list[Trouble] = []
    begun: dict[tuple[str, int], str] = {}
    for record, status, _ in overview(workspace):
        if record.dataset != dataset:
            continue
        if status in AMISS:
            amiss.append(Trouble(record.key, status, record.error or "no message", record.log))
        if record.model is not None and record.seed is not None:
            run = (record.model, record.seed)
            begun.setdefault(run, "")
            if status in AMISS:
                begun[run] = begun[run] or record.key
    known = {trouble.job for trouble in amiss}
    for (model, seed), cause in sorted(begun.items()):
        key = run_key(Stage.EVALUATE, model, dataset, seed)
        if (model, seed) not in evaluated and key not in known:
            why = f"waits for {cause}" if cause else "the run was begun and has not been evaluated"
            amiss.append(Trouble(key, "blocked" if cause else "left", why, ""))
    return tuple(amiss)
