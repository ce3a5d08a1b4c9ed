"""The city's series: which quantity at which place from which feed stands behind each number of the lake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Row,
    Select,
    String,
    Table,
    func,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.series import Series, format_series_id
from passerelle.registry.fold import fold
from passerelle.registry.places import PLACES, Box, in_area, in_box
from passerelle.registry.schema import METADATA

SERIES = Table(
    "series",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("feed", String, nullable=False),
    Column("place", String, ForeignKey("places.id"), nullable=False),
    Column("quantity", String, nullable=False),
    Column("facet", String, nullable=False),
    Column("sector", String, nullable=False),
    Column("folded", String, nullable=False),
    Index(None, "feed"),
    Index(None, "place", "sector"),
    Index(None, "quantity"),
    Index(None, "sector"),
)


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """A series as the registry holds it, with its place's name and centre (longitude, latitude)."""

    number: int
    feed: str
    place: str
    quantity: str
    facet: str
    sector: str
    place_name: str
    centre: tuple[float, float] | None

    @property
    def id(self) -> str:
        """`number` as 13 characters, for addresses and files."""
        return format_series_id(self.number)


def put_series(connection: Connection, series: Iterable[Series]) -> int:
    """How many of `series` are new; `InvalidValueError` where a number already stands for other words."""
    wanted = {one.number: one for one in series}
    stored = _read_words(connection, list(wanted))
    for number, words in stored.items():
        one = wanted[number]
        if words != (one.feed, one.place, one.quantity, one.facet):
            raise InvalidValueError(
                f"series number {number} stands for {words} and can't stand for "
                f"{(one.feed, one.place, one.quantity, one.facet)} as well",
                where="series",
            )
    new = [_columns(one) for number, one in wanted.items() if number not in stored]
    if new:
        connection.execute(insert(SERIES), new)
    return len(new)


def get_series(connection: Connection, number: int) -> StoredSeries:
    """The series of `number`; `UnknownNameError` where there is none."""
    row = connection.execute(_selection().where(SERIES.c.number == number)).one_or_none()
    if row is None:
        raise UnknownNameError("series", format_series_id(number), where="series")
    return _read(row)


def list_series(
    connection: Connection,
    *,
    sector: str | None = None,
    quantity: str | None = None,
    place: str | None = None,
    feed: str | None = None,
    area: str | None = None,
    bbox: Box | None = None,
    where: Iterable[ColumnElement[bool]] = (),
    limit: int | None = 100,
    after: int | None = None,
) -> list[StoredSeries]:
    """Series by number, those after the number `after`; `where` holds more conditions on them and their places."""
    statement = _selection().where(*where).order_by(SERIES.c.number).limit(limit)
    if after is not None:
        statement = statement.where(SERIES.c.number > after)
    equal = {SERIES.c.sector: sector, SERIES.c.quantity: quantity, SERIES.c.place: place, SERIES.c.feed: feed}
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if area is not None:
        statement = statement.where(in_area(area))
    if bbox is not None:
        statement = statement.where(*in_box(bbox))
    return [_read(row) for row in connection.execute(statement)]


def list_words(connection: Connection) -> list[tuple[int, str, str]]:
    """Number, feed and quantity of every series, by number: what the door checks rows against."""
    rows = connection.execute(select(SERIES.c.number, SERIES.c.feed, SERIES.c.quantity).order_by(SERIES.c.number))
    return [(row.number, row.feed, row.quantity) for row in rows]


def list_descriptions(connection: Connection) -> list[tuple[int, str, str, str, str, bool]]:
    """Number, feed, quantity, facet and place of every series, and whether the place has a position, by number."""
    columns = (SERIES.c.number, SERIES.c.feed, SERIES.c.quantity, SERIES.c.facet, SERIES.c.place)
    statement = select(*columns, PLACES.c.lon.is_not(None)).join_from(SERIES, PLACES).order_by(SERIES.c.number)
    return [(number, feed, *words, placed) for number, feed, *words, placed in connection.execute(statement)]


def list_numbers(connection: Connection, *, feed: str | None = None, quantity: str | None = None) -> list[int]:
    """The numbers of a feed's or quantity's series, ascending."""
    equal = {SERIES.c.quantity: quantity, SERIES.c.feed: feed}
    statement = select(SERIES.c.number).order_by(SERIES.c.number)
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    return list(connection.execute(statement).scalars())


def count_places_of(connection: Connection, feed: str, quantity: str, facet: str) -> int:
    """At how many places the feed measures the quantity and facet."""
    alike = (SERIES.c.feed == feed, SERIES.c.quantity == quantity, SERIES.c.facet == facet)
    return connection.execute(select(func.count(SERIES.c.place.distinct())).where(*alike)).scalar_one()


def list_feeds_at(connection: Connection, places: set[str]) -> dict[str, set[str]]:
    """For each of `places` at which anything is measured: the feeds that do."""
    rows = connection.execute(select(SERIES.c.place, SERIES.c.feed).where(SERIES.c.place.in_(places)).distinct())
    feeds: dict[str, set[str]] = {}
    for place, feed in rows:
        feeds.setdefault(place, set()).add(feed)
    return feeds


def count_series(connection: Connection) -> dict[str, tuple[int, int]]:
    """For each sector that has series: how many, and at how many places."""
    rows = connection.execute(
        select(SERIES.c.sector, func.count(), func.count(SERIES.c.place.distinct())).group_by(SERIES.c.sector)
    )
    return {sector: (series, places) for sector, series, places in rows}


def _selection() -> Select[Any]:
    return select(SERIES, PLACES.c.name.label("place_name"), PLACES.c.lon, PLACES.c.lat).join_from(SERIES, PLACES)


def _read(row: Row[Any]) -> StoredSeries:
    return StoredSeries(
        number=row.number,
        feed=row.feed,
        place=row.place,
        quantity=row.quantity,
        facet=row.facet,
        sector=row.sector,
        place_name=row.place_name,
        centre=None if row.lon is None else (row.lon, row.lat),
    )


def _read_words(connection: Connection, numbers: list[int]) -> dict[int, tuple[str, str, str, str]]:
    found: dict[int, tuple[str, str, str, str]] = {}
    for at in range(0, len(numbers), 500):
        rows = connection.execute(select(SERIES).where(SERIES.c.number.in_(numbers[at : at + 500])))
        found.update({row.number: (row.feed, row.place, row.quantity, row.facet) for row in rows})
    return found


def _columns(one: Series) -> dict[str, Any]:
    return {
        "number": one.number,
        "feed": one.feed,
        "place": one.place,
        "quantity": one.quantity,
        "facet": one.facet,
        "sector": one.measured.sector.value,
        "folded": fold(one.facet),
    }
