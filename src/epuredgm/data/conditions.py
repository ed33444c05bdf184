"""Conditions in the model's form: z-scores of numbers, one place for each category, zeros where unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import Condition

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConditionNormaliser:
    """What training knows of the K conditions; it travels in the checkpoint.

    Attributes:
        names: the conditions, in order.
        mean: train means of the known values; 0 for categories.
        std: their train standard deviations; 1 where a condition is constant, and for categories.
        values: names of the categories of each, empty for numbers.
        optional: whether each may be unknown.
        seen: the categories that occurred in training, by name; empty for numbers.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    values: tuple[tuple[str, ...], ...]
    optional: tuple[bool, ...]
    seen: tuple[tuple[str, ...], ...]

    @classmethod
    def fit(cls, values: ArrayLike, conditions: Sequence[Condition]) -> ConditionNormaliser:
        """Statistics of ``values`` (N, K), the train rows alone.

        Raises:
            ValueError: if the shape is not (N, K) with N > 0, or a value is not one of its condition.
        """
        table = np.asarray(values, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(conditions) or len(table) == 0:
            raise ValueError(f"conditions must be (N, {len(conditions)}) with N > 0, not {table.shape}")
        mean, std, seen = [], [], []
        for condition, column in zip(conditions, table.T, strict=True):
            if fault := _fault(column, condition.values, condition.optional):
                raise ValueError(f"condition {condition.name}: {fault}")
            known = column[~np.isnan(column)]
            centre, spread = (0.0, 1.0) if condition.values else _moments(known)
            mean.append(centre)
            std.append(spread)
            seen.append(tuple(condition.values[int(k)] for k in np.unique(known)) if condition.values else ())
        return cls(
            tuple(condition.name for condition in conditions),
            tuple(mean),
            tuple(std),
            tuple(condition.values for condition in conditions),
            tuple(condition.optional for condition in conditions),
            tuple(seen),
        )

    def encode(self, values: ArrayLike) -> NDArray[np.float32]:
        """Conditions (N, K) in the data set's own units, as (N, W) with W = ``spec.condition_width``.

        Raises:
            BadRequest: if a value is not one of its condition, or is a category that training never saw.
        """
        table = np.asarray(values, dtype=np.float64)
        parts: list[Floats] = [np.empty((len(table), 0))]
        for k, name in enumerate(self.names):
            column = table[:, k]
            unknown = np.isnan(column)
            if fault := _fault(column, self.values[k], self.optional[k]):
                raise BadRequest(f"condition {name}: {fault}")
            if self.values[k]:
                asked = {self.values[k][int(place)] for place in np.unique(column[~unknown])}
                if unseen := sorted(asked - set(self.seen[k])):
                    raise BadRequest(
                        f"condition {name}: {', '.join(unseen)} did not occur in training",
                        f"Ask for one of: {', '.join(self.seen[k])}.",
                    )
                parts.append((column[:, None] == np.arange(len(self.values[k]))).astype(np.float64))
            else:
                score = (column - self.mean[k]) / self.std[k]
                parts.append(np.where(unknown, 0.0, score)[:, None])
                if self.optional[k]:
                    parts.append((~unknown)[:, None].astype(np.float64))
        return np.concatenate(parts, axis=1).astype(np.float32)

    def within(self, values: ArrayLike) -> Floats:
        """``values`` (N, K) with the optional categories that training never saw taken for unknown.

        For rows of the data set itself, which come as they are; what somebody asks for is refused instead.
        """
        table = np.array(values, dtype=np.float64)
        for k, names in enumerate(self.values):
            if names and self.optional[k]:
                seen = [names.index(name) for name in self.seen[k]]
                table[~np.isin(table[:, k], seen), k] = np.nan
        return table

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form; :meth:`from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> ConditionNormaliser:
        """The inverse of :meth:`to_dict`."""
        return cls(
            names=tuple(content["names"]),
            mean=tuple(content["mean"]),
            std=tuple(content["std"]),
            values=tuple(map(tuple, content["values"])),
            optional=tuple(content["optional"]),
            seen=tuple(map(tuple, content["seen"])),
        )


def _fault(column: Floats, values: tuple[str, ...], optional: bool) -> str:
    """What is wrong with values of one condition; empty if nothing is."""
    unknown = np.isnan(column)
    if unknown.any() and not optional:
        return "values must be finite: it may not be unknown"
    known = column[~unknown]
    if not np.isfinite(known).all():
        return "values must be finite"
    if values and not np.isin(known, np.arange(len(values))).all():
        return f"a value is none of the {len(values)} categories {', '.join(values)}"
    return ""


def _moments(known: Floats) -> tuple[float, float]:
    if not len(known):
        return 0.0, 1.0
    mean, std = float(known.mean()), float(known.std())
    # a constant column may get a tiny spread by rounding; dividing by it would blow that up
    return mean, 1.0 if std <= 1e-12 * max(1.0, abs(mean)) else std
