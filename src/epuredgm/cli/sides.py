"""What a word of ``epuredgm compare`` names: a study or a run, as files, and the settings behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import file_sha256, flatten, read_json
from epuredgm.core.jobs import Mode, Stage
from epuredgm.core.places import Workspace, user_path
from epuredgm.orchestration.archive import Archive
from epuredgm.orchestration.plan import run_key
from epuredgm.orchestration.records import Record, Records

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

    def facts(self, model: str) -> dict[str, dict[str, Any] | None]:
        """What the first run of a model came from, by what says it: the result itself, and the settings of
        each job behind it; None where none of the records is of the job that made it.
        """
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
        return {"result": flatten(stated), **self._settings(model, result, own[0])}

    def _settings(self, model: str, result: Mapping[str, Any], seed: int) -> dict[str, dict[str, Any] | None]:
        """What the jobs hashed that made a result, by stage and mode; empty without its workspace."""
        workspace = Workspace(self.folder.parent.parent)
        if not workspace.private.is_dir():
            return {}
        dataset, archive, records = str(result["dataset"]), Archive(workspace), Records(workspace)
        found: dict[str, dict[str, Any] | None] = {}
        for stage, mode, made in _behind(result, self.results[model, seed]):
            key = run_key(stage, model, dataset, seed, mode)
            record = records.get(key)
            known = [*([record] if record else []), *archive.of(key)]
            if not known:  # e.g. a result that was copied here
                continue
            maker = next((each for each in known if _made(each, made)), None)
            name = stage.value if mode is None else f"{stage.value} {mode.value}"
            found[name] = _hashed(maker) if maker is not None else None
        return found


def _behind(result: Mapping[str, Any], path: Path) -> Iterator[tuple[Stage, Mode | None, set[str]]]:
    """The jobs behind a result, each with the hashes of what it made, of which one is enough; none if the
    result, of an earlier version, does not say.
    """
    origin = result["provenance"]
    weights = origin.get("weights_sha256") or ()
    yield Stage.TRAIN, None, {weights} if isinstance(weights, str) else set(weights)
    samples = origin.get("samples", {})
    for mode in Mode:
        made = {about["sha256"] for name, about in samples.items() if name.partition("/")[0] == mode.value}
        if made or mode.value in result["modes"]:
            yield Stage.SAMPLE, mode, made
    yield Stage.EVALUATE, None, {file_sha256(path)}


def _made(record: Record, hashes: set[str]) -> bool:
    """Whether a job's record is of the work that made one of these; of any done, where there are none."""
    made = {each.sha256 for each in record.outputs.values()}
    return record.status == "done" and (not hashes or bool(hashes & made))


def _hashed(record: Record) -> dict[str, Any]:
    hashed = {key: value for key, value in record.hashed.items() if key not in ("seed", "mode")}
    version = hashed.pop("version", None)
    return hashed if version is None else {f"code.{record.stage}": version, **hashed}


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
    path = user_path(word)
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
