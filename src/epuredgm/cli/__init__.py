"""The command line: a lazy click group; a command's module is imported only when it is called."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from epuredgm import __version__
from epuredgm.cli.commands import Group, printable, refusal
from epuredgm.core.errors import BadRequest, EpureError
from epuredgm.core.stops import Stopped, raising
from epuredgm.core.streams import fault_of, settle

COMMANDS = {
    "run": "Train, sample and evaluate: the whole study, or what is left of it.",
    "verify": "Check everything that a run needs, before it costs an hour.",
    "status": "Show what is done, running, failed and left.",
    "aggregate": "Collect all results of a data set and rank the models.",
    "compare": "Hold two or more studies or runs against each other.",
    "report": "Write the report of a data set, and show it in a browser.",
    "export": "Export samples of evaluated runs that may leave, stamped SYNTHETIC.",
    "models": "List the model families and what each supports.",
    "data": "List, make, verify, inspect and export data sets; fetch the weights behind FID.",
    "config": "Print the configuration that would be used, and where each value comes from.",
    "completion": "Print the shell's completion script.",
}


class LazyGroup(Group):
    """Commands by name; ``epuredgm.cli.<name>:command`` is imported on first use, so that help is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a user's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"epuredgm.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table above: importing them all would be slow."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  epuredgm run --dataset toy --dry-run     Of one command:  epuredgm help run",
)
@click.version_option(__version__, prog_name="epuredgm")
def cli() -> None:
    """Compare generative model families for industrial design.

    epuredgm trains, samples and evaluates model families over multi-component images, for several seeds.
    Every command can be given again at any time: what is done is kept, what is left is done.
    """


def main(args: list[str] | None = None) -> None:
    """The console script. Exit codes: 0 done, 1 some job failed, 2 bad request, 128 + signal if stopped."""
    settle()
    with raising():
        code = _run(args)
    sys.exit(code or _unwritten())


def _run(args: list[str] | None) -> int:
    try:
        result: Any = cli.main(args, prog_name="epuredgm", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"error: {printable(refusal(error))}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:  # click makes the one of the other
        stopped = error if isinstance(error, Stopped) else error.__cause__
        if not isinstance(stopped, Stopped):
            return 130
        click.echo(str(stopped), err=True)
        return 128 + stopped.number
    except EpureError as error:
        click.echo(f"error: {printable(str(error))}", err=True)
        return error.exit_code
    except OSError as error:
        problem = _explain(error)
        if problem is None:
            raise
        click.echo(f"error: {problem}", err=True)
        return problem.exit_code


def _unwritten() -> int:
    """1 if the answer could not be written, to a full disk say; a reader who has left is no fault."""
    fault = fault_of(sys.stdout)
    if fault is None:
        return 0
    click.echo(f"error: cannot write standard output: {fault.strerror}", err=True)
    return 1


def _here() -> bool:
    """Whether the working directory exists."""
    try:
        return bool(os.getcwd())  # noqa: PTH109
    except OSError:
        return False


def _explain(error: OSError) -> EpureError | None:
    """What a user can do about the disk; None for faults of no file, which keep their traceback."""
    from epuredgm.orchestration.faults import in_words

    if error.errno == errno.ENOENT and not error.filename and not _here():
        return BadRequest("the working directory was removed", "Change to a folder that exists: cd DIR.")
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "Choose folders that you may read and write: --workspace DIR, --conf DIR, or cd elsewhere."
        return BadRequest(f"not permitted{where}: {error.strerror}", hint)
    told = in_words(error, Path(error.filename or "."))
    if told is not None:
        return told
    if error.errno == errno.ENAMETOOLONG:
        return BadRequest("a path is longer than this system allows", "Choose a shorter one.")
    if error.filename:
        return EpureError(f"{error.strerror}{where}", "Mend or remove it, and give the same command again.")
    return None
