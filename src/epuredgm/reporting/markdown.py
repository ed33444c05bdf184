"""The ranking as a Markdown table, to paste into a paper or an issue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def ranking_table(summary: Mapping[str, Any]) -> str:
    """One line a model, best first, a column for each figure that ranks; the last line are real designs."""
    names = [name for name in summary["ranked_by"]["over"] if name in summary["headlines"]]
    heads = [f"{name} {'↓' if summary['headlines'][name]['better'] == 'lower' else '↑'}" for name in names]
    lines = [_line(["", "model", *heads]), _line(["---:", "---", *["---:"] * len(heads)])]
    for row in summary["rankings"]:
        cells = [_cell(row[f"{name}_mean"], row[f"{name}_std"]) for name in names]
        lines.append(_line([str(row["rank"]), str(row["model"]), *cells]))
    floors = [_cell(_floor(summary, name), None) for name in names]
    return "\n".join([*lines, _line(["", "real designs", *floors])]) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(mean: float | None, std: float | None) -> str:
    if mean is None:
        return "–"
    return f"{mean:.3g}" if std is None else f"{mean:.3g} ± {std:.2g}"


def _floor(summary: Mapping[str, Any], name: str) -> float | None:
    floors = (each[name]["floor"] for each in summary["model_aggregates"].values())
    return next((floor for floor in floors if floor is not None), None)
