"""``epuredgm completion``: the shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from epuredgm.cli.commands import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  echo 'eval "$(epuredgm completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(epuredgm completion zsh)"' >> ~/.zshrc
    fish:  epuredgm completion fish > ~/.config/fish/completions/epuredgm.fish
    """
    from epuredgm.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "epuredgm", "_EPUREDGM_COMPLETE").source())
