"""The one sampler: a model and a request to a set of designs, in batches whose randomness has names.

Batch b of a set draws from the stream ``(seed, "sample", mode, given component, b)``, so that a set that was
stopped and taken up again is the set that an unbroken run draws. A batch that does not fit into memory is
drawn in pieces, each from a stream of its own: other draws of the same distribution.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epuredgm.core.errors import EpureError, Interrupted
from epuredgm.core.jobs import Mode
from epuredgm.core.monitor import Monitor
from epuredgm.core.seeds import derive
from epuredgm.core.settings import SamplingSettings
from epuredgm.data.conditions import ConditionNormaliser
from epuredgm.data.designs import Stored
from epuredgm.data.memory import FittingSize
from epuredgm.data.samples import SampleSet
from epuredgm.interface import Batch, GenerativeModel, SampleRequest
from epuredgm.sampling.cost import Cost, counted
from epuredgm.sampling.discrete import to_stored
from epuredgm.sampling.parts import Part, Parts
from epuredgm.sampling.requests import SetRequest


@dataclass(frozen=True)
class Sampler:
    """Draws sets from one trained model.

    Attributes:
        model: on its device, in evaluation mode.
        normaliser: from the conditions' own units to the model's.
        settings: batch size and guidance.
        seed: of the run.
        precision: type of autocast; None for fp32.
        monitor: hears of progress and tells when to stop.
        at_once: how many designs of a batch are drawn at once.
    """

    model: GenerativeModel
    normaliser: ConditionNormaliser
    settings: SamplingSettings
    seed: int
    precision: torch.dtype | None
    monitor: Monitor
    at_once: FittingSize = field(default_factory=lambda: FittingSize(sys.maxsize))

    def draw(self, request: SetRequest, facts: Mapping[str, Any], parts: Parts) -> tuple[SampleSet, Cost]:
        """Draw one set, and say what it cost.

        Args:
            request: what is asked for.
            facts: JSON-ready, free of times: go into the set's ``meta``.
            parts: where finished batches are kept until the set is whole.

        Raises:
            UnsupportedMode: if the model cannot do what is asked.
            EpureError: if it draws another shape, or values that are not numbers.
            Interrupted: if the monitor asks to stop; finished batches are kept.
        """
        spec = self.model.spec
        images: Stored = np.empty((len(request), spec.channels, *spec.size), dtype=spec.dtype)
        found: list[Part] = []
        cost = Cost()
        for number, rows in self._batches(len(request)):
            if self.monitor.stopping():
                raise Interrupted("sampling was asked to stop", "The same command continues from here.")
            part = parts.read(number, images[rows].shape, spec.dtype)
            if part is None:
                part = self._batch(request, number, rows, cost)
                parts.write(number, part)
            images[rows] = part.pop("images")
            found.append(part)
            self.monitor.progress(rows.stop, len(request), self._title(request))
        extras = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        return self._as_set(request, images, extras, facts), cost

    def _batches(self, count: int) -> Iterator[tuple[int, slice]]:
        for number, start in enumerate(range(0, count, self.settings.batch_size)):
            yield number, slice(start, min(start + self.settings.batch_size, count))

    def _batch(self, request: SetRequest, number: int, rows: slice, cost: Cost) -> Part:
        """One batch: ``images`` as stored, and what else was found; the cost is added to ``cost``."""

        def piece(among: slice) -> Part:
            place = slice(rows.start + among.start, rows.start + among.stop)
            return self._piece(request, place, self._stream(request, number, rows, place), cost)

        found = self.at_once.map(rows.stop - rows.start, piece)
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}

    def _piece(self, request: SetRequest, rows: slice, rng: torch.Generator, cost: Cost) -> Part:
        """Rows of a set that are drawn at once."""
        start = time.perf_counter()
        known = None
        if request.known is not None:  # as int32: a device need not know uint16
            known = torch.from_numpy(request.known[rows].astype(np.int32)).to(self.model.device)
        given = torch.from_numpy(request.given).to(self.model.device)
        with torch.inference_mode(), self._autocast(), counted(self.model) as calls:
            drawn, extras = self._drawn(self._request(request, rows, known, given), request.mode, rng)
        spec = self.model.spec
        expected = (rows.stop - rows.start, spec.channels, *spec.size)
        if tuple(drawn.shape) != expected:
            raise EpureError(f"the model drew designs of shape {tuple(drawn.shape)}, not {expected}")
        if not bool(torch.isfinite(drawn).all()):
            raise EpureError("the model drew values that are not numbers", "Try training.precision=fp32.")
        pasted = known if request.given.any() else None
        stored = to_stored(drawn.float(), spec, pasted, None if pasted is None else given).cpu().numpy()
        cost.designs += len(stored)
        cost.seconds += time.perf_counter() - start
        cost.evaluations = max(cost.evaluations, *calls.values(), 0)
        return {"images": stored, **{name: values.float().cpu().numpy() for name, values in extras.items()}}

    def _drawn(
        self, request: SampleRequest, mode: Mode, rng: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Designs (B, C, H, W) and what was found on the way to them, by name."""
        if mode is not Mode.RECONSTRUCTION:
            return self.model.sample(request, rng), {}
        assert request.known is not None, "there is always something to reconstruct"
        conditions = request.conditions
        if conditions is None:
            conditions = torch.zeros(request.count, 0, device=self.model.device)
        made = self.model.reconstruct(Batch(request.known, conditions), rng)
        return made.images, {"kl": made.kl, "codes": made.codes}

    def _request(
        self, request: SetRequest, rows: slice, known: Tensor | None, given: Tensor
    ) -> SampleRequest:
        count = rows.stop - rows.start
        conditions = None
        if request.conditions is not None:
            encoded = self.normaliser.encode(request.conditions[rows])
            conditions = torch.from_numpy(encoded).to(self.model.device)
        if known is None:
            return SampleRequest(count, conditions, guidance=self.settings.guidance)
        images = known.float() / self.model.spec.levels
        flags = given.expand(count, -1)
        return SampleRequest(count, conditions, images, flags, self.settings.guidance)

    def _stream(self, request: SetRequest, number: int, rows: slice, piece: slice) -> torch.Generator:
        """The generator of a batch or of a piece; torch's own is seeded too, for draws that take none."""
        seed = derive(self.seed, "sample", str(request.mode), request.component or "", number)
        if piece != rows:
            seed = derive(seed, "piece", piece.start - rows.start, piece.stop - rows.start)
        torch.manual_seed(derive(seed, "default"))
        return torch.Generator(self.model.device).manual_seed(seed)

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision is None:
            return nullcontext()
        return torch.autocast(self.model.device.type, dtype=self.precision)

    def _title(self, request: SetRequest) -> str:
        return f"{request.mode} designs" + (f" around {request.component}" if request.component else "")

    def _as_set(
        self,
        request: SetRequest,
        images: Stored,
        extras: Mapping[str, NDArray[np.float32]],
        facts: Mapping[str, Any],
    ) -> SampleSet:
        spec = self.model.spec
        asked: NDArray[np.float64] = (
            np.full((len(request), len(spec.conditions)), np.nan)
            if request.conditions is None
            else request.conditions
        )
        meta = {
            **facts,
            "mode": str(request.mode),
            "given": request.component,
            "seed": self.seed,
            "guidance": self.settings.guidance,
            "batch_size": self.settings.batch_size,
            "num_samples": len(request),
        }
        if self.at_once.size < min(self.settings.batch_size, len(request)):
            meta["at_once"] = self.at_once.size
        return SampleSet(
            images=images,
            components=spec.component_names,
            conditions=asked.astype(np.float32),
            condition_names=spec.condition_names,
            ids=request.ids,
            given=np.tile(request.given, (len(request), 1)),
            meta=meta,
            extras=extras,
        )
