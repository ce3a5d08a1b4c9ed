"""Values of several places taken together at a moment, where their definitions let them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from passerelle.api.newest import NewestOut, ValueOut
from passerelle.model.quantity import Quantity, Statistic
from passerelle.trust.standing import choose_pooling, refuse_pooling
from passerelle.trust.words import say

_POOL: dict[Statistic, Callable[[Sequence[float]], float]] = {
    Statistic.SUM: math.fsum,
    Statistic.MEAN: lambda values: math.fsum(values) / len(values),
    Statistic.MIN: min,
    Statistic.MAX: max,
}


class TogetherOut(msgspec.Struct, frozen=True):
    """What `series` series that stand make together; `start` and `end` are what each of the values stands for.

    Of a state they are null: it holds at the moment. `low` and `high` are the least and the greatest of them.
    """

    statistic: str
    value: float
    series: int
    start: datetime | None
    end: datetime | None
    low: float
    high: float


Reason = Mapping[str, str]


def pool(quantity: Quantity, values: Sequence[ValueOut]) -> TogetherOut | Reason:
    """The values of one quantity and feed together, or why they aren't.

    Divisions of a quantity (facets) add up where its values do, and are left out where there is a series of all of
    them. Values that stand for other times than most are left out, the latest of two equally common.
    """
    statistic = choose_pooling(quantity)
    if statistic is None:
        return refuse_pooling(quantity)
    whole = [one for one in values if not one.facet]
    if not whole and statistic is not Statistic.SUM:
        return say("It is divided into parts that don't add up.", "C'est divisé en parties qui ne s'additionnent pas.")
    standing = [one.newest for one in whole or values if one.newest is not None and one.newest.stands]
    if not standing:
        return say("No value stands at that moment.", "Aucune valeur n'est valable à cet instant.")
    same, span = (standing, None) if quantity.statistic is Statistic.STATE else _most_common(standing)
    numbers = [one.value for one in same if one.value is not None]
    if len(numbers) < len(same):
        return say("The licence of the feed keeps values here.", "La licence du flux garde ici les valeurs.")
    start, end = span or (None, None)
    return TogetherOut(
        statistic, _POOL[statistic](numbers), len(numbers), start, end, low=min(numbers), high=max(numbers)
    )


def _most_common(standing: Sequence[NewestOut]) -> tuple[list[NewestOut], tuple[datetime, datetime]]:
    counted = Counter((one.start, one.end) for one in standing)
    span = max(counted, key=lambda one: (counted[one], one))
    return [one for one in standing if (one.start, one.end) == span], span
