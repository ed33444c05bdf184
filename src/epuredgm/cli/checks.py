"""The checks behind ``epuredgm verify``, one function each; torch is asked in one child process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from epuredgm.cli.errand import errand
from epuredgm.cli.study import Request, Study, resolve
from epuredgm.cli.weights import found
from epuredgm.cli.words import size
from epuredgm.config import compose, find_conf
from epuredgm.core.errors import BadRequest, EpureError
from epuredgm.core.inception import FETCH, check_weights
from epuredgm.core.jobs import Stage
from epuredgm.core.sources import root_of
from epuredgm.core.stops import name_of
from epuredgm.core.threads import child_environment
from epuredgm.orchestration.pointers import read_pointer, write_pointer

DATA_TOOL = "epuredgm.stages.data_tool"
ADVISED_DISK = 150e9  # bytes; the guide's figure for the published study on both data sets


@dataclass(frozen=True)
class Check:
    """One line of the answer; ``status`` is ``ok``, ``warning`` or ``failed``; ``mend`` says what to do."""

    name: str
    status: str
    message: str
    mend: str = ""

    def to_dict(self) -> dict[str, str]:
        """A JSON-ready form."""
        return asdict(self)


def all_checks(request: Request, *, silent: bool) -> Iterator[Check]:
    """Every check, as soon as it is done; later ones are left out where they need what has failed.

    Args:
        request: what a run would be asked.
        silent: show no progress of the data's decoding.
    """
    try:
        study = resolve(request)
    except EpureError as error:
        yield Check("configuration", "failed", error.message, error.hint)
        return
    names = ", ".join(study.configs)
    yield Check("configuration", "ok", f"{len(study.configs)} composed ({names}), profile {study.profile}")
    yield from _workspace(study)
    yield from _folder(request, study)
    yield _data(study, silent)
    yield _inception(study)
    yield _dependencies()
    facts = _probe(study)
    if "error" in facts:
        yield Check("torch", "failed", facts["error"], "pip install torch, and see the message above.")
        return
    yield from _devices(study, facts)
    yield _disk(study, facts)
    for model, result in facts["models"].items():
        if result["error"]:
            yield Check(
                f"model {model}", "failed", result["error"], "The model's YAML or its code is at fault."
            )
        else:
            yield Check(
                f"model {model}",
                "ok",
                f"at its real size: forward, backward and sample on two images; "
                f"{result['parameters']:,} parameters",
            )


def _folder(request: Request, study: Study) -> Iterator[Check]:
    """Whether the files are likely those that were meant: a copied YAML may still name another's folder."""
    first = next(iter(study.configs.values()))
    reads, own = _read_by(first["dataset"], study), study.workspace.data(study.dataset)
    unread = sorted(path.name for path in own.glob("*.csv")) if reads is None else []
    if unread:
        yield Check(
            "data folder",
            "warning",
            f"{study.dataset} is made by the tool, and {unread[0]} in {own} is not read",
            "A data set of files has a reader of files: conf/dataset/epure.yaml is one.",
        )
    conf = find_conf(request.conf_dir)
    for other in conf.names("dataset") if reads is not None else ():
        if other == study.dataset:
            continue
        try:
            about = compose(conf, other, first["model"]["name"], study.profile)["dataset"]
        except BadRequest:  # is told where it is chosen
            continue
        if _read_by(about, study) == reads:
            yield Check(
                "data folder",
                "warning",
                f"{study.dataset} reads {reads}, as data set {other} does",
                "If each has files of its own, say where in its YAML: dataset.reader.root.",
            )


def _read_by(dataset: Mapping[str, Any], study: Study) -> Path | None:
    """The folder whose files a data set reads; None if it makes them."""
    if "root" not in dataset["reader"]:
        return None
    return root_of(dataset["reader"]["root"], study.workspace.data(dataset["name"])).resolve()


def _data(study: Study, silent: bool) -> Check:
    """Every file and pixel: what the first run would decode is decoded now, and found there by the run."""
    section = next(iter(study.configs.values()))["dataset"]
    request = {"task": "make", "workspace": str(study.workspace.root), "dataset": section}
    try:
        study.source()
        made = errand(DATA_TOOL, request, silent=silent)
    except EpureError as error:
        return Check("data", "failed", error.message, error.hint or "docs/data.md shows what is expected.")
    except OSError as error:
        return Check(
            "data", "failed", f"cannot decode {study.dataset}: {error.strerror}", "See write access."
        )
    return Check(
        "data", "ok", f"{study.dataset}: {made['train']} train and {made['test']} test designs, all valid"
    )


def _inception(study: Study) -> Check:
    """The weights behind FID: a run goes on without them, but not with wrong ones."""
    settings = next(iter(study.configs.values()))["reference"]["inception"]
    try:
        path = found(study)
        if path is not None:
            sha256 = check_weights(path, settings["sha256"])
            return Check("inception weights", "ok", f"{path}, SHA-256 {sha256[:8]}...")
    except (EpureError, OSError) as error:
        message, hint = (error.message, error.hint) if isinstance(error, EpureError) else (str(error), "")
        return Check("inception weights", "failed", message, hint)
    return Check(
        "inception weights",
        "warning",
        "not here: FID and KID will be null",
        f"{FETCH}; without a network, with a file from elsewhere: {FETCH} --from FILE",
    )


def _workspace(study: Study) -> Iterator[Check]:
    base = study.workspace.base
    existing = next(folder for folder in (base, *base.parents) if folder.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".epuredgm-verify-", dir=existing) as name:
            kind = _pointer_kind(Path(name))
    except OSError as error:
        yield Check(
            "write access",
            "failed",
            f"cannot write to {existing}: {error.strerror}",
            "Choose --workspace DIR.",
        )
        return
    yield Check("write access", "ok", str(existing))
    yield Check("pointers", "ok", f"run_seedN and latest are made as {kind}")


def _pointer_kind(folder: Path) -> str:
    """How a pointer comes out in this folder, in words."""
    target, pointer = folder / "target", folder / "pointer"
    target.mkdir()
    write_pointer(pointer, target)
    assert read_pointer(pointer) == target.resolve()
    if pointer.is_symlink():
        return "symbolic links"
    return "small text files (symbolic links are refused here)" if pointer.is_file() else "junctions"


def _dependencies() -> Check:
    from packaging.requirements import Requirement

    problems, count = [], 0
    for text in metadata.requires("epuredgm") or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            problems.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if problems:
        return Check("dependencies", "failed", "; ".join(problems), "pip install --upgrade epuredgm")
    return Check("dependencies", "ok", f"{count} packages; Python {sys.version.split()[0]}")


def _probe(study: Study) -> dict[str, Any]:
    """What children found: devices, and one trial of each model; ``error`` if none could start.

    A child that dies at a model takes the blame to this one, and another one tries the rest.
    """
    facts: dict[str, Any] = {"models": {}}
    while left := {name: config for name, config in study.configs.items() if name not in facts["models"]}:
        lines, fault = _ask(study.devices[0], left)
        for line in lines:
            if "machine" in line:
                facts |= line["machine"]
            else:
                facts["models"][line.pop("model")] = line
        if "torch" not in facts:
            return {"error": fault}
        tried = next((name for name in left if name not in facts["models"]), None)
        if tried and fault:
            facts["models"][tried] = {"parameters": None, "error": f"its trial ended the process: {fault}"}
    return facts


def _ask(device: str, configs: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """What one child says of some models, and how it ended if that was not well."""
    question = json.dumps({"device": device, "configs": configs})
    child = subprocess.run(
        [sys.executable, "-m", "epuredgm.stages.probe"],
        input=question,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in child.stdout.splitlines()]
    if not child.returncode:
        return lines, ""
    if child.returncode == -9:  # SIGKILL
        return lines, "killed, most likely for want of memory; try smaller widths"
    if child.returncode < 0:
        return lines, f"killed by {name_of(-child.returncode)}"
    return lines, (child.stderr.strip().splitlines() or [f"it ended with {child.returncode}"])[-1]


def _devices(study: Study, facts: dict[str, Any]) -> Iterator[Check]:
    yield Check("torch", "ok", f"{facts['torch']}")
    if study.devices[0] == "cpu":
        yield Check(
            "device",
            "warning",
            f"CPU, {facts['cores']} cores, {size(facts['memory'])} of memory free",
            "The full profile needs a CUDA device; quick and test run here.",
        )
        return
    for device in study.devices:
        found = facts["cuda"].get(device)
        if found is None:
            yield Check(
                "device",
                "failed",
                f"torch does not see {device}",
                "See --device, CUDA_VISIBLE_DEVICES and the driver.",
            )
        else:
            status = "ok" if found["free"] >= 8e9 else "warning"
            text = f"{device}: {found['name']}, {size(found['free'])} of {size(found['total'])} free"
            yield Check("device", status, text, "The published study wants 8 GB: reduce training.batch_size.")


def _disk(study: Study, facts: dict[str, Any]) -> Check:
    """Free space against what the jobs to run would write, from history or from the models' sizes."""
    try:
        assessments = study.assess(study.jobs(list(Stage)))
    except EpureError as error:
        return Check("disk", "failed", error.message, error.hint)
    need = sum(
        a.bytes
        if a.bytes is not None
        else _size_without_history(a.job.stage, a.job.model, a.job.config, facts)
        for a in assessments
        if a.action in ("run", "resume")
    )
    base = study.workspace.base
    free = shutil.disk_usage(next(folder for folder in (base, *base.parents) if folder.is_dir())).free
    text = f"{size(free)} free, this plan needs about {size(need)}"
    if free < 1.2 * need:
        return Check("disk", "failed", text, "Free some space or choose another --workspace.")
    if study.profile == "full" and free < ADVISED_DISK:
        return Check(
            "disk", "warning", text, f"The guide advises {size(ADVISED_DISK)} for the published study."
        )
    return Check("disk", "ok", text)


def _size_without_history(stage: Stage, model: str | None, config: Any, facts: dict[str, Any]) -> float:
    """Bytes that a job writes, by its kind: generous, from counts of parameters and pixels."""
    parameters = facts["models"].get(model, {}).get("parameters") or 10_000_000
    height, width = config["dataset"]["size"]
    pixels = config["sampling"]["num_samples"] * len(config["dataset"]["components"]) * height * width
    every = config["training"]["check_every"]
    copies = 2 + ((config["training"]["epochs"] or 0) // every if every else 0)
    sizes: dict[Stage, float] = {
        Stage.PREPARE: 2e8,
        Stage.TRAIN: 4.0 * parameters * (2 * copies + 5),  # live and averaged weights; optimizer state
        Stage.SAMPLE: 0.5 * pixels * len(config["dataset"]["components"]),
        Stage.EXPORT: 4096.0 * config["sampling"]["num_samples"] * (len(config["dataset"]["components"]) + 1),
    }
    return sizes.get(stage, 1e5)
