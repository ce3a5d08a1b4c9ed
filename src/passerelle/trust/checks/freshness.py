"""Freshness: how old the newest value is, against how old it usually gets before the next one comes.

Just before arrival i the newest value's age was A_i = known_since_i - max(end before i); these ages hold the
publisher's delay and its true interval in one number. With m their median and q their 95th percentile over the last
`_RECENT` arrivals, the series is amber at an age above max(2 m, q) and red above max(4 m, 2 q): one missed reply is
care, a value three intervals late is absent.

With fewer than `_FEWEST` arrivals the age expected is the longer of the declared cadence and the observations' own
spacing. An ended feed has no freshness. Age counts up to when the feed was last asked: where nobody asked, the reason
says so and doesn't blame the publisher.

Assumes that arrivals keep the rhythm they had. Source: the house's choice; that a declared interval is a claim to be
measured is W3C "Data on the Web Best Practices" (2017), practice 21.
"""

from __future__ import annotations

import numpy as np

from passerelle.trust.check import Check, Floats, Light, Mark, Record, Text
from passerelle.trust.words import duration, local, say, to_microseconds, to_time

_RECENT = 400
_FEWEST = 8
_SECOND = 1_000_000


def judge(record: Record) -> list[Mark]:
    """One mark from the newest value's end to `now` where it is older than it usually gets, else none."""
    if record.cadence_seconds is None or not len(record.start):
        return []
    newest = int(record.end.max())
    now, asked = to_microseconds(record.now), to_microseconds(record.seen_until)
    ages = _ages(record)
    measured = len(ages) >= _FEWEST
    usual, high = (np.median(ages), np.quantile(ages, 0.95)) if measured else (_expected(record),) * 2
    amber, red = max(2 * usual, high), max(4 * usual, 2 * high)
    age = (min(now, asked) - newest) / _SECOND
    unasked = (now - asked) / _SECOND > red
    if newest >= now or (age <= amber and not unasked):
        return []
    words: dict[str, Text] = {
        "since": local(newest, record.zone),
        "usual": duration(float(usual)),
        "age": duration(age),
    }
    if unasked:
        reason = say(
            "This node has not asked the feed for {age}; the newest value ends at {since}.",
            "Ce nœud n'a pas interrogé la source depuis {age} ; la dernière valeur s'arrête le {since}.",
            **words | {"age": duration((now - asked) / _SECOND)},
        )
    else:
        reason = say(
            "No new value since {since}: it is {age} old, where the newest one is usually {usual} old when the next "
            "comes.",
            "Aucune valeur nouvelle depuis le {since} : elle date de {age}, alors que la suivante arrive d'ordinaire "
            "au bout de {usual}.",
            **words,
        )
    evidence = {
        "newest_end": to_time(newest).isoformat(),
        "last_asked": record.seen_until.isoformat(),
        "age_seconds": age,
        "usual_age_seconds": float(usual),
        "measured": measured,
        "declared_cadence_seconds": record.cadence_seconds,
        "amber_above_seconds": float(amber),
        "red_above_seconds": float(red),
    }
    light = Light.RED if unasked or age > red else Light.AMBER
    return [Mark(to_time(newest), record.now, light, reason, evidence)]


def _ages(record: Record) -> Floats:
    """How old the newest value was just before each later arrival, in seconds, as far as it was positive."""
    order = np.argsort(record.known_since, kind="stable")
    known, end = record.known_since[order], np.maximum.accumulate(record.end[order])
    arrival = np.flatnonzero(np.diff(known) > 0)
    ages = (known[arrival + 1] - end[arrival]) / _SECOND
    # An arrival that only filled the past says nothing of the newest value.
    return ages[(end[arrival + 1] > end[arrival]) & (ages > 0)][-_RECENT:]


def _expected(record: Record) -> float:
    spacing = np.median(np.diff(record.start[-_RECENT:])) / _SECOND if len(record.start) > 1 else 0.0
    return float(max(record.cadence_seconds or 0, spacing))


CHECK = Check(
    name="freshness",
    title={"en": "Freshness", "fr": "Fraîcheur"},
    meaning={
        "en": "The newest value is older than it usually gets before the next one comes. What is usual is measured "
        "from the replies received so far; the interval the publisher declares stands beside it.",
        "fr": "La dernière valeur est plus ancienne que d'habitude au moment où la suivante arrive. Cette habitude "
        "est mesurée sur les réponses reçues ; l'intervalle annoncé par l'éditeur figure à côté.",
    },
    judge=judge,
)
