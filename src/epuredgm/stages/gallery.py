"""Pictures of how far a training is: samples, and validation designs encoded and decoded.

A picture here shows what a model made, never a real design, and its file says so
(:mod:`epuredgm.data.stamp`). Of a private data set no reconstruction is shown either: it may be as good as
the real design.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epuredgm.core.errors import UnsupportedMode
from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
from epuredgm.data.facing import facing
from epuredgm.data.resident import ResidentDesigns
from epuredgm.data.stamp import stamp
from epuredgm.interface import GenerativeModel, SampleRequest
from epuredgm.reporting.contact_sheet import contact_sheet
from epuredgm.sampling.discrete import to_stored
from epuredgm.training.precision import Precision

DESIGNS = 16


@dataclass(frozen=True)
class RunGallery:
    """Makes the galleries of one run; the same designs, conditions and noise each time.

    Attributes:
        validation: lends its conditions to the samples, and what is reconstructed.
        conditions: (N, K) of the validation designs as stored, which say the way that pictures face.
        supports: modes of the family.
        private: whether the designs may not be shown, even reconstructed.
        model, dataset, seed: name the run.
        precision: what networks run in.
    """

    validation: ResidentDesigns
    conditions: NDArray[np.float64]
    supports: tuple[str, ...]
    private: bool
    model: str
    dataset: str
    seed: int
    precision: Precision

    @torch.no_grad()
    def __call__(self, model: GenerativeModel, folder: Path, whole: bool) -> Mapping[str, Path]:
        """Write what can be shown.

        Args:
            model: in evaluation mode.
            folder: takes the PNG files.
            whole: whether all parts of the model are in training or trained, so that it can be sampled.

        Returns:
            The pictures by name.
        """
        written = {}
        facts = {"model": self.model, "dataset": self.dataset, "seed": self.seed}
        title = f"{self.model} on {self.dataset}, seed {self.seed}"
        for name, mode, images in self._made(model, whole):
            path = folder / f"{name}.png"
            shown = to_stored(images.float(), model.spec).cpu().numpy()
            if mode is not Mode.UNCONDITIONAL:
                shown = facing(shown, self.conditions[: len(shown)], model.spec)
            told = stamp({**facts, "mode": str(mode)})
            contact_sheet(shown, model.spec, path, title=f"{title}: {name}", columns=8, stamp=told)
            written[name] = path
        return written

    def _made(self, model: GenerativeModel, whole: bool) -> Iterator[tuple[str, Mode, Tensor]]:
        count = min(DESIGNS, len(self.validation)) or DESIGNS
        batch = self.validation.batch(torch.arange(min(count, len(self.validation))))
        if whole:
            asked = Mode.CONDITIONAL in self.supports and len(batch.images) and batch.conditions.shape[1]
            request = SampleRequest(count, conditions=batch.conditions if asked else None)
            with self.precision.autocast():
                drawn = model.sample(request, self._rng(model, "samples"))
            yield "samples", Mode.CONDITIONAL if asked else Mode.UNCONDITIONAL, drawn
        if not self.private and len(batch.images):
            try:
                with self.precision.autocast():
                    made = model.reconstruct(batch, self._rng(model, "reconstructions")).images
            except UnsupportedMode:
                return
            yield "reconstructions", Mode.RECONSTRUCTION, made

    def _rng(self, model: GenerativeModel, name: str) -> torch.Generator:
        return torch.Generator(model.device).manual_seed(derive(self.seed, "gallery", name))
