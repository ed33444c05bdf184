"""Which devices and which profile: decided without torch, so that the command line stays quick."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from epuredgm.config import Conf
from epuredgm.core.errors import BadRequest


def cuda_devices() -> int:
    """CUDA devices that torch would see, counted from the driver's files and CUDA_VISIBLE_DEVICES."""
    if not _torch_has_cuda():
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() not in ("", "-1", "NoDevFiles")])
    folder = Path("/proc/driver/nvidia/gpus")
    if folder.is_dir():
        return len(list(folder.iterdir()))
    listing = shutil.which("nvidia-smi")  # Windows and WSL have no such folder
    if listing is None:
        return 0
    answer = subprocess.run([listing, "-L"], capture_output=True, text=True, check=False)
    return len(re.findall(r"^GPU \d+:", answer.stdout, flags=re.MULTILINE))


def _torch_has_cuda() -> bool:
    """Whether the installed torch is not a CPU build; read from its metadata, without importing it."""
    try:
        return not metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False


def resolve_devices(text: str) -> tuple[str, ...]:
    """The devices of ``--device``: ``auto``, ``cpu`` or a list such as ``cuda:0,cuda:1``.

    Raises:
        BadRequest: if a word is not a device.
    """
    if text == "auto":
        return tuple(f"cuda:{index}" for index in range(cuda_devices())) or ("cpu",)
    devices = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for device in devices:
        if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
            raise BadRequest(
                f"unknown device {device!r}", "Use auto, cpu, cuda:0 or a list such as cuda:0,cuda:1."
            )
    return tuple("cuda:0" if device == "cuda" else device for device in devices)


def resolve_profile(conf: Conf, profile: str, device: str) -> tuple[str, str]:
    """The profile's name and why it was taken."""
    if profile != "auto":
        return conf.check("profile", profile), "as asked"
    if resolve_devices(device)[0].startswith("cuda"):
        return "full", "auto: there is a CUDA device"
    return "quick", "auto: no CUDA device"
