"""The YAML files of ``conf/``, read with the line of every key; what cannot be used is refused in one line.

``conf/`` is looked for at ``--conf``, else upward from the working directory, else in the installed package.
Hydra reads the files again when it composes; what it would stumble over is said here first, with file, line
and what to write instead.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import VALUES

PACKAGE = "# @package _global_"
"""The first line of every file in a group: its keys are those of the whole configuration."""

LONGEST = 1_000_000  # bytes; a file of settings is a few thousand
DEEPEST = 40  # levels of keys
REPEATED = 50  # values; of larger anchors only the first use is looked through
LARGEST = 10**300
MOST = 50_000  # values, with anchors counted wherever they are used

_BARE_COLOUR = re.compile(r"[:,\[{-]\s+(#[0-9a-fA-F]{3,8})\s*(?=[,}\]]|$)")
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_NAME = re.compile(r"\w[\w .+-]*")
_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class YamlFile:
    """What a file says.

    Attributes:
        path: the file.
        content: its keys as plain data; interpolations are still text.
        lines: full key (``dataset.size``) -> its line, counted from 1.
        stamp: time, size and number of the file when it was read.
    """

    path: Path
    content: Mapping[str, Any]
    lines: Mapping[str, int]
    stamp: tuple[int, ...]

    def defaults(self) -> tuple[str, ...]:
        """Names of the files beside it that it builds on.

        Raises:
            BadRequest: if one is no such name, or is not there.
        """
        listed = self.content.get("defaults", [])
        entries = listed if isinstance(listed, list) else [listed]
        for entry in entries:
            if entry == "_self_":
                continue
            if not isinstance(entry, str) or not (self.path.parent / f"{entry}.yaml").is_file():
                refuse(
                    self.path,
                    self.lines["defaults"],
                    f"defaults names {entry!r}, and there is no such file beside it",
                    "It lists names of files in the same folder: defaults: [common/mammograms]",
                )
        return tuple(entry for entry in entries if entry != "_self_")

    def place(self, key: str) -> str:
        """Where a key, or what it stands in, is said: ``conf/dataset/toy.yaml, line 7``; empty if nowhere."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return f"{shown(self.path)}, line {self.lines[key]}" if key else ""


def read_yaml(path: Path, *, grouped: bool = True) -> YamlFile:
    """Read one file.

    Args:
        path: the file.
        grouped: it lies in a group, and begins with :data:`PACKAGE`.

    Raises:
        BadRequest: if it cannot be read, or is no mapping of keys; names the line and what to write.
    """
    try:
        about = path.stat()
        return _read(path, grouped, (about.st_mtime_ns, about.st_size, about.st_ino))
    except OSError as error:
        what = "it is a folder" if path.is_dir() else error.strerror
        raise BadRequest(f"cannot read {shown(path)}: {what}", "Mend it, or move it away.") from error


def refuse(path: Path, line: int, what: str, hint: str) -> NoReturn:
    """Say what is wrong in a line of a file.

    Raises:
        BadRequest: always.
    """
    raise BadRequest(f"{shown(path)}, line {line}: {what}", hint)


def shown(path: Path) -> str:
    """A path for people: as seen from here, if it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


@lru_cache(maxsize=256)
def _read(path: Path, grouped: bool, stamp: tuple[int, ...]) -> YamlFile:
    """The file as of ``stamp``: a study composes each of them many times."""
    text = _decoded(path)
    lines = text.splitlines()
    _require_head(path, lines, grouped)
    return _Reading(path, text).file(stamp)


def _decoded(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(LONGEST + 1)
    if len(raw) > LONGEST:
        refuse(path, 1, f"more than {LONGEST:,} bytes are no settings", "Is it the right file?")
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        what = "it begins with a byte-order mark"
        refuse(path, 1, what, "Save it as UTF-8 without one ('UTF-8', not 'UTF-8 with BOM').")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        refuse(path, line, what, "Save the file as UTF-8; it is in another encoding, such as Latin-1.")


def _require_head(path: Path, lines: Sequence[str], grouped: bool) -> None:
    """Hydra takes comments with @ at the top of a file for instructions."""
    heads = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not re.match(r"\s*#\s*@", line):
            break
        if line.strip():
            heads.append((number, " ".join(line.replace("#", " ", 1).split())))
    if grouped and (not heads or heads[0][1] != "@package _global_" or heads[0][0] > 10):
        refuse(path, 1, f"the first line is not '{PACKAGE}'", f"Write {PACKAGE} as the first line.")
    for number, _ in heads[1 if grouped else 0 :]:
        refuse(path, number, "a comment at the top begins with @", "Write it otherwise, or further down.")


@lru_cache(maxsize=1)
def _loader() -> Any:
    """The parser in C where there is one; it takes words for numbers as OmegaConf does."""
    import yaml
    from omegaconf._utils import get_yaml_loader

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers = get_yaml_loader().yaml_implicit_resolvers

    return Loader


class _Reading:
    """One file while it is read."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text, self.source = path, text, text.splitlines()
        self.lines: dict[str, int] = {}
        self.sizes: dict[int, int] = {}

    def file(self, stamp: tuple[int, ...]) -> YamlFile:
        import yaml

        loader = None
        try:
            loader = _loader()(self.text)
            node = loader.get_single_node()
            if node is None or (isinstance(node, yaml.ScalarNode) and not node.value.strip()):
                refuse(self.path, 1, "it says nothing", "Write keys, such as 'dataset:', or remove the file.")
            if not isinstance(node, yaml.MappingNode):
                kind = "a list" if isinstance(node, yaml.SequenceNode) else "one value"
                self._refuse(node, f"it holds {kind}, not keys", "Write keys, such as 'dataset:'.")
            self._look(node, "", [], loader)
            content = loader.construct_document(node)
        except yaml.YAMLError as error:
            self._explain(error)
        except RecursionError:
            refuse(self.path, 1, f"it is more than {DEEPEST} levels deep", "Is it the right file?")
        finally:
            if loader is not None:
                loader.dispose()
        return YamlFile(self.path, content, self.lines, stamp)

    def _look(self, node: Any, key: str, above: list[int], loader: Any) -> int:
        """Check a node and all below it, and keep the lines of keys; returns how many values it is."""
        import yaml

        if id(node) in above:
            self._refuse(node, "an anchor refers to itself", "Write the values out.")
        if len(above) > DEEPEST:
            self._refuse(node, f"it is more than {DEEPEST} levels deep", "Is it the right file?")
        if node.tag not in _PLAIN:
            self._refuse(node, f"the tag {node.tag!r} means nothing here", "Leave it out, or write quotes.")
        if self.sizes.get(id(node), 0) > REPEATED:
            return self.sizes[id(node)]
        size = 1
        inside = [*above, id(node)]
        if isinstance(node, yaml.ScalarNode):
            self._scalar(node, loader)
        elif isinstance(node, yaml.SequenceNode):
            size += sum(self._look(each, f"{key}[{i}]", inside, loader) for i, each in enumerate(node.value))
        else:
            for name, value in self._pairs(node, key):
                size += self._look(value, name, inside, loader)
        if size > MOST:
            self._refuse(node, "anchors make it grow without end", "Write the values out.")
        self.sizes[id(node)] = size
        return size

    def _pairs(self, node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        """Full names and values of a mapping; what an anchor merges into it has none."""
        import yaml

        seen: dict[str, int] = {}
        for name, value in node.value:
            if name.tag == _MERGE:
                yield "", value
                continue
            if not isinstance(name, yaml.ScalarNode) or name.tag != _TEXT:
                word = name.value if isinstance(name, yaml.ScalarNode) else "..."
                what = f"the key {word} is not read as text"
                self._refuse(name, what, f'Put it in quotes: "{word}":' if word else "Write a name.")
            line = name.start_mark.line + 1
            if name.value in seen:
                what = f"the key {name.value} is there twice, first in line {seen[name.value]}"
                refuse(self.path, line, what, "Remove one of the two.")
            seen[name.value] = line
            full = f"{prefix}.{name.value}" if prefix else name.value
            self.lines.setdefault(full, line)
            yield full, value

    def _scalar(self, node: Any, loader: Any) -> None:
        rest = self._rest(node.start_mark)
        colour = re.match(r"\s*(#[0-9a-fA-F]{3,8})\b", rest)
        if node.value == "" and colour:
            self._bare_colour(node.start_mark.line, colour[1])
        try:
            value = loader.construct_object(node)
            fits = not isinstance(value, int) or abs(value) < LARGEST
        except (ValueError, OverflowError):
            fits = False
        if not fits:
            self._refuse(node, f"{node.value[:40]!r} cannot be read as a number", "Write it otherwise.")

    def _rest(self, mark: Any) -> str:
        return self.source[mark.line][mark.column :] if mark.line < len(self.source) else ""

    def _bare_colour(self, line: int, colour: str) -> NoReturn:
        refuse(self.path, line + 1, f"{colour} without quotes is a comment", f'Write "{colour}".')

    def _refuse(self, node: Any, what: str, hint: str) -> NoReturn:
        refuse(self.path, node.start_mark.line + 1, what, hint)

    def _explain(self, error: Any) -> NoReturn:
        """What a fault that the parser found most likely is."""
        mark = getattr(error, "problem_mark", None)
        if mark is None:  # a character that no YAML may hold
            before = self.text.encode("utf-8")[: getattr(error, "position", 0)]
            line = before.count(b"\n")
            refuse(self.path, line + 1, "it holds a character that YAML does not allow", "Remove it.")
        for number in range(min(mark.line, len(self.source) - 1), -1, -1):
            bare = _BARE_COLOUR.search(self.source[number])
            if bare:  # it swallowed the rest of its line
                self._bare_colour(number, bare[1])
        what, hint = self._likely(str(getattr(error, "problem", "") or ""), mark)
        refuse(self.path, min(mark.line + 1, max(1, len(self.source))), what, hint)

    def _likely(self, problem: str, mark: Any) -> tuple[str, str]:
        line = self.source[mark.line] if mark.line < len(self.source) else ""
        if "\t" in line[: mark.column + 1]:
            return "a tab; YAML indents with spaces", "Write spaces instead of the tab."
        if "cannot start any token" in problem:
            return f"a value may not begin with {line[mark.column : mark.column + 1]}", "Put it in quotes."
        if "mapping values are not allowed" in problem:
            return "a colon where YAML expects none", "Put the value in quotes, or mend the indentation."
        if "escape" in problem:
            return "in double quotes a backslash is special", "Use single quotes."
        if "alias" in problem:
            return "* means an anchor, and there is none of this name", "Put the value in quotes."
        if "document" in problem:
            return "a second document begins", "Keep one, and remove the line of dashes."
        return (f"this is not YAML ({problem})" if problem else "this is not YAML"), (
            "See that brackets and quotes are closed and keys of one level stand below each other."
        )


@dataclass(frozen=True)
class Conf:
    """A folder of configurations: the registry of data sets, models and profiles."""

    root: Path

    def names(self, group: str) -> tuple[str, ...]:
        """What the group offers, sorted: the file names without ``.yaml``, readable or not."""
        folder = self.root / group
        found = folder.glob("*.yaml") if folder.is_dir() else ()
        return tuple(sorted(path.stem for path in found if not path.name.startswith(".")))

    def file(self, group: str, name: str) -> YamlFile:
        """What a file of a group says.

        Raises:
            BadRequest: if it cannot be read; names file and line.
        """
        return read_yaml(self.root / group / f"{name}.yaml")

    def files(self, group: str, name: str) -> tuple[YamlFile, ...]:
        """A chosen file after those that it builds on, however deep; what it says itself holds.

        Raises:
            BadRequest: as :meth:`file`, and if they build on each other.
        """
        found: dict[Path, YamlFile] = {}
        self._collect(self.file(group, name), found, ())
        return tuple(found.values())

    def _collect(self, file: YamlFile, found: dict[Path, YamlFile], above: tuple[Path, ...]) -> None:
        if file.path in above:
            refuse(file.path, file.lines["defaults"], "it builds on itself", "Remove it from its defaults.")
        for name in file.defaults():
            beside = read_yaml(file.path.parent / f"{name}.yaml")
            self._collect(beside, found, (*above, file.path))
        found.setdefault(file.path, file)

    def usable(self, group: str, name: str) -> bool:
        """Whether a file and those it builds on can be read."""
        try:
            return bool(self.files(group, name))
        except BadRequest:
            return False

    def describe(self, group: str) -> dict[str, str]:
        """Name -> description of everything in a group, without composing; what cannot be read says so."""
        about = {}
        for name in self.names(group):
            try:
                section = self.file(group, name).content.get(group)
                text = section.get("description", "") if isinstance(section, Mapping) else ""
                about[name] = " ".join(str(text).split())
            except BadRequest as error:
                about[name] = error.message
        return about

    def drawn_by(self, model: str) -> tuple[str, ...]:
        """The kinds of stored values that a family can draw, as its file says; needs no composing.

        Raises:
            BadRequest: if the file cannot be read, or calls the family otherwise than the file is called.
        """
        file = self.file("model", model)
        section = file.content.get("model")
        if not isinstance(section, Mapping):
            return VALUES  # what is wrong is said later
        require_name("model", model, section.get("name"), file.place("model.name"))
        drawn = section.get("draws")
        return tuple(map(str, drawn)) if isinstance(drawn, list) else VALUES

    def check(self, group: str, name: str) -> str:
        """``name`` itself, if the group offers it.

        Raises:
            BadRequest: naming the nearest choices otherwise.
        """
        if name in self.names(group):
            if _NAME.fullmatch(name):
                return name
            raise BadRequest(
                f"{shown(self.root / group / name)}.yaml: a {group} cannot be called {name!r}",
                "Names have letters, digits and the signs _ - + . alone; call the file otherwise.",
            )
        near = difflib.get_close_matches(name, self.names(group), n=1, cutoff=0.5)
        raise BadRequest(
            f"unknown {group} {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
            f"Known: {', '.join(self.names(group)) or 'none'}  (in {self.root / group})",
        )


def find_conf(given: Path | None = None) -> Conf:
    """The configuration folder: ``given``, else upward from the working directory, else the installed one.

    Raises:
        BadRequest: if ``given`` is not such a folder.
    """
    if given is not None:
        if not _is_conf(given):
            raise BadRequest(
                f"{given} is not a configuration folder", "It needs config.yaml, dataset/ and model/."
            )
        return Conf(given.resolve())
    here = Path.cwd().resolve()
    package = Path(__file__).resolve().parent
    places = [folder / "conf" for folder in (here, *here.parents)]
    places += [package / "conf", package.parents[1] / "conf"]  # in the wheel; in a checkout
    for place in places:
        if _is_conf(place):
            return Conf(place)
    raise BadRequest(
        "no configuration folder found", "Give one with --conf DIR, or install the package again."
    )


def _is_conf(folder: Path) -> bool:
    return (
        (folder / "config.yaml").is_file() and (folder / "model").is_dir() and (folder / "dataset").is_dir()
    )


def require_name(group: str, name: str, inner: object, place: str) -> None:
    """Refuse a file that calls what it holds otherwise than the file is called.

    Files are read and results are kept under the inner name: a copy that kept it would read the data, and
    overwrite the results, of what it was copied from.

    Args:
        group, name: what was asked for.
        inner: the name that came out of it; None where it is missing, which is told with other missing keys.
        place: file and line that say it.

    Raises:
        BadRequest: naming both, and the place.
    """
    if inner is None or inner == name:
        return
    kind = group.replace("dataset", "data set")
    raise BadRequest(
        f"{place}: {group}.name is {inner!r}, and the {kind} that was asked for is {name!r}",
        f"A {kind} is called like its file: write 'name: {name}' there, or rename the file.",
    )
