"""The feature extractors, one file a kind. A file here with a ``MAKER`` is used: there is no list of them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from epuredgm.evaluation.extractor import Maker


def all_makers() -> tuple[Maker, ...]:
    """Every maker of this folder, by file name.

    Raises:
        AttributeError: if a file here declares no ``MAKER``.
    """
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").MAKER for name in names)
