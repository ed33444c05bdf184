"""Files that are whole or absent: atomic writes with fsync, hashes, canonical JSON."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.room import patient_file, patiently


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears at ``path`` complete, or not at all.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and take the final name by
    one rename; the folder is then synchronised too. If the block raises, ``path`` keeps its former content.

    Raises:
        OSError: if any step fails (disk full for too long, no permission): a failed write is never silent.
    """
    handle, name = patiently(lambda: _temporary_file(path), path)
    temporary = Path(name)
    try:
        with patient_file(handle, "w", path) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        patiently(lambda: temporary.replace(path), path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


@contextmanager
def atomic_folder(path: Path, replace: bool = False) -> Iterator[Path]:
    """Fill a folder that appears at ``path`` complete, or not at all.

    The block writes into a hidden sibling, which takes the final name at the end. If the block raises,
    ``path`` is as it was. If another process published the same ``path`` meanwhile, that one stays, unless
    ``replace``. Files are synchronised as far as the block does so: write those that must survive a power cut
    with :func:`atomic_writer`.

    Raises:
        OSError: if any step fails.
    """
    patiently(lambda: path.parent.mkdir(parents=True, exist_ok=True), path)
    _sweep(path)
    temporary = Path(patiently(lambda: _temporary_folder(path), path))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if replace and path.exists():
            former = temporary.with_suffix(".old.tmp")
            path.replace(former)
            temporary.replace(path)
            shutil.rmtree(former)
        elif not path.exists():
            _publish(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _sync_folder(path.parent)


def _temporary_file(path: Path) -> tuple[int, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)


def _temporary_folder(path: Path) -> str:
    return tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)


def _publish(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except OSError:
        if not path.is_dir():  # else another process was faster
            raise


def _sweep(path: Path, age_seconds: float = 86400.0) -> None:
    """Remove what processes that died more than a day ago left beside ``path``."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        if left.is_dir() and time.time() - left.stat().st_mtime > age_seconds:
            shutil.rmtree(left, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that were killed; only where nothing else is being written."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with atomic_writer(path) as file:
        file.write(content)


def encoded(text: str) -> bytes:
    """A text as UTF-8; bytes of file names that are no UTF-8 (``\\udcff``) as JSON and Python escape them."""
    return text.encode("utf-8", "backslashreplace")


def write_text(path: Path, content: str) -> None:
    """Write ``content`` to ``path`` atomically, as UTF-8."""
    write_bytes(path, encoded(content))


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` to ``path`` atomically, as indented JSON; the order of the keys is kept."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON file.

    Raises:
        FileNotFoundError: if there is none.
        CorruptArtefact: if it is not valid JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (
        ValueError,
        RecursionError,
    ) as error:  # no UTF-8, no JSON, or beyond all use
        raise CorruptArtefact(
            f"{path} is not valid JSON: {error}", "Remove it; the tool makes it again."
        ) from error


def canonical(content: Any) -> bytes:
    """The one byte form of a JSON value: sorted keys, no spaces; equal values give equal bytes."""
    return encoded(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def digest(content: Any) -> str:
    """SHA-256 of the canonical form of a JSON value, in hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def tree_sha256(path: Path) -> str:
    """SHA-256 of a file, or of a folder's file names and contents in sorted order."""
    if path.is_file():
        return file_sha256(path)
    return digest({str(f.relative_to(path)): file_sha256(f) for f in sorted(path.rglob("*")) if f.is_file()})


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``; lists are leaves, empty mappings vanish."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


@lru_cache(maxsize=1)  # asked once: two threads that both set and restore it could leave it changed
def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; its rename is durable by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
