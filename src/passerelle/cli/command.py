"""`passerelle`: its commands, each loaded when it is called, and how errors end."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from passerelle.model.errors import PasserelleError

# Read by numpy and scipy when they are first imported, which no command's module is before this. The factorisations of
# a study are small and many: threads that share one wait for each other longer than they compute (1.4 processor seconds
# become 11.5 for sdid on 100 units x 1,000 times), and sums differ with their number. Whoever has set it keeps it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_COMMANDS = {
    "demo": ("demo", "Bring up the cities on years of real observations, each with judged changes."),
    "init": ("folder", "Make FOLDER a city's home."),
    "up": ("folder", "Run the node of the city in FOLDER."),
    "import": ("imports", "Keep FILE as a reply of a feed and admit its rows."),
    "feed": ("feed", "Where the city's data come from."),
    "trust": ("trust", "Which feeds can be trusted, worst first."),
    "change": ("change", "What was done in the city, and when."),
    "study": ("study", "Declare how a change is judged, and judge it."),
    "lab": ("lab", "Judge a change on a panel of your own: effect, interval, checks, verdict."),
    "verify": ("study", "Check a finding's BUNDLE."),
    "token": ("token", "Who may write observations, and who may administer the node."),
    "officer": ("officer", "Who may declare studies on the node's page."),
    "backup": ("folder", "Copy the city to TARGET while its node runs."),
    "restore": ("folder", "Make FOLDER the city that was backed up to SOURCE."),
    "export": ("folder", "Write all that may leave the node to TARGET."),
    "prepare": ("prepare", ""),
}
"""Each command's module and what it does. Reading all modules would take `--help` two seconds."""


_INTERRUPTED = 130
"""The exit code shells expect of a program that SIGINT ended: 128 + 2."""


class Commands(click.Group):
    """The commands in the order one meets them; an error of ours is one line, and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command called `cmd_name`, or None."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"passerelle.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in _COMMANDS.items() if told])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was called."""
        try:
            return super().invoke(ctx)
        except PasserelleError as error:
            where = f" ({error.where})" if error.where and error.where not in str(error) else ""
            click.echo(f"passerelle: {error}{where}", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            _end_interrupted(ctx)
        except RuntimeError as error:
            # DuckDB answers Ctrl-C within a query with an error of its own.
            if not isinstance(error.__cause__, KeyboardInterrupt):
                raise
            _end_interrupted(ctx)


def _end_interrupted(ctx: click.Context) -> NoReturn:
    # Ctrl-C reaches the demo's `prepare` processes as well, which leave the word to the demo.
    if ctx.invoked_subcommand != "prepare":
        click.echo("passerelle: interrupted by Ctrl-C", err=True)
    sys.exit(_INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="passerelle")
def main() -> None:
    """A city's memory and its evidence, shared between twin cities.

    A city lives in a folder. One process at a time owns it: while a node runs on it (`up`), the other commands ask that
    node; otherwise they open the folder themselves.

    Start with `passerelle demo`.
    """
