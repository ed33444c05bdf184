"""The Inception weights, from the network or from a file into the workspace: whole and checked, or not."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from epuredgm.core.errors import BadRequest, EpureError
from epuredgm.core.files import atomic_writer, file_sha256
from epuredgm.core.inception import FETCH, NAME
from epuredgm.core.monitor import Monitor
from epuredgm.core.places import Workspace

BLOCK = 1 << 20
OFFLINE = (
    "On a machine with a network give the same command, and carry the file over: "
    f"{FETCH} --from FILE --workspace DIR"
)


class Unreachable(EpureError):
    """The weights could not be downloaded."""


def fetch_weights(request: Mapping[str, Any], monitor: Monitor) -> dict[str, Any]:
    """Put the weights where every run of the workspace finds them; nothing to do if they are there.

    Args:
        request: ``workspace``; ``sha256``, what the hash must begin with; ``from``, a file, or None for
            pytorch-fid's own address; ``timeout`` in seconds without an answer.
        monitor: told about megabytes.

    Returns:
        ``{"path": where they are, "sha256": their hash, "fetched": whether they were not there before}``.

    Raises:
        Unreachable: if there is no network, or it says no.
        BadRequest: if the file cannot be read, or what came is something else; nothing is kept then.
        OSError: if the workspace cannot be written.
    """
    target = Workspace(Path(request["workspace"])).weights / NAME
    prefix, given = request["sha256"], request["from"]
    if target.is_file() and (known := file_sha256(target)).startswith(prefix):
        return {"path": str(target), "sha256": known, "fetched": False}
    if given is None:
        from pytorch_fid.inception import FID_WEIGHTS_URL

        content = download(FID_WEIGHTS_URL, request["timeout"], monitor)
    else:
        content = _read(Path(given))
    sha256 = _put(content, target, prefix, given or "what was downloaded")
    return {"path": str(target), "sha256": sha256, "fetched": True}


def download(url: str, timeout: float, monitor: Monitor) -> Iterator[bytes]:
    """The bytes behind an address.

    Args:
        url: where they are.
        timeout: seconds to wait for a connection, and for each answer.
        monitor: told about megabytes.
    """
    done = 0
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            while block := answer.read(BLOCK):
                done += len(block)
                monitor.progress(done / 1e6, max(done, total) / 1e6, "downloading the Inception weights, MB")
                yield block
    except (OSError, HTTPException, ValueError) as error:  # among them every fault of urllib
        raise Unreachable(f"cannot download {url}: {getattr(error, 'reason', error)}", OFFLINE) from error


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise BadRequest(f"cannot read {path}: {error.strerror}", "--from names the weights file.") from error


def _put(content: Iterator[bytes], target: Path, prefix: str, origin: str) -> str:
    """Write what came to ``target``, if it is what was expected; its SHA-256."""
    total = hashlib.sha256()
    with atomic_writer(target) as file:
        for block in content:
            total.update(block)
            file.write(block)
        sha256 = total.hexdigest()
        if not sha256.startswith(prefix):
            raise BadRequest(
                f"{origin} is not the Inception weights: its SHA-256 begins with {sha256[:8]}, not {prefix}; "
                "nothing was kept",
                f"The file is called {NAME}; reference.inception.sha256 says what its hash begins with.",
            )
    return sha256
