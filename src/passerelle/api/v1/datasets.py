"""`/api/v1/datasets`: the catalogue, all that one feed has of one quantity in each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated, Any

import msgspec
import polars as pl
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from sqlalchemy import Connection

from passerelle.api.cursors import Page, read_cursor, write_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import (
    Cursor,
    Limit,
    QuantityName,
    SearchText,
    SectorName,
    TimeText,
    check_choice,
    check_quantity,
    check_sector,
    read_span,
    read_time,
)
from passerelle.api.problem import refuse_parameter
from passerelle.api.tables import MEDIA_TYPES, PIECE_ROWS, write_pieces
from passerelle.api.v1.feeds import LicenceOut
from passerelle.archive.export import SCHEMA, read_tables
from passerelle.archive.redistribution import Leaving, check_redistribution
from passerelle.feeds.feed import Feed
from passerelle.lake.contract import Selection
from passerelle.model.errors import UnknownNameError
from passerelle.model.quantity import Statistic, get_quantity
from passerelle.registry.datasets import Key, StoredDataset, list_datasets
from passerelle.registry.search import QUANTITY_WORDS, Search
from passerelle.registry.series import list_numbers, list_series, list_words
from passerelle.trust.check import Light
from passerelle.trust.lighting import weigh

MOST_ROWS = 20_000_000
"""Observations in one file; more are asked for span by span."""

FORMS = ("parquet", "csv", "arrow")


class DatasetOut(msgspec.Struct, frozen=True, kw_only=True):
    """All that a feed has of a quantity.

    `first` and `last` are starts, null where nothing is held yet. `lights` counts series by the light of their newest
    value, and `light` is what they make together, null where none was judged. `matching` is how many of its series
    have the words of a search, all of them where none was made.
    """

    id: str
    feed: str
    quantity: str
    sector: str
    title: dict[str, str]
    feed_title: dict[str, str]
    publisher: str
    licence: LicenceOut
    redistribute: str
    unit: str
    statistic: str
    interval: str
    series: int
    places: int
    matching: int
    rows: int
    first: datetime | None
    last: datetime | None
    light: str | None
    lights: dict[str, int]


class MonthOut(msgspec.Struct, frozen=True):
    """A month of the city's calendar: how many observations begin in it, of how many series."""

    start: datetime
    rows: int
    series: int


class DatasetFile(DatasetOut, frozen=True, kw_only=True):
    """A dataset with the months in which it has observations, in order."""

    months: list[MonthOut]


@get("/datasets", tags=["datasets"], sync_to_thread=True)
def list_all(
    node: NamedDependency[Node],
    sector: SectorName = None,
    quantity: QuantityName = None,
    feed: Annotated[str | None, QueryParameter(max_length=200)] = None,
    q: SearchText = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[DatasetOut]:
    """What the city publishes, those with most observations first.

    `q` finds those with series that have its words (see `/series`); those whose own title has them come first.
    """
    if feed is not None:
        check_choice("feed", feed, node.feeds)
    check_sector(sector)
    check_quantity(quantity)
    wanted = [
        (one.id, name)
        for one in node.feeds.values()
        for name in one.quantities
        if feed in (None, one.id) and quantity in (None, name) and sector in (None, get_quantity(name).sector)
    ]
    with node.archive.engine.connect() as connection:
        every = list_datasets(connection)
        search, matching = _search(node, connection, q or "", wanted)
    held = _read_held(node)
    found = [
        _show(node, key, every.get(key), matching.get(key), held.get(key))
        for key in wanted
        if not search.words or key in matching or _names(node, search, key)
    ]
    found.sort(key=lambda one: (not _names(node, search, (one.feed, one.quantity)), -one.rows, one.id))
    after = read_cursor(cursor, int) or 0
    return Page(found[after : after + limit], write_cursor(after + limit) if after + limit < len(found) else None)


@get("/datasets/{feed_id:str}/{quantity:str}", tags=["datasets"], sync_to_thread=True)
def read_one(node: NamedDependency[Node], feed_id: FromPath[str], quantity: FromPath[str]) -> DatasetFile:
    """One dataset, with its months."""
    feed = _find_feed(node, feed_id, quantity)
    key = (feed.id, quantity)
    with node.archive.engine.connect() as connection:
        stored = list_datasets(connection).get(key)
        numbers = list_numbers(connection, feed=feed.id, quantity=quantity)
    shown = _show(node, key, stored, stored, _read_held(node).get(key))
    return DatasetFile(**msgspec.structs.asdict(shown), months=_count_months(node, numbers))


@get("/datasets/{feed_id:str}/{quantity:str}/observations", tags=["datasets"], sync_to_thread=True)
def read_observations(
    node: NamedDependency[Node],
    feed_id: FromPath[str],
    quantity: FromPath[str],
    start: TimeText = None,
    end: TimeText = None,
    as_known_at: TimeText = None,
    format: Annotated[str, QueryParameter(schema_extra={"enum": list(FORMS)})] = "parquet",  # noqa: A002
) -> Stream:
    """The observations of all the dataset's series whose start lies in `[start, end)`, in one file.

    Series by series, by start: `series`, `place`, `quantity`, `facet`, `unit`, `start`, `end`, `value`, `known_since`,
    `source`. A file has at most twenty million rows; only of a feed whose rows may leave the node.
    """
    feed = _find_feed(node, feed_id, quantity)
    check_redistribution(feed, Leaving.ROWS)
    form = check_choice("format", format, FORMS)
    begin, stop = read_span(start, end)
    with node.archive.engine.connect() as connection:
        series = list_series(connection, feed=feed.id, quantity=quantity, limit=None)
    span = Selection([one.number for one in series], begin, stop, read_time(as_known_at, "as_known_at"))
    rows = _count_rows(node, span)
    if rows > MOST_ROWS:
        told = f"a span with at most {MOST_ROWS:,} observations is allowed; this one has {rows:,}"
        raise refuse_parameter("start", start, told)
    tables = read_tables(node.archive.lake, series, span, PIECE_ROWS)
    # An answer of no row has the columns all the same.
    pieces = write_pieces(form, SCHEMA, chain([SCHEMA.empty_table()], tables))
    suffix = "arrows" if form == "arrow" else form
    named = f'attachment; filename="{feed.id}.{quantity}.{suffix}"'
    return Stream(pieces, media_type=MEDIA_TYPES[form], headers={"content-disposition": named})


def _find_feed(node: Node, feed_id: str, quantity: str) -> Feed:
    feed = node.archive.get_feed(feed_id)
    if quantity not in feed.quantities:
        raise UnknownNameError("quantity", quantity[:100], list(feed.quantities), where="quantity")
    return feed


def _search(
    node: Node, connection: Connection, text: str, wanted: Sequence[Key]
) -> tuple[Search, dict[Key, StoredDataset]]:
    """The search, forgiving if nothing wanted has the words as they are written, and the datasets with such series."""
    search = Search.of(text, node.feed_words)
    matching = list_datasets(connection, search.conditions())
    if search.words and not any(key in matching or _names(node, search, key) for key in wanted):
        search = search.forgive(connection)
        matching = list_datasets(connection, search.conditions())
    return search, matching


def _names(node: Node, search: Search, key: Key) -> bool:
    feed, quantity = key
    return all(word.is_in(f"{QUANTITY_WORDS[quantity]} {node.feed_words[feed]}") for word in search.words)


def _read_held(node: Node) -> dict[Key, dict[str, Any]]:
    """`rows`, `first` and `last` of each dataset that has observations."""
    with node.archive.engine.connect() as connection:
        schema = {"series": pl.Int64, "feed": pl.String, "quantity": pl.String}
        words = pl.DataFrame(list_words(connection), schema=schema, orient="row")
    held = words.join(node.coverage.read_all(), on="series").group_by("feed", "quantity")
    summed = held.agg(pl.col("rows").sum(), pl.col("first").min(), pl.col("last").max())
    return {(row["feed"], row["quantity"]): row for row in summed.iter_rows(named=True)}


def _show(
    node: Node, key: Key, stored: StoredDataset | None, matching: StoredDataset | None, held: Mapping[str, Any] | None
) -> DatasetOut:
    feed, quantity = node.feeds[key[0]], get_quantity(key[1])
    lights = {} if stored is None else stored.lights
    return DatasetOut(
        id=f"{feed.id}/{quantity.name}",
        feed=feed.id,
        quantity=quantity.name,
        sector=quantity.sector,
        title={"en": quantity.title_en, "fr": quantity.title_fr},
        feed_title=dict(feed.title),
        publisher=feed.publisher,
        licence=LicenceOut(feed.licence.name, feed.licence.url, feed.licence.attribution),
        redistribute=feed.redistribute,
        unit=quantity.unit,
        statistic=quantity.statistic,
        interval=quantity.interval,
        series=0 if stored is None else stored.series,
        places=0 if stored is None else stored.places,
        matching=0 if matching is None else matching.series,
        rows=0 if held is None else held["rows"],
        first=None if held is None else held["first"],
        last=None if held is None else held["last"],
        light=weigh(lights).value if lights else None,
        lights={light.value: lights.get(light.value, 0) for light in Light},
    )


def _count_months(node: Node, numbers: Sequence[int]) -> list[MonthOut]:
    if not numbers:
        return []
    zone = node.archive.city.time_zone
    counted = node.archive.lake.aggregate(Selection(numbers), "P1M", Statistic.COUNT, zone=zone)
    months = pl.DataFrame(counted).group_by("bucket").agg(pl.col("count").sum(), pl.len().alias("series"))
    return [MonthOut(*row) for row in months.sort("bucket").iter_rows()]


def _count_rows(node: Node, span: Selection) -> int:
    if span.start is None and span.end is None and span.as_known_at is None:
        return sum(row["rows"] for row in node.coverage.read_some(span.series or ()).values())
    zone = node.archive.city.time_zone
    counted = node.archive.lake.aggregate(span, "P1Y", Statistic.COUNT, zone=zone, by_series=False)
    return int(pl.DataFrame(counted)["count"].sum())
