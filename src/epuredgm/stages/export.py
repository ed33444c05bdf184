"""The job that writes samples as PNG folders, beside the sets they come from."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.data.export import export_samples
from epuredgm.data.samples import SampleSet
from epuredgm.stages.data_sets import spec_of

FOLDER = "png"


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Export every sample set among the inputs.

    Returns:
        ``images`` for the input ``samples``, ``images/<component>`` for ``samples/<component>``: the folder
        ``png`` beside each set.

    Raises:
        CorruptArtefact: if an input is not a sample set.
        Interrupted: if the monitor asks to stop; no half-written folder is left.
    """
    spec = spec_of(job)
    made: dict[str, Path] = {}
    for name, artefact in job.inputs.items():
        kind, _, rest = name.partition("/")
        if kind != "samples":
            continue
        source = Path(job.workspace) / artefact.path
        folder = source.parent / FOLDER
        export_samples(SampleSet.read(source), folder, monitor, spec)
        made[f"images/{rest}" if rest else "images"] = folder
    return made
