"""The weights behind FID, at the door: found and checked before a run, fetched once if that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from epuredgm.cli.errand import errand
from epuredgm.cli.study import Study
from epuredgm.core.errors import BadRequest, EpureError
from epuredgm.core.inception import FETCH, check_weights, find_weights

TOOL = "epuredgm.stages.data_tool"
AT_THE_DOOR = 5.0  # seconds without an answer: a run must not wait long for what it can do without
PATIENT = 30.0  # seconds, where they were asked for
ABSENT = "the Inception weights are not here"
NULL = f"FID and KID will be null without the Inception weights; get them once: {FETCH}"


def fetch(root: Path, sha256: str, source: Path | None, *, timeout: float, silent: bool) -> dict[str, Any]:
    """Put the weights into a workspace, in a child process.

    Raises:
        EpureError, OSError: with the child's own message.
    """
    request = {"task": "fetch_weights", "workspace": str(root), "sha256": sha256, "timeout": timeout}
    return errand(TOOL, {**request, "from": str(source) if source else None}, silent=silent)


def found(study: Study) -> Path | None:
    """The weights that the study's jobs will find.

    Raises:
        BadRequest: if the configuration names a file that is not there.
    """
    given = _settings(study)["weights"]
    path = find_weights(given, study.workspace)
    if given and path is None:
        raise BadRequest(
            f"the Inception weights {given} are not there",
            "See --inception-weights (reference.inception.weights).",
        )
    return path


def outlook(study: Study) -> str:
    """What a run would do about the weights, in one line; empty if they are there.

    Raises:
        BadRequest: if a named file is not there.
    """
    if found(study) is not None:
        return ""
    return f"{ABSENT}: a run would try once to download them" if _settings(study)["download"] else NULL


def at_the_door(study: Study, *, silent: bool) -> bool:
    """Check the weights; without any, try once to get them if the configuration allows it, and say so.

    Returns:
        Whether they are new, so that the study must be planned again.

    Raises:
        BadRequest: if a named file is not there, or a file is not what it should be.
    """
    settings, path = _settings(study), found(study)
    if path is not None:
        check_weights(path, settings["sha256"])
        return False
    if settings["download"]:
        _say(f"{ABSENT}: trying once to download them (reference.inception.download=false never tries)")
        try:
            made = fetch(study.workspace.root, settings["sha256"], None, timeout=AT_THE_DOOR, silent=silent)
            _say(f"Inception weights: {made['path']}")
            return True
        except (EpureError, OSError) as error:
            _say(str(error).splitlines()[0])
    _say(NULL)
    return False


def _settings(study: Study) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = next(iter(study.configs.values()))["reference"]["inception"]
    return settings


def _say(text: str) -> None:
    click.echo(text, err=True)
