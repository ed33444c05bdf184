"""What a word of ``epuredgm compare`` names: a study or a run, as files, and the settings behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import flatten, read_json
from epuredgm.core.jobs import Mode, Stage
from epuredgm.core.places import Workspace, expanded
from epuredgm.orchestration.plan import run_key
from epuredgm.orchestration.records import Records

SCHEMA = 2
KINDS = (
    "a workspace, a folder evaluation_results/<dataset>, a summary.json, a run_seed<N>.json, "
    "or MODEL or MODEL:SEED with --dataset"
)


@dataclass(frozen=True)
class Side:
    """One of the things to compare.

    Attributes:
        name: as it was asked for.
        folder: the results on its data set.
        results: files of its runs, by model and seed.
        summary: the ``summary.json``, where none of the files that it names is there.
    """

    name: str
    folder: Path
    results: Mapping[tuple[str, int], Path]
    summary: Path | None = None

    def request(self) -> dict[str, Any]:
        """As :mod:`epuredgm.stages.compare_tool` reads it."""
        pairs = [(path, path.with_suffix(".resamples.npz")) for path in self.results.values()]
        return {
            "name": self.name,
            "results": [
                {"result": str(result), "resamples": str(kept) if kept.exists() else None}
                for result, kept in pairs
            ],
            "summary": str(self.summary) if self.summary else None,
        }

    def facts(self, model: str) -> dict[str, Any]:
        """What the first run of a model came from, flat: provenance, and the settings in the job records."""
        own = sorted(seed for name, seed in self.results if name == model)
        if not own:
            return {}
        result = read_json(self.results[model, own[0]])
        origin = result["provenance"]
        stated = {
            "profile": result["profile"],
            "data": origin["data_fingerprint"],
            "package_version": origin["package_version"],
            "commit": origin.get("commit"),
            "evaluation": origin.get("settings", {}),
            "extractors": origin.get("extractors", {}),
            "seeds": own,
        }
        return {**flatten(stated), **self._settings(model, str(result["dataset"]), own[0])}

    def _settings(self, model: str, dataset: str, seed: int) -> dict[str, Any]:
        """What the jobs of a run hashed; empty if its workspace is not at hand."""
        records = Records(Workspace(self.folder.parent.parent))
        keys = [(Stage.TRAIN, None), *((Stage.SAMPLE, mode.value) for mode in Mode), (Stage.EVALUATE, None)]
        found: dict[str, Any] = {}
        for stage, mode in keys:
            record = records.get(run_key(stage, model, dataset, seed, mode))
            hashed = dict(record.hashed) if record else {}
            if "version" in hashed:
                found[f"code.{stage}"] = hashed.pop("version")
            found.update({key: value for key, value in hashed.items() if key not in ("seed", "mode")})
        return found


def sides(words: Sequence[str], workspace: Workspace, dataset: str | None) -> list[Side]:
    """The sides that the words name.

    Raises:
        BadRequest: for fewer than two, one given twice, or a word that names nothing.
    """
    if len(words) < 2:
        raise BadRequest("there is nothing to compare with", f"Name two or more, each {KINDS}.")
    if len(set(words)) < len(words):
        raise BadRequest("a run is given twice", "A run has no difference from itself.")
    return [_side(word, workspace, dataset) for word in words]


def _side(word: str, workspace: Workspace, dataset: str | None) -> Side:
    path = expanded(word)
    if path.is_dir():
        return _of_folder(word, _results_folder(path.resolve(), dataset))
    if path.is_file():
        return _of_file(word, path.resolve())
    if "/" in word or word.endswith(".json"):
        raise BadRequest(f"there is no {word}", f"A run is {KINDS}.")
    if dataset is None:
        raise BadRequest(
            f"there is no file or folder {word}", f"If it is a model, add --dataset. A run is {KINDS}."
        )
    return _of_model(word, workspace, dataset)


def _results_folder(path: Path, dataset: str | None) -> Path:
    """The folder of results on one data set in ``path``, or ``path`` itself."""
    if (path / "summary.json").exists() or _runs(path):
        return path
    inside = path / "evaluation_results"
    found = {
        each.name: each
        for each in sorted(inside.glob("*"))
        if (each / "summary.json").exists() or _runs(each)
    }
    if dataset is not None and dataset in found:
        return found[dataset]
    if len(found) == 1 and dataset is None:
        return next(iter(found.values()))
    if not found:
        raise BadRequest(f"there are no results in {path}", f"A run is {KINDS}.")
    raise BadRequest(f"{path} has results on {', '.join(found)}", "Choose one with --dataset.")


def _of_folder(name: str, folder: Path) -> Side:
    """The study of a folder: the runs that its summary counts, or all that there are."""
    runs, place = _runs(folder), folder / "summary.json"
    if not place.exists():
        return Side(name, folder, {key: _checked(path) for key, path in runs.items()})
    summary = _read(place)
    counted = {
        (model, seed) for model, about in summary["model_aggregates"].items() for seed in about["seeds"]
    }
    chosen = {key: _checked(path) for key, path in runs.items() if key in counted}
    return Side(name, folder, chosen, None if chosen else place)


def _of_file(name: str, path: Path) -> Side:
    content = _read(path)
    if "model_aggregates" in content:
        return (
            _of_folder(name, path.parent)
            if path.name == "summary.json"
            else Side(name, path.parent, {}, path)
        )
    if "modes" not in content:
        raise BadRequest(f"{path} holds no results", f"A run is {KINDS}.")
    return Side(name, path.parent.parent, {(content["model"], content["seed"]): path})


def _of_model(word: str, workspace: Workspace, dataset: str) -> Side:
    folder = workspace.results(dataset)
    runs = _runs(folder)
    read = re.fullmatch(r"(?P<model>[^:]+)(:(?P<seed>\d{1,9}))?", word)
    seed = int(read["seed"]) if read and read["seed"] else None
    chosen = {
        key: _checked(path)
        for key, path in runs.items()
        if read and key[0] == read["model"] and seed in (None, key[1])
    }
    if not chosen:
        known = ", ".join(f"{model}:{seed}" for model, seed in sorted(runs)) or "none"
        raise BadRequest(f"no evaluated run {word} on {dataset} in {workspace.base}", f"There are: {known}")
    return Side(word, folder, chosen)


def _runs(folder: Path) -> dict[tuple[str, int], Path]:
    """(model, seed) -> its result file."""
    found = {}
    for path in sorted(folder.glob("*/run_seed*.json")):
        read = re.fullmatch(r"run_seed(\d+)\.json", path.name)
        if read:
            found[path.parent.name, int(read[1])] = path
    return found


def _checked(path: Path) -> Path:
    _read(path)
    return path


def _read(path: Path) -> dict[str, Any]:
    """The content of a result or a summary.

    Raises:
        BadRequest: if another version wrote it.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise CorruptArtefact(f"{path} is no result")
    ours = any(key in content for key in ("schema", "modes", "model_aggregates"))
    if ours and content.get("schema") != SCHEMA:
        raise BadRequest(
            f"{path} has schema {content.get('schema')}, not {SCHEMA}: another version wrote it",
            "Evaluate again, without training: epuredgm run --dataset NAME --force evaluate",
        )
    return content
