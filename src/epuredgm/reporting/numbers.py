"""Numbers as a report writes them: few digits, thin spaces, a dash for what there is not."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "–"
THIN = "\u2009"


def short(value: float | None) -> str:
    """Three significant digits, or all of those before the point."""
    if value is None:
        return NOTHING
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", THIN)
    return f"{value:.3g}".replace("-", "−")


def span(interval: Sequence[float | None] | None) -> str:
    """Both ends of an interval; empty if there is none, or if both are the same."""
    if interval is None or None in interval or interval[0] == interval[1]:
        return ""
    return f"{short(interval[0])} to {short(interval[1])}"


def place(value: float) -> str:
    """A rank, which ties may share: ``2`` or ``2.5``."""
    return f"{value:g}"


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``85 s``, ``12 min``, ``3 h 05 min``."""
    if seconds is None:
        return NOTHING
    if seconds < 120:
        return f"{seconds:.3g}{THIN}s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes}{THIN}min"
    return f"{minutes // 60}{THIN}h {minutes % 60:02d}{THIN}min"


def scaled(value: float | None, unit: str = "") -> str:
    """With the prefix that fits: ``1.35 M``, ``867 MB``."""
    if value is None:
        return NOTHING
    for prefix in ("", "k", "M", "G", "T"):
        if abs(value) < 999.5 or prefix == "T":
            break
        value /= 1000
    return f"{value:.3g}{THIN}{prefix}{unit}".rstrip(THIN)
