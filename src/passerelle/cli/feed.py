"""`passerelle feed`: where the data come from."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import click

from passerelle.archive.folder import CITY, add_feeds, find_node
from passerelle.cli.new_feed import new_feed
from passerelle.cli.output import opened, show, show_fields, show_table, with_city, with_json
from passerelle.cli.progress import progress_bar


@click.group()
def feed() -> None:
    """Where the city's data come from."""


@feed.command("list")
@click.option("--sector", help="Only feeds of this sector.")
@with_city
@with_json
def list_feeds(sector: str | None, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """List the feeds, with what is held of each.

    Example: passerelle feed list --folder demo/paris
    """
    with opened(folder, node, token) as city:
        rows = list(city.list_all("feeds", sector=sector))
    columns = ("id", "publisher", "redistribute", "replies", "observations", "refused", "last_reply")
    asking = ("next", "failures")
    lines = ([row[name] for name in columns] + [(row["asking"] or {}).get(name) for name in asking] for row in rows)
    show(rows, as_json=as_json, human=lambda: show_table((*columns, *asking), lines))


@feed.command("show")
@click.argument("feed_id", metavar="FEED")
@with_city
@with_json
def show_feed(feed_id: str, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Show one feed's declaration, what is held, when its publisher is asked and what came of that.

    Example: passerelle feed show bike-counters --folder demo/paris
    """
    with opened(folder, node, token) as city:
        row = city.read(f"feeds/{feed_id}")
    fields = {
        **row,
        "title": row["title"]["en"],
        "licence": f"{row['licence']['name']} ({row['licence']['attribution']})",
        "quantities": ", ".join(row["quantities"]),
        "sectors": ", ".join(row["sectors"]),
        **_flatten_asking(row["asking"]),
        "replay": row["replay"] and f"{row['replay']['first']} to {row['replay']['last']}",
    }
    show(row, as_json=as_json, human=lambda: show_fields(fields))


def _flatten_asking(asking: dict[str, Any] | None) -> dict[str, object]:
    """What came of asking, a field each in place of `asking`; a budget a line."""
    if asking is None:
        return {"asking": None}
    budgets = {
        f"budget {each['id']}": f"{each['used']} of {each['calls']} calls in {each['seconds']} s"
        for each in asking["budgets"]
    }
    told = {f"asking.{name}": value for name, value in asking.items() if name != "budgets"}
    return {"asking": "", **told, **budgets}


@feed.command("refused")
@click.argument("feed_id", metavar="FEED")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Rows to show.")
@with_city
@with_json
def show_refused(feed_id: str, limit: int, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Show rows of the feed that were not admitted, each with its reason.

    Example: passerelle feed refused autolib-events --folder demo/paris
    """
    with opened(folder, node, token) as city:
        rows = list(islice(city.list_all(f"feeds/{feed_id}/refused"), limit))
    columns = ("reply", "row", "reason", "raw")
    show(rows, as_json=as_json, human=lambda: show_table(columns, ([row[name] for name in columns] for row in rows)))


@feed.command("fetch")
@click.argument("feed_id", metavar="FEED")
@with_city
@with_json
def fetch_feed(feed_id: str, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Ask the feed's publisher once, keep the reply and admit its rows.

    Example: passerelle feed fetch velib-status --folder demo/paris
    """
    with opened(folder, node, token) as city, progress_bar(feed_id, hidden=as_json) as progress:
        answer = city.do("fetch", {"feed": feed_id}, progress)
    show(answer, as_json=as_json, human=lambda: show_fields(answer))


@feed.command("reread")
@click.argument("feed_id", metavar="[FEED]", required=False)
@with_city
@with_json
def reread_feed(feed_id: str | None, folder: Path, node: str | None, token: str | None, as_json: bool) -> None:
    """Read the kept replies of FEED, or of every feed, again with today's parsers.

    What they say differently is known from now on; the old reading stays known for its time.

    Example: passerelle feed reread geodair-no2-mean --folder demo/paris
    """
    with opened(folder, node, token) as city, progress_bar("reread", hidden=as_json) as progress:
        answer = city.do("reread", {"feed": feed_id}, progress)
    columns = ("replies", "unreadable", "changed", "withdrawn")
    rows = ([name, *(read[column] for column in columns)] for name, read in answer.items())
    show(answer, as_json=as_json, human=lambda: show_table(("feed", *columns), rows))


feed.add_command(new_feed)


@feed.command("add")
@click.argument("entry", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--folder",
    envvar="PASSERELLE_FOLDER",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The city's folder.",
)
@with_json
def add_feed(entry: Path, folder: Path, as_json: bool) -> None:
    """Add the feeds of the file ENTRY to the city file in its folder; a running node reads it when it starts again.

    Example: passerelle feed add counts.toml --folder demo/paris
    """
    added = ", ".join(one.id for one in add_feeds(folder, entry.read_text(encoding="utf-8"), entry.name))
    running = find_node(folder)
    following = f"passerelle import FILE --feed ID --folder {folder}" if running is None else "start the node again"
    answer = {"added": added, "city_file": str(folder / CITY), "next": following}
    show(answer, as_json=as_json, human=lambda: show_fields(answer))


COMMANDS = {"feed": feed}
