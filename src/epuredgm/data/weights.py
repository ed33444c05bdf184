"""Weights for use: one safetensors file that holds a trained model and all that is needed to build it again.

The file has the tensors of ``model.state_dict()`` once or twice: under ``live.`` as training left them, and
under ``ema.`` as their moving average, where one was kept. Its metadata are one JSON text (one key, because
safetensors writes several in no fixed order) with the caller's facts, the format version and the SHA-256 of
the tensors: equal training gives equal bytes, and a file that is not what was written is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import canonical, write_bytes
from epuredgm.data.arrays import DISK

FORMAT = 1
KEY = "epuredgm"
REMEDY = "Remove it and train again: --force train"


@dataclass(frozen=True)
class Weights:
    """A trained model's tensors, on the CPU.

    Attributes:
        live: name in ``state_dict`` -> tensor, as the last optimizer step left it.
        ema: the same names, parameters as moving averages; None if none was kept.
        facts: JSON-ready: whatever :func:`save_weights` was given.
    """

    live: Mapping[str, Tensor]
    ema: Mapping[str, Tensor] | None
    facts: Mapping[str, Any]

    @property
    def for_use(self) -> Mapping[str, Tensor]:
        """The tensors to sample with: the moving average where one was kept."""
        return self.live if self.ema is None else self.ema


def save_weights(path: Path, weights: Weights) -> None:
    """Write the file atomically; equal weights give equal bytes.

    Raises:
        OSError: if it cannot be written; a former file is left as it was.
    """
    parts = {"live": weights.live, **({} if weights.ema is None else {"ema": weights.ema})}
    tensors = {  # cloned, because safetensors refuses tensors that share memory, as tied parameters do
        f"{part}.{name}": tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for part, state in parts.items()
        for name, tensor in state.items()
    }
    about = {"format": FORMAT, "tensors": _tensors_sha256(tensors), "facts": dict(weights.facts)}
    write_bytes(path, save(tensors, {KEY: canonical(about).decode()}))


def load_weights(path: Path) -> Weights:
    """Read the file back.

    Raises:
        CorruptArtefact: if it is missing, truncated, altered, or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = dict(json.loads((file.metadata() or {})[KEY]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a mapping
    except Exception as error:  # what a damaged file raises is nearly anything
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in DISK):
            raise
        raise CorruptArtefact(f"{path} does not hold weights: {error}", REMEDY) from error
    if about.get("format") != FORMAT:
        raise CorruptArtefact(f"{path} has format {about.get('format')!r}, not {FORMAT}", REMEDY)
    if about.get("tensors") != _tensors_sha256(tensors) or not isinstance(about.get("facts"), dict):
        raise CorruptArtefact(f"{path} holds other tensors than were written", REMEDY)
    return Weights(live=_part(tensors, "live."), ema=_part(tensors, "ema.") or None, facts=about["facts"])


def restore(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy a state dictionary into a model; buffers that were filled to another size take that size.

    Raises:
        CorruptArtefact: if names or parameter shapes do not fit the model.
    """
    for name, buffer in list(model.named_buffers()):
        kept = state.get(name)
        if kept is not None and kept.shape != buffer.shape:
            owner, _, leaf = name.rpartition(".")
            model.get_submodule(owner)._buffers[leaf] = buffer.new_empty(kept.shape)
    try:
        model.load_state_dict(dict(state))
    except RuntimeError as error:
        raise CorruptArtefact(f"weights do not fit the model: {error}", REMEDY) from error


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256()
    for block in _blocks(tensors):
        total.update(block)
    return total.hexdigest()


def _blocks(tensors: Mapping[str, Tensor]) -> Iterator[Any]:
    """Every tensor's name, type and shape, then its bytes, in the order of the names."""
    for name in sorted(tensors):
        tensor = tensors[name]
        yield f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode()
        if tensor.numel():
            yield tensor.reshape(-1).view(torch.uint8).numpy().data
