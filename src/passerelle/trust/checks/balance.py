"""Balance: what must add up at one place and time doesn't.

The identities are data, `balances.toml`: a total, its parts, the tolerance in the total's unit and its source. Where a
place has the total and every part, and all have a value for the same interval, |total - sum of parts| above the
tolerance marks all of them red for that interval. Where more than a tenth of the intervals don't add up, the identity
is not that of these data (a source is not published there): one amber mark over all of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from passerelle.model.quantity import get_quantity
from passerelle.trust.check import Check, FeedMark, FeedRecord, Floats, Light, Mark, Record, Text, Times
from passerelle.trust.words import local, say, to_time, unit

_NOT_ITS_IDENTITY = 0.1


@dataclass(frozen=True, slots=True)
class Balance:
    """An identity: the names of its quantities, how far it may be off, its words and its source."""

    words: Text
    total: str
    parts: tuple[str, ...]
    tolerance: float
    source: str


@cache
def list_balances() -> tuple[Balance, ...]:
    """The identities of `balances.toml`; every quantity in them is in the table of quantities."""
    text = files("passerelle.trust.checks").joinpath("balances.toml").read_text(encoding="utf-8")
    found = []
    for row in tomllib.loads(text)["balance"]:
        for name in (row["total"], *row["parts"]):
            get_quantity(name)
        words = {"en": row["en"], "fr": row["fr"]}
        found.append(Balance(words, row["total"], tuple(row["parts"]), float(row["tolerance"]), row["source"]))
    return tuple(found)


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """A red mark over each run of intervals that don't add up, on the total and all parts of its place."""
    by_place: dict[str, list[Record]] = {}
    for record in feed.records:
        by_place.setdefault(record.series.place, []).append(record)
    found = []
    for records in by_place.values():
        for balance in list_balances():
            totals = [one for one in records if one.series.quantity == balance.total and not one.series.facet]
            parts = [one for one in records if one.series.quantity in balance.parts]
            if len(totals) == 1 and {one.series.quantity for one in parts} == set(balance.parts):
                found += _judge(balance, totals[0], parts)
    return found


def _judge(balance: Balance, total: Record, parts: Sequence[Record]) -> list[FeedMark]:
    start, end, whole, summed = _align(total, parts)
    off = np.abs(whole - summed) > balance.tolerance
    if not off.any():
        return []
    numbers = tuple(one.series.number for one in (total, *parts))
    evidence = {"identity": dict(balance.words), "tolerance": balance.tolerance, "source": balance.source}
    if off.mean() > _NOT_ITS_IDENTITY:
        reason = say(
            "In {share} % of the intervals it isn't so that {words}: a part may not be published here.",
            "Dans {share} % des intervalles, il n'est pas vrai que {words} : une composante n'est peut-être pas "
            "publiée ici.",
            share=round(100 * float(off.mean())),
            words=balance.words,
        )
        return [FeedMark(Mark(to_time(start[0]), to_time(end[-1]), Light.AMBER, reason, evidence), numbers)]
    first = np.flatnonzero(off & ~np.concatenate([[False], off[:-1]]))
    last = np.flatnonzero(off & ~np.concatenate([off[1:], [False]]))
    return [
        FeedMark(_mark(balance, total, start, end, whole, summed, (int(one), int(two))), numbers)
        for one, two in zip(first, last, strict=True)
    ]


def _align(total: Record, parts: Sequence[Record]) -> tuple[Times, Times, Floats, Floats]:
    """The starts that all have, the total's ends there, the total, and the sum of the parts."""
    start = total.start
    for part in parts:
        start = np.intersect1d(start, part.start, assume_unique=True)
    at = np.searchsorted(total.start, start)
    summed = np.zeros(len(start))
    for part in parts:
        summed += part.value[np.searchsorted(part.start, start)]
    return start, total.end[at], total.value[at], summed


def _mark(
    balance: Balance,
    total: Record,
    start: Times,
    end: Times,
    whole: Floats,
    summed: Floats,
    run: tuple[int, int],
) -> Mark:
    first, last = run
    worst = first + int(np.argmax(np.abs(whole[first : last + 1] - summed[first : last + 1])))
    reason = say(
        "From {start} it doesn't add up: {total}{unit} against {parts}{unit} for its parts, though {words}.",
        "À partir du {start} le compte n'y est pas : {total}{unit} contre {parts}{unit} pour ses composantes, alors "
        "que {words}.",
        start=local(start[first], total.zone),
        total=float(whole[worst]),
        parts=float(summed[worst]),
        unit=unit(total.quantity),
        words=balance.words,
    )
    evidence = {
        "worst_start": to_time(start[worst]).isoformat(),
        "total": float(whole[worst]),
        "sum_of_parts": float(summed[worst]),
        "tolerance": balance.tolerance,
        "source": balance.source,
    }
    return Mark(to_time(start[first]), to_time(end[last]), Light.RED, reason, evidence)


CHECK = Check(
    name="balance",
    title={"en": "Sums that don't add up", "fr": "Comptes qui ne tombent pas juste"},
    meaning={
        "en": "Values that must add up at one place and time, such as consumption from generation and import, don't.",
        "fr": "Des valeurs qui doivent s'additionner en un même lieu et moment, comme la consommation à partir de la "
        "production et de l'import, ne le font pas.",
    },
    judge_feed=judge_feed,
)
