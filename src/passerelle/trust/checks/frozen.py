"""Frozen: the same value again and again, for longer than the series stands still by itself.

At each local hour (or weekday, where values are half a day or more apart) the share u of steps that change nothing
is learnt: at night a counter stays at zero, at noon it doesn't. A run of equal values has the surprise
S = sum of -ln u over its steps. It is frozen where S is beyond both

- ln(N / 0.01), what independent steps pass once in a hundred years, of N a year, and
- the limit that the tail of the series' own runs passes as often (`tail_limit`): what stands still stays still. A
  level that the series stands still at more than forty times (zero on calm days) has a tail of its own. Neighbouring
  values are one level within a hundredth of the range of the series, its lowest and highest hundredth left out: a
  plant at rest takes 3 MW today and 1 MW tomorrow.

For states the limit is twice that. Runs at a value that half of all values have are not judged.

Runs that are found don't teach: u and the tail are learnt again without them, once.

A series that was dead all along teaches nothing of itself. So the longest run of each series of a feed is compared
with the others' on a logarithmic scale: beyond their median by six times 1.4826 MAD, among at least twenty, and a
week long, it is frozen.

What is found is red, but for counts of zero in less than three days, amber: the place may have been closed, as a
bridge for an afternoon.

A hole ends a run. Sources: the persistence test of the WMO "Guide to the Global Observing System" (WMO-No. 488),
appendix VI.2; Pickands (1975) for the tail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerelle.model.quantity import Statistic
from passerelle.trust.check import Check, FeedMark, FeedRecord, Floats, Light, Mark, Record
from passerelle.trust.rhythm import DAY, TO_SIGMA, WEEK, YEAR, measure_spacing, tail_limit, weekly_bins
from passerelle.trust.words import duration, local, say, to_time, unit

_FEWEST = 100
_BY_CHANCE_A_YEAR = 0.01
_SHORTEST = 3
_OFTEN = 40
_MOST = (0.01, 0.99)
_SAME_LEVEL = 0.01
_BURSTS = 2
"""Where people move things, they all stay away at once: a rainy day, a holiday."""
_FEWEST_PEERS = 20
_CLOSED = 3 * DAY
_STANDING = ("coverage", "condition", "setting")
"""Kinds of quantity that are meant to stay as they are."""
_DEVIATIONS = 6


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of equal values that follow each other: the first value of each, and how many there are in it."""

    first: npt.NDArray[np.intp]
    size: npt.NDArray[np.intp]


def judge(record: Record) -> list[Mark]:
    """A mark over each run of equal values that its own past doesn't explain, red but for a short count of zero."""
    spacing = measure_spacing(record.start)
    if spacing is None or len(record.start) < _FEWEST or record.quantity.kind in _STANDING:
        return []
    runs = _find_runs(record, spacing.usual)
    bins, count = weekly_bins(record.start[:-1], record.zone, spacing.usual)
    if count > 7:
        bins, count = bins % 24, 24
    run = np.repeat(np.arange(len(runs.first)), runs.size)
    inside = run[1:] == run[:-1]
    a_year = YEAR / spacing.usual
    fewest = float(np.log(a_year / _BY_CHANCE_A_YEAR))
    kind = _kinds(record.value[runs.first], runs.size, _SAME_LEVEL * float(np.ptp(np.quantile(record.value, _MOST))))
    judged = record.value[runs.first] != _usual_value(record.value)
    bursts = _BURSTS if record.quantity.statistic is Statistic.STATE else 1
    frozen = np.zeros(len(runs.first), np.bool_)
    for _ in range(2):
        cost = _cost(inside, bins, count, ~frozen[run[:-1]])
        surprise = np.bincount(run[:-1], weights=np.where(inside, cost[bins], 0.0), minlength=len(frozen))
        limit = np.full(len(frozen), fewest)
        for one in range(kind.max() + 1):
            teaching = surprise[(kind == one) & ~frozen]
            times = a_year * len(teaching) / len(record.start)
            limit[kind == one] = bursts * max(fewest, tail_limit(teaching, times, expected=_BY_CHANCE_A_YEAR))
        frozen = judged & (surprise > limit) & (runs.size >= _SHORTEST)
        if not frozen.any() or frozen.all():
            break
    return [
        _mark(record, int(runs.first[one]), int(runs.size[one]), {"surprise": surprise[one], "limit": limit[one]})
        for one in np.flatnonzero(frozen)
    ]


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """A red mark over the longest run of each series that stands still far longer than the feed's others."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in feed.records:
        if len(record.start) >= _FEWEST and record.quantity.kind not in _STANDING:
            groups.setdefault((record.series.quantity, record.series.facet), []).append(record)
    return [found for group in groups.values() if len(group) >= _FEWEST_PEERS for found in _judge_group(group)]


def _judge_group(group: list[Record]) -> list[FeedMark]:
    longest = [_longest_run(record) for record in group]
    lengths = np.array(
        [record.end[last] - record.start[first] for record, (first, last) in zip(group, longest, strict=True)]
    )
    logs = np.log(np.maximum(lengths, 1))
    middle = float(np.median(logs))
    limit = middle + _DEVIATIONS * TO_SIGMA * float(np.median(np.abs(logs - middle)))
    found = []
    for index in np.flatnonzero((logs > limit) & (lengths > WEEK)):
        first, last = longest[index]
        numbers = {"others_median_seconds": float(np.exp(middle)) / 1e6, "others": float(len(group) - 1)}
        mark = _mark(group[index], first, last - first + 1, numbers)
        found.append(FeedMark(mark, (group[index].series.number,)))
    return found


def _find_runs(record: Record, usual: int) -> _Runs:
    follows = np.diff(record.start) < 1.5 * usual
    begins = np.concatenate([[True], ~(follows & (np.diff(record.value) == 0))])
    first = np.flatnonzero(begins)
    return _Runs(first, np.diff(np.append(first, len(begins))))


def _longest_run(record: Record) -> tuple[int, int]:
    """The first and last value of the run that lasted longest, whatever holes it has."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(record.value) != 0]))
    last = np.append(first[1:], len(record.value)) - 1
    index = int(np.argmax(record.end[last] - record.start[first]))
    return int(first[index]), int(last[index])


def _kinds(value: Floats, size: npt.NDArray[np.intp], near: float) -> npt.NDArray[np.intp]:
    """A number for each run: its own for each level that the series often stands still at, 0 for all other runs.

    Such values are one level where each is within `near` of the next.
    """
    values, inverse, times = np.unique(value[size > 1], return_inverse=True, return_counts=True)
    often = times > _OFTEN
    number = np.zeros(len(values), np.intp)
    number[often] = np.cumsum(np.diff(values[often], prepend=-np.inf) > near)
    kinds = np.zeros(len(value), np.intp)
    kinds[size > 1] = number[inverse]
    return kinds


def _usual_value(value: Floats) -> float:
    """The value that at least half of all are, NaN where there is none: then it must be the median."""
    median = float(np.median(value))
    return median if 2 * int((value == median).sum()) >= len(value) else float("nan")


def _cost(
    inside: npt.NDArray[np.bool_], bins: npt.NDArray[np.intp], count: int, teaches: npt.NDArray[np.bool_]
) -> Floats:
    """-ln u of each bin: of the steps that teach, those inside a run, with one more of each kind seen."""
    times = np.bincount(bins[teaches], minlength=count)
    still = np.bincount(bins[teaches & inside], minlength=count)
    cost: Floats = -np.log((still + 1) / (times + 2))
    return cost


def _mark(record: Record, first: int, size: int, numbers: dict[str, float]) -> Mark:
    start, end = int(record.start[first]), int(record.end[first + size - 1])
    reason = say(
        "The value stands still at {value}{unit} from {start} for {length}, far longer than this series does by "
        "itself.",
        "La valeur reste figée à {value}{unit} à partir du {start} pendant {length}, bien plus longtemps que cette "
        "série ne le fait d'elle-même.",
        value=float(record.value[first]),
        unit=unit(record.quantity),
        start=local(start, record.zone),
        length=duration((end - start) / 1e6),
    )
    around = [i for i in (first - 1, first, first + size - 1, first + size) if 0 <= i < len(record.start)]
    evidence = {
        "rows": [{"start": to_time(record.start[i]).isoformat(), "value": float(record.value[i])} for i in around],
        "equal_values": size,
    } | {name: float(number) for name, number in numbers.items()}
    # A street or a garage may be closed for a while, and then none is what there was to count.
    counts = record.quantity.statistic in (Statistic.COUNT, Statistic.SUM)
    closed = counts and record.value[first] == 0 and end - start < _CLOSED
    return Mark(to_time(start), to_time(end), Light.AMBER if closed else Light.RED, reason, evidence)


CHECK = Check(
    name="frozen",
    title={"en": "Frozen values", "fr": "Valeurs figées"},
    meaning={
        "en": "The same value comes again and again, for longer than the series stands still by itself at those "
        "hours, or far longer than the feed's other series do.",
        "fr": "La même valeur revient sans cesse, plus longtemps que la série ne le fait d'elle-même à ces heures, ou "
        "bien plus longtemps que les autres séries de la source.",
    },
    judge=judge,
    judge_feed=judge_feed,
)
