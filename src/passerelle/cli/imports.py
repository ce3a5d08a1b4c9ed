"""`passerelle import`: a file becomes a reply of a feed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from passerelle.cli.output import opened, show, show_fields, with_city, with_json
from passerelle.cli.progress import progress_bar
from passerelle.model.errors import InvalidValueError
from passerelle.model.interval import format_time, parse_time


class Time(click.ParamType[datetime]):
    """An RFC 3339 time."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The UTC instant."""
        try:
            return parse_time(str(value))
        except InvalidValueError as error:
            self.fail(str(error), param, ctx)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--feed", required=True, help="The feed the file is a reply of; see `passerelle feed list`.")
@click.option("--table", is_flag=True, help="The file holds observations in Passerelle's own columns.")
@click.option("--recorded-at", type=Time(), help="When the publisher's bytes were held, if the recording is dated.")
@with_city
@with_json
def import_(
    file: Path,
    feed: str,
    table: bool,
    recorded_at: datetime | None,
    folder: Path,
    node: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Keep FILE as a reply of a feed and admit its rows.

    FILE is in the feed's own form, through the same code as a live reply. With --table it is CSV, Parquet or Arrow of
    any size with the columns series (or place, quantity, facet), start, end, value, reason.

    Example: passerelle import counts.parquet --feed bike-counters --folder demo/paris
    """
    arguments = {
        "feed": feed,
        "path": str(file.resolve()),
        "table": table,
        "recorded_at": recorded_at and format_time(recorded_at),
    }
    with opened(folder, node, token) as city, progress_bar(file.name, hidden=as_json) as progress:
        answer = city.do("import", arguments, progress)
    unreadable = answer["state"] == "unreadable"
    if as_json or not unreadable:
        show(answer, as_json=as_json, human=lambda: show_fields(answer))
    if unreadable:
        raise InvalidValueError(f"{file.name} can't be read: {answer['reason']}", where=feed)


COMMANDS = {"import": import_}
