"""How long states hold whose reply doesn't say its moment."""

from __future__ import annotations

import re
from datetime import date, timedelta

from passerelle.feeds.feed import Feed, Reply
from passerelle.model.errors import ReplyError
from passerelle.model.interval import Interval, local_day

_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})")


def read_held(reply: Reply, feed: Feed) -> Interval:
    """The local day of the date in the reply's name (a recording), else one cadence of the feed from its receipt."""
    dated = _DATED.search(reply.name)
    if dated is None:
        if feed.cadence_seconds is None:
            raise ReplyError(
                f"nothing says how long the reply {reply.name!r} holds: a date in its name or a cadence is needed",
                where="name",
            )
        return Interval(reply.received, reply.received + timedelta(seconds=feed.cadence_seconds))
    try:
        day = date.fromisoformat(dated[1])
    except ValueError as error:
        raise ReplyError(f"the reply's name {reply.name!r} holds no date: {error}", where="name") from error
    return local_day(day.year, day.month, day.day, feed.time_zone)
