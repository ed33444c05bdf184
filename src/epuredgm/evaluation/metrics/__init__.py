"""The metrics, one file each. A file here with a ``METRIC`` is a metric: there is no list to add it to."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from epuredgm.evaluation.metric import Metric


def all_metrics() -> tuple[Metric, ...]:
    """Every metric of this folder, by file name.

    Raises:
        AttributeError: if a file here declares no ``METRIC``.
    """
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").METRIC for name in names)
