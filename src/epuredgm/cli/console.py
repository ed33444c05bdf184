"""Where tables and last words are printed: a reader who has left (``| head``) changes no result."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import click
from rich.console import Console


class PatientConsole(Console):
    """A console that falls silent when nobody reads it any more, instead of ending the program."""

    def on_broken_pipe(self) -> None:
        """Called by Rich: what is still to be written goes nowhere."""
        self.quiet = True
        nobody_reads()


def wide_console() -> Console:
    """The terminal, or lines wide enough for a table where the output goes to a file or a pipe."""
    console = PatientConsole()
    return console if console.is_terminal else PatientConsole(width=140)


def answer(text: str) -> None:
    """Print the result on standard output, if somebody reads it."""
    try:
        click.echo(text)
    except BrokenPipeError:
        nobody_reads()


def nobody_reads() -> None:
    """Send standard output nowhere, so that its last flush at exit does not fail either."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
