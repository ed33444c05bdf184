"""Durations and sizes in words."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """``75`` as ``1 min 15 s``; None as ``no history``.

    >>> duration(75), duration(7322), duration(0.4), duration(None)
    ('1 min 15 s', '2 h 02 min', '0.4 s', 'no history')
    """
    if seconds is None:
        return "no history"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float | None) -> str:
    """``1500000`` as ``1.5 MB``; None as ``no history``.

    >>> size(1_500_000), size(12), size(None)
    ('1.5 MB', '12 B', 'no history')
    """
    if count is None:
        return "no history"
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
