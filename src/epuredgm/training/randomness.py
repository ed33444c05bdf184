"""The random stream of every step, derived from its name, so that a resume point stores no generator."""

from __future__ import annotations

import torch

from epuredgm.core.seeds import derive


class StepStream:
    """Seeds one generator, and torch's own on the same device, anew for each named place of a phase.

    Torch's own generators are seeded too because dropout takes no generator; with another seed, so that
    dropout and the step's own draws are independent.
    """

    def __init__(self, device: torch.device, seed: int, phase: str) -> None:
        self._device, self._seed, self._phase = device, seed, phase
        self._generator = torch.Generator(device)

    def at(self, *names: str | int) -> torch.Generator:
        """The generator, at the start of the stream called ``names``; the one object is reused."""
        seed = derive(self._seed, "training", self._phase, *names)
        self._generator.manual_seed(seed)
        default = derive(seed, "default")
        # Not torch.manual_seed: where CUDA is not in use yet it stores a stack trace at every call (0.1 ms).
        torch.default_generator.manual_seed(default)
        if self._device.type == "cuda":
            torch.cuda.manual_seed(default)
        return self._generator
