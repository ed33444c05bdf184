"""One set of generated designs: the arrays in ``samples.npz`` and how they are written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact
from epuredgm.data.arrays import read_arrays, write_arrays
from epuredgm.data.designs import Stored

EXTRA = "extra_"
REMEDY = "Draw it again: --force sample"


@dataclass(frozen=True)
class SampleSet:
    """Generated designs with what they were asked for; rows correspond.

    With several completions of each of n designs, row ``c * n + i`` is completion c of design i.

    Attributes:
        images: (N, C, H, W) as stored, like those of the data set.
        components: names of the C channels.
        conditions: float32 (N, K) as asked for, like those of the data set; NaN where none was asked for.
        condition_names: names of the K conditions.
        ids: (N,) ``matching`` of the test rows that gave conditions or components; empty strings otherwise.
        given: bool (N, C), which components were given.
        meta: JSON-ready facts: mode, seed, weights hash, sampler, steps, guidance, seconds.
        extras: further arrays (N, ...) of what was found on the way; reconstructions have ``kl`` and
            ``codes`` (:class:`epuredgm.interface.Reconstruction`).
    """

    images: Stored
    components: tuple[str, ...]
    conditions: NDArray[np.float32]
    condition_names: tuple[str, ...]
    ids: NDArray[np.str_]
    given: NDArray[np.bool_]
    meta: Mapping[str, Any]
    extras: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def write(self, path: Path) -> None:
        """Write the set atomically as a compressed ``.npz`` that loads without pickle."""
        extras = {f"{EXTRA}{name}": values for name, values in self.extras.items()}
        arrays: dict[str, NDArray[Any]] = {
            "images": self.images,
            "components": np.array(self.components, dtype=np.str_),
            "conditions": self.conditions.astype(np.float32),
            "condition_names": np.array(self.condition_names, dtype=np.str_),
            "ids": self.ids.astype(np.str_),
            "given": self.given,
            "meta": np.array(json.dumps(dict(self.meta), sort_keys=True)),
        }
        write_arrays(path, {**arrays, **extras})

    @classmethod
    def read(cls, path: Path) -> SampleSet:
        """Read a set back.

        Raises:
            FileNotFoundError: if there is none.
            CorruptArtefact: if the file is not a sample set.
        """
        arrays = read_arrays(path, hint=REMEDY)
        try:
            extras = {
                name.removeprefix(EXTRA): array for name, array in arrays.items() if name.startswith(EXTRA)
            }
            found = cls(
                images=arrays["images"],
                components=tuple(arrays["components"].tolist()),
                conditions=arrays["conditions"],
                condition_names=tuple(arrays["condition_names"].tolist()),
                ids=arrays["ids"],
                given=arrays["given"],
                meta=dict(json.loads(str(arrays["meta"]))),
                extras=extras,
            )
            found._require_one_size()
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            raise CorruptArtefact(f"{path} is not a sample set: {error}", REMEDY) from error
        return found

    def _require_one_size(self) -> None:
        """That rows and columns correspond.

        Raises:
            ValueError: if they do not.
        """
        rows, channels = len(self.images), len(self.components)
        named = {"conditions": (rows, len(self.condition_names)), "ids": (rows,), "given": (rows, channels)}
        wrong = [name for name, shape in named.items() if getattr(self, name).shape != shape]
        wrong += [name for name, array in self.extras.items() if len(array) != rows]
        if self.images.ndim != 4 or self.images.shape[1] != channels:
            wrong.append("images")
        if wrong:
            raise ValueError(f"{', '.join(wrong)} do not fit the others")
