"""Bounds: values far outside what the series shows at that hour, reached and left at once.

With z the size of each step from value to value (`measure_steps`: in standard deviations at its local hour and kind
of day, or weekday, all by medians) and L the limit that chance passes once in a thousand years, a run of at most
`_LONGEST` values is out of bounds where

- it begins with |z| > L / 2 and ends with |z| > L / 2 (and a quarter of the first) the other way, one of them
  beyond L (a spike), or
- it begins with |z| > L and a gap follows within `_BEFORE_GAP` values (what was counted while the source broke down),

and its value farthest from the median of its hour and kind of day lies outside all others of the series there, or
outside all values of the `_AROUND` before and after, other such runs left out; or both its steps are beyond 2.5 L. A
shift that lasts, as a strike or a lockdown makes, has no second step; a crowd or an empty street stays within what was
seen before. A single step beyond 1.5 L out of that range is amber: it is sudden, and nothing says that it is wrong.

A feed's series are also judged together, by their mean: what is small in each place can be plain in all.

States, such as the bicycles at a station, are left out: a van moves many at once.

Assumes: regular spacing, at least 60 values, steps with an exponential tail. Sources: Pickands, "Statistical
inference using extreme order statistics" (1975) for the tail; the step test of the WMO "Guide to the Global Observing
System" (WMO-No. 488), appendix VI.2, and the spike test of U.S. IOOS QARTOD's manuals for a step there and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from passerelle.model.quantity import Statistic
from passerelle.trust.check import Check, FeedMark, FeedRecord, Light, Mark, Record, Text
from passerelle.trust.groups import Group, group_series, pool
from passerelle.trust.rhythm import DAY, Steps, measure_steps, medians
from passerelle.trust.words import local, say, to_time, unit

_LONGEST = 12
_BEFORE_GAP = 3
_AROUND = 45 * DAY
_SUDDEN, _OVERWHELMING = 1.5, 2.5
_FEWEST_TOGETHER = 5
_PRESENT = 0.8


def judge(record: Record) -> list[Mark]:
    """A red mark over each run of values out of bounds, amber over a single sudden step."""
    steps = measure_steps(record)
    if steps is None or record.quantity.statistic is Statistic.STATE:
        return []
    runs = list(_runs(steps))
    ordinary = np.ones(len(record.value), np.bool_)
    for run in runs:
        ordinary[run.first : run.last + 1] = False
    return [_mark(record, steps, run) for run in runs if _outside(record, steps, run, ordinary)]


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """The same for the mean of all series of one quantity and facet, on every one of them."""
    found = []
    for group in group_series(feed.records, fewest=_FEWEST_TOGETHER):
        pooled = _pool(group)
        numbers = tuple(record.series.number for record in group.records)
        marks = [] if pooled is None else judge(pooled)
        found += [FeedMark(_together(mark, len(numbers)), numbers) for mark in marks if mark.light is Light.RED]
    return found


@dataclass(frozen=True, slots=True)
class _Run:
    """The first and last value that steps mark off, how many limits the smaller step has, and if it is only a step."""

    first: int
    last: int
    strength: float
    sudden: bool = False


def _runs(steps: Steps) -> Iterator[_Run]:
    size = np.nan_to_num(steps.size)
    broken = np.isnan(steps.size)
    large = np.abs(size) / steps.limit
    done = -1
    for entry in np.flatnonzero(large > 0.5):
        if entry <= done:
            continue
        ahead = slice(entry + 1, entry + 1 + _LONGEST)
        gap = np.flatnonzero(broken[ahead])
        enough = max(0.5, large[entry] / 4)
        back = np.flatnonzero((large[ahead] > enough) & (np.sign(size[ahead]) == -np.sign(size[entry])))
        returns = len(back) > 0 and (len(gap) == 0 or back[0] < gap[0])
        leave = entry + 1 + back[0] if returns else -1
        if returns and max(large[entry], large[leave]) > 1:
            done = leave
            yield _Run(int(entry) + 1, int(leave), float(min(large[entry], large[leave])))
        elif large[entry] > 1 and len(gap) and gap[0] < _BEFORE_GAP:
            done = entry + 1 + gap[0]
            yield _Run(int(entry) + 1, int(done), 0.0)
        elif large[entry] > _SUDDEN:
            yield _Run(int(entry) + 1, int(entry) + 1, 0.0, sudden=True)


def _outside(record: Record, steps: Steps, run: _Run, ordinary: npt.NDArray[np.bool_]) -> bool:
    """Whether the value farthest from its hour is beyond all others of it, or all ordinary ones of the days around."""
    value = record.value
    inside = np.arange(run.first, run.last + 1)
    lower = value[run.first] < value[run.first - 1]
    apart = value[inside] - medians(value[1:], steps.bins, int(steps.bins.max()) + 1)[steps.bins[inside - 1]]
    index = inside[np.argmin(apart)] if lower else inside[np.argmax(apart)]
    same = np.flatnonzero(steps.bins == steps.bins[index - 1]) + 1
    since, until = np.searchsorted(record.start, (record.start[index] - _AROUND, record.start[index] + _AROUND))
    around = value[since:until][ordinary[since:until]]
    farthest = [
        (others.min() if lower else others.max())
        for others in (value[same[(same < run.first) | (same > run.last)]], around)
        if len(others)
    ]
    beyond = [value[index] < one if lower else value[index] > one for one in farthest]
    return run.strength > _OVERWHELMING or any(beyond)


def _mark(record: Record, steps: Steps, run: _Run) -> Mark:
    before, values = record.value[run.first - 1], record.value[run.first : run.last + 1]
    words: dict[str, Text | float] = {
        "start": local(record.start[run.first], record.zone),
        "before": float(before),
        "value": float(values.min() if values[0] < before else values.max()),
        "unit": unit(record.quantity),
    }
    if run.sudden:
        reason = say(
            "On {start} the value goes at once from {before} to {value}{unit}, a step this series has not made before.",
            "Le {start} la valeur passe d'un coup de {before} à {value}{unit}, un saut que cette série n'avait "
            "jamais fait.",
            **words,
        )
    else:
        reason = say(
            "From {start} the value goes at once from {before} to {value}{unit} and then back or silent: far from "
            "what this series shows at that hour or in those weeks.",
            "À partir du {start} la valeur passe d'un coup de {before} à {value}{unit}, puis revient ou se tait : "
            "loin de ce que la série montre à cette heure ou ces semaines-là.",
            **words,
        )
    around = range(max(run.first - 2, 0), min(run.last + 3, len(record.start)))
    evidence = {
        "rows": [{"start": to_time(record.start[i]).isoformat(), "value": float(record.value[i])} for i in around],
        "step_in_deviations": float(steps.size[run.first - 1]),
        "limit_in_deviations": steps.limit,
    }
    light = Light.AMBER if run.sudden else Light.RED
    return Mark(to_time(record.start[run.first]), to_time(record.end[run.last]), light, reason, evidence)


def _pool(group: Group) -> Record | None:
    """The mean of the group's series at the times at which most of them have a value."""
    start, end, mean = pool(group, _PRESENT)
    return None if not len(start) else replace(group.records[0], start=start, end=end, value=mean, known_since=end)


def _together(mark: Mark, count: int) -> Mark:
    reason = say(
        "All {count} places together: {reason}",
        "Les {count} lieux ensemble : {reason}",
        count=count,
        reason=mark.reason,
    )
    return replace(mark, reason=reason)


CHECK = Check(
    name="bounds",
    title={"en": "Impossible values", "fr": "Valeurs impossibles"},
    meaning={
        "en": "Values far outside what the series shows at that hour, reached and left at once, or just before the "
        "source fell silent. How large a step is too large is learnt from the series' own steps.",
        "fr": "Valeurs loin de tout ce que la série montre à cette heure, atteintes et quittées d'un coup, ou juste "
        "avant que la source se taise. La taille d'un saut anormal est apprise des sauts de la série.",
    },
    judge=judge,
    judge_feed=judge_feed,
)
