"""pytorch-fid's Inception network with weights from a file: pictures to 2048 features each.

The network of Heusel et al. 2017 as ported from TensorFlow (1008 classes, patched poolings), with its own
resizing: bilinear to 299 x 299, not antialiased, corners not aligned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.inception import FETCH
from epuredgm.data.memory import FittingSize

BATCH = 64


def load_network(path: Path, device: torch.device) -> nn.Module:
    """The network in evaluation mode, without gradients, in float32 on ``device``.

    Args:
        path: a state dictionary of pytorch-fid's network, as ``.safetensors`` or as torch saves it.
        device: where it will run.

    Raises:
        CorruptArtefact: if the file holds no such state.
    """
    from pytorch_fid.inception import InceptionV3  # here: it imports torchvision, which takes a second

    state = _read(path)
    with _loading(state):
        try:
            network = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
        except (RuntimeError, AttributeError, TypeError) as error:
            raise _unusable(path, error) from error
    layout: Any = torch.channels_last  # half as fast again on a processor, the same sums
    made: nn.Module = network.eval().to(device, memory_format=layout)
    return made


@torch.inference_mode()
def describe(
    network: nn.Module, pictures: NDArray[np.uint8], at_once: FittingSize | None = None
) -> NDArray[np.float32]:
    """(N, 2048) features of pictures, (N, H, W) grey or (N, H, W, 3) coloured; each of its own picture."""
    device = next(network.parameters()).device

    def rows(index: slice) -> NDArray[np.float32]:
        pooled: Tensor = network(_batch(pictures[index], device))[0]
        return np.asarray(pooled.flatten(1).float().cpu().numpy())

    with _full_precision(device):
        features = (at_once or FittingSize(BATCH)).map(len(pictures), rows)
    return np.concatenate([np.empty((0, 2048), dtype=np.float32), *features])


def _batch(pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    """(B, 3, H, W) in [0, 1]; the bytes travel to the device, the rest happens there."""
    pixels = torch.from_numpy(np.ascontiguousarray(pictures))
    if device.type == "cuda":
        pixels = pixels.pin_memory()
    pixels = pixels.to(device, non_blocking=True)
    planes = pixels.permute(0, 3, 1, 2) if pixels.ndim == 4 else pixels[:, None].expand(-1, 3, -1, -1)
    return (planes.float() / 255).contiguous(memory_format=torch.channels_last)


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """No half precision and no TF32: features must not depend on the kind of processor more than they do."""
    with (
        torch.autocast(device.type, enabled=False),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        yield


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except MemoryError:
        raise
    except Exception as error:  # what a damaged file raises is nearly anything
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> CorruptArtefact:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return CorruptArtefact(
        f"{path} holds no weights of pytorch-fid's Inception network: {reason}",
        f"Remove it and fetch them: {FETCH}; or name another file: --inception-weights FILE.",
    )


@contextmanager
def _loading(state: Mapping[str, Tensor]) -> Iterator[None]:
    """Let pytorch-fid, which always downloads, take these weights instead: it has no argument for them."""
    from pytorch_fid import inception

    download = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = lambda *_, **__: state
    try:
        yield
    finally:
        inception.load_state_dict_from_url = download
