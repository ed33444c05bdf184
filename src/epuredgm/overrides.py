"""The command line's ``key=value`` words: read literally, and laid over a configuration.

There is no grammar in them but this. A key that holds text takes the rest of the word as it is. Any other
takes a number, ``true``, ``false``, ``null``, a list ``[16, 32]`` or a group of keys ``{name: value}``.
``~key`` removes a key, ``+key=value`` adds one to a group that takes any.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import flatten
from epuredgm.core.settings import Settings

_WORD = re.compile(
    r"(?:(?P<scope>[^:=~]+):)?(?P<sign>\+{1,2}|~)?(?P<key>[\w@/.-]+)(?P<value>=.*)?", re.DOTALL
)
LITERAL = "\0{"
"""Stands for ``${`` in a text that was given, until interpolations are resolved; no word holds a NUL."""

_DURATION = ("epochs", "steps")
_NUMBER = re.compile(r"[+-]?(\d+|(\d+\.\d*|\.\d+)([eE][+-]?\d+)?|\d+[eE][+-]?\d+|inf)|nan", re.ASCII)
_FORMS = "Overrides look like training.batch_size=32 or vae:training.lr=1e-3."


@dataclass(frozen=True)
class Word:
    """One override.

    Attributes:
        text: as it was given, without the model it is for.
        key: full key.
        value: what stands behind the equals sign; None for ``~key``.
        adds: whether ``+`` says that the key may be new.
    """

    text: str
    key: str
    value: str | None
    adds: bool = False

    @classmethod
    def parse(cls, text: str) -> Word:
        """Read a word that has no model before it.

        Raises:
            BadRequest: if it is none.
        """
        word = read_word(text)[1]
        if word is None:
            raise BadRequest(f"cannot read {text!r}", _FORMS)
        return word


def read_word(text: str) -> tuple[str | None, Word | None]:
    """The model that a word is for, or None, and the word; None if it is no override."""
    read = _WORD.fullmatch(text)
    if read is None or (read["value"] is None and read["sign"] != "~"):
        return None, None
    own = text if read["scope"] is None else text[len(read["scope"]) + 1 :]
    value = None if read["sign"] == "~" else read["value"][1:]
    return read["scope"], Word(own, read["key"], value, adds=(read["sign"] or "").startswith("+"))


@dataclass(frozen=True)
class Overrides:
    """The words of a command line: for every model, or ``model:key=value``."""

    common: tuple[str, ...] = ()
    by_model: Mapping[str, tuple[str, ...]] | None = None

    @classmethod
    def parse(cls, words: Iterable[str], models: Sequence[str]) -> Overrides:
        """Sort the words.

        Raises:
            BadRequest: if a word is not ``key=value``, or names a model that is not known.
        """
        common: list[str] = []
        by_model: dict[str, tuple[str, ...]] = {}
        given = list(words)
        for text in map(str.strip, given):
            scope, word = read_word(text)
            if word is None:
                bare = [each for each in map(str.strip, given) if read_word(each)[1] is None]
                raise BadRequest(f"cannot read {text!r}", _stray(bare, models))
            if scope is None:
                common.append(text)
            elif scope in models:
                by_model[scope] = (*by_model.get(scope, ()), word.text)
            else:
                near = difflib.get_close_matches(scope, models, n=1, cutoff=0.5)
                guess = f"; did you mean {near[0]!r}?" if near else ""
                raise BadRequest(
                    f"{text!r} names a model that is not known{guess}", f"Known: {', '.join(models)}"
                )
        return cls(tuple(common), by_model)

    def for_model(self, model: str) -> tuple[str, ...]:
        """The words that hold for one model, the model's own last.

        What says how long a training lasts holds as a whole: a model's own replaces the common one.
        """
        own = (self.by_model or {}).get(model, ())
        replaced = {_lasting(Word.parse(word)) for word in own} - {None}
        return (*(word for word in self.common if _lasting(Word.parse(word)) not in replaced), *own)


def _stray(bare: Sequence[str], models: Sequence[str]) -> str:
    """What to write instead of words that are no overrides."""
    for option, what, pattern in (
        ("--models vae", "models", "|".join(map(re.escape, models)) or "$"),
        ("--seeds 0", "seeds", r"\d{1,9}(-\d{1,9})?"),
        ("--device cuda:0", "devices", r"cpu|cuda(:\d+)?"),
    ):
        if re.fullmatch(pattern, bare[0]):
            listed = ",".join(each for each in bare if re.fullmatch(pattern, each))
            return f"Several {what} are one word, with commas: {option},{listed}"
    return _FORMS


def _lasting(word: Word) -> str | None:
    """The section whose length a word sets, else None."""
    section, _, name = word.key.rpartition(".")
    return section if name in _DURATION and word.value not in (None, "null") else None


# values ------------------------------------------------------------


def value_of(word: Word, current: Any) -> Any:
    """What a word says, as plain data.

    Args:
        word: ``key=value``.
        current: what the key holds without it; None if it holds nothing or is new.

    Raises:
        BadRequest: if it is no value, with what to write.
    """
    assert word.value is not None
    hint, may_be_null = declared(word.key)
    if hint is str or (hint is Any and isinstance(current, str)):
        return None if may_be_null and word.value == "null" else _unquoted(word.value)
    if hint is Any and current is None:
        return _free(word.value)
    text = _unquoted(word.value)
    if not text:
        raise BadRequest(f"{word.key} has no value", _example(word.key, current))
    if text[0] in "[{":
        return _nested(word, text)
    if "${" in text:
        raise BadRequest(f"{word.text!r} refers to another key", _example(word.key, current))
    if "," in text or re.fullmatch(r"\w+\(.*\)", text, flags=re.DOTALL):
        wanted = "a list" if get_origin(hint) is list or isinstance(current, list) else "one value"
        raise BadRequest(f"{word.key} takes {wanted}, not {text!r}", _example(word.key, current))
    return scalar(text)


def _example(key: str, current: Any) -> str:
    if current is None or isinstance(current, (dict, str)):
        return f"Write {key}=VALUE, one value."
    shown = str(current).replace("True", "true").replace("False", "false").replace(" ", "")
    return f"For example: {key}={shown}"


def _unquoted(text: str) -> str:
    """Without the quotes around all of it, which some shells leave."""
    whole = len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]
    return text[1:-1] if whole else text


def scalar(text: str) -> Any:
    """A bare word: a number, a truth value, null, else the text itself."""
    known = {"true": True, "false": False, "null": None}
    if text.lower() in known:
        return known[text.lower()]
    if _NUMBER.fullmatch(text) and len(text) <= 300:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    return text


def _free(text: str) -> Any:
    """A value where nothing says what is expected: text, unless all of it is something else."""
    if text[:1] in ("[", "{"):
        try:
            return _Parser(text).whole()
        except ValueError:
            return text
    return scalar(text) if _unquoted(text) == text else _unquoted(text)


def _nested(word: Word, text: str) -> Any:
    try:
        return _Parser(text).whole()
    except (ValueError, RecursionError):
        raise BadRequest(
            f"cannot read the value of {word.text!r}",
            f"A list is written '{word.key}=[16,32]', a group of keys '{word.key}={{name: value}}'.",
        ) from None


class _Parser:
    """Lists and groups of keys: ``[1, 2]``, ``{a: 1, b: [x, 'y, z']}``."""

    def __init__(self, text: str) -> None:
        self.tokens = re.findall(
            r"\s*('[^']*'|\"[^\"]*\"|[\[\]{},]|:(?=[\s\[{'\"\w.+-])|[^\[\]{},:]+|:)", text
        )
        self.at = 0

    def whole(self) -> Any:
        value = self._value()
        if self.at < len(self.tokens):
            raise ValueError(self.tokens[self.at])
        return value

    def _next(self) -> str:
        if self.at >= len(self.tokens):
            raise ValueError("it ends too early")
        self.at += 1
        return str(self.tokens[self.at - 1]).strip()

    def _value(self) -> Any:
        token = self._next()
        if token == "[":
            return [value for value, _ in self._items("]", named=False)]
        if token == "{":
            return {name: value for value, name in self._items("}", named=True)}
        if token in ("]", "}", ",", ":", "") or "${" in token:
            raise ValueError(token)
        return token[1:-1] if token[0] in "'\"" else scalar(token)

    def _items(self, end: str, *, named: bool) -> Iterator[tuple[Any, str]]:
        if self._peek() == end:
            self._next()
            return
        while True:
            name = ""
            if named:
                name = self._next()
                if name in "[]{},:" or self._next() != ":":
                    raise ValueError(name)
                name = name.strip("'\"")
            yield self._value(), name
            token = self._next()
            if token == end:
                return
            if token != ",":
                raise ValueError(token)

    def _peek(self) -> str:
        return str(self.tokens[self.at]).strip() if self.at < len(self.tokens) else ""


@lru_cache(maxsize=1024)
def declared(key: str) -> tuple[Any, bool]:
    """The type that the settings declare for a key, and whether it may be null.

    ``Any`` stands for what they leave open, None for a key that they do not know.
    """
    hint: Any = Settings
    for name in key.split("."):
        hint, may_be_null = _bare(hint)
        if hint is Any:
            return Any, True
        if is_dataclass(hint):
            hint = get_type_hints(hint).get(name)
        elif get_origin(hint) is dict:
            hint = get_args(hint)[1]
        else:
            return None, False
    hint, may_be_null = _bare(hint)
    return hint, may_be_null or hint is Any


def _bare(hint: Any) -> tuple[Any, bool]:
    """A type without ``| None``, and whether it had it; one of several words is text."""
    choices = [each for each in get_args(hint) if each is not NoneType]
    may_be_null = get_origin(hint) in (UnionType, Union)
    hint = choices[0] if may_be_null else hint
    if get_origin(hint) is Literal and all(isinstance(each, str) for each in get_args(hint)):
        return str, may_be_null
    return hint, may_be_null


# laying them over a configuration ------------------------------------------------------------


def lay_over(
    raw: dict[str, Any], resolved: Mapping[str, Any], words: Sequence[Word], help_line: str
) -> dict[str, str]:
    """Change a configuration as the words say.

    Args:
        raw: the configuration with its interpolations; changed in place.
        resolved: the same without them.
        words: in order, the last holds.
        help_line: which command lists all keys.

    Returns:
        Key -> the word behind it, for every key that was set or cleared.

    Raises:
        BadRequest: for an unknown key or a value that is none.
    """
    origin: dict[str, str] = {}
    given: dict[str, Any] = {}
    for word in words:
        current, there = _find(resolved, word.key)
        if not there and not (word.adds or (word.value is not None and _is_field(word.key, resolved))):
            raise unknown_key(word.key, resolved, help_line)
        if word.value is None:
            _remove(raw, resolved, word)
        else:
            value = value_of(word, current)
            _set(raw, resolved, word, value.replace("${", LITERAL) if isinstance(value, str) else value)
            given |= flatten({word.key: value})
        origin[word.key] = word.text
    for key, by in settle_durations(raw, resolved, given).items():
        origin.setdefault(key, origin.get(by, f"{by}=..."))
    return origin


def unknown_key(key: str, resolved: Mapping[str, Any], help_line: str) -> BadRequest:
    """The refusal of a key that is not there, with the nearest one that is."""
    near = difflib.get_close_matches(key, list(flatten(resolved)), n=1, cutoff=0.4)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    return BadRequest(f"unknown configuration key {key!r}{guess}", help_line)


def settle_durations(
    raw: dict[str, Any], resolved: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, str]:
    """Where one of ``epochs`` and ``steps`` is given, the other is cleared.

    What is given for the training as a whole holds for every phase that says nothing itself.

    Args:
        raw: the configuration; changed in place.
        resolved: the same without interpolations, before the change.
        given: flat keys that were given, with their values.

    Returns:
        Key that was changed -> the given key that is behind it.

    Raises:
        BadRequest: if both are given.
    """
    changed: dict[str, str] = {}
    training = raw.get("training")
    phases = resolved.get("training", {}).get("phases")
    if not isinstance(training, dict) or not isinstance(phases, Mapping):
        return changed
    whole = _settle(raw, resolved, "training", given, changed)
    for name in phases:
        own = _settle(raw, resolved, f"training.phases.{name}", given, changed)
        if (
            whole is None
            or own is not None
            or any(f"training.phases.{name}.{each}" in given for each in _DURATION)
        ):
            continue
        for each in _DURATION:
            key = f"training.phases.{name}.{each}"
            _set(raw, resolved, Word(key, key, "", adds=True), f"${{training.{each}}}")
            changed[key] = f"training.{whole}"
    return changed


def _settle(
    raw: dict[str, Any],
    resolved: Mapping[str, Any],
    section: str,
    given: Mapping[str, Any],
    changed: dict[str, str],
) -> str | None:
    """Clear the one of ``epochs`` and ``steps`` that is not given; returns the one that is."""
    names = [name for name in _DURATION if given.get(f"{section}.{name}") is not None]
    if len(names) == 2:
        raise BadRequest(
            f"{section}.epochs and {section}.steps are both given", "Give exactly one of epochs and steps."
        )
    if not names or not _find(resolved, section)[1]:
        return None
    (other,) = set(_DURATION) - set(names)
    key = f"{section}.{other}"
    _set(raw, resolved, Word(key, key, "", adds=True), None)
    changed[key] = f"{section}.{names[0]}"
    return names[0]


def _find(content: Any, key: str) -> tuple[Any, bool]:
    """The value of a full key, and whether there is one."""
    for name in key.split("."):
        if not isinstance(content, Mapping) or name not in content:
            return None, False
        content = content[name]
    return content, True


def _is_field(key: str, resolved: Mapping[str, Any]) -> bool:
    """Whether a group has a field of this name by declaration, which the files may leave out."""
    section, _, name = key.rpartition(".")
    hint = declared(section)[0] if section else None
    return is_dataclass(hint) and name in get_type_hints(hint) and _find(resolved, section)[1]


def _parent(raw: dict[str, Any], resolved: Mapping[str, Any], word: Word) -> tuple[dict[str, Any], str]:
    """The group that a key stands in, made where ``+`` asks for it."""
    *groups, name = word.key.split(".")
    for i, group in enumerate(groups):
        inner = raw.setdefault(group, {})
        if not isinstance(inner, dict):  # an interpolation of a whole group
            found = _find(resolved, ".".join(groups[: i + 1]))[0]
            if not isinstance(found, Mapping):
                raise BadRequest(
                    f"{'.'.join(groups[: i + 1])} holds a value, not keys",
                    f"{word.text!r} has a key too many.",
                )
            inner = raw[group] = copy.deepcopy(dict(found))
        raw = inner
    return raw, name


def _set(raw: dict[str, Any], resolved: Mapping[str, Any], word: Word, value: Any) -> None:
    parent, name = _parent(raw, resolved, word)
    if isinstance(value, dict) and isinstance(_find(resolved, word.key)[0], Mapping):
        for inner, each in value.items():
            key = f"{word.key}.{inner}"
            _set(raw, resolved, Word(word.text, key, "", adds=True), each)
        return
    parent[name] = value


def _remove(raw: dict[str, Any], resolved: Mapping[str, Any], word: Word) -> None:
    section, _, name = word.key.rpartition(".")
    hint = declared(section)[0] if section else Settings
    if is_dataclass(hint) and name in {each.name for each in fields(hint) if _is_required(each)}:
        raise BadRequest(f"{word.key} cannot be removed", f"Set it instead: {word.key}=VALUE")
    if "=" in word.text:
        what = f"{word.text!r} removes a key and gives it a value"
        raise BadRequest(what, f"Write ~{word.key} to remove it, or {word.key}=VALUE to set it.")
    parent, name = _parent(raw, resolved, word)
    parent.pop(name, None)


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
