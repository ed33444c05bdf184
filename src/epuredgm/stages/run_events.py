"""What a report adds to TensorBoard: beside a run's curves, its final figures and pictures of samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from epuredgm.core.jobs import shows_real
from epuredgm.core.places import Workspace
from epuredgm.evaluation.evaluator import headline_block
from epuredgm.evaluation.headlines import at, headlines_of
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.reporting.study import Run, Study
from epuredgm.reporting.tensorboard import write_events


def write_run_events(study: Study, workspace: Workspace) -> tuple[Path, ...]:
    """One event file for each run whose folder is still there."""
    written = []
    for family in study.families:
        for run in family.runs:
            folder = workspace.root / run.folder
            if run.folder and folder.is_dir():
                scalars = dict(_scalars(run.result["modes"]))
                images = dict(_sheets(run, f"{family.model}_{study.spec.name}", workspace, study.private))
                written.append(write_events(folder, scalars, images))
    return tuple(written)


def _scalars(modes: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """``final/<mode>/<headline>`` of every figure that exists; of inpainting, the average over components."""
    for mode, content in modes.items():
        block = headline_block(content)
        for name, metric, _, path in headlines_of(block, all_metrics()):
            value = at(block[metric.key], path)["value"]
            if value is not None:
                yield f"final/{mode}/{name}", float(value)


def _sheets(run: Run, name: str, workspace: Workspace, private: bool) -> Iterator[tuple[str, bytes]]:
    """``samples/<mode>`` and ``samples/inpainting/<given component>``: the contact sheets that are there.

    Of private data, those that hold real designs or parts of them are left out.
    """
    for kind in run.result.get("provenance", {}).get("samples", {}):
        mode, _, given = kind.partition("/")
        if private and shows_real(mode, given or None):
            continue
        sheet = workspace.samples(name, run.seed, mode, given or None) / "contact_sheet.png"
        if sheet.is_file():
            yield f"samples/{kind}", sheet.read_bytes()
