"""Settings that are one of a few words: checked where they are read, with the words that would do."""

from __future__ import annotations

from collections.abc import Iterable

from epuredgm.core.errors import BadRequest

FIDELITIES = ("ours", "paper")
"""Of a family that departs from its published form: our default, or the paper's."""


def require_choice(key: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a value that is none of the choices.

    Args:
        key: full name of the setting, e.g. ``model.sampler.solver``.
        value: what it holds.
        choices: what it may hold.

    Raises:
        BadRequest: naming the choices.
    """
    known = tuple(choices)
    if value not in known:
        raise BadRequest(f"{key} is {value!r}", f"It is one of: {', '.join(known)}.")
