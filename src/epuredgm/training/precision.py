"""Which floating-point type the networks compute in, and the loss scaling that fp16 needs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch.amp.grad_scaler import GradScaler

from epuredgm.core.errors import BadRequest


@dataclass(frozen=True)
class Precision:
    """The type of autocast on a device; ``dtype`` None computes everything in fp32."""

    device_type: str
    dtype: torch.dtype | None

    @classmethod
    def resolve(cls, name: str, device: torch.device) -> Precision:
        """``name`` is ``fp32``, ``bf16``, ``fp16``, or ``auto``: bf16 on CUDA devices that have it, else fp16
        on CUDA, and fp32 elsewhere.

        Raises:
            BadRequest: for any other name.
        """
        types = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
        if name == "auto":
            name = (
                "fp32" if device.type != "cuda" else "bf16" if torch.cuda.is_bf16_supported(False) else "fp16"
            )
        if name not in types:
            raise BadRequest(f"training.precision must be auto, {', '.join(types)}, not {name!r}")
        return cls(device.type, types[name])

    def autocast(self) -> AbstractContextManager[object]:
        """A new context in which networks run in this precision."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device_type, dtype=self.dtype)

    def scaler(self) -> GradScaler | None:
        """A new loss scaler where gradients would underflow without one, else None."""
        return GradScaler(self.device_type) if self.dtype is torch.float16 else None
