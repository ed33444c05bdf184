"""Which CUDA devices torch would see: asked of the driver (NVML), without torch and touching no device.

The answer follows CUDA itself: CUDA_VISIBLE_DEVICES is a list of indices or of (beginnings of) UUIDs, which
is cut at its first entry that names nothing and shows nothing at all if it names a device twice. Of GPUs that
are divided (MIG) CUDA shows one instance, and then nothing else.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

VARIABLE = "CUDA_VISIBLE_DEVICES"
NVML = "libnvidia-ml.so.1"
NODES = ("/dev/nvidiactl", "/dev/nvidia-uvm")  # what a CUDA program opens, where the system has them

FAULTS = {  # by the name of NVML's error
    "LibraryNotFound": "no NVIDIA driver is installed here",
    "DriverNotLoaded": "the NVIDIA driver is installed, but not loaded",
    "NoPermission": "the NVIDIA driver may not be used by this user",
    "LibRmVersionMismatch": "the NVIDIA driver was updated and its old part still runs; restart the machine",
    "FunctionNotFound": "the NVIDIA driver is too old to be asked",
}


@dataclass(frozen=True)
class Gpu:
    """A GPU of this machine; ``instances`` are the UUIDs of its parts if it is divided (MIG), else None."""

    uuid: str
    name: str
    instances: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Seen:
    """What CUDA programs see.

    Attributes:
        names: of ``cuda:0``, ``cuda:1``, ...; "a GPU" where it is not known which.
        why: why there are none, or fewer than the machine has; else empty.
        known: whether anybody could be asked; torch for another make of GPU has devices that NVML knows not.
    """

    names: tuple[str, ...] = ()
    why: str = ""
    known: bool = True


@dataclass(frozen=True)
class Torch:
    """The installed torch: its version, the CUDA it is built for or None; ``other`` if for other GPUs."""

    version: str
    cuda: str | None
    other: bool = False


@cache
def seen_here() -> Seen:
    """What a job started by this process would see."""
    torch = installed_torch()
    if torch is None:
        return Seen(why="torch is not installed")
    if torch.other:
        return Seen(why=f"the installed torch, {torch.version}, is not built for CUDA", known=False)
    if torch.cuda is None:
        return Seen(why=f"the installed torch, {torch.version}, is built without CUDA")
    if os.name == "posix" and not _loads(NVML):  # sooner known than pynvml is imported
        return Seen(why=FAULTS["LibraryNotFound"])
    try:
        import pynvml
    except ModuleNotFoundError:
        return Seen(why="the package nvidia-ml-py is missing, which asks the driver; install epuredgm again")
    return look(pynvml, os.environ, torch, NODES)


def _loads(library: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def installed_torch() -> Torch | None:
    """What the installed torch says of itself in its file of versions, which is read and not imported."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    said = dict(re.findall(r"^(\w+)\b.*= *'([^']*)'", text, flags=re.MULTILINE))
    return Torch(said.get("__version__", "?"), said.get("cuda"), bool(said.get("hip") or said.get("xpu")))


def look(nvml: Any, environ: Mapping[str, str], torch: Torch, nodes: Sequence[str] = ()) -> Seen:
    """Ask the driver.

    Args:
        nvml: the module ``pynvml``, or what behaves like it.
        environ: where CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER stand.
        torch: which must be able to use the driver.
        nodes: device files that must be open to this user where they exist.
    """
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return Seen(why=_fault(error))
    try:
        gpus, lost = _gpus(nvml)
        driver, version = nvml.nvmlSystemGetDriverVersion(), nvml.nvmlSystemGetCudaDriverVersion_v2()
    except nvml.NVMLError as error:
        return Seen(why=_fault(error))
    finally:
        with suppress(nvml.NVMLError):
            nvml.nvmlShutdown()
    if not gpus:
        return Seen(why=lost or "the NVIDIA driver finds no GPU")
    if torch.cuda and version // 1000 < int(torch.cuda.split(".")[0]):
        known = f"{version // 1000}.{version % 1000 // 10}"
        return Seen(
            why=f"the NVIDIA driver {driver} knows CUDA {known} and is too old for the installed torch, "
            f"{torch.version}, which is built for CUDA {torch.cuda}"
        )
    closed = [node for node in nodes if Path(node).exists() and not os.access(node, os.R_OK | os.W_OK)]
    if closed:
        return Seen(why=f"this user may not open {closed[0]}, so the NVIDIA driver cannot be used")
    return _shown(gpus, environ)


def _fault(error: Exception) -> str:
    kind = type(error).__name__.removeprefix("NVMLError_")
    return FAULTS.get(kind, f"the NVIDIA driver answers: {error}")


def _gpus(nvml: Any) -> tuple[list[Gpu], str]:
    """The GPUs that this user may use, in the order of the bus, and what is wrong with others."""
    found, lost = [], ""
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            found.append(
                Gpu(nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle), _parts(nvml, handle))
            )
        except nvml.NVMLError as error:
            lost = f"GPU {index} cannot be used: {error}"
    return found, lost


def _parts(nvml: Any, handle: Any) -> tuple[str, ...] | None:
    """The UUIDs of a divided GPU's instances; None if it is not divided."""
    try:
        if not nvml.nvmlDeviceGetMigMode(handle)[0]:
            return None
    except nvml.NVMLError:  # a kind that cannot be divided
        return None
    parts = []
    for index in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        with suppress(nvml.NVMLError):  # no instance in this place
            parts.append(nvml.nvmlDeviceGetUUID(nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)))
    return tuple(parts)


def _shown(gpus: Sequence[Gpu], environ: Mapping[str, str]) -> Seen:
    text = environ.get(VARIABLE)
    chosen = range(len(gpus)) if text is None else visible(text, gpus)
    parts = [index for index in chosen if gpus[index].instances is not None]
    divided = [index for index in parts if gpus[index].instances]
    if divided:
        chosen = divided[:1]  # CUDA shows one instance, and no whole GPU beside it
    elif parts:
        chosen = [index for index in chosen if index not in parts]
    names = {gpu.name for gpu in gpus}
    by_bus = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or (
        text is not None and text.startswith(("GPU-", "MIG-"))
    )
    certain = by_bus or len(names) == 1
    why = ""
    if len(chosen) < len(gpus):
        if text is not None:
            why = f"{VARIABLE}={text!r} shows {len(chosen) or 'none'} of {_count(len(gpus), 'GPU')}"
        elif divided:
            why = "of GPUs that are divided (MIG) CUDA shows one instance"
        else:
            why = "a GPU is to be divided (MIG) and has no instance"
    return Seen(tuple(gpus[index].name if certain else "a GPU" for index in chosen), why)


def visible(text: str, gpus: Sequence[Gpu]) -> list[int]:
    """Indices of the GPUs that a value of CUDA_VISIBLE_DEVICES shows, in its order."""
    if text.startswith(("GPU-", "MIG-")):
        entries = text.split(",")
        found = [_by_uuid(entry, gpus) if entry.startswith(text[:4]) else None for entry in entries]
        named = [index for index in found[: _cut(found)] if index is not None]
        return [] if text[0] == "G" and len(set(named)) < len(named) else list(dict.fromkeys(named))
    numbers = [re.match(r"[+-]?\d+", entry.strip()) for entry in text.split(",")]
    indices = [int(number[0]) if number and int(number[0]) >= 0 else None for number in numbers]
    asked = [index for index in indices[: _cut(indices)] if index is not None]
    if len(set(asked)) < len(asked):
        return []
    return asked[: _cut([index if index < len(gpus) else None for index in asked])]


def _cut(entries: Sequence[int | None]) -> int:
    """How many entries stand before the first that names nothing."""
    return entries.index(None) if None in entries else len(entries)


def _by_uuid(entry: str, gpus: Sequence[Gpu]) -> int | None:
    """The GPU whose UUID, or one of whose instances', begins so; None if there is none, or more than one."""
    old = re.fullmatch(r"MIG-(GPU-[^/]+)/\d+/\d+", entry)  # the form of drivers before 470
    start = old[1] if old else entry
    fitting = [
        index
        for index, gpu in enumerate(gpus)
        if any(uuid.startswith(start) for uuid in (gpu.uuid, *(gpu.instances or ())))
        and (entry.startswith("GPU-") or gpu.instances)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
