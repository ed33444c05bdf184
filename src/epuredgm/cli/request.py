"""The options that say what a study is, read once into a :class:`Request`: of ``run`` and ``verify``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.options import (
    conf_option,
    dataset_option,
    listed,
    models_option,
    profile_option,
    seeds_option,
    weights_option,
    workspace_option,
)
from epuredgm.cli.study import Request

OPTIONS = (  # as --help lists them
    dataset_option,
    models_option,
    seeds_option("0,1,2 (0 under quick and test)"),
    profile_option,
    click.option(
        "--num-samples",
        type=click.IntRange(min=1),
        help="Designs per mode; default: 1000 (quick 200, test 50).",
    ),
    listed(
        "--device",
        default="auto",
        show_default="auto",
        metavar="NAME",
        help="auto, cpu, or a list: cuda:0,cuda:1.",
    ),
    weights_option,
    workspace_option,
    conf_option,
    click.argument("overrides", nargs=-1, metavar="[KEY=VALUE | MODEL:KEY=VALUE]..."),
)


def request_options(function: Callable[..., int]) -> Callable[..., int]:
    """Call ``function(request, **its other options)``."""

    @wraps(function)
    def read(
        dataset: str,
        workspace: Path,
        conf_dir: Path | None,
        models: str | None,
        seeds: str | None,
        profile: str,
        device: str,
        num_samples: int | None,
        overrides: tuple[str, ...],
        inception_weights: Path | None,
        **others: Any,
    ) -> int:
        request = Request(
            dataset,
            workspace,
            conf_dir,
            models,
            seeds,
            profile,
            device,
            num_samples,
            overrides,
            inception_weights,
        )
        return function(request, **others)

    for option in reversed(OPTIONS):
        read = option(read)
    return read
