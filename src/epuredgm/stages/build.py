"""From a dotted name in a configuration to the object it names: readers, models, metrics are found here.

A configuration file may come from anyone, so a name can only lead to something that this package defines
itself.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import Any

from epuredgm.core.errors import BadRequest

PACKAGE = "epuredgm"


def resolve(target: str) -> Any:
    """The class or function called ``target``, e.g. ``epuredgm.data.toy.ToyReader``.

    Raises:
        BadRequest: if there is none, naming the nearest, or if it is not defined in this package.
    """
    module_name, _, name = target.rpartition(".")
    if not module_name.startswith(f"{PACKAGE}."):
        raise BadRequest(
            f"{target!r} is not part of {PACKAGE}", f"A _target_ looks like {PACKAGE}.data.toy.ToyReader."
        )
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise  # the module exists, but something that it needs does not
        raise BadRequest(f"{target!r}: there is no module {error.name}") from error
    found = getattr(module, name, None)
    if getattr(found, "__module__", None) != module_name or not callable(found):
        own = [
            key for key, value in vars(module).items() if getattr(value, "__module__", None) == module_name
        ]
        near = difflib.get_close_matches(name, own, n=1, cutoff=0.5)
        raise BadRequest(
            f"{module_name} defines no {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    return found


def build(target: str, *args: Any, **kwargs: Any) -> Any:
    """Call the class or function called ``target``.

    Raises:
        BadRequest: if it does not exist, or does not take these arguments.
    """
    found = resolve(target)
    try:
        inspect.signature(found).bind(*args, **kwargs)
    except TypeError as error:
        raise BadRequest(
            f"{target} cannot be built: {error}", "Compare its section of the YAML with its docstring."
        ) from error
    return found(*args, **kwargs)
