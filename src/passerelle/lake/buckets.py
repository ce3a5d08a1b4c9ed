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
