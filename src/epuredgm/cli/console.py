"""Where tables and last words are printed."""

from __future__ import annotations

import click
from rich.console import Console


def wide_console() -> Console:
    """The terminal, or lines wide enough for a table where the output goes to a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def answer(text: str) -> None:
    """Print the result on standard output, which takes it whether somebody reads it or not."""
    click.echo(text)
