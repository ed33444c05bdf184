"""Arrays in files: written so that they load without pickle, and read so that any fault is one error.

What zipfile, zlib and numpy raise for a damaged file is nearly anything; here it becomes one
:class:`~epuredgm.core.errors.CorruptArtefact` that names the file. Nothing is allocated that the file cannot
hold: claimed shapes are held against the sizes in the archive, those against the file's own, and every byte
against the archive's checksum.
"""

from __future__ import annotations

import errno
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import atomic_writer

DISK = (errno.EIO, errno.ESTALE, errno.ENXIO, errno.EREMOTEIO if hasattr(errno, "EREMOTEIO") else errno.EIO)
"""The disk's faults, not the file's."""
PLENTY = 1 << 30
"""Bytes that any file may hold, however well they were compressed."""
RATIO = 200
"""Beyond that, how many times smaller the file may be: five times what designs with ink in them reach."""
BLOCK = 1 << 20

Form = tuple[tuple[int, ...], str]
"""Shape and type that an array must have."""


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as one compressed file that loads without pickle.

    Arrays that compress so well that :func:`read_arrays` would not believe it are stored as they are.
    """
    size = sum(array.nbytes for array in arrays.values())
    with atomic_writer(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
        if size > believable(file.tell()):
            file.seek(0)
            file.truncate()
            np.savez(file, allow_pickle=False, **arrays)


def read_arrays(
    path: Path, expected: Mapping[str, Form] | None = None, hint: str = "Remove it; the tool makes it again."
) -> dict[str, NDArray[Any]]:
    """Read named arrays back.

    Args:
        path: the file.
        expected: what some of them must look like; asked before anything is read.
        hint: how to mend a damaged file.

    Raises:
        FileNotFoundError: if there is none.
        CorruptArtefact: if the file holds something else.
    """
    with path.open("rb") as source, _faults_of(path, "arrays", hint), ZipFile(source) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > believable(path.stat().st_size):
            raise ValueError("it says that it holds far more than a file of its size can")
        heads = {_name(member): _head(archive, member) for member in members}
        for name, (shape, kind) in (expected or {}).items():
            if heads[name][0] != shape or heads[name][2] != np.dtype(kind):
                raise ValueError(f"{name} is {heads[name][2]} {heads[name][0]}, not {kind} {shape}")
        return {_name(member): _content(archive, member, *heads[_name(member)]) for member in members}


def open_array(path: Path) -> NDArray[Any]:
    """One array of a ``.npy`` file, memory-mapped for reading.

    Raises:
        FileNotFoundError: if there is none.
        CorruptArtefact: if the file holds something else.
    """
    with path.open("rb") as source, _faults_of(path, "array", "Remove the folder; the tool makes it again."):
        _header(source, path.stat().st_size)
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a safetensors file, by name; only its head is read.

    Raises:
        CorruptArtefact: if there is none, or it holds something else.
    """
    from safetensors import safe_open

    with _faults_of(path, "tensors", "Train again: --force train"), safe_open(path, framework="np") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def believable(size: int) -> int:
    """Bytes that a file of ``size`` bytes may say that it holds."""
    return max(PLENTY, RATIO * size)


@contextmanager
def _faults_of(path: Path, what: str, hint: str) -> Iterator[None]:
    """Whatever goes wrong in the block is the file's fault, unless the disk or the memory fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged head may look like one of an old version
            yield
    except (CorruptArtefact, _Exhausted):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK:
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise CorruptArtefact(f"{path} holds no {what}: {reason}", hint) from error


class _Exhausted(MemoryError):
    """There is no memory for what the file truly holds."""


def _name(member: ZipInfo) -> str:
    if not member.filename.endswith(".npy"):
        raise ValueError(f"{member.filename!r} is no array")
    return member.filename.removesuffix(".npy")


def _head(archive: ZipFile, member: ZipInfo) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    with archive.open(member) as file:
        return _header(file, member.file_size)


def _header(file: Any, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type of an array of which ``size`` bytes are there."""
    version = npy.read_magic(file)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
    shape, columns_first, kind = read(file)
    if kind.hasobject:
        raise ValueError("it holds objects")
    if min(shape, default=0) < 0 or file.tell() + math.prod(shape) * kind.itemsize != size:
        raise ValueError(f"an array of {kind} {shape} does not have {size} bytes")
    return shape, columns_first, kind


def _content(
    archive: ZipFile, member: ZipInfo, shape: tuple[int, ...], columns_first: bool, kind: np.dtype[Any]
) -> NDArray[Any]:
    """One array, to its last byte: only then is the checksum held against it."""
    count = math.prod(shape) * kind.itemsize
    try:
        content = np.empty(count, dtype=np.uint8)
    except MemoryError as error:
        raise _Exhausted(str(error)) from error
    with archive.open(member) as file:
        _header(file, member.file_size)
        _fill(content.data, file)
    if not count:
        return np.empty(shape, dtype=kind)
    flat = content.view(kind)
    return flat.reshape(shape[::-1]).transpose() if columns_first else flat.reshape(shape)


def _fill(content: memoryview, file: Any) -> None:
    done = 0
    while done < len(content):
        block = file.read(min(BLOCK, len(content) - done))
        if not block:
            raise ValueError("it ends early")
        content[done : done + len(block)] = block
        done += len(block)
    if file.read(1):
        raise ValueError("it goes on after its end")
