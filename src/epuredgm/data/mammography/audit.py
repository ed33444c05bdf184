"""The audit log: one JSON line for each decision, on the disk before anything is done, chained by hashes.

Each line carries the hash of the one before, so that a line that was changed or taken out shows.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from filelock import FileLock

from epuredgm.core.errors import CorruptArtefact

START = "0" * 64


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Add one line: when, who, the record, and the hash of the line before. It is on the disk on return.

    Raises:
        OSError: if it cannot be written; then what it is about must not be done.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        lines = path.read_bytes().splitlines() if path.exists() else []
        entry = {
            "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "who": _user(),
            **record,
            "previous": hashlib.sha256(lines[-1]).hexdigest() if lines else START,
        }
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def entries(path: Path) -> list[dict[str, Any]]:
    """The lines of the log, after checking that none was changed or taken out.

    Raises:
        CorruptArtefact: if the chain is broken.
    """
    previous, found = START, []
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else [], start=1):
        try:
            entry = json.loads(line)
            whole = entry["previous"] == previous
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise CorruptArtefact(f"the audit log is broken at line {number}", "Somebody changed it.")
        found.append(entry)
        previous = hashlib.sha256(line).hexdigest()
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no name for this user on this machine
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
