"""Whether a value still stands at a moment, and how values of several places may be taken together.

A value stands from its start until three lengths of its own interval have passed: a daily mean for three days, an
hourly count for three hours, a state three times as long as its feed says that states hold. Until then a publisher is
late; after it nothing is known, and the value is shown as the last one, never as a current one. Three is the house's
choice: a weekend or a lost reply are no silence.
"""

from __future__ import annotations

from datetime import datetime

from passerelle.model.quantity import Quantity, Statistic
from passerelle.trust.check import Text
from passerelle.trust.words import say

STANDS_FOR = 3
"""How many lengths of its own interval a value stands for."""

_ADDED = frozenset({"flow", "stock", "power"})
"""Kinds that are extensive: those of two places together are their sum (IUPAC Gold Book, "extensive quantity")."""

_AVERAGED = frozenset({"concentration", "temperature", "humidity", "speed", "share", "intensity"})
"""Kinds that are intensive: two places have no sum, and a mean that says something."""

_AMOUNTS = frozenset({Statistic.COUNT, Statistic.SUM, Statistic.MEAN})


def stands(start: datetime, end: datetime, at: datetime) -> bool:
    """Whether a value of `[start, end)` still stands `at` a moment."""
    return start <= at < start + STANDS_FOR * (end - start)


def choose_pooling(quantity: Quantity) -> Statistic | None:
    """What the values of several places make together: their sum, mean, maximum or minimum; None where nothing.

    >>> from passerelle.model.quantity import get_quantity
    >>> [str(choose_pooling(get_quantity(name))) for name in ("bicycle_count", "no2_daily_mean", "no2_daily_max")]
    ['sum', 'mean', 'max']
    """
    if quantity.statistic in (Statistic.MAX, Statistic.MIN):
        return quantity.statistic
    if quantity.kind in _ADDED and (quantity.statistic in _AMOUNTS or quantity.kind == "stock"):
        return Statistic.SUM
    if quantity.kind in _AVERAGED and quantity.statistic in (Statistic.MEAN, Statistic.STATE):
        return Statistic.MEAN
    return None


def refuse_pooling(quantity: Quantity) -> Text:
    """Why the values of several places aren't taken together where `choose_pooling` has no way."""
    if quantity.statistic is Statistic.MEDIAN:
        return say(
            "Medians of several places make no median together.",
            "Des médianes de plusieurs lieux ne font pas ensemble une médiane.",
        )
    return say(
        "Values of this kind at several places neither add up nor have a mean that says something.",
        "Des valeurs de cette nature en plusieurs lieux ne s'additionnent pas, et leur moyenne ne dirait rien.",
    )
