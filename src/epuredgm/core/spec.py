"""What a data set is, declared: size, components, conditions. Everything else is derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from epuredgm.core.errors import BadRequest


@dataclass(frozen=True)
class Component:
    """One named image channel; ``label`` and ``color`` (``#rrggbb``) are for people."""

    name: str
    label: str
    color: str


@dataclass(frozen=True)
class Condition:
    """One declared input variable.

    Attributes:
        name: its column in the data set's table.
        unit: the data set's own unit (``"px"``; ``""`` for a pure number).
        measure: dotted name of the function that reads the value back from images, or None if none can:
            ``(N, C, H, W) uint8 -> (N,) float64`` in the same unit (see :mod:`epuredgm.data.measure`).
    """

    name: str
    unit: str = ""
    measure: str | None = None


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
        exclusive: no pixel belongs to two components, so that a label map holds a design without loss.
        mirrored: stored images are left halves; the whole design is the half beside its mirror image.
    """

    name: str
    height: int
    width: int
    components: tuple[Component, ...]
    conditions: tuple[Condition, ...]
    values: str = "binary"
    exclusive: bool = False
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.height <= 0 or self.width <= 0:
            raise BadRequest(f"data set {self.name}: size {self.height} x {self.width} is not positive")
        if not self.components:
            raise BadRequest(f"data set {self.name} declares no component")
        if self.values not in ("binary", "grey"):
            raise BadRequest(f"data set {self.name}: values must be binary or grey, not {self.values!r}")

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
        """Numbers in an encoded condition vector, K."""
        return len(self.conditions)

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
        fields["conditions"] = tuple(Condition(**condition) for condition in content["conditions"])
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
                Condition(f"{column}_norm") if dataset["normalized"] else Condition(column, **about)
                for column, about in sets[chosen].items()
            ),
            values=dataset["values"],
            exclusive=dataset["exclusive"],
            mirrored=dataset["mirrored"],
        )
