"""Clock changes: the hour that comes twice in autumn, and the one that doesn't exist in spring.

For values of an hour or shorter, around each clock change of the feed's zone within the series:

- autumn: the hour that local clocks show twice has values the first time and none the second, though values go on
  after it: the second is lost, red.
- autumn: the second hour's values are those of the first, one by one, where such copies are rare: with u the share of
  all values equal to the one an hour before, the chance of n copies is u^n; amber below 1 in 1,000.
- spring: no values in the hour after the clock jumped, though values go on before and after: lost, red.
- a reply with rows at a local time that the clock skips (a feed refuses them and says so): amber, on that hour.

The gaps check marks a lost hour too; this one says why it is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from passerelle.trust.check import Check, FeedMark, FeedRecord, Light, Mark, Record
from passerelle.trust.rhythm import HOUR, measure_spacing
from passerelle.trust.words import day, say, to_microseconds, to_time

SKIPPED = "the clock skips it"
"""The words with which every feed refuses a row at a local time that doesn't exist."""

_BY_CHANCE = 0.001


def judge(record: Record) -> list[Mark]:
    """A mark over each lost or copied hour."""
    spacing = measure_spacing(record.start)
    if spacing is None or spacing.usual > HOUR or not spacing.regular:
        return []
    marks = []
    for year in range(to_time(record.start[0]).year, to_time(record.start[-1]).year + 1):
        for change, backward in clock_changes(record.zone, year):
            if record.start[0] < change - HOUR and change + HOUR <= record.start[-1]:
                marks += _judge_change(record, spacing.usual, change, backward=backward)
    return marks


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """An amber mark on each hour that clocks skip, within the span of a reply that had rows there."""
    found = []
    for delivery in feed.deliveries:
        skipped = [one for one in delivery.refused if SKIPPED in one.reason]
        if not skipped or delivery.first is None or delivery.last is None:
            continue
        count = sum(one.count for one in skipped)
        for year in range(delivery.first.year, delivery.last.year + 1):
            for change, backward in clock_changes(feed.zone, year):
                if backward or not delivery.first <= to_time(change) < delivery.last:
                    continue
                reason = say(
                    "{count} rows of a reply stand at local times that the clock skips, such as {example}: copies or "
                    "mistakes of the publisher, left out.",
                    "{count} lignes d'une réponse portent une heure locale sautée par l'horloge, par exemple "
                    "{example} : copies ou erreurs de l'éditeur, écartées.",
                    count=count,
                    example=skipped[0].reason,
                )
                evidence = {"reply": delivery.reply, "rows": count, "example": skipped[0].example}
                mark = Mark(to_time(change), to_time(change + HOUR), Light.AMBER, reason, evidence)
                found.append(FeedMark(mark))
    return found


@cache
def clock_changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, bool], ...]:
    """The instants of a year at which the zone's clocks change, and whether they go backward (autumn in the north)."""
    found = []
    moment = datetime(year, 1, 1, tzinfo=UTC)
    offset = moment.astimezone(zone).utcoffset()
    for _ in range(366):
        later = moment + timedelta(days=1)
        then = later.astimezone(zone).utcoffset()
        if offset is not None and then is not None and then != offset:
            # Zones change on whole hours of UTC, in all years that feeds speak of.
            hour = next(h for h in range(1, 25) if (moment + timedelta(hours=h)).astimezone(zone).utcoffset() == then)
            found.append((to_microseconds(moment + timedelta(hours=hour)), then < offset))
        moment, offset = later, then
    return tuple(found)


def _judge_change(record: Record, usual: int, change: int, *, backward: bool) -> list[Mark]:
    edges = np.searchsorted(record.start, [change - HOUR, change, change + HOUR, change + 2 * HOUR])
    before, during, after = np.diff(edges)
    if not before or not after:
        return []
    words = {"day": day(change, record.zone)}
    evidence: dict[str, Any] = {"change": to_time(change).isoformat()}
    if not during:
        hour = ("the hour that comes twice was given once", "l'heure qui revient deux fois n'est donnée qu'une fois")
        if not backward:
            hour = ("the hour after the clock jumped is missing", "l'heure qui suit le saut de l'horloge manque")
        reason = say(
            f"On {{day}}, when clocks change, {hour[0]}: its values are lost.",
            f"Le {{day}}, au changement d'heure, {hour[1]} : ses valeurs sont perdues.",
            **words,
        )
        return [Mark(to_time(change), to_time(change + HOUR), Light.RED, reason, evidence)]
    slots = HOUR // usual
    first, second = record.value[edges[0] : edges[1]], record.value[edges[1] : edges[2]]
    if not backward or before != during or not (first == second).all() or len(record.value) <= slots:
        return []
    copies = float((record.value[slots:] == record.value[:-slots]).mean())
    if copies ** len(second) >= _BY_CHANCE:
        return []
    reason = say(
        "On {day}, when clocks change, the second of the two equal hours is a copy of the first.",
        "Le {day}, au changement d'heure, la seconde des deux heures égales est une copie de la première.",
        **words,
    )
    evidence |= {"values": second.tolist(), "chance": copies ** len(second)}
    return [Mark(to_time(change), to_time(change + HOUR), Light.AMBER, reason, evidence)]


CHECK = Check(
    name="dst",
    title={"en": "Clock changes", "fr": "Changements d'heure"},
    meaning={
        "en": "On the days clocks change, an hour was lost, copied, or given at a time that doesn't exist.",
        "fr": "Les jours de changement d'heure, une heure a été perdue, copiée, ou donnée à un moment qui n'existe "
        "pas.",
    },
    judge=judge,
    judge_feed=judge_feed,
)
