"""One set of generated designs: the arrays in ``samples.npz`` and how they are written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import atomic_writer
from epuredgm.data.designs import Stored

EXTRA = "extra_"


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
        extras: dict[str, Any] = {f"{EXTRA}{name}": values for name, values in self.extras.items()}
        with atomic_writer(path) as file:
            np.savez_compressed(
                file,
                images=self.images,
                components=np.array(self.components, dtype=np.str_),
                conditions=self.conditions.astype(np.float32),
                condition_names=np.array(self.condition_names, dtype=np.str_),
                ids=self.ids.astype(np.str_),
                given=self.given,
                meta=np.array(json.dumps(dict(self.meta), sort_keys=True)),
                **extras,
            )

    @classmethod
    def read(cls, path: Path) -> SampleSet:
        """Read a set back.

        Raises:
            CorruptArtefact: if the file is not a sample set.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(
                    images=file["images"],
                    components=tuple(file["components"].tolist()),
                    conditions=file["conditions"],
                    condition_names=tuple(file["condition_names"].tolist()),
                    ids=file["ids"],
                    given=file["given"],
                    meta=json.loads(str(file["meta"])),
                    extras={
                        name.removeprefix(EXTRA): file[name] for name in file.files if name.startswith(EXTRA)
                    },
                )
        except (BadZipFile, KeyError, ValueError, EOFError) as error:
            raise CorruptArtefact(
                f"{path} is not a sample set: {error}", "Draw it again: --force sample"
            ) from error
