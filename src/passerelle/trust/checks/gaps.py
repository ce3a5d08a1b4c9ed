"""Gaps: time without a value where the series usually has one.

With u the median distance of starts, a hole is a distance above 1.5 u; it lacks L = round(distance / u) - 1 values.
q is the share of values that a hole follows: were values lost one by one at random, a hole would lack L or more with
probability q^(L-1), whatever longer outages there are.

- A hole that comes back is a property, not an outage: an hour of the day (or of the week) that lies in a hole on at
  least half of 14 days or more (or 7 in 10 of 4 weeks or more), twice as often as other hours. All such holes make
  one amber mark, with the hours and how often.
- A regular series that lacks fewer than one value in a hundred (q < 0.01) has promised every value: each other hole
  is red.
- Else a hole is one where chance would make it less than once in twenty years (N values a year: N q^L < 0.05).
- Where starts are irregular, that limit is taken from the tail of the distances (`tail_limit`).
- In small counts that never say zero, and in medians of events, a missing row may mean that nothing happened: the
  limit above holds for any q, and the mark is amber.

What follows the last value is for freshness. Assumes that single losses are independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerelle.model.quantity import Statistic
from passerelle.trust.check import Check, Light, Mark, Record, Text, Times
from passerelle.trust.rhythm import DAY, HOUR, YEAR, Spacing, local_clock, measure_spacing, tail_limit
from passerelle.trust.words import duration, local, say, to_time

_ALWAYS_THERE = 0.01
_BY_CHANCE_A_YEAR = 0.05
_FEWEST_IRREGULAR = 60
_HARDLY_NONE = 5
"""A count with this mean is zero once in 150 times: exp(-5)."""
_LONGEST_HABIT = 72 * HOUR
_HABITS = ((24, 0.5, 14), (168, 0.7, 4))
"""Hours of the day and of the week: the share of the days or weeks, and the fewest of them."""
_HABITUAL_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class _Habit:
    """Hours of the local week, from Monday's midnight, that are usually empty: on `seen` of `of` days or weeks.

    `holes` are those that mostly lie in these hours.
    """

    hours: npt.NDArray[np.bool_]
    holes: npt.NDArray[np.bool_]
    daily: bool
    seen: int
    of: int


def judge(record: Record) -> list[Mark]:
    """A red mark over each hole, amber over the time in which a hole comes back."""
    spacing = measure_spacing(record.start)
    if spacing is None:
        return []
    apart = np.diff(record.start)
    # A long value, such as a state that held, leaves no hole.
    after = np.maximum(record.start[:-1] + spacing.usual, np.minimum(record.end[:-1], record.start[1:]))
    hole = np.flatnonzero((apart > 1.5 * spacing.usual) & (after < record.start[1:]))
    if not len(hole):
        return []
    since, until = after[hole], record.start[hole + 1]
    marks = []
    chosen = _unusual(record, spacing, apart, hole)
    if (habit := _find_habit(record, spacing, since, until)) is not None:
        marks.append(_habit_mark(habit, since[habit.holes], until[habit.holes]))
        chosen &= ~habit.holes
    promised = _says_zero(record)
    marks += [_hole_mark(record, int(since[index]), int(until[index]), promised) for index in np.flatnonzero(chosen)]
    return marks


def _says_zero(record: Record) -> bool:
    """Whether a missing row can't mean that nothing happened: zeros are written, or would hardly ever be."""
    value = record.value
    if record.quantity.statistic is Statistic.MEDIAN:
        return False
    return record.quantity.statistic is not Statistic.COUNT or bool(
        (value < 1).any() or np.median(value) >= _HARDLY_NONE
    )


def _unusual(record: Record, spacing: Spacing, apart: Times, hole: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    lacking = np.round(apart[hole] / spacing.usual) - 1
    a_year = YEAR / spacing.usual
    if not spacing.regular:
        if len(apart) < _FEWEST_IRREGULAR:
            return np.zeros(len(hole), np.bool_)
        many: npt.NDArray[np.bool_] = apart[hole] > tail_limit(
            apart.astype(np.float64), YEAR / apart.mean(), expected=_BY_CHANCE_A_YEAR
        )
        return many
    share = len(hole) / len(apart)
    rare: npt.NDArray[np.bool_] = a_year * share**lacking < _BY_CHANCE_A_YEAR
    return rare | (_says_zero(record) and share < _ALWAYS_THERE)


def _find_habit(record: Record, spacing: Spacing, since: Times, until: Times) -> _Habit | None:
    """The hours of the day or week that lie in a hole most days or weeks, long outages left out."""
    if spacing.usual > DAY + HOUR or len(since) < _HABITS[1][2]:
        return None
    unit = DAY if spacing.usual >= 12 * HOUR else HOUR
    clock = local_clock(np.array([record.start[0], *since, *until, record.start[-1]]), record.zone)
    first, last = clock[0] // unit, clock[-1] // unit
    # An hour, or day, is empty where its middle is.
    edges = np.clip((clock[1:-1] + unit // 2 - 1) // unit - first, 0, last - first + 1)
    begin, end = edges[: len(since)], edges[len(since) :]
    long = until - since > _LONGEST_HABIT
    is_empty, in_outage = (_cover(begin[one], end[one], last - first + 2) for one in (~long, long))
    # 1970 began on a Thursday; Monday's midnight is to be 0.
    slot = first + np.arange(len(is_empty)) + 3 * DAY // unit
    for period, share, fewest in _HABITS:
        count = period * HOUR // unit
        if count < 7:
            continue
        times = np.bincount(slot[~in_outage] % count, minlength=count)
        seen = np.bincount(slot[~in_outage & is_empty] % count, minlength=count)
        often = (seen >= max(share, 2 * is_empty.mean()) * times) & (times >= fewest)
        within = np.concatenate([[0], np.cumsum(often[slot % count])])
        # A hole too short for the middle of an hour is judged by the hour it lies in.
        holes = within[np.maximum(end, begin + 1)] - within[begin] >= _HABITUAL_SHARE * np.maximum(end - begin, 1)
        if (holes & ~long).any():
            weekly = np.repeat(np.tile(often, 168 // period), unit // HOUR)
            return _Habit(weekly, holes & ~long, period == 24, int(seen[often].min()), int(times[often].max()))
    return None


def _cover(begin: Times, end: Times, length: int) -> npt.NDArray[np.bool_]:
    """Which of `length` slots lie in one of the ranges."""
    change = np.bincount(begin, minlength=length) - np.bincount(end, minlength=length)
    return np.cumsum(change) > 0


_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
}


def _habit_mark(habit: _Habit, since: Times, until: Times) -> Mark:
    words: dict[str, Text | float] = {"when": _when(habit), "seen": habit.seen, "of": habit.of}
    unit = ("days", "jours") if habit.daily else ("weeks", "semaines")
    reason = say(
        f"The source says nothing {{when}} (local time), on {{seen}} of {{of}} {unit[0]}: a habit of the source, not "
        "an outage.",
        f"La source ne dit rien {{when}} (heure locale), {{seen}} {unit[1]} sur {{of}} : une habitude de la source, "
        "pas une panne.",
        **words,
    )
    evidence = {
        "hours_of_local_week": np.flatnonzero(habit.hours).tolist(),
        "seen": habit.seen,
        "of": habit.of,
        "holes": [
            {"start": to_time(one).isoformat(), "end": to_time(two).isoformat()}
            for one, two in zip(since[-5:], until[-5:], strict=True)
        ],
    }
    return Mark(to_time(since[0]), to_time(until[-1]), Light.AMBER, reason, evidence)


def _when(habit: _Habit) -> Text:
    """The habit's hours in words: `between 04:00 and 07:00`, `on Sunday`."""
    if habit.daily:
        spans = [f"{begin:02d}:00–{end:02d}:00" for begin, end in _spans(np.flatnonzero(habit.hours[:24]))]
        listed = ", ".join(spans)
        return {"en": f"between {listed}", "fr": f"entre {listed}"}
    days = np.flatnonzero(habit.hours.reshape(7, 24).any(axis=1))
    return {
        language: f"{on} {', '.join(names[day] for day in days)}"
        for on, (language, names) in zip(("on", "le"), _DAYS.items(), strict=True)
    }


def _spans(hours: Iterable[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1] = (spans[-1][0], hour + 1)
        else:
            spans.append((hour, hour + 1))
    return spans


def _hole_mark(record: Record, since: int, until: int, promised: bool) -> Mark:
    words: dict[str, Text] = {
        "since": local(since, record.zone),
        "until": local(until, record.zone),
        "length": duration((until - since) / 1e6),
    }
    if promised:
        reason = say(
            "No value from {since} to {until} ({length}), where this series usually has one.",
            "Aucune valeur du {since} au {until} ({length}), là où cette série en a d'ordinaire.",
            **words,
        )
    else:
        reason = say(
            "Nothing from {since} to {until} ({length}): none was counted, or the source was silent; so long a "
            "silence is unusual here.",
            "Rien du {since} au {until} ({length}) : rien n'a été compté, ou la source s'est tue ; un si long silence "
            "est rare ici.",
            **words,
        )
    before, after = (int(np.searchsorted(record.start, edge)) for edge in (since, until))
    rows = [i for i in (before - 1, after) if 0 <= i < len(record.start)]
    evidence = {
        "rows": [{"start": to_time(record.start[i]).isoformat(), "value": float(record.value[i])} for i in rows],
        "length_seconds": (until - since) / 1e6,
    }
    return Mark(to_time(since), to_time(until), Light.RED if promised else Light.AMBER, reason, evidence)


CHECK = Check(
    name="gaps",
    title={"en": "Gaps", "fr": "Trous"},
    meaning={
        "en": "Time without a value where the series usually has one. How often values come is measured; an hour of "
        "the night or a day of the week that is always empty is told as a habit of the source (amber), not as an "
        "outage (red).",
        "fr": "Des moments sans valeur là où la série en a d'ordinaire. Le rythme des valeurs est mesuré ; une heure "
        "de la nuit ou un jour de la semaine toujours vide est signalé comme une habitude de la source (orange), pas "
        "comme une panne (rouge).",
    },
    judge=judge,
)
