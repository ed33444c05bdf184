"""Options that several commands share, and how they are read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from epuredgm.cli.commands import PathWord
from epuredgm.config import Conf, find_conf
from epuredgm.core.errors import BadRequest, EpureError
from epuredgm.core.places import Workspace, stays_inside

F = TypeVar("F", bound=Callable[..., Any])

MOST_SEEDS = 1000
"""In one range: a slip of the keyboard must not plan a million runs."""


def _complete(group: str) -> Callable[..., list[str]]:
    def names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        head, comma, last = incomplete.rpartition(",")
        try:
            known = find_conf(ctx.params.get("conf_dir")).names(group)
        except EpureError:
            return []
        return [f"{head}{comma}{name}" for name in known if name.startswith(last)]

    return names


def dataset_option(function: F) -> F:
    """``--dataset NAME``; without it, the refusal says what data sets there are."""

    def required(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value is None and not ctx.resilient_parsing:
            raise no_dataset(ctx.params.get("conf_dir"))
        return value

    return click.option(
        "--dataset",
        metavar="NAME",
        callback=required,
        shell_complete=_complete("dataset"),
        help="Data set: toy, epure, ...  [required]",
    )(function)


def no_dataset(conf_dir: Path | None) -> BadRequest:
    """The refusal of a command that names no data set: it lists those that there are."""
    known = find_conf(conf_dir).describe("dataset")
    width = max(map(len, known), default=0)
    listed = [f"  {name:<{width}}  {about}" for name, about in known.items()]
    return BadRequest("\n".join(["no data set is named; there are:", *listed]), "Choose one: --dataset NAME")


def dataset_or_word_option(function: F) -> F:
    """``--dataset NAME``, which may also be the first of the command's words; see :func:`named_dataset`."""
    return click.option(
        "--dataset",
        metavar="NAME",
        shell_complete=_complete("dataset"),
        help="Data set: toy, epure, ...; its bare name as the first word says the same.",
    )(function)


def named_dataset(
    dataset: str | None, words: tuple[str, ...], conf_dir: Path | None
) -> tuple[str, tuple[str, ...]]:
    """The data set that the option or the first word names, and the other words.

    Raises:
        BadRequest: if neither does.
    """
    if dataset is not None:
        return dataset, words
    if not words or "=" in words[0]:
        raise no_dataset(conf_dir)
    return words[0], words[1:]


def listed(*names: str, default: str | None = None, **about: Any) -> Callable[[F], F]:
    """An option that takes a list with commas; given several times, the lists add up."""

    def joined(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> str | None:
        return ",".join(value) if value else default

    return click.option(*names, multiple=True, callback=joined, **about)


def models_option(function: F) -> F:
    """``--models A,B``."""
    return listed(
        "--models",
        metavar="A,B,...",
        shell_complete=_complete("model"),
        help="Model families; default: all that there are.",
    )(function)


def seeds_option(default: str) -> Callable[[F], F]:
    """``--seeds 0,1,2``; ``default`` says in words what holds without it."""
    return listed("--seeds", metavar="0,1,2", help=f"Run seeds, numbers or ranges; default: {default}.")


def profile_option(function: F) -> F:
    """``--profile NAME``."""
    return click.option(
        "--profile",
        default="auto",
        show_default=True,
        metavar="NAME",
        shell_complete=_complete("profile"),
        help="Sizes and budgets: full (the published study), quick (two CPU cores, minutes), "
        "test (does it run?); auto takes full with a CUDA device and quick without.",
    )(function)


def workspace_option(function: F) -> F:
    """``--workspace DIR``, as an absolute path; it need not exist."""
    return _workspace(exists=False)(function)


def existing_workspace_option(function: F) -> F:
    """``--workspace DIR`` of a command that only looks at what is there."""
    return _workspace(exists=True)(function)


def _workspace(*, exists: bool) -> Callable[[F], F]:
    return click.option(
        "--workspace",
        default=".",
        show_default="here",
        type=PathWord(exists=exists, file_okay=False, path_type=Path, resolve_path=True),
        help="Root of all data and outputs.",
    )


def branch_option(function: F) -> F:
    """``--branch NAME``."""
    return click.option(
        "--branch", default="", metavar="NAME", help="Sub-folder of the workspace, e.g. test_runs."
    )(function)


def existing_branch(workspace: Path, branch: str) -> Workspace:
    """The places of a branch.

    Raises:
        BadRequest: if it is no folder of the workspace.
    """
    place = Workspace(workspace, branch)
    names = sorted(path.parent.name for path in workspace.glob("*/.epuredgm") if path.is_dir())
    inside = "\0" not in branch and stays_inside(branch) and len(branch) < 200
    if not inside or not place.base.is_dir():
        known = f"There are: {', '.join(names)}." if names else "It has none; leave --branch out."
        raise BadRequest(f"{workspace} has no branch {branch[:200]!r}", known)
    return place


def require_place(path: Path, option: str) -> None:
    """Refuse an output path that cannot be written, before the work that it is for.

    Args:
        path: a file or folder to be.
        option: what named it.

    Raises:
        BadRequest: if the folder that it would lie in is not there, or takes no file.
    """
    folder = path.parent
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise BadRequest(f"{option} {path}: the folder {folder} {what}", "Make it first, or choose another.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadRequest(f"{option} {path}: you may not write in {folder}", "Choose another folder.")


def conf_option(function: F) -> F:
    """``--conf DIR``."""
    return click.option(
        "--conf",
        "conf_dir",
        is_eager=True,  # what is missing is looked up there
        type=PathWord(file_okay=False, path_type=Path),
        help="Folder of configurations; default: conf/ here or above, else the installed one.",
    )(function)


def weights_option(function: F) -> F:
    """``--inception-weights FILE``, as an absolute path."""
    return click.option(
        "--inception-weights",
        type=PathWord(exists=True, dir_okay=False, path_type=Path, resolve_path=True),
        help="Weights of the network behind FID; default: those of 'epuredgm data fetch-weights'.",
    )(function)


def wait_option(function: F) -> F:
    """``--wait``."""
    text = "Wait while another run works in this workspace."
    return click.option("--wait", is_flag=True, help=text)(function)


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(function)


def chosen_models(conf: Conf, text: str | None) -> tuple[str, ...]:
    """The models of ``--models``, each checked; all that there are where the option is absent."""
    if text is None:
        return conf.names("model")
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise BadRequest("--models names no model", f"Known: {', '.join(conf.names('model'))}")
    spaced = next((name for name in names if len(name.split()) > 1), None)
    if spaced is not None:
        raise BadRequest(
            f"--models {spaced!r} is no model",
            f"Put commas between names: --models {','.join(spaced.split())}",
        )
    return tuple(conf.check("model", name) for name in names)


def chosen_seeds(text: str | None, default: list[int]) -> tuple[int, ...]:
    """The seeds of ``--seeds``: numbers and ranges such as ``0,1,2`` or ``0-4``; each once.

    Raises:
        BadRequest: if a word is neither, or there are more than anybody can mean.
    """
    if text is None:
        return tuple(dict.fromkeys(default))
    seeds: list[int] = []
    for part in text.split(","):
        read = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part.strip())
        first, last = (int(read[1]), int(read[2] or read[1])) if read else (1, 0)
        if last < first:
            raise BadRequest(
                f"cannot read the seed {part.strip()!r}",
                "Seeds are whole numbers of up to nine digits, e.g. --seeds 0,1,2 or 0-4.",
            )
        if last - first >= MOST_SEEDS:
            raise BadRequest(f"--seeds {part.strip()} are too many", f"At most {MOST_SEEDS} at once.")
        seeds.extend(range(first, last + 1))
    return tuple(dict.fromkeys(seeds))
