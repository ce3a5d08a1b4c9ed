"""Reporting: who reports has changed, and with it what reports can say.

A report is a problem that someone reported. For each category of citizens' reports, the areas' shares of all reports
of the last 365 days are compared with their shares of the 365 days before. With T half the sum of the absolute
differences of shares (the total variation), and E what it would be on average if only chance moved them,
E = sum of sqrt(p (1 - p) (1/n + 1/m) / (2 pi)) over the areas, of n and m reports and the pooled shares p, the year is
amber where T is above a tenth and above twice E: a comparison between areas then mixes problems with habits of
reporting. The volume's change stands in the evidence.

Needs at least 200 reports in each year and three areas. Assumes that problems move between areas more slowly than
habits of reporting do. Sources: O'Brien, Sampson, Winship (2015), doi:10.1177/0081175015576601, for what
reports measure; E is half the mean absolute value of a normal difference.
"""

from __future__ import annotations

import numpy as np

from passerelle.model.quantity import Sector, Statistic
from passerelle.trust.check import Check, FeedMark, FeedRecord, Floats, Light, Mark, Record
from passerelle.trust.rhythm import DAY
from passerelle.trust.words import say, to_time

_YEAR = 365 * DAY
_FEWEST_REPORTS, _FEWEST_AREAS = 200, 3
_MATTERS, _BEYOND_CHANCE = 0.1, 2.0


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """An amber mark on all areas' series of a category, over the last year, where its shares moved."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in feed.records:
        counts = record.quantity.sector is Sector.CITIZENS and record.quantity.statistic is Statistic.COUNT
        if counts and len(record.start):
            groups.setdefault((record.series.quantity, record.series.facet), []).append(record)
    found = []
    for group in groups.values():
        if len(group) >= _FEWEST_AREAS and (mark := _judge_group(group)) is not None:
            found.append(FeedMark(mark, tuple(record.series.number for record in group)))
    return found


def _judge_group(group: list[Record]) -> Mark | None:
    last = max(int(record.end[-1]) for record in group)
    now, then = (
        np.array([_total(record, last - (back + 1) * _YEAR, last - back * _YEAR) for record in group])
        for back in (0, 1)
    )
    if min(now.sum(), then.sum()) < _FEWEST_REPORTS:
        return None
    change = now / now.sum() - then / then.sum()
    moved, expected = float(np.abs(change).sum() / 2), _by_chance(now, then)
    if moved <= max(_MATTERS, _BEYOND_CHANCE * expected):
        return None
    most = int(np.argmax(np.abs(change)))
    reason = say(
        "{moved} % of the reports have moved between areas within a year, {times} times what chance does, most of "
        "them at {place}: who reports may have changed, not what there is to report.",
        "{moved} % des signalements se sont déplacés d'un secteur à l'autre en un an, {times} fois plus que par "
        "hasard, surtout à {place} : ceux qui signalent ont pu changer, plutôt que ce qu'il y a à signaler.",
        moved=round(100 * moved),
        times=moved / expected,
        place=group[most].series.place,
    )
    evidence = {
        "reports": {"last_year": float(now.sum()), "year_before": float(then.sum())},
        "share_that_moved": moved,
        "by_chance": expected,
        "shares": {
            group[index].series.place: [float(then[index] / then.sum()), float(now[index] / now.sum())]
            for index in np.argsort(-np.abs(change))[:5]
        },
    }
    return Mark(to_time(last - _YEAR), to_time(last), Light.AMBER, reason, evidence)


def _total(record: Record, since: int, until: int) -> float:
    inside = (record.start >= since) & (record.start < until)
    return float(record.value[inside].sum())


def _by_chance(now: Floats, then: Floats) -> float:
    share = (now + then) / (now.sum() + then.sum())
    variance = share * (1 - share) * (1 / now.sum() + 1 / then.sum())
    return float(np.sqrt(variance / (2 * np.pi)).sum())


CHECK = Check(
    name="reporting",
    title={"en": "Who reports", "fr": "Qui signale"},
    meaning={
        "en": "Citizens' reports have moved between areas faster than chance: the people who report may have changed, "
        "so that a comparison between areas says less about the areas.",
        "fr": "Les signalements se sont déplacés d'un secteur à l'autre plus vite que par hasard : ceux qui signalent "
        "ont pu changer, et une comparaison entre secteurs en dit moins sur les secteurs.",
    },
    judge_feed=judge_feed,
)
