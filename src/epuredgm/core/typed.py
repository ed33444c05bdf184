"""Whether plain content read back from a file has the types that a dataclass declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints


def misfits(instance: Any) -> list[str]:
    """Names of the fields of a dataclass instance whose values are not of the declared type.

    Understands what records are made of: scalars, enumerations, ``X | None``, ``tuple[X, ...]``,
    ``Mapping[str, X]`` and dataclasses; an ``int`` passes for a ``float``, a ``bool`` for neither.
    """
    hints = _hints(type(instance))  # type: ignore[arg-type]  # a class is hashable, whatever mypy says
    return [name for name, hint in hints.items() if not _fits(getattr(instance, name), hint)]


@cache  # resolving annotations is slow, and a workspace has hundreds of records
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is UnionType:
        return any(_fits(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, arguments[0]) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_fits(item, arguments[1]) for item in value.values())
    if is_dataclass(hint):
        return isinstance(value, hint) and not misfits(value)  # type: ignore[arg-type]
    if isinstance(value, bool) and hint is not bool:
        return False
    return isinstance(value, (int, float) if hint is float else hint)
