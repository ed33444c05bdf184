"""Every figure of every run as a tidy table: one line per run, mode, given component and figure."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from epuredgm.evaluation.evaluator import AVERAGE
from epuredgm.evaluation.headlines import headlines_of
from epuredgm.evaluation.metric import Metric
from epuredgm.evaluation.runs import Result
from epuredgm.evaluation.scalar import figures

if TYPE_CHECKING:
    from pandas import DataFrame

WORDS = ("dataset", "model", "mode", "given", "metric", "unit", "better")
NUMBERS = ("value", "low", "high", "floor", "floor_std", "ratio")
COLUMNS = (
    *("dataset", "model", "seed", "mode", "given", "metric"),
    *NUMBERS,
    *("unit", "better"),
)
"""``metric`` is the dotted place of the figure in a block; ``given`` is empty, a component, or ``average``;
``unit`` and ``better`` are known of headline figures and empty otherwise; missing numbers are empty."""


def tidy(results: Sequence[Result], metrics: Sequence[Metric]) -> DataFrame:
    """The table, sorted by model, seed, mode, given component and figure."""
    from pandas import DataFrame

    ordered = sorted(results, key=lambda each: (each["model"], each["seed"]))
    rows = [row for result in ordered for row in _rows(result, metrics)]
    frame = DataFrame(rows, columns=list(COLUMNS))
    kinds = {**dict.fromkeys(WORDS, "str"), **dict.fromkeys(NUMBERS, "float64"), "seed": "int64"}
    return frame.astype(kinds)


def as_csv(table: DataFrame) -> str:
    """The table as comma-separated values; numbers in full."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def as_parquet(table: DataFrame) -> bytes:
    """The table in the Parquet format."""
    out = io.BytesIO()
    table.to_parquet(out, engine="pyarrow", index=False)
    return out.getvalue()


def _rows(result: Result, metrics: Sequence[Metric]) -> Iterator[tuple[Any, ...]]:
    for mode, given, block in _blocks(result):
        heads = {
            ".".join(filter(None, (each.metric.key, each.path))): each.headline
            for each in headlines_of(block, metrics)
        }
        for path, figure in figures(block):
            low, high = figure["interval"] or (None, None)
            floor = figure["floor"] or {"mean": None, "std": None}
            head = heads.get(path)
            yield (
                *(result["dataset"], result["model"], result["seed"], mode, given, path),
                *(figure["value"], low, high, floor["mean"], floor["std"], figure["ratio"]),
                *((head.unit, head.better) if head else ("", "")),
            )


def _blocks(result: Result) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for mode, block in sorted(result["modes"].items()):
        if AVERAGE in block:
            yield from ((mode, given, block[given]) for given in sorted(block))
        else:
            yield mode, "", block
