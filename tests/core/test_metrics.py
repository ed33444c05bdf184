"""The planner and the evaluator see the same metrics."""

from __future__ import annotations

from epuredgm.core.metrics import metric_names
from epuredgm.evaluation.metrics import all_metrics


def test_the_files_are_the_metrics() -> None:
    modules = [metric.compute.__module__.rpartition(".")[2] for metric in all_metrics()]
    assert list(metric_names()) == modules
