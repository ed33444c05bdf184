"""Which metrics there are, by file name, and signs of their figures: what is known without importing any."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "evaluation" / "metrics"

ARROWS = {"lower": "↓", "higher": "↑", "neither": ""}
"""The way in which a figure is better, as a sign."""


def metric_names() -> tuple[str, ...]:
    """Names of the metric files, sorted: one that is added makes evaluations stale, nothing before them."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))
