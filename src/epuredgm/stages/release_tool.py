"""The heavy half of ``epuredgm export``: permits, pictures, manifest."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import GENERATED, Stage
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.core.version import commit
from epuredgm.data.mammography.release import Dicoms
from epuredgm.data.release import Form, Pngs, Set, release, require_absent
from epuredgm.data.stamp import SOFTWARE
from epuredgm.orchestration.fingerprint import changes, facts, hashed
from epuredgm.orchestration.plan import prepare_key
from epuredgm.orchestration.records import Records, status_of
from epuredgm.stages.data_sets import load, make_reader
from epuredgm.stages.permit import Permit, Run, permits
from epuredgm.stages.tool import Task, serve

FORMS: Mapping[str, type[Pngs] | type[Dicoms]] = {"png": Pngs, "dicom": Dicoms}


def export(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Export what may leave: ``{"folder": where, "pictures": how many, "left_out": how many, "runs": ...}``.

    The request has ``workspace``, ``branch``, ``config`` (a composed one), ``runs`` (model and seed of each),
    ``mode``, ``format`` and ``to``.

    Raises:
        BadRequest: if a run is refused, with every reason; nothing is written.
        CorruptArtefact: if the data set is not what was written.
    """
    workspace = Workspace(Path(request["workspace"]), request["branch"])
    config, mode, folder = request["config"], request["mode"], Path(request["to"])
    section = config["dataset"]
    if mode not in {str(each) for each in GENERATED}:
        raise BadRequest(f"samples in mode {mode} are not generated, so they are not exported")
    require_absent(folder)
    if request["format"] == "dicom" and section["reader"].get("patches"):
        raise BadRequest(
            "samples of patches are no whole views, so they cannot be written as mammograms",
            "Take --format png.",
        )
    spec = DataSpec.from_config(section)
    form: Form = FORMS[request["format"]](spec)
    runs = [Run(model, spec.name, seed, mode) for model, seed in request["runs"]]
    fingerprint = _fingerprint(config, spec, workspace)
    allowed = permits(runs, workspace, spec, section["private"], fingerprint)
    about = {
        "software": SOFTWARE,
        "commit": commit(),
        "dataset": spec.name,
        "data_fingerprint": fingerprint,
        "size": list(spec.size),
        "bits": spec.levels.bit_length(),
    }
    manifest = release([_set(each) for each in allowed], form, spec, folder, about, monitor)
    return {
        "folder": str(folder),
        "pictures": sum(each["pictures"] for each in manifest["sets"]),
        "left_out": sum(sum(each["left_out"].values()) for each in manifest["sets"]),
        "sets": manifest["sets"],
    }


def _fingerprint(config: Mapping[str, Any], spec: DataSpec, workspace: Workspace) -> str:
    """Of the data as they were prepared last, read in full.

    Raises:
        BadRequest: if they were not, or under other settings than those of ``config``.
        CorruptArtefact: if they are not what was written.
    """
    record = Records(workspace).get(prepare_key(spec.name))
    made = record.outputs.get("designs") if record and status_of(record, workspace) == "done" else None
    if record is None or made is None:
        raise BadRequest(
            f"data set {spec.name} has not been prepared in {workspace.base}",
            f"First: epuredgm run --dataset {spec.name}",
        )
    before = {key: value for key, value in record.hashed.items() if not key.startswith("source.")}
    differences = list(changes(before, hashed(Stage.PREPARE, facts(config))))
    if differences:
        raise BadRequest(
            f"data set {spec.name} was prepared under other settings: {', '.join(differences)}",
            "Give the overrides of dataset.* that the run had.",
        )
    entry = workspace.cache / Path(made.path).name  # inside the cache, whatever the record says
    return load(make_reader(config["dataset"], workspace), entry, spec).fingerprint


def _set(permit: Permit) -> Set:
    run = permit.run
    parts = [f"{run.model}_seed{run.seed}", run.mode, *([permit.given] if permit.given else [])]
    given = {"given": permit.given} if permit.given else {}
    return Set("/".join(parts), permit.samples, {**given, **permit.facts})


TASKS: dict[str, Task] = {"export": export}


if __name__ == "__main__":
    sys.exit(serve(TASKS))
