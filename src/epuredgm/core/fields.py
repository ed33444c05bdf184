"""What stands on a field of a settings class, and the reader that holds plain content against it.

A settings class is a frozen dataclass. Its fields are ``bool``, ``int``, ``float``, ``str``, other settings
classes, ``list[...]``, ``dict[str, ...]`` and ``Literal[...]``, or one of them ``| None``. What values make
sense is said on the field: ``Annotated[int, between(1, 64)]``. Rules between fields are methods of the class:

- ``rules(self)`` yields ``(field, text)`` for everything in the section that does not go together;
- ``fits(self, spec)`` the same for what does not go with the data set.

The problem is reported as ``<key of the field> <text>``; an empty field means the whole section.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import DataSpec

Problem = tuple[str, str]
"""Name of a field, or nothing, and what is wrong with it: ``("flip", "must be 0 for half pictures")``."""


@dataclass(frozen=True)
class Mark:
    """What a value must be, for people and as a test.

    Attributes:
        words: completes "must be ...".
        holds: whether a value of the field's type is so.
        choices: the values that there are, if they can be listed.
        whole: the words say the type too.
    """

    words: str
    holds: Callable[[Any], bool]
    choices: tuple[Any, ...] = ()
    whole: bool = False


def _either(choices: Sequence[Any]) -> str:
    """``a, b or c``."""
    words = [str(each) for each in choices]
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _number(value: float) -> str:
    """A limit for people: ``1,000,000``, ``0.5``, ``2^63 - 1``."""
    if value == 2**63 - 1:
        return "2^63 - 1"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def between(
    low: float,
    high: float,
    *,
    above: bool = False,
    below: bool = False,
    infinite: bool = False,
) -> Mark:
    """A number from ``low`` to ``high``.

    Args:
        low, high: the range. Where nature sets no upper end, one that no study comes near.
        above, below: the ends themselves are left out.
        infinite: infinity will do as well.
    """
    if above or below:
        start = f"above {_number(low)}" if above else f"at least {_number(low)}"
        words = f"{start} and {'below' if below else 'at most'} {_number(high)}"
    else:
        words = f"from {_number(low)} to {_number(high)}"

    def holds(value: float) -> bool:
        if infinite and value == math.inf:
            return True
        return (low < value if above else low <= value) and (value < high if below else value <= high)

    return Mark(f"{words}{', or .inf' * infinite}", holds)


def entries(least: int, most: int, words: str = "") -> Mark:
    """A list of so many entries."""
    count = f"{least}" if least == most else f"{least} to {most}"
    return Mark(words or f"a list of {count} entries", lambda value: least <= len(value) <= most, whole=True)


def some_of(choices: Sequence[str]) -> Mark:
    """A list that is not empty, of entries that say themselves what they may be."""
    return entries(1, 100, f"one or more of {', '.join(choices)}")


def one_of(*choices: str) -> Mark:
    """One of some words that are a list elsewhere; write ``Literal`` where they are not."""
    return Mark(_either(choices), lambda value: value in choices, choices, whole=True)


def matching(pattern: str, words: str) -> Mark:
    """Text of a form."""
    return Mark(words, lambda value: re.fullmatch(pattern, value) is not None, whole=True)


Share = Annotated[float, between(0, 1)]
Fraction = Annotated[float, between(0, 1, above=True, below=True)]
Weight = Annotated[float, between(0, 1e9)]
Seed = Annotated[int, between(0, 2**63 - 1)]
Rate = Annotated[float, between(0, 100, above=True)]

S = TypeVar("S")


def read(kind: type[S], content: Mapping[str, Any], key: str = "") -> S:
    """An instance of the settings class ``kind`` from plain ``content``, checked.

    A key whose field has a default may be absent.

    Args:
        kind: a settings class.
        content: its fields as plain data.
        key: where the content stands in the configuration, for messages.

    Raises:
        BadRequest: listing every unknown key (with its nearest neighbour), missing key, wrong type and value
            out of its range.
    """
    problems: list[str] = []
    settings = collect(kind, content, key, problems)
    refuse(problems)
    return settings  # type: ignore[no-any-return]


def collect(kind: Any, content: Any, key: str, problems: list[str], spec: DataSpec | None = None) -> Any:
    """As :func:`read`, but what is wrong is added to ``problems``.

    Args:
        kind, content, key: as there.
        problems: one line for each.
        spec: the data set that the settings must fit; None where it is not known.
    """
    return _Reader(problems, spec).value(kind, content, key)


def refuse(problems: Iterable[str], hint: str = "") -> None:
    """Raise one error that lists all problems, if there are any.

    Raises:
        BadRequest: if so.
    """
    lines = [f"  - {problem}" for problem in dict.fromkeys(problems)]
    if lines:
        raise BadRequest("\n".join(["configuration:", *lines]), hint)


def near(word: object, known: Iterable[str], shown: Callable[[str], str] = repr) -> str:
    """``; did you mean 'euler'?``, or nothing if no known word is like it."""
    lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(str(word).lower(), lower, n=1, cutoff=0.4)
    return f"; did you mean {shown(lower[found[0]])}?" if found else ""


@dataclass(frozen=True)
class _Reader:
    """Holds content against types; what does not fit is added to ``problems`` under its full key."""

    problems: list[str]
    spec: DataSpec | None

    def value(self, hint: Any, content: Any, key: str) -> Any:
        base, marks, optional = parts_of(hint)
        if optional and content is None:
            return None
        before = len(self.problems)
        made = self._typed(base, hint, content, key)
        if len(self.problems) > before:
            return made
        if base is float and not marks and not math.isfinite(made):
            self._must(key, hint, content)
        for mark in marks:
            if not mark.holds(made):
                self._must(key, hint, content)
        return made

    def _typed(self, base: Any, hint: Any, content: Any, key: str) -> Any:
        """``content`` as a type without marks."""
        if is_dataclass(base) and isinstance(content, Mapping):
            return self._section(base, content, key)
        origin, arguments = get_origin(base), get_args(base)
        if origin is dict and isinstance(content, Mapping):
            return {str(n): self.value(arguments[1], each, f"{key}.{n}") for n, each in content.items()}
        if origin is list and isinstance(content, list):
            return [self.value(arguments[0], each, f"{key}[{i}]") for i, each in enumerate(content)]
        if base is float and isinstance(content, int) and not isinstance(content, bool):
            return float(content) if abs(content) < 1e300 else math.inf
        if not _is(base, content):
            self._must(key, hint, content)
        return content

    def _must(self, key: str, hint: Any, content: Any) -> None:
        guess = near(content, map(str, _choices(hint))) if isinstance(content, str) else ""
        self.problems.append(f"{key} must be {described(hint, content)}, not {_short(content)}{guess}")

    def _section(self, kind: Any, content: Mapping[str, Any], key: str) -> Any:
        hints = hints_of(kind)
        prefix = f"{key}." if key else ""
        before = len(self.problems)
        for name in content:
            if name not in hints:
                guess = near(name, hints, lambda known: f"{prefix}{known}")
                self.problems.append(f"unknown key {prefix}{name}{guess}")
        missing = [name for name in hints if name not in content and name not in defaulted(kind)]
        self.problems.extend(f"missing key {prefix}{name}" for name in missing)
        values = {
            name: self.value(hint, content[name], f"{prefix}{name}")
            for name, hint in hints.items()
            if name in content
        }
        if missing:
            return None
        made = kind(**values)
        if len(self.problems) == before:
            self._agree(made, key)
        return made

    def _agree(self, made: Any, key: str) -> None:
        """The rules between the fields of a section whose fields are right by themselves."""
        found: list[Problem] = list(made.rules()) if hasattr(made, "rules") else []
        if self.spec is not None and hasattr(made, "fits"):
            found += made.fits(self.spec)
        self.problems.extend(f"{'.'.join(filter(None, (key, name)))} {text}".strip() for name, text in found)


@cache  # resolving annotations is slow, and every configuration of a study asks for the same
def hints_of(kind: type) -> dict[str, Any]:
    """Names of the fields of a settings class and their types, with what stands on them."""
    return get_type_hints(kind, include_extras=True)


@cache
def defaulted(kind: Any) -> frozenset[str]:
    """Names of the fields of a settings class that may be left out."""
    return frozenset(f.name for f in fields(kind) if (f.default, f.default_factory) != (MISSING, MISSING))


def plain(hint: Any) -> Any:
    """A field's type without what stands on it: ``int`` for ``Annotated[int, ...]``, ``str`` for choices."""
    base, _, optional = parts_of(hint)
    origin, arguments = get_origin(base), get_args(base)
    if origin is Literal:
        base = type(arguments[0])
    elif origin is list:
        base = list[plain(arguments[0])]  # type: ignore[misc]
    return base | None if optional else base


def parts_of(hint: Any) -> tuple[Any, tuple[Mark, ...], bool]:
    """A field's type, the marks on it, and whether it may be null."""
    optional = get_origin(hint) in (UnionType, Union)
    if optional:
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        return base, tuple(mark for mark in marks if isinstance(mark, Mark)), optional
    return hint, (), optional


def _is(base: Any, content: object) -> bool:
    if base is Any:
        return True
    if get_origin(base) is Literal:
        return any(type(content) is type(each) and content == each for each in get_args(base))
    fits = isinstance(base, type) and isinstance(content, base)
    return fits and (base is bool or not isinstance(content, bool))


def described(hint: Any, content: object = None) -> str:
    """What a field must be, in words: ``null or a whole number from 1 to 64``.

    Args:
        hint: the field's type.
        content: what it is instead; words of a range leave out the type where that is right.
    """
    base, marks, optional = parts_of(hint)
    words = [mark.words for mark in marks]
    number = isinstance(content, int | float) and not isinstance(content, bool)
    right = number if base is float else _is(base, content)
    if not any(mark.whole for mark in marks) and not (marks and right):
        words.insert(0, _named(base))
    return ("null or " if optional else "") + " ".join(words)


def _named(base: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if get_origin(base) is Literal:
        return _either(get_args(base))
    if get_origin(base) is list:
        return "a list"
    if is_dataclass(base) or get_origin(base) is dict:
        return "a group of keys"
    return names.get(base, getattr(base, "__name__", str(base)))


def _choices(hint: Any) -> tuple[Any, ...]:
    base, marks, _ = parts_of(hint)
    listed = get_args(base) if get_origin(base) is Literal else ()
    return (*listed, *(choice for mark in marks for choice in mark.choices))


def _short(content: object) -> str:
    text = repr(content)
    return text if len(text) <= 80 else f"{text[:60]}..."
