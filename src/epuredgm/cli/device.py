"""Which devices and which profile: decided without torch, so that the command line stays quick."""

from __future__ import annotations

import re

from epuredgm.cli.cuda import Seen, seen_here
from epuredgm.config import Conf
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import near


def resolve_devices(text: str, seen: Seen | None = None) -> tuple[str, ...]:
    """The devices of ``--device``: ``auto``, ``cpu`` or a list such as ``cuda:0,cuda:1``.

    Args:
        text: what was asked.
        seen: the CUDA devices; None to look.

    Raises:
        BadRequest: if a word is no device, is there twice, or names a device that is not there; says why.
    """
    if text == "auto":
        seen = seen or seen_here()
        return tuple(f"cuda:{index}" for index in range(len(seen.names))) or ("cpu",)
    devices: list[str] = []
    for word in (part.strip() for part in text.split(",")):
        named = re.fullmatch(r"cpu|cuda(?::(\d+))?", word)
        if named is None:
            guess = near(word.lower().replace("gpu", "cuda"), ("auto", "cpu", "cuda"))
            raise BadRequest(
                f"unknown device {word!r}{guess}",
                "Use auto, cpu, cuda:0 or a list such as cuda:0,cuda:1.",
            )
        device = "cpu" if word == "cpu" else f"cuda:{int(named[1] or 0)}"
        if device in devices:
            raise BadRequest(f"--device {text} names {device} twice", "A device runs one job at a time.")
        devices.append(device)
    for device in devices:
        if device != "cpu":
            _require(device, seen or seen_here())
    return tuple(devices)


def _require(device: str, seen: Seen) -> None:
    count = len(seen.names)
    if not seen.known or int(device.partition(":")[2]) < count:
        return
    if not count:
        raise BadRequest(
            f"{device} is not there: {seen.why or 'there is no CUDA device'}",
            "Use --device cpu, or leave --device out.",
        )
    there = (
        "cuda:0 is the only CUDA device" if count == 1 else f"the CUDA devices are cuda:0 to cuda:{count - 1}"
    )
    raise BadRequest(
        f"{device} is not there: {there}{f' ({seen.why})' if seen.why else ''}",
        "Choose among these, or auto.",
    )


def resolve_profile(conf: Conf, profile: str, device: str, seen: Seen | None = None) -> tuple[str, str]:
    """The profile's name and why it was taken; arguments as :func:`resolve_devices`."""
    if profile != "auto":
        return conf.check("profile", profile), "as asked"
    if resolve_devices(device, seen)[0].startswith("cuda"):
        return "full", "auto: there is a CUDA device"
    why = (seen or seen_here()).why if device == "auto" else ""
    return "quick", "auto: no CUDA device" + (f"; {why}" if why else "")
