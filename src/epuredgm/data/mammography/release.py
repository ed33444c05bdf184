"""Samples of a mammography data set as DICOM files, from the conditions that they were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import OLDEST, DataSpec
from epuredgm.data.designs import Stored
from epuredgm.data.mammography.objects import SIDES, VIEWS, Picture, object_of, spacing
from epuredgm.data.release import LeftOut
from epuredgm.data.samples import SampleSet

VIEW, AGE = "view", "age"


@dataclass(frozen=True)
class Dicoms:
    """One DICOM file for each sample whose view and side were asked for."""

    spec: DataSpec
    name: str = "dicom"

    def __post_init__(self) -> None:
        """Refuse a data set of which no mammogram can be made.

        Raises:
            BadRequest: saying what it lacks.
        """
        lacking = [
            text
            for text, there in {
                "grey values": self.spec.values == "grey",
                "a single component": self.spec.channels == 1,
                f"a condition {VIEW}": VIEW in self.spec.condition_names,
                "a side": self.spec.side in self.spec.condition_names,
            }.items()
            if not there
        ]
        if lacking:
            raise BadRequest(
                f"samples of {self.spec.name} cannot be written as mammograms: it lacks {', '.join(lacking)}",
                "Take --format png.",
            )

    @property
    def facts(self) -> Mapping[str, Any]:
        """That the scale is not known."""
        return {
            "mm_per_pixel": {
                "value": spacing(self.spec.height),
                "meaning": "nominal: the true scale of a generated picture is unknown; measure nothing in mm",
            }
        }

    def files(self, picture: Stored, samples: SampleSet, row: int) -> dict[str, bytes]:
        """``.dcm``; arguments as :meth:`epuredgm.data.release.Form.files`.

        Raises:
            LeftOut: if view or side were not asked for, or have no code.
        """
        bits = self.spec.levels.bit_length()
        side, view = self._category(samples, row, str(self.spec.side)), self._category(samples, row, VIEW)
        if side not in SIDES or view not in VIEWS:
            raise LeftOut("view or side was not asked for, and a mammogram must state both")
        return {".dcm": object_of(Picture(picture[0], bits, side, view, self._age(samples, row)))}

    def _category(self, samples: SampleSet, row: int, name: str) -> str | None:
        place = self.spec.condition_names.index(name)
        value, condition = samples.conditions[row, place], self.spec.conditions[place]
        return None if np.isnan(value) or not condition.values else condition.values[int(value)]

    def _age(self, samples: SampleSet, row: int) -> int | None:
        """In whole years; None if it was not asked for, or is one that few people have."""
        if AGE not in self.spec.condition_names:
            return None
        value = float(samples.conditions[row, self.spec.condition_names.index(AGE)])
        return round(value) if 0 <= value <= OLDEST else None
