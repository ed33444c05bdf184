"""The console that tables are printed on."""

from __future__ import annotations

from rich.console import Console


def wide_console() -> Console:
    """The terminal, or lines wide enough for a table where the output goes to a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=140)
