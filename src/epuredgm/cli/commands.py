"""Commands and groups: what is given twice is refused, and a refusal says what to write instead."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import click

from epuredgm.core.errors import BadRequest
from epuredgm.core.places import user_path


class Command(click.Command):
    """A command that refuses an option given twice: of two values one would be dropped without a word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, after a look at how often each option is there."""
        try:
            order = self.make_parser(ctx).parse_args(args=list(args))[2]
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # for the hint
            raise
        for parameter, count in Counter(order).items():
            once = isinstance(parameter, click.Option) and not (parameter.multiple or parameter.is_flag)
            if count > 1 and once and not ctx.resilient_parsing:
                raise click.UsageError(f"{parameter.opts[0]} is given {count} times; give it once.", ctx)
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group that knows ``help`` and names the nearest command where there is no such one."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """``help`` and ``help COMMAND`` say what ``--help`` does."""
        name, *others = args
        if name == "help":
            if not others:
                click.echo(ctx.get_help())
                ctx.exit()
            return self.resolve_command(ctx, [*others, "--help"])
        known = self.list_commands(ctx)
        if not name.startswith("-") and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            ctx.fail(f"no command {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


class PathWord(click.Path):
    """A path as a user writes it: ``~`` is the home folder, and what can be no path is refused at once."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does, for words that can be a path."""
        text = os.fspath(value)
        if not text:
            self.fail("an empty word is no path; leave the option out, or write one.", param, ctx)
        try:
            text = str(user_path(text))
            Path(text).stat()
        except BadRequest as error:
            self.fail(f"{error.message}.", param, ctx)
        except FileNotFoundError:
            pass
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "this system cannot write such a name"
            self.fail(f"{text[:200]!r}: {why}.", param, ctx)
        return super().convert(text, param, ctx)


def refusal(error: click.ClickException) -> str:
    """What is printed of an error that click found: one line, and one that says what to do."""
    message = " ".join(error.format_message().split())
    hint = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"'{error.ctx.command_path} --help' shows what it takes."
        if "unexpected extra argument" in message:
            hint = f"Several names or numbers are one word, with commas: --models vae,ddpm. {hint}"
    return str(BadRequest(message, hint))


def printable(text: str) -> str:
    """With every character that no encoding has in the form of an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
