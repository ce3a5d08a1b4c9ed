"""Half-open UTC intervals `[start, end)` and the times at their edges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from passerelle.model.errors import InvalidValueError

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Interval:
    """The instants from `start` up to but not including `end`, both UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None:
                raise InvalidValueError(f"{name} is {moment.isoformat()}; a time zone is required", where=name)
            object.__setattr__(self, name, moment.astimezone(UTC))
        if not self.start < self.end:
            raise InvalidValueError(
                f"start {self.start.isoformat()} must come before end {self.end.isoformat()}", where="end"
            )

    @property
    def duration(self) -> timedelta:
        """Elapsed time, clock changes already resolved."""
        return self.end - self.start

    def contains(self, moment: datetime) -> bool:
        """Whether `moment` lies in the interval; `end` itself does not."""
        return self.start <= moment < self.end

    def overlaps(self, other: Interval) -> bool:
        """Whether the two share an instant; touching intervals do not."""
        return self.start < other.end and other.start < self.end


def parse_time(text: str, *, where: str = "time") -> datetime:
    """The UTC instant an RFC 3339 timestamp names; fractions finer than a microsecond are cut.

    >>> parse_time("2021-01-16T18:00:00+01:00").isoformat()
    '2021-01-16T17:00:00+00:00'
    """
    if not _RFC3339.fullmatch(text):
        raise InvalidValueError(
            f"{text!r} is not an RFC 3339 time with a zone, such as 2021-01-16T17:00:00Z", where=where
        )
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(f"{text!r} is not a time: {error}", where=where) from error


def format_time(moment: datetime) -> str:
    """`moment` as RFC 3339 in UTC with a `Z`, microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local_day(year: int, month: int, day: int, zone: ZoneInfo) -> Interval:
    """The civil day in `zone` as UTC instants: 23, 24 or 25 hours long.

    >>> local_day(2021, 3, 28, ZoneInfo("Europe/Paris")).duration
    datetime.timedelta(seconds=82800)
    """
    midnight = datetime(year, month, day, tzinfo=zone)
    # Adding a day to a zoned time moves its wall clock, so this is midnight again whatever the clocks do.
    return Interval(midnight, midnight + timedelta(days=1))
