"""All checks, run on a series, on a feed, or on two series about to be compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from passerelle.trust.check import Check, FeedRecord, Offered, Record, Unlike
from passerelle.trust.checks.balance import CHECK as BALANCE
from passerelle.trust.checks.bounds import CHECK as BOUNDS
from passerelle.trust.checks.definitions import CHECK as DEFINITIONS
from passerelle.trust.checks.dst import CHECK as DST
from passerelle.trust.checks.duplicates import CHECK as DUPLICATES
from passerelle.trust.checks.freshness import CHECK as FRESHNESS
from passerelle.trust.checks.frozen import CHECK as FROZEN
from passerelle.trust.checks.gaps import CHECK as GAPS
from passerelle.trust.checks.level import CHECK as LEVEL
from passerelle.trust.checks.neighbours import CHECK as NEIGHBOURS
from passerelle.trust.checks.places import CHECK as PLACES
from passerelle.trust.checks.refused import CHECK as REFUSED
from passerelle.trust.checks.reporting import CHECK as REPORTING
from passerelle.trust.checks.revisions import CHECK as REVISIONS
from passerelle.trust.checks.schema import CHECK as SCHEMA
from passerelle.trust.light import Judged
from passerelle.trust.words import to_microseconds

CHECKS: tuple[Check, ...] = (
    FRESHNESS,
    GAPS,
    FROZEN,
    BOUNDS,
    BALANCE,
    LEVEL,
    NEIGHBOURS,
    DST,
    REVISIONS,
    DUPLICATES,
    REFUSED,
    SCHEMA,
    PLACES,
    REPORTING,
    DEFINITIONS,
)

LOOKBACK = timedelta(days=400)
"""How much of the past a judgement learns from when it is brought up to date: a year with its seasons, and a month."""


def judge_series(record: Record, since: datetime | None = None) -> list[Judged]:
    """What every check finds in one series, by check and time.

    With `since` only the marks that end after it, learnt from the `LOOKBACK` before it: what a reply that brought
    observations from `since` on can have changed. Marks that end by `since` stay as they were; one that begins
    before `since` replaces the same check's mark of the same start.
    """
    if since is not None:
        record = _cut(record, since - LOOKBACK)
    numbers = (record.series.number,)
    return [
        Judged(check.name, mark, numbers)
        for check in CHECKS
        if check.judge is not None
        for mark in check.judge(record)
        if since is None or mark.end > since
    ]


def judge_feed(feed: FeedRecord) -> list[Judged]:
    """What the checks that look at a whole feed find, by check; `series` says on which series."""
    return [
        Judged(check.name, found.mark, found.series)
        for check in CHECKS
        if check.judge_feed is not None
        for found in check.judge_feed(feed)
    ]


def compare(treated: Offered, comparison: Offered) -> list[tuple[str, Unlike]]:
    """Every reason, with the check's name, for which the two series may not be compared; empty when they may."""
    return [
        (check.name, unlike)
        for check in CHECKS
        if check.compare is not None
        for unlike in check.compare(treated, comparison)
    ]


def _cut(record: Record, earliest: datetime) -> Record:
    first = int(np.searchsorted(record.start, to_microseconds(earliest)))
    kept = {name: getattr(record, name)[first:] for name in ("start", "end", "value", "known_since")}
    return replace(record, **kept)
