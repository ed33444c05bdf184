"""What a data set is, declared: size, components, conditions. Everything else is derived from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, Literal, get_args

from epuredgm.core.errors import BadRequest

Values = Literal["binary", "grey"]
"""Kinds of stored values."""

VALUES: tuple[str, ...] = get_args(Values)

OLDEST = 89
"""Years; a greater age is not told, because few people have it."""


@dataclass(frozen=True)
class Component:
    """One named image channel.

    Attributes:
        name: its name in folders and files.
        label: its name for people.
        color: ``#rrggbb``, for people.
        optional: it may be empty in every design of a split; of others that is a fault of the data.
    """

    name: str
    label: str
    color: str
    optional: bool = False


@dataclass(frozen=True)
class Condition:
    """One declared input variable: a number, or one of several categories.

    Attributes:
        name: its column in the data set's table.
        unit: the data set's own unit (``"px"``; ``""`` for a pure number).
        measure: dotted name of the function that reads the value back from images, or None if none can:
            ``(N, C, H, W) uint8 -> (N,) float64`` in the same unit (see :mod:`epuredgm.data.measure`).
        values: names of the categories, at least two; a category is stored as its place among them. Empty
            for a number.
        optional: it may be unknown, which is stored as NaN.
        ordered: the categories stand in an order that means something, the least first.
    """

    name: str
    unit: str = ""
    measure: str | None = None
    values: tuple[str, ...] = ()
    optional: bool = False
    ordered: bool = False

    @property
    def width(self) -> int:
        """Numbers in its encoded form.

        One per category (1 at its place; zeros where unknown); of a number its z-score and, if it is
        optional, whether it is known (zeros where it is not).
        """
        return len(self.values) or 1 + self.optional

    def text(self, value: float) -> str:
        """A stored value for people: ``CC``, ``58 years``, ``over 89 years``, ``unknown``."""
        if math.isnan(value):
            return "unknown"
        if self.values:
            return self.values[int(value)]
        if self.unit == "years" and value > OLDEST:
            return f"over {OLDEST} years"
        return f"{value:g}{' ' if self.unit else ''}{self.unit}"


@dataclass(frozen=True)
class DataSpec:
    """The data set as models, samplers and metrics see it; torch-free, built by planner and worker alike.

    Attributes:
        name: the data set's name.
        height: rows of a stored image.
        width: columns of a stored image.
        components: the channels, in order.
        conditions: the chosen condition set, in order.
        values: ``binary`` (masks in {0, 1}) or ``grey`` (intensities in [0, 1]).
        bits: of a stored grey value, 8 or 16; the largest stands for the intensity 1.
        exclusive: no pixel belongs to two components, so that a label map holds a design without loss.
        mirrored: stored images are left halves; the whole design is the half beside its mirror image.
        side: name of the condition with two categories that says which way a picture faces, or None. Stored
            pictures all face the way of the first; those of the second are shown mirrored left to right.
    """

    name: str
    height: int
    width: int
    components: tuple[Component, ...]
    conditions: tuple[Condition, ...]
    values: str = "binary"
    exclusive: bool = False
    mirrored: bool = False
    bits: int = 8
    side: str | None = None

    def __post_init__(self) -> None:
        if self.height <= 0 or self.width <= 0:
            raise BadRequest(f"data set {self.name}: size {self.height} x {self.width} is not positive")
        if not self.components:
            raise BadRequest(f"data set {self.name} declares no component")
        if self.values not in VALUES:
            raise BadRequest(f"data set {self.name}: values must be binary or grey, not {self.values!r}")
        if self.bits not in (8, 16):
            raise BadRequest(f"data set {self.name}: bits must be 8 or 16, not {self.bits}")
        for condition in self.conditions:
            if len(condition.values) == 1 or len(set(condition.values)) != len(condition.values):
                raise BadRequest(
                    f"data set {self.name}: condition {condition.name} needs two or more different values"
                )
            if condition.ordered and not condition.values:
                raise BadRequest(f"data set {self.name}: ordered condition {condition.name} needs values")
        faces = {condition.name: condition.values for condition in self.conditions}
        if self.side is not None and len(faces.get(self.side, ())) not in (0, 2):
            raise BadRequest(f"data set {self.name}: side {self.side} must be a condition with two values")

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a stored image."""
        return self.height, self.width

    @property
    def channels(self) -> int:
        """Number of components, C."""
        return len(self.components)

    @property
    def condition_width(self) -> int:
        """Numbers in an encoded condition vector."""
        return sum(condition.width for condition in self.conditions)

    @property
    def condition_spans(self) -> tuple[slice, ...]:
        """Where each condition stands in an encoded vector; zeros there mean that it is unknown."""
        ends = list(accumulate(condition.width for condition in self.conditions))
        return tuple(slice(*span) for span in zip([0, *ends], ends, strict=False))

    @property
    def levels(self) -> int:
        """The stored value that stands for 1."""
        return 1 if self.values == "binary" else 2**self.bits - 1

    @property
    def dtype(self) -> str:
        """Type of stored values: ``uint8`` or ``uint16``."""
        return "uint16" if self.levels > 255 else "uint8"

    @property
    def component_names(self) -> tuple[str, ...]:
        """Names of the components in channel order."""
        return tuple(component.name for component in self.components)

    @property
    def condition_names(self) -> tuple[str, ...]:
        """Names of the chosen conditions in order."""
        return tuple(condition.name for condition in self.conditions)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form; :meth:`from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> DataSpec:
        """The inverse of :meth:`to_dict`."""
        fields = dict(content)
        fields["components"] = tuple(Component(**component) for component in content["components"])
        fields["conditions"] = tuple(_condition(**condition) for condition in content["conditions"])
        return cls(**fields)

    @classmethod
    def from_config(cls, dataset: Mapping[str, Any]) -> DataSpec:
        """The spec that a composed ``dataset`` section declares.

        Raises:
            BadRequest: if the chosen condition set does not exist.
        """
        chosen, sets = dataset["conditions"], dataset["condition_sets"]
        if chosen not in sets:
            raise BadRequest(
                f"data set {dataset['name']} has no condition set {chosen!r}",
                f"Choose one of: {', '.join(sets)}  (dataset.conditions=...)",
            )
        return cls(
            name=dataset["name"],
            height=int(dataset["size"][0]),
            width=int(dataset["size"][1]),
            components=tuple(Component(name=name, **about) for name, about in dataset["components"].items()),
            conditions=tuple(
                Condition(f"{column}_norm") if dataset["normalized"] else _condition(column, **about)
                for column, about in sets[chosen].items()
            ),
            values=dataset["values"],
            exclusive=dataset["exclusive"],
            mirrored=dataset["mirrored"],
            bits=dataset["bits"],
            side=dataset["side"],
        )


def _condition(name: str, values: Sequence[str] = (), **about: Any) -> Condition:
    return Condition(name, values=tuple(values), **about)
