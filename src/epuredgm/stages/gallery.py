"""Pictures of how far a training is: samples, and validation designs encoded and decoded.

A picture here shows what a model made, never a real design, and its file says so
(:mod:`epuredgm.data.stamp`). Of a private data set no reconstruction is shown either: it may be as good as
the real design.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from epuredgm.core.errors import UnsupportedMode
from epuredgm.core.jobs import Mode
from epuredgm.core.seeds import derive
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
        supports: modes of the family.
        private: whether the designs may not be shown, even reconstructed.
        title: names the run.
        seed: of the run.
        precision: what networks run in.
    """

    validation: ResidentDesigns
    supports: tuple[str, ...]
    private: bool
    title: str
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
        for name, mode, images in self._made(model, whole):
            path = folder / f"{name}.png"
            stored = to_stored(images.float(), model.spec).cpu().numpy()
            says = stamp({"dataset": model.spec.name, "seed": self.seed, "mode": mode})
            contact_sheet(stored, model.spec, path, title=f"{self.title}: {name}", columns=8, stamp=says)
            written[name] = path
        return written

    def _made(self, model: GenerativeModel, whole: bool) -> Iterator[tuple[str, Mode, Tensor]]:
        count = min(DESIGNS, len(self.validation)) or DESIGNS
        batch = self.validation.batch(torch.arange(min(count, len(self.validation))))
        if whole:
            asked = Mode.CONDITIONAL in self.supports and len(batch.images) and batch.conditions.shape[1]
            request = SampleRequest(count, conditions=batch.conditions if asked else None)
            with self.precision.autocast():
                mode = Mode.CONDITIONAL if asked else Mode.UNCONDITIONAL
                yield "samples", mode, model.sample(request, self._rng(model, "samples"))
        if not self.private and len(batch.images):
            try:
                with self.precision.autocast():
                    yield (
                        "reconstructions",
                        Mode.RECONSTRUCTION,
                        model.reconstruct(batch, self._rng(model, "reconstructions")).images,
                    )
            except UnsupportedMode:
                return

    def _rng(self, model: GenerativeModel, name: str) -> torch.Generator:
        return torch.Generator(model.device).manual_seed(derive(self.seed, "gallery", name))
