"""Neighbours: a series goes its own way for days, while the like series of its feed go together.

Each series is reduced to days: y is the mean of a day, as a logarithm of 1 + y where nothing is negative, less its
median on that weekday. The neighbours of a series are the others of its quantity and facet, at least four;
e = y - (median of theirs), less its own median over the 57 days around, since places drift apart with the seasons. In
units of its spread (1.4826 MAD), a run of at least `_DAYS` days with |e| on one side beyond the limit that chance
passes once in a year on single days (`tail_limit`) is marked amber, if the neighbours usually tell something of the
series: the correlation of y with their median is at least 0.5.

What all do together, as in a strike or a storm, is no disagreement. Assumes that runs of three such days are rare
where single ones come once a year. Source: the "buddy check" of meteorology (Gandin 1988), here by medians.
"""

from __future__ import annotations

import warnings

import numpy as np

from passerelle.trust.check import Check, FeedMark, FeedRecord, Floats, Light, Mark, Record, Times
from passerelle.trust.rhythm import DAY, TO_SIGMA, local_clock, measure_spacing, medians, tail_limit
from passerelle.trust.words import day, say, to_time

_FEWEST, _MANY = 5, 20
_FEWEST_DAYS = 90
_DAYS = 3
_AROUND = 28
_TELLING = 0.5
_BY_CHANCE_A_YEAR = 1.0
_DAYS_A_YEAR = 365.25


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """An amber mark over each run of days on which a series disagrees with its like."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in feed.records:
        spacing = measure_spacing(record.start)
        if spacing is None or spacing.usual > DAY + DAY // 10:
            continue
        if record.start[-1] - record.start[0] >= _FEWEST_DAYS * DAY:
            groups.setdefault((record.series.quantity, record.series.facet), []).append(record)
    return [found for group in groups.values() if len(group) >= _FEWEST for found in _judge_group(group)]


def _judge_group(group: list[Record]) -> list[FeedMark]:
    days = [np.asarray(local_clock(record.start, record.zone) // DAY) for record in group]
    first, count = min(int(day[0]) for day in days), 0
    count = max(int(day[-1]) for day in days) - first + 1
    level = np.vstack([_daily(record, day - first, count) for record, day in zip(group, days, strict=True)])
    of_all = _median(level)
    found = []
    for index, record in enumerate(group):
        # Among many, one's own value hardly moves the median.
        others = of_all if len(group) >= _MANY else _median(np.delete(level, index, axis=0))
        known = np.flatnonzero(np.isfinite(level[index]) & np.isfinite(others))
        if len(known) < _FEWEST_DAYS or not _is_told(level[index, known], others[known]):
            continue
        apart = level[index, known] - others[known]
        apart = apart - _rolling_median(apart)
        scale = TO_SIGMA * float(np.median(np.abs(apart)))
        if scale <= 0:
            continue
        limit = tail_limit(np.abs(apart) / scale, _DAYS_A_YEAR, expected=_BY_CHANCE_A_YEAR)
        side = np.where(np.abs(apart) / scale > limit, np.sign(apart), 0)
        for begin, last in _runs(side, known):
            mark = _mark(record, first, known, (begin, last), apart / scale, limit)
            found.append(FeedMark(mark, (record.series.number,)))
    return found


def _daily(record: Record, day: Times, count: int) -> Floats:
    """Each day's mean, as a logarithm where it can be, less the weekday's median; NaN where there is no value."""
    times = np.bincount(day, minlength=count)
    mean = np.bincount(day, weights=record.value, minlength=count) / np.where(times, times, np.nan)
    if np.nanmin(mean) >= 0:
        mean = np.log1p(mean)
    held = np.flatnonzero(times)
    weekday = held % 7
    level = np.full(count, np.nan)
    level[held] = mean[held] - medians(mean[held], weekday, 7)[weekday]
    return level


def _median(level: Floats) -> Floats:
    with warnings.catch_warnings():
        # A day on which no series has a value has no median, and is left out.
        warnings.simplefilter("ignore", RuntimeWarning)
        middle: Floats = np.nanmedian(level, axis=0)
    return middle


def _is_told(own: Floats, others: Floats) -> bool:
    if not own.std() or not others.std():
        return False
    return bool(np.corrcoef(own, others)[0, 1] >= _TELLING)


def _rolling_median(values: Floats) -> Floats:
    padded = np.pad(values, _AROUND, mode="reflect")
    middle: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1), axis=1)
    return middle


def _runs(side: Floats, day: Times) -> list[tuple[int, int]]:
    """First and last index of each run of at least `_DAYS` days in a row on one side."""
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(side) != 0) | (np.diff(day) != 1)]))
    ends = np.append(begins[1:], len(side)) - 1
    return [
        (int(begin), int(end))
        for begin, end in zip(begins, ends, strict=True)
        if side[begin] != 0 and end - begin + 1 >= _DAYS
    ]


def _mark(record: Record, first: int, known: Times, run: tuple[int, int], apart: Floats, limit: float) -> Mark:
    begin, last = run
    clock = local_clock(record.start, record.zone) // DAY - first
    rows = np.flatnonzero((clock >= known[begin]) & (clock <= known[last]))
    start, end = int(record.start[rows[0]]), int(record.end[rows[-1]])
    higher = apart[begin] > 0
    reason = say(
        "For {days} days from {start} the values are {how} than those of the {count} days around, while like series "
        "of the feed are not.",
        "Pendant {days} jours à partir du {start} les valeurs sont {how} que celles des {count} jours autour, alors "
        "que les séries semblables de la source ne le sont pas.",
        days=last - begin + 1,
        start=day(start, record.zone),
        how={"en": "far higher", "fr": "bien plus hautes"} if higher else {"en": "far lower", "fr": "bien plus basses"},
        count=2 * _AROUND + 1,
    )
    evidence = {
        "apart_in_deviations": [round(float(one), 2) for one in apart[begin : last + 1]],
        "limit_in_deviations": limit,
    }
    return Mark(to_time(start), to_time(end), Light.AMBER, reason, evidence)


CHECK = Check(
    name="neighbours",
    title={"en": "Disagreeing neighbours", "fr": "Voisins en désaccord"},
    meaning={
        "en": "For days a series goes its own way, while the like series of its feed, which it usually resembles, go "
        "together.",
        "fr": "Pendant des jours une série suit son propre chemin, alors que les séries semblables de sa source, "
        "auxquelles elle ressemble d'ordinaire, vont ensemble.",
    },
    judge_feed=judge_feed,
)
