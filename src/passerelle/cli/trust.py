"""`passerelle trust`: which feeds and series can be trusted, worst first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from passerelle.cli.imports import Time
from passerelle.cli.output import opened, show, show_table, with_city, with_json
from passerelle.cli.progress import progress_bar
from passerelle.client import City
from passerelle.model.interval import format_time

_WORST_FIRST = ("red", "amber", "green", None)


@click.command("trust")
@click.argument("feed_id", metavar="[FEED]", required=False)
@click.option("--start", type=Time(), help="Of a window (RFC 3339); else the newest value is judged.")
@click.option("--end", type=Time(), help="Of a window; else it reaches to now, or to the end of an ended feed.")
@click.option("--as-known-at", type=Time(), help="What was said at that time.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Series to show of FEED.")
@click.option("--again", is_flag=True, help="Judge anew first, all that is held.")
@with_city
@with_json
def trust(
    feed_id: str | None,
    start: datetime | None,
    end: datetime | None,
    as_known_at: datetime | None,
    limit: int,
    again: bool,
    folder: Path,
    node: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Which feeds can be trusted, worst first; of FEED each series with its reasons, and the message to its owner.

    Example: passerelle trust bike-counters --folder demo/paris
    """
    window = {"start": start, "end": end, "as_known_at": as_known_at}
    with opened(folder, node, token) as city:
        if again:
            with progress_bar("judge", hidden=as_json) as progress:
                city.do("judge", {"feed": feed_id, "again": True}, progress)
        if feed_id is None:
            feeds = sorted(city.list_all("feeds"), key=_rank)
            show(feeds, as_json=as_json, human=lambda: _tell_feeds(feeds))
            return
        feed = city.read(f"feeds/{feed_id}")
        series = list(islice(_list_series(city, feed_id, window), limit))
    answer = {"feed": feed, "series": series}
    show(answer, as_json=as_json, human=lambda: _tell_feed(feed, series))


def _list_series(city: City, feed_id: str, window: dict[str, datetime | None]) -> Iterator[dict[str, Any]]:
    told = {name: None if moment is None else format_time(moment) for name, moment in window.items()}
    return city.list_all(f"feeds/{feed_id}/trust", **told)


def _rank(feed: dict[str, Any]) -> tuple[int, float, str]:
    trust = feed["trust"]
    if trust is None:
        return len(_WORST_FIRST), 0.0, feed["id"]
    series = max(sum(trust["lights"].values()), 1)
    return _WORST_FIRST.index(trust["light"]), -trust["lights"]["red"] / series, feed["id"]


def _tell_feeds(feeds: list[dict[str, Any]]) -> None:
    columns = ("feed", "light", "red", "amber", "green", "since", "why")
    show_table(columns, (_row(feed) for feed in feeds))


def _row(feed: dict[str, Any]) -> list[object]:
    trust = feed["trust"]
    if trust is None:
        return [feed["id"], "nothing judged yet"]
    why = trust["reasons"][0]["reason"]["en"] if trust["reasons"] else ""
    return [feed["id"], trust["light"], *(trust["lights"][light] for light in _WORST_FIRST[:3]), trust["since"], why]


def _tell_feed(feed: dict[str, Any], series: list[dict[str, Any]]) -> None:
    _tell_feeds([feed])
    click.echo()
    cells = (
        (
            one["series"],
            one["title"]["en"],
            one["light"],
            None if one["red_share"] is None else f"{one['red_share']:.1%}",
            None if one["last_good"] is None else one["last_good"]["start"],
            "; ".join(dict.fromkeys(mark["reason"]["en"] for mark in one["reasons"][:3])),
        )
        for one in series
    )
    show_table(("series", "title", "light", "red", "last good", "why"), cells)
    message = feed["trust"] and feed["trust"]["message"]
    if message is not None:
        for language in ("en", "fr"):
            click.echo(f"\n{message['subject'][language]}\n\n{message['body'][language]}")


COMMANDS = {"trust": trust}
