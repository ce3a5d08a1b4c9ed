"""What every command shares: which node it speaks to, and answers as JSON or tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from passerelle.client import City, connect
from passerelle.model.errors import InvalidValueError

Command = Callable[..., Any]

_PIPE_WIDTH = 10_000


def with_city(command: Command) -> Command:
    """Give a command `--folder`, `--node` and `--token`."""
    for option in (
        click.option("--token", envvar="PASSERELLE_TOKEN", help="A token, where --node is not beside its folder."),
        click.option("--node", metavar="URL", help="A node's address, instead of a folder."),
        click.option(
            "--folder",
            envvar="PASSERELLE_FOLDER",
            default=".",
            show_default=True,
            type=click.Path(file_okay=False, path_type=Path),
            help="The city's folder.",
        ),
    ):
        command = option(command)
    return command


def with_json(command: Command) -> Command:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON on standard output.")(command)


@contextmanager
def opened(folder: Path, node: str | None, token: str | None) -> Iterator[City]:
    """The city that the options name."""
    if node is not None and not node.startswith(("http://", "https://")):
        raise InvalidValueError(f"--node {node} has no scheme; a node's address is like http://{node}", where="--node")
    with connect(folder if node is None else node, token=token) as city:
        yield city


def show(answer: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """Print `answer` as JSON, or else as `human` does."""
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=str))
    else:
        human()


def show_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows under their columns."""
    console = Console()
    if not console.is_terminal:
        # A pipe has no width: whoever reads it wants whole words.
        console.width = _PIPE_WIDTH
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def show_fields(fields: Mapping[str, object]) -> None:
    """Print one thing, a field a line."""
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name:<{width}}  {'' if value is None else value}")
