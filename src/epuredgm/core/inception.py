"""Where the weights of the network behind FID are: the planner's view, standard library only.

They are a file of pytorch-fid, named after the first digits of its SHA-256. Nobody else's results can be
compared with ours through other weights, so the hash is checked before they are used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import file_sha256
from epuredgm.core.places import Workspace, expanded, user_path

NAME = "pt_inception-2015-12-05-6726825d.pth"

FETCH = "epuredgm data fetch-weights"
"""The command that gets them; with ``--from FILE`` where there is no network."""


def find_weights(given: str | None, workspace: Workspace) -> Path | None:
    """The weights: the ``given`` file, else those in the workspace's cache, else those in torch's own cache.

    None if they are in none of these places. What is in the file is not looked at.
    """
    places = [user_path(given)] if given else [workspace.weights / NAME, _torch_cache() / NAME]
    return next((path for path in places if path.is_file()), None)


def check_weights(path: Path, prefix: str) -> str:
    """The SHA-256 of a weights file.

    Raises:
        BadRequest: if it does not begin with ``prefix`` (``reference.inception.sha256``).
    """
    sha256 = file_sha256(path)
    if not sha256.startswith(prefix):
        raise BadRequest(
            f"{path} does not hold the Inception weights: its SHA-256 begins with {sha256[:8]}, not {prefix}",
            f"Remove it and fetch them: {FETCH}; or name another file: --inception-weights FILE.",
        )
    return sha256


def signature(config: Mapping[str, Any], workspace: Workspace) -> dict[str, str]:
    """What a plan must know of weights from elsewhere: whether they are there."""
    there = find_weights(config["reference"]["inception"]["weights"], workspace) is not None
    return {"inception": "present" if there else "absent"}


def _torch_cache() -> Path:
    """Where torch keeps what it downloads."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return expanded(Path(os.environ.get("TORCH_HOME", cache)) / "hub" / "checkpoints")
