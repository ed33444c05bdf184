"""From names and overrides to one plain, checked dictionary; the only module that composes.

``conf/`` is looked for at ``--conf``, else upward from the working directory, else in the installed package.
Every composed configuration is checked against :mod:`epuredgm.core.settings`: an unknown key is an error that
names its nearest neighbour.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from epuredgm.core.declared import family_problems, reader_problems
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import collect, near, refuse
from epuredgm.core.files import flatten
from epuredgm.core.settings import Settings
from epuredgm.core.spec import DataSpec

CHOSEN = ("dataset", "profile", "model")
"""Groups that an option chooses from; the name in the file that was chosen is the name of places on disk."""

_OVERRIDE = re.compile(r"(\+{0,2}[\w@/.-]+=|~[\w@/.-]+)")


@dataclass(frozen=True)
class Conf:
    """A folder of configurations: the registry of data sets, models and profiles."""

    root: Path

    def names(self, group: str) -> tuple[str, ...]:
        """What the group offers, sorted: the file names without ``.yaml``."""
        folder = self.root / group
        return tuple(sorted(path.stem for path in folder.glob("*.yaml"))) if folder.is_dir() else ()

    def drawn_by(self, model: str) -> tuple[str, ...]:
        """The kinds of stored values that a family can draw, as its file says; needs no composing."""
        from omegaconf import OmegaConf

        content = OmegaConf.load(self.root / "model" / f"{model}.yaml")
        self.check_inner("model", model, OmegaConf.select(content, "model.name"))
        return tuple(OmegaConf.select(content, "model.draws") or ())

    def check_inner(self, group: str, name: str, inner: object, words: Sequence[str] = ()) -> None:
        """Refuse a file that calls what it holds otherwise than the file is called.

        Files are read and results are kept under the inner name: a copy that kept it would read the data, and
        overwrite the results, of what it was copied from.

        Args:
            group, name: what was asked for.
            inner: the name that came out of it.
            words: overrides; an experiment among them may have changed the name.

        Raises:
            BadRequest: naming both, and the file that has the other name.
        """
        if inner is None or inner == name:  # a missing key is told with the others
            return
        file, kind = _says(self, group, name, words), group.replace("dataset", "data set")
        raise BadRequest(
            f"{file}: {group}.name is {inner!r}, and the {kind} that was asked for is {name!r}",
            f"A {kind} is called like its file: write 'name: {name}' in "
            f"{self.root / group / name}.yaml, or rename the file.",
        )

    def check(self, group: str, name: str) -> str:
        """``name`` itself, if the group offers it.

        Raises:
            BadRequest: naming the nearest choices otherwise.
        """
        if name in self.names(group):
            return name
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


@dataclass(frozen=True)
class Overrides:
    """The command line's ``key=value`` words: for every model, or ``model:key=value``."""

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
        for word in map(str.strip, words):
            scoped = re.match(r"^([A-Za-z][A-Za-z0-9_]*):([^=]+=.*|~.+)$", word, flags=re.DOTALL)
            if not _OVERRIDE.match(scoped[2] if scoped else word):
                raise BadRequest(
                    f"cannot read {word!r}",
                    "Overrides look like training.batch_size=32 or vae:training.lr=1e-3.",
                )
            if scoped is None:
                common.append(word)
            elif scoped[1] in models:
                by_model[scoped[1]] = (*by_model.get(scoped[1], ()), scoped[2])
            else:
                raise BadRequest(f"{word!r} names a model that is not known", f"Known: {', '.join(models)}")
        return cls(tuple(common), by_model)

    def for_model(self, model: str) -> tuple[str, ...]:
        """The words that hold for one model, the model's own last."""
        return (*self.common, *(self.by_model or {}).get(model, ()))


def compose(
    conf: Conf, dataset: str, model: str, profile: str, overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """One whole configuration as plain data, checked.

    Args:
        conf: where the files are.
        dataset, model, profile: names in the groups.
        overrides: Hydra overrides such as ``training.batch_size=32``.

    Raises:
        BadRequest: for an unknown name, key or type; the message names the key and its nearest neighbour.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for group, name in (("dataset", dataset), ("model", model), ("profile", profile)):
        conf.check(group, name)
    for word in overrides:
        key, _, value = word.lstrip("+~").partition("=")
        if key in (*CHOSEN, *(f"{group}.name" for group in CHOSEN)):
            raise BadRequest(
                f"{word!r} chooses what an option chooses", "Use --dataset, --models or --profile."
            )
        if key == "dataset.private" and value.lower() != "true":
            raise BadRequest(
                f"{word!r} would let private data out",
                f"dataset.private is said where it can be seen: in {conf.root / 'dataset' / dataset}.yaml.",
            )
        if key == "experiment":
            conf.check("experiment", value)
    _register_resolver()
    GlobalHydra.instance().clear()
    words = [f"dataset={dataset}", f"model={model}", f"profile={profile}", *overrides]
    try:
        with initialize_config_dir(str(conf.root), version_base="1.3"):
            composed = hydra_compose("config", overrides=words)
        content = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
        assert isinstance(content, dict)
    except (HydraException, OmegaConfBaseException) as error:
        raise _explain(error, conf, dataset, model, profile) from error
    for group, name in (("dataset", dataset), ("model", model), ("profile", profile)):
        section = content.get(group)
        conf.check_inner(group, name, section.get("name") if isinstance(section, dict) else None, overrides)
    settings = _checked({str(key): value for key, value in content.items()}, conf)
    return asdict(settings)  # with the defaults of keys that no file has


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


def sources(conf: Conf, config: Mapping[str, Any], overrides: Sequence[str] = ()) -> dict[str, str]:
    """Where the value of each flat key of a composed configuration came from: an override or a file.

    Args:
        conf: where the files are.
        config: what :func:`compose` returned.
        overrides: the words it was given.
    """
    from omegaconf import OmegaConf

    chosen = {
        "dataset": config["dataset"]["name"],
        "profile": config["profile"]["name"],
        "model": config["model"]["name"],
    }
    files = [conf.root / "config.yaml"]
    for group, name in chosen.items():
        files += _with_defaults(conf.root / group / f"{name}.yaml")
    words = [word.lstrip("+") for word in overrides]
    for word in words:
        if word.startswith("experiment="):
            files.append(conf.root / "experiment" / f"{word.split('=', 1)[1]}.yaml")
    origin: dict[str, str] = {}
    for file in files:
        raw = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
        assert isinstance(raw, dict)
        for key, value in flatten({str(k): v for k, v in raw.items() if k != "defaults"}).items():
            scaled = f" (profile {chosen['profile']})" if "${by_profile:" in str(value) else ""
            origin[key] = f"{file.relative_to(conf.root.parent)}{scaled}"
    for word in words:
        key = word.split("=", 1)[0]
        for name in flatten(config):
            if name == key or name.startswith(f"{key}."):
                origin[name] = f"command line: {word}"
    return {key: _nearest_source(key, origin) for key in flatten(config)}


def _says(conf: Conf, group: str, name: str, words: Sequence[str]) -> Path:
    """The file that says the name of what was chosen from a group."""
    from omegaconf import OmegaConf

    files = [file for file in _with_defaults(conf.root / group / f"{name}.yaml") if file.is_file()]
    chosen = [word.split("=", 1)[1] for word in words if word.lstrip("+").startswith("experiment=")]
    files += [conf.root / "experiment" / f"{each}.yaml" for each in chosen]
    saying = [file for file in files if OmegaConf.select(OmegaConf.load(file), f"{group}.name") is not None]
    return (saying or files)[-1]


def _with_defaults(file: Path) -> list[Path]:
    """A chosen file after those beside it that it builds on; what it says itself holds."""
    from omegaconf import OmegaConf

    built_on = OmegaConf.select(OmegaConf.load(file), "defaults") or ()
    beside = [file.parent / f"{name}.yaml" for name in built_on]
    return [*(each for each in beside if each.is_file()), file]


def _nearest_source(key: str, origin: Mapping[str, str]) -> str:
    while key:
        if key in origin:
            return origin[key]
        key = key.rpartition(".")[0]
    return "conf"


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


def _explain(error: Exception, conf: Conf, dataset: str, model: str, profile: str) -> BadRequest:
    """A short account of what Hydra or OmegaConf refused, with the nearest known key."""
    text = str(error).strip() or type(error).__name__
    refused = re.search(r"Could not override '([^']+)'", text)
    if refused is None:
        where = re.search(r"full_key: (\S+)", text)
        return BadRequest(f"configuration: {text.splitlines()[0]}" + (f" (at {where[1]})" if where else ""))
    known = list(flatten(compose(conf, dataset, model, profile)))
    near = difflib.get_close_matches(refused[1], known, n=1, cutoff=0.4)
    return BadRequest(
        f"unknown configuration key {refused[1]!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        f"epuredgm config --dataset {dataset} --models {model} prints every key.",
    )
