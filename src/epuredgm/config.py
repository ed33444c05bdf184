"""From names and overrides to one plain, checked dictionary; the only module that composes.

Hydra puts the files together; the words of a command line are laid over the result
(:mod:`epuredgm.overrides`). Every composed configuration is checked against :mod:`epuredgm.core.settings`: an
unknown key is an error that names its nearest neighbour.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epuredgm.core.declared import family_problems, reader_problems
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import collect, near, refuse
from epuredgm.core.files import flatten
from epuredgm.core.settings import Settings
from epuredgm.core.spec import DataSpec
from epuredgm.overrides import LITERAL, Overrides, Word, lay_over, settle_durations
from epuredgm.yaml_files import Conf, find_conf, read_yaml, require_name, shown

if TYPE_CHECKING:
    from omegaconf import DictConfig

__all__ = ["Conf", "Overrides", "compose", "compose_dataset", "find_conf", "sources"]

CHOSEN = ("dataset", "profile", "model")
"""Groups that an option chooses from; the name in the file that was chosen is the name of places on disk."""

TRIED = 3
"""Models with which a data set is composed, where it fails with the first."""


def compose(
    conf: Conf, dataset: str, model: str, profile: str, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """One whole configuration as plain data, checked.

    Args:
        conf: where the files are.
        dataset, model, profile: names in the groups.
        overrides: words such as ``training.batch_size=32``.

    Raises:
        BadRequest: for an unknown name, key or type; the message names the key, where it is said, and its
            nearest neighbour.
    """
    made = _Composition(conf, {"dataset": dataset, "model": model, "profile": profile}, overrides)
    try:
        for group, name in made.chosen.items():
            require_name(group, name, _group(made.content, group).get("name"), made.place(f"{group}.name"))
        _require_private(made, conf)
        settings = _checked(made.content, conf)
    except BadRequest as error:
        raise made.placed(error) from error
    return asdict(settings)  # with the defaults of keys that no file has


def _require_private(made: _Composition, conf: Conf) -> None:
    """Refuse an experiment, profile or model that lets out data which their own file calls private.

    Raises:
        BadRequest: naming both places.
    """
    own = [file for file in conf.files("dataset", made.chosen["dataset"]) if "dataset.private" in file.lines]
    opened = _group(made.content, "dataset").get("private") is False
    if opened and own and _group(own[-1].content, "dataset").get("private") is not False:
        here, there = made.place("dataset.private"), own[-1].place("dataset.private")
        raise BadRequest(
            f"{here}: dataset.private is false, and {there} says otherwise",
            "Whether data are private is said in the data set's own file alone.",
        )


def _checked(content: Mapping[str, Any], conf: Conf) -> Settings:
    """The settings of a composed configuration, everything held against what it may be.

    Raises:
        BadRequest: listing all that is wrong.
    """
    problems: list[str] = []
    settings: Settings | None = collect(Settings, content, "", problems)
    spec, hint = None, ""
    if settings is not None and not problems:
        try:
            spec = DataSpec.from_config(asdict(settings.dataset))
        except BadRequest as error:
            problems.append(error.message)
            hint = error.hint
    profile, model, dataset = (_group(content, name) for name in ("profile", "model", "dataset"))
    like, profiles = profile.get("like"), conf.names("profile")
    if isinstance(like, str) and like not in profiles:
        problems.append(f"profile.like is {like!r}, which is no profile{near(like, profiles)}")
    problems += family_problems(model, spec)
    if dataset:
        problems += reader_problems(_group(dataset, "reader"), spec)
    refuse(problems, hint)
    assert settings is not None
    return settings


def _group(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A group of keys; empty where something else stands, which is told with the other problems."""
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}


def compose_dataset(conf: Conf, dataset: str, profile: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A whole configuration of which only what no model changes is looked at.

    A model whose file is at fault is passed over: whoever asks about data needs none. What fails with
    several models is no fault of theirs.

    Raises:
        BadRequest: as :func:`compose`.
    """
    conf.check("dataset", dataset)
    conf.files("dataset", dataset)
    conf.check("profile", profile)
    conf.files("profile", profile)
    first: BadRequest | None = None
    usable = [model for model in conf.names("model") if conf.usable("model", model)]
    for model in usable[:TRIED]:
        try:
            return compose(conf, dataset, model, profile, overrides)
        except BadRequest as error:
            first = first or error
    hint = "Add one, or mend those that there are: epuredgm models"
    raise first or BadRequest(f"there is no model in {shown(conf.root / 'model')}", hint)


def sources(conf: Conf, config: Mapping[str, Any], overrides: Sequence[str] = ()) -> dict[str, str]:
    """Where the value of each flat key of a composed configuration came from: an override or a file.

    Args:
        conf: where the files are.
        config: what :func:`compose` returned.
        overrides: the words it was given.
    """
    chosen = {group: config[group]["name"] for group in CHOSEN}
    made = _Composition(conf, chosen, overrides)
    origin: dict[str, str] = {}
    for file in made.files:
        for key, value in flatten({k: v for k, v in file.content.items() if k != "defaults"}).items():
            scaled = f" (profile {chosen['profile']})" if "${by_profile:" in str(value) else ""
            origin[key] = f"{file.path.relative_to(conf.root.parent)}{scaled}"
    for key, word in made.origin.items():
        for name in flatten(config):
            if name == key or name.startswith(f"{key}."):
                origin[name] = f"command line: {word}"
    return {key: _nearest_source(key, origin) for key in flatten(config)}


def _nearest_source(key: str, origin: Mapping[str, str]) -> str:
    while key:
        if key in origin:
            return origin[key]
        key = key.rpartition(".")[0]
    return "conf"


class _Composition:
    """Files and words put together, not yet checked.

    Attributes:
        chosen: group -> the name that was asked for.
        files: all that take part, the last holds.
        origin: key -> the word of the command line behind it.
        content: the result as plain data.
    """

    def __init__(self, conf: Conf, chosen: Mapping[str, str], overrides: Sequence[str]) -> None:
        self.chosen = dict(chosen)
        words = [Word.parse(word.strip()) for word in overrides]
        experiment = _experiment(conf, words)
        for group, name in chosen.items():
            conf.check(group, name)
        root = read_yaml(conf.root / "config.yaml", grouped=False)
        order = {group: chosen[group] for group in CHOSEN}
        if experiment is not None:
            order["experiment"] = experiment
        self.files = [root, *(file for group, name in order.items() for file in conf.files(group, name))]
        names = f"--dataset {chosen['dataset']} --models {chosen['model']}"
        self._help = f"epuredgm config {names} prints every key."
        stamps = tuple((str(file.path), file.stamp) for file in self.files)
        try:
            self._base = _base(conf.root, tuple(order.items()), stamps)
        except BadRequest as error:
            raise self._malformed() or error from error
        self.origin: dict[str, str] = {}
        self.content = self._changed(words, conf, chosen, experiment)

    def _changed(
        self, words: Sequence[Word], conf: Conf, chosen: Mapping[str, str], experiment: str | None
    ) -> dict[str, Any]:
        """The content with the words laid over it."""
        words = [word for word in words if word.key != "experiment"]
        if experiment is None and not words:
            return self._resolved(self._base)
        _refuse_chosen(words, conf.root / "dataset" / f"{chosen['dataset']}.yaml")
        raw, before = self._base.raw(), self._resolved(self._base)
        if experiment is not None:
            given = [flatten(file.content) for file in conf.files("experiment", experiment)]
            settle_durations(raw, before, {key: value for each in given for key, value in each.items()})
        help_line = (
            f"epuredgm config --dataset {chosen['dataset']} --models {chosen['model']} prints every key."
        )
        self.origin = lay_over(raw, before, words, help_line)
        return self._resolved(_Tree.of(raw))

    def _resolved(self, tree: _Tree) -> dict[str, Any]:
        """Plain data with the values of all interpolations.

        Raises:
            BadRequest: if one leads nowhere, with its place.
        """
        from omegaconf.errors import OmegaConfBaseException

        try:
            return tree.resolved()
        except (OmegaConfBaseException, RecursionError) as error:
            raise self._unresolved(error, tree.raw()) from error

    def _unresolved(self, error: Exception, raw: Mapping[str, Any]) -> BadRequest:
        read_key = re.search(r"full_key: (\S+)", str(error))
        keys = [read_key[1]] if read_key else []
        keys += [key for key, value in flatten(raw).items() if value == "???" or "${" in str(value)]
        key = next((key for key in keys if self.place(key)), "")
        text = str(_value_at(raw, key))
        if text == "???":
            return BadRequest(
                f"{key} has no value ({self.place(key)})", f"Add {key}=VALUE, or write it there."
            )
        return self._dangling(key, text)

    def _malformed(self) -> BadRequest | None:
        """The refusal of a value that begins a reference and is none."""
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        for file in self.files:
            for key, value in flatten(file.content).items():
                try:
                    OmegaConf.create({"value": value})
                except OmegaConfBaseException:
                    return self._dangling(key, str(value))
        return None

    def _dangling(self, key: str, text: str) -> BadRequest:
        return BadRequest(
            f"{self.place(key) or 'configuration'}: {key} is {text[:60]!r}, which leads to no value",
            "A reference is ${section.key}, of a key that is there; ${by_profile:{full:1}} chooses.",
        )

    def place(self, key: str) -> str:
        """Where a key got its value; the file that holds last."""
        key = re.sub(r"\[\d+\]", "", key)
        while key:
            for file in reversed(self.files):
                if key in file.lines:
                    return file.place(key)
            key = key.rpartition(".")[0]
        return ""

    def placed(self, error: BadRequest) -> BadRequest:
        """The error, each of its lines with the place of the key that it begins with.

        A key that refers to another one that is wrong too is left out.
        """
        found = error.message.splitlines()
        named = [re.match(r"  - (?:unknown key |missing key )?([\w.\[\]-]+)", line) for line in found]
        keys = [name[1] if name else "" for name in named]
        lines, raw = [], self._base.raw()
        for line, key in zip(found, keys, strict=True):
            if key and any(each and f"${{{each}}}" in str(_value_at(raw, key)) for each in keys):
                continue
            given = any(key == each or key.startswith(f"{each}.") for each in self.origin)
            place = self.place(key) if key and not given else ""
            lines.append(f"{line} ({place})" if place else line)
        return BadRequest("\n".join(lines), error.hint or self._help)


def _experiment(conf: Conf, words: Sequence[Word]) -> str | None:
    """The experiment that the words choose, the last if there are several."""
    chosen = [word for word in words if word.key == "experiment"]
    if not chosen:
        return None
    if chosen[-1].value is None:
        raise BadRequest(f"{chosen[-1].text!r} removes nothing", "Leave experiment=NAME out instead.")
    return conf.check("experiment", chosen[-1].value)


def _refuse_chosen(words: Sequence[Word], dataset: Path) -> None:
    """Refuse words that say what an option says, or what only a file may say."""
    for word in words:
        if word.key in (*CHOSEN, *(f"{group}.name" for group in CHOSEN)):
            raise BadRequest(
                f"{word.text!r} chooses what an option chooses", "Use --dataset, --models or --profile."
            )
        if word.key == "dataset.private" and (word.value or "").lower() != "true":
            raise BadRequest(
                f"{word.text!r} would let private data out",
                f"dataset.private is said where it can be seen: in {dataset}.",
            )


class _Tree:
    """A configuration with its interpolations; what they come to is found out once."""

    def __init__(self, content: DictConfig) -> None:
        self._content = content
        self._resolved: dict[str, Any] | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> _Tree:
        """One of plain data."""
        from omegaconf import OmegaConf

        return cls(OmegaConf.create(dict(raw)))

    def raw(self) -> dict[str, Any]:
        """Plain data, interpolations as text."""
        from omegaconf import OmegaConf

        content = OmegaConf.to_container(self._content, resolve=False)
        assert isinstance(content, dict)
        return {str(key): value for key, value in content.items()}

    def resolved(self) -> dict[str, Any]:
        """Plain data with the values of all interpolations."""
        from omegaconf import OmegaConf

        _register_resolver()
        if self._resolved is None:
            content = OmegaConf.to_container(self._content, resolve=True, throw_on_missing=True)
            assert isinstance(content, dict)
            self._resolved = _restored(content)
        return copy.deepcopy(self._resolved)


@lru_cache(maxsize=64)
def _base(
    root: Path, chosen: tuple[tuple[str, str], ...], files: tuple[tuple[str, tuple[int, ...]], ...]
) -> _Tree:
    """What the files say together; ``files`` stands for the state of each."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    words = [f"{group}='{name}'" for group, name in chosen]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(root), version_base="1.3"):
            return _Tree(hydra_compose("config", overrides=words))
    except (HydraException, OmegaConfBaseException, ValueError, TypeError, AssertionError) as error:
        raise BadRequest(
            f"the files in {shown(root)} do not fit together ({', '.join(f'{k} {v}' for k, v in chosen)})",
            f"See 'defaults' in {shown(root / 'config.yaml')}: it lists _self_, dataset, profile, model, "
            "experiment, as the one that comes with epuredgm does.",
        ) from error


def _restored(content: Any) -> Any:
    """With ``${`` where a word of the command line had it."""
    if isinstance(content, dict):
        return {key: _restored(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_restored(value) for value in content]
    return content.replace(LITERAL, "${") if isinstance(content, str) else content


def _value_at(content: Any, key: str) -> Any:
    for name in key.split("."):
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


@lru_cache(maxsize=1)
def _register_resolver() -> None:
    from omegaconf import OmegaConf

    def by_profile(choices: Mapping[str, Any], *, _root_: Any) -> Any:
        """The value for the chosen profile, or for the profile that it is like."""
        name = _root_.profile.name
        if name in choices:
            return choices[name]
        like = _root_.profile.like
        if like in choices:
            return choices[like]
        if "full" in choices:
            return choices["full"]
        raise BadRequest(f"no value for profile {name!r} among {dict(choices)}")

    OmegaConf.register_new_resolver("by_profile", by_profile, replace=True)
