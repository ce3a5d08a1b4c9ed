"""The buckets of an aggregate: which exist, and where in UTC the one of an instant begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from passerelle.lake.contract import POOLED
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import Statistic

FIXED = {"PT15M": timedelta(minutes=15), "PT30M": timedelta(minutes=30), "PT1H": timedelta(hours=1)}
"""Buckets of the same length always, counted from midnight UTC."""

CALENDAR = {"P1D": "day", "P1W": "week", "P1M": "month", "P1Y": "year"}
"""Buckets that begin at a local midnight; weeks begin on Monday (ISO 8601)."""


def check_aggregate(bucket: str, statistic: Statistic) -> None:
    """Raise `InvalidValueError` for a bucket or a statistic that `aggregate` hasn't got."""
    if bucket not in FIXED and bucket not in CALENDAR:
        raise InvalidValueError(f"bucket {bucket!r} is none of {', '.join([*FIXED, *CALENDAR])}", where="bucket")
    if statistic not in POOLED:
        raise InvalidValueError(
            f"statistic {statistic.value!r} can't be pooled; {', '.join(sorted(POOLED))} can", where="statistic"
        )


def list_offsets(zone: ZoneInfo, first: datetime, last: datetime) -> list[tuple[datetime, timedelta]]:
    """The clock's offsets from UTC between `first` and `last`, each with the instant from which it holds.

    >>> [(str(since)[:16], str(offset)) for since, offset in list_offsets(
    ...     ZoneInfo("Europe/Paris"), datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 6, 1, tzinfo=UTC))]
    [('2021-01-01 00:00', '1:00:00'), ('2021-03-28 01:00', '2:00:00')]
    """
    offsets = [(first, _offset(first, zone))]
    moment = first
    while moment < last:
        later = moment + timedelta(days=1)
        if _offset(later, zone) != offsets[-1][1]:
            offsets.append((_change(zone, moment, later), _offset(later, zone)))
        moment = later
    return offsets


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second after `before`, and not after `after`, that has the offset of `after`."""
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle <= before:
            break
        if _offset(middle, zone) == _offset(after, zone):
            after = middle
        else:
            before = middle
    return after


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    return timedelta(0) if offset is None else offset


def bucket_start(moment: datetime, bucket: str, zone: ZoneInfo) -> datetime:
    """The UTC start of the `bucket` that `moment` lies in.

    >>> bucket_start(datetime(2021, 3, 28, 22, tzinfo=UTC), "P1D", ZoneInfo("Europe/Paris")).isoformat()
    '2021-03-28T22:00:00+00:00'
    """
    if bucket in FIXED:
        midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (moment - midnight) // FIXED[bucket] * FIXED[bucket]
    day = moment.astimezone(zone).date()
    match CALENDAR[bucket]:
        case "week":
            day -= timedelta(days=day.weekday())
        case "month":
            day = day.replace(day=1)
        case "year":
            day = day.replace(month=1, day=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
