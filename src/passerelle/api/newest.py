"""The newest value of each series at a moment, as answers hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from passerelle.api.node import Node
from passerelle.api.parameters import read_time
from passerelle.archive.redistribution import Leaving, may_leave
from passerelle.lake.contract import Selection
from passerelle.model.quantity import get_quantity
from passerelle.registry.series import StoredSeries
from passerelle.trust.reading import read_windows
from passerelle.trust.standing import stands

_INSTANT = timedelta(microseconds=1)


class NewestOut(msgspec.Struct, frozen=True):
    """The value whose interval began last, at or before the moment; `value` is null where its licence keeps it here.

    `age_seconds` counts from its start. Where it doesn't stand any more, it is the last one, not a current one.
    """

    start: datetime
    end: datetime
    value: float | None
    known_since: datetime
    age_seconds: float
    stands: bool


class ValueOut(msgspec.Struct, frozen=True):
    """A series at a moment. `newest` is null where nothing had begun by then, or nothing was known of it.

    `light` is that of the time from the value's start to the moment; null where no value stands or none was judged.
    """

    series: str
    feed: str
    place: str
    place_name: str
    quantity: str
    facet: str
    sector: str
    unit: str
    statistic: str
    newest: NewestOut | None
    light: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """When it was, and by what was known when (now where None)."""

    at: datetime
    as_known_at: datetime | None

    def select(self, series: Sequence[int]) -> Selection:
        """Everything of the series that had begun by then."""
        return Selection(series, end=self.at + _INSTANT, as_known_at=self.as_known_at)


def read_moment(at: str | None, as_known_at: str | None) -> Moment:
    """The moment that an answer's parameters name; now where they don't."""
    return Moment(read_time(at, "at") or datetime.now(UTC), read_time(as_known_at, "as_known_at"))


def read_values(node: Node, found: Sequence[StoredSeries], moment: Moment) -> list[ValueOut]:
    """One row for each of the series, in their order."""
    rows = {
        row["series"]: row for row in node.archive.lake.latest(moment.select([one.number for one in found])).to_pylist()
    }
    standing = {number: row["start"] for number, row in rows.items() if stands(row["start"], row["end"], moment.at)}
    with node.archive.engine.connect() as connection:
        lit = [one for one in found if one.number in standing]
        trust = read_windows(connection, lit, standing, moment.at + _INSTANT, moment.as_known_at)
    leaving = {one.feed: _leaves(node, one.feed) for one in found}
    return [
        ValueOut(
            series=one.id,
            feed=one.feed,
            place=one.place,
            place_name=one.place_name,
            quantity=one.quantity,
            facet=one.facet,
            sector=one.sector,
            unit=get_quantity(one.quantity).unit,
            statistic=get_quantity(one.quantity).statistic,
            newest=_show(rows.get(one.number), moment.at, one.number in standing, leaving[one.feed]),
            light=trust[one.number].light if one.number in trust else None,
        )
        for one in found
    ]


def _leaves(node: Node, feed: str) -> bool:
    # A feed that has left the city file has no licence any more.
    declared = node.feeds.get(feed)
    return declared is not None and may_leave(declared, Leaving.ROWS)


def _show(row: dict[str, Any] | None, at: datetime, standing: bool, leaves: bool) -> NewestOut | None:
    if row is None:
        return None
    return NewestOut(
        start=row["start"],
        end=row["end"],
        value=row["value"] if leaves else None,
        known_since=row["known_since"],
        age_seconds=(at - row["start"]).total_seconds(),
        stands=standing,
    )
