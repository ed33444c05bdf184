"""From a dotted name in a configuration to the settings declared for it, without importing what it names.

What a family or a reader takes is declared in a module that imports no torch, so that its keys are checked
when a study is planned:

- of ``epuredgm.models.foo.Foo``: ``Network`` and ``Sampler`` in ``epuredgm.models.settings.foo``;
- of ``epuredgm.data.foo.FooReader``: ``FooReaderSettings`` in ``epuredgm.data.settings``.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import collect, near
from epuredgm.core.spec import DataSpec

PACKAGE = "epuredgm"


def family_problems(model: Mapping[str, Any], spec: DataSpec | None) -> list[str]:
    """What is wrong with the keys in ``model.network`` and ``model.sampler``, one line each.

    Args:
        model: the composed ``model`` section.
        spec: the data set; None where it is not known.
    """
    problems: list[str] = []
    if not isinstance(model.get("target"), str):
        return problems  # is told with the others of its section
    try:
        network, sampler = family_settings(model["target"])
    except BadRequest as error:
        return [f"model.target: {error.message}"]
    collect(network, model.get("network"), "model.network", problems, spec)
    collect(sampler, model.get("sampler"), "model.sampler", problems, spec)
    return problems


def reader_problems(reader: Mapping[str, Any], spec: DataSpec | None = None) -> list[str]:
    """What is wrong with the keys in ``dataset.reader``, one line each; arguments as above."""
    problems: list[str] = []
    arguments = dict(reader)
    target = arguments.pop("_target_", None)
    try:
        settings = reader_settings(target if isinstance(target, str) else "")
    except BadRequest as error:
        return [f"dataset.reader._target_: {error.message}"]
    collect(settings, arguments, "dataset.reader", problems, spec)
    return problems


@cache
def family_settings(target: str) -> tuple[type, type]:
    """``Network`` and ``Sampler`` of a family.

    Raises:
        BadRequest: if there is no such class, or if nothing is declared for it.
    """
    require(target)
    package, stem, _ = target.rsplit(".", 2)
    module = f"{package}.settings.{stem}"
    declared = _module(module)
    found = tuple(getattr(declared, name, None) for name in ("Network", "Sampler"))
    if not all(isinstance(each, type) for each in found):
        raise BadRequest(
            f"{target} is not a model, or its settings are not declared: "
            f"the classes Network and Sampler in {module}"
        )
    return found  # type: ignore[return-value]


@cache
def reader_settings(target: str) -> type:
    """The settings class of a reader; raises as :func:`family_settings`."""
    if not target:
        raise BadRequest("a data set needs a reader, such as epuredgm.data.folders.FolderReader")
    require(target)
    package, _, name = target.rsplit(".", 2)
    found = getattr(_module(f"{package}.settings"), f"{name}Settings", None)
    if not isinstance(found, type):
        raise BadRequest(
            f"{target} is not a reader, or its settings are not declared: "
            f"the class {name}Settings in {package}.settings"
        )
    return found


@cache
def require(target: str) -> None:
    """Refuse a dotted name that leads to nothing of this package; imports only the packages above it.

    Raises:
        BadRequest: naming the nearest that there is.
    """
    parts = target.split(".")
    if len(parts) < 3 or parts[0] != PACKAGE:
        raise BadRequest(f"{target!r} is not part of {PACKAGE}; it looks like {PACKAGE}.data.toy.ToyReader")
    for depth in range(2, len(parts)):
        package, name = ".".join(parts[: depth - 1]), parts[depth - 1]
        known = _below(package)
        if name not in known:
            raise BadRequest(f"there is no module {name!r} in {package}{near(name, known)}")
    module, name = ".".join(parts[:-1]), parts[-1]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or Path(spec.origin).suffix != ".py":
        return  # nothing to read: its import will tell
    text = Path(spec.origin).read_text(encoding="utf-8")
    defined = re.findall(r"^(?:class|def) (\w+)", text, flags=re.MULTILINE)
    if name not in defined:
        raise BadRequest(f"{module} defines no {name!r}{near(name, defined)}")


def _below(package: str) -> list[str]:
    """Names of the modules in a package; nothing below a plain module."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return [module.name for module in iter_modules(places)] if places else []


def _module(name: str) -> Any:
    """A module of declarations, or None if there is none."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise  # it exists, but something that it needs does not
        return None
