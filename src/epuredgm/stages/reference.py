"""Stage ``reference``: the feature extractors of a data set, and its real designs as they see them."""

from __future__ import annotations

from pathlib import Path

from epuredgm.core.fields import read
from epuredgm.core.inception import find_weights
from epuredgm.core.jobs import JobFile
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace
from epuredgm.core.settings import ReferenceSettings
from epuredgm.data.memory import FittingSize
from epuredgm.evaluation.extractor import Setting
from epuredgm.evaluation.extractors import all_makers
from epuredgm.evaluation.reference import make_reference
from epuredgm.stages.data_sets import designs_of, spec_of
from epuredgm.stages.models import prepare_device, remembered


def run(job: JobFile, monitor: Monitor) -> dict[str, Path]:
    """Fit and describe.

    Input: ``designs``. Output: ``reference``.
    """
    path = Workspace(Path(job.workspace), job.branch).reference(job.dataset)
    make_reference(all_makers(), setting_of(job, monitor), designs_of(job), path, monitor)
    return {"reference": path}


def setting_of(job: JobFile, monitor: Monitor) -> Setting:
    """What the job's extractors depend on, beside the designs."""
    settings = read(ReferenceSettings, job.config["reference"])
    workspace = Workspace(Path(job.workspace), job.branch)
    device = prepare_device(job)

    def at_once(task: str, most: int) -> FittingSize:
        def halved(size: int) -> None:
            monitor.note(f"out of memory: {task} takes {size} designs at once from here on")

        return FittingSize(most, halved, remembered(job, device, task))

    return Setting(
        spec=spec_of(job),
        settings=settings,
        inception_weights=find_weights(settings.inception.weights, workspace),
        device=device,
        at_once=at_once,
    )
