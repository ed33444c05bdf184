"""Options that several commands share, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from epuredgm.config import Conf, find_conf
from epuredgm.core.errors import BadRequest

F = TypeVar("F", bound=Callable[..., Any])

MOST_SEEDS = 1000
"""In one range: a slip of the keyboard must not plan a million runs."""


def _complete(group: str) -> Callable[..., list[str]]:
    def names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        head, comma, last = incomplete.rpartition(",")
        return [f"{head}{comma}{name}" for name in find_conf().names(group) if name.startswith(last)]

    return names


def dataset_option(function: F) -> F:
    """``--dataset NAME``, required."""
    return click.option(
        "--dataset",
        required=True,
        metavar="NAME",
        shell_complete=_complete("dataset"),
        help="Data set: toy, epure, ...",
    )(function)


def dataset_or_word_option(function: F) -> F:
    """``--dataset NAME``, which may also be the first of the command's words; see :func:`named_dataset`."""
    return click.option(
        "--dataset",
        metavar="NAME",
        shell_complete=_complete("dataset"),
        help="Data set: toy, epure, ...; its bare name as the first word says the same.",
    )(function)


def named_dataset(dataset: str | None, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The data set that the option or the first word names, and the other words.

    Raises:
        BadRequest: if neither does.
    """
    if dataset is not None:
        return dataset, words
    if not words or "=" in words[0]:
        raise BadRequest("no data set is named", "Say which: --dataset toy; 'epuredgm data list' shows all.")
    return words[0], words[1:]


def models_option(function: F) -> F:
    """``--models A,B``."""
    return click.option(
        "--models",
        metavar="A,B,...",
        shell_complete=_complete("model"),
        help="Model families; default: all that there are.",
    )(function)


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
    """``--workspace DIR``, as an absolute path."""
    return click.option(
        "--workspace",
        default=".",
        show_default="here",
        type=click.Path(file_okay=False, path_type=Path, resolve_path=True),
        help="Root of all data and outputs.",
    )(function)


def conf_option(function: F) -> F:
    """``--conf DIR``."""
    return click.option(
        "--conf",
        "conf_dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of configurations; default: conf/ here or above, else the installed one.",
    )(function)


def weights_option(function: F) -> F:
    """``--inception-weights FILE``, as an absolute path."""
    return click.option(
        "--inception-weights",
        type=click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True),
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
