"""What trust has found: the marks of series and feeds and the lights they made, each since and until when we said so.

Nothing that was said is overwritten, so that a light shown last Tuesday can be shown again. A mark that goes on
(`ongoing`) has no end of its own: it reaches to whatever moment it is asked for, and its row moves along with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from passerelle.registry.schema import METADATA, Moment

TRUST_MARKS = Table(
    "trust_marks",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("feed", String, nullable=False),
    Column("series", BigInteger),
    Column("check", String, nullable=False),
    Column("whole_feed", Boolean, nullable=False),
    Column("light", String, nullable=False),
    Column("start", Moment, nullable=False),
    Column("end", Moment, nullable=False),
    Column("ongoing", Boolean, nullable=False),
    Column("reason", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("said", Moment, nullable=False),
    Column("unsaid", Moment),
    Index(None, "feed", "unsaid"),
    Index(None, "series", "unsaid"),
)

TRUST_LIGHTS = Table(
    "trust_lights",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("feed", String, nullable=False),
    Column("series", BigInteger),
    Column("light", String, nullable=False),
    Column("red_share", Float, nullable=False),
    Column("start", Moment, nullable=False),
    Column("end", Moment, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("said", Moment, nullable=False),
    Column("unsaid", Moment),
    Index(None, "feed", "unsaid"),
    Index(None, "series", "unsaid"),
)

TRUST_FEEDS = Table(
    "trust_feeds",
    METADATA,
    Column("feed", String, primary_key=True),
    Column("judged", Moment, nullable=False),
    Column("reply", Integer, nullable=False),
    Column("checks", String, nullable=False),
)

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class StoredMark:
    """A mark on a series, or on all of its feed where `series` is None; said from `said` until `unsaid`.

    `whole_feed` says that a check which sees the whole feed made it. The `end` of an `ongoing` one is when it was last
    looked at.
    """

    feed: str
    series: int | None
    check: str
    whole_feed: bool
    light: str
    start: datetime
    end: datetime
    ongoing: bool
    reason: Mapping[str, str]
    evidence: Mapping[str, Any]
    said: datetime
    unsaid: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class StoredLight:
    """The light of the newest value of a series, or of a feed where `series` is None; said from `said` to `unsaid`.

    `red_share` is how much of `[start, end)` is red, for a feed how many of its series. `detail` holds of a series
    its last good row, of a feed the numbers of its series by light.
    """

    feed: str
    series: int | None
    light: str
    red_share: float
    start: datetime
    end: datetime
    detail: Mapping[str, Any]
    said: datetime
    unsaid: datetime | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class JudgedFeed:
    """When a feed was last judged as a whole, up to which reply, and by which checks."""

    feed: str
    judged: datetime
    reply: int
    checks: str


def list_marks(
    connection: Connection,
    *,
    feed: str | None = None,
    series: Sequence[int] | None = None,
    at: datetime | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[StoredMark]:
    """The marks said now, or `at` a time, that overlap `[start, end)`, by start: of a feed, or on some series.

    Marks on all of a feed come with the feed's only: ask for them with `series` empty.
    """
    terms = [_said(TRUST_MARKS, at)]
    if start is not None:
        terms.append(or_(TRUST_MARKS.c.ongoing, TRUST_MARKS.c.end > start))
    if end is not None:
        terms.append(TRUST_MARKS.c.start < end)
    if feed is not None:
        terms.append(TRUST_MARKS.c.feed == feed)
    statement = select(TRUST_MARKS).where(*terms).order_by(TRUST_MARKS.c.start, TRUST_MARKS.c.id)
    return [_read_mark(row) for row in _of_series(connection, statement, TRUST_MARKS, series)]


@dataclass(frozen=True, slots=True)
class Ground:
    """Why newest values of a feed aren't green, and of how many series it is so; None for all of the feed."""

    check: str
    light: str
    reason: Mapping[str, str]
    series: int | None


def list_grounds(connection: Connection, feed: str) -> list[Ground]:
    """Why the newest values of a feed aren't green, red and most series first; one reason of each check is shown."""
    marks, lights = TRUST_MARKS.c, TRUST_LIGHTS.c
    now = and_(_said(TRUST_MARKS, None), _said(TRUST_LIGHTS, None), marks.feed == feed, lights.feed == feed)
    within = and_(marks.start < lights.end, or_(marks.ongoing, marks.end > lights.start))
    # A mark on all of the feed counts where it reaches to the feed's own end.
    same = or_(marks.series == lights.series, and_(marks.series.is_(None), lights.series.is_(None)))
    reaches = or_(marks.series.is_not(None), marks.ongoing, marks.end >= lights.end)
    counted = (
        select(
            marks.check, marks.light, func.max(marks.id).label("id"), func.count(lights.series.distinct()).label("n")
        )
        .join(TRUST_LIGHTS, and_(same, within, reaches))
        .where(now)
        .group_by(marks.check, marks.light, marks.series.is_(None))
        .subquery()
    )
    rows = connection.execute(
        select(marks.check, marks.light, marks.reason, marks.series, counted.c.n).join(
            counted, counted.c.id == marks.id
        )
    )
    grounds = [Ground(row.check, row.light, row.reason, None if row.series is None else row.n) for row in rows]
    return sorted(grounds, key=lambda one: (one.light != "red", one.series is not None, -(one.series or 0)))


def replace_marks(
    connection: Connection, held: Sequence[StoredMark], found: Iterable[StoredMark], now: datetime
) -> None:
    """Say `found` from `now` on in place of `held`; what is in both stays said since it was."""
    before = {_key(mark): mark for mark in held}
    unsaid = {mark.id for mark in held}
    new: list[dict[str, Any]] = []
    moved: list[tuple[int, StoredMark]] = []
    for mark in found:
        stored = before.pop(_key(mark), None)
        if stored is None or not (mark.ongoing or _says_same(stored, mark)):
            new.append(_columns(mark))
            continue
        unsaid.discard(stored.id)
        if mark.ongoing:
            moved.append((stored.id, mark))
    _unsay(connection, TRUST_MARKS, sorted(unsaid), now)
    if new:
        connection.execute(insert(TRUST_MARKS), new)
    for number, mark in moved:
        values = {"end": mark.end, "reason": dict(mark.reason), "evidence": dict(mark.evidence)}
        connection.execute(update(TRUST_MARKS).where(TRUST_MARKS.c.id == number).values(values))


def list_lights(
    connection: Connection,
    *,
    feed: str | None = None,
    series: Sequence[int] | None = None,
    at: datetime | None = None,
    of_feeds: bool = False,
) -> list[StoredLight]:
    """The lights said now, or `at` a time: of a feed's series or of some series; with `of_feeds` those of feeds."""
    terms = [
        _said(TRUST_LIGHTS, at),
        TRUST_LIGHTS.c.series.is_(None) if of_feeds else TRUST_LIGHTS.c.series.is_not(None),
    ]
    if feed is not None:
        terms.append(TRUST_LIGHTS.c.feed == feed)
    statement = select(TRUST_LIGHTS).where(*terms).order_by(TRUST_LIGHTS.c.id)
    return [_read_light(row) for row in _of_series(connection, statement, TRUST_LIGHTS, series)]


def replace_lights(
    connection: Connection, held: Mapping[int | None, StoredLight], found: Iterable[StoredLight], now: datetime
) -> list[tuple[StoredLight | None, StoredLight]]:
    """Each light that is another one than before, which comes first (None for a first light)."""
    changed = []
    for light in found:
        before = held.get(light.series)
        values = {"red_share": light.red_share, "start": light.start, "end": light.end, "detail": dict(light.detail)}
        if before is not None and before.light == light.light:
            if (before.red_share, before.start, before.end, before.detail) != tuple(values.values()):
                connection.execute(update(TRUST_LIGHTS).where(TRUST_LIGHTS.c.id == before.id).values(values))
            continue
        changed.append((before, light))
    _unsay(connection, TRUST_LIGHTS, [before.id for before, _ in changed if before is not None], now)
    if changed:
        connection.execute(insert(TRUST_LIGHTS), [_columns(light) for _, light in changed])
    return changed


def list_judged(connection: Connection) -> dict[str, JudgedFeed]:
    """When each feed was last judged as a whole; those that never were are left out."""
    return {row.feed: JudgedFeed(*row) for row in connection.execute(select(TRUST_FEEDS))}


def set_judged(connection: Connection, judged: JudgedFeed) -> None:
    """The feed was judged as a whole."""
    values = {name: getattr(judged, name) for name in JudgedFeed.__slots__}
    statement = upsert(TRUST_FEEDS).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["feed"], set_=values))


def _said(table: Table, at: datetime | None) -> ColumnElement[bool]:
    if at is None:
        return table.c.unsaid.is_(None)
    return and_(table.c.said <= at, or_(table.c.unsaid.is_(None), table.c.unsaid > at))


def _of_series(
    connection: Connection, statement: Any, table: Table, series: Sequence[int] | None
) -> Iterator[Row[Any]]:
    if series is None:
        yield from connection.execute(statement)
        return
    if not series:
        yield from connection.execute(statement.where(table.c.series.is_(None)))
    for at in range(0, len(series), _CHUNK):
        yield from connection.execute(statement.where(table.c.series.in_(series[at : at + _CHUNK])))


def _unsay(connection: Connection, table: Table, ids: Sequence[int], now: datetime) -> None:
    for at in range(0, len(ids), _CHUNK):
        connection.execute(update(table).where(table.c.id.in_(ids[at : at + _CHUNK])).values(unsaid=now))


def _key(mark: StoredMark) -> tuple[object, ...]:
    # One that goes on is the same wherever it has got to.
    return mark.series, mark.check, mark.whole_feed, mark.light, mark.start, None if mark.ongoing else mark.end


def _says_same(one: StoredMark, other: StoredMark) -> bool:
    return dict(one.reason) == dict(other.reason) and dict(one.evidence) == dict(other.evidence)


def _columns(row: StoredMark | StoredLight) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__slots__ if name != "id"}


def _read_mark(row: Row[Any]) -> StoredMark:
    return StoredMark(**row._mapping)  # noqa: SLF001


def _read_light(row: Row[Any]) -> StoredLight:
    return StoredLight(**row._mapping)  # noqa: SLF001
