"""What trust has on record of a feed: the lights it was said to have, what each check found, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    and_,
    case,
    column,
    func,
    literal,
    or_,
    select,
    type_coerce,
    values,
)

from passerelle.registry.schema import Moment
from passerelle.registry.trust import TRUST_LIGHTS, TRUST_MARKS, StoredLight, StoredMark

Span = tuple[datetime, datetime]

_MARKS = TRUST_MARKS.c


@dataclass(frozen=True, slots=True)
class Found:
    """How many marks of each light a check makes on a feed's series now."""

    check: str
    amber: int
    red: int


@dataclass(frozen=True, slots=True)
class Marked:
    """Microseconds of a span that are marked, added up over series; what marks all of the feed stands by itself."""

    red: int = 0
    amber: int = 0
    all_red: int = 0
    all_amber: int = 0


def list_said(connection: Connection, feed: str, limit: int) -> list[StoredLight]:
    """The lights the feed was said to have, newest first."""
    statement = select(TRUST_LIGHTS).where(TRUST_LIGHTS.c.feed == feed, TRUST_LIGHTS.c.series.is_(None))
    rows = connection.execute(statement.order_by(TRUST_LIGHTS.c.id.desc()).limit(limit))
    return [StoredLight(**row._mapping) for row in rows]  # noqa: SLF001


def count_found(connection: Connection, feed: str) -> list[Found]:
    """What each check finds now, by its name; a check that finds nothing is left out."""
    counts = [func.count().filter(_MARKS.light == light) for light in ("amber", "red")]
    statement = select(_MARKS.check, *counts).where(_MARKS.feed == feed, _MARKS.unsaid.is_(None))
    return [Found(*row) for row in connection.execute(statement.group_by(_MARKS.check).order_by(_MARKS.check))]


def list_found(
    connection: Connection,
    feed: str,
    *,
    check: str | None = None,
    light: str | None = None,
    limit: int = 100,
    after: tuple[datetime, int] | None = None,
) -> list[StoredMark]:
    """The marks said now, those that begin latest first; those after the mark with that start and number."""
    statement = select(TRUST_MARKS).where(_MARKS.feed == feed, _MARKS.unsaid.is_(None))
    equal = {_MARKS.check: check, _MARKS.light: light}
    statement = statement.where(*(each == value for each, value in equal.items() if value is not None))
    if after is not None:
        start, number = after
        statement = statement.where(or_(_MARKS.start < start, and_(_MARKS.start == start, _MARKS.id < number)))
    rows = connection.execute(statement.order_by(_MARKS.start.desc(), _MARKS.id.desc()).limit(limit))
    return [StoredMark(**row._mapping) for row in rows]  # noqa: SLF001


def measure_marked(connection: Connection, feed: str, spans: Sequence[Span], now: datetime) -> list[Marked]:
    """How much of each span is marked by what is said now; a mark that goes on reaches to `now`."""
    if not spans:
        return []
    names = (column("at", Integer), column("since", Moment), column("until", Moment))
    span = values(*names, name="spans").data([(at, *edges) for at, edges in enumerate(spans)]).cte()
    ends = case((_MARKS.ongoing, literal(now, Moment)), else_=_MARKS.end)
    start, end, since, until = (
        type_coerce(each, BigInteger) for each in (_MARKS.start, ends, span.c.since, span.c.until)
    )
    within = func.min(end, until) - func.max(start, since)
    sums = [
        func.coalesce(func.sum(within).filter(_MARKS.light == light, whole), 0)
        for whole in (_MARKS.series.is_not(None), _MARKS.series.is_(None))
        for light in ("red", "amber")
    ]
    joined = select(span.c.at, *sums).join(TRUST_MARKS, and_(start < until, end > since))
    found = connection.execute(joined.where(_MARKS.feed == feed, _MARKS.unsaid.is_(None)).group_by(span.c.at))
    marked = {row[0]: Marked(*row[1:]) for row in found}
    return [marked.get(at, Marked()) for at in range(len(spans))]
