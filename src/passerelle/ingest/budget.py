"""Calls that a publisher allows in a stretch of time, counted so that a restart forgets none."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Annotated

import msgspec
from sqlalchemy import Connection, Engine

from passerelle.model.errors import BudgetSpentError
from passerelle.registry.asks import count_call, forget_calls, list_calls
from passerelle.registry.database import writing

_STEPS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PLANNED_SHARE = 0.9
"""How much of a budget the plan uses; the rest is for repeated asks and for those by hand."""


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `calls` to any of `hosts` within any `seconds`; `source` is who says so.

    Calls are counted in steps of a sixtieth of `seconds`, whole steps at a time, so that a call may count for up to a
    step longer than it has to and never for less.
    """

    id: str
    hosts: tuple[str, ...]
    calls: Annotated[int, msgspec.Meta(gt=0)]
    seconds: Annotated[int, msgspec.Meta(gt=0)]
    source: Annotated[str, msgspec.Meta(min_length=1)]

    @property
    def step(self) -> timedelta:
        """The length of a step: at least a second."""
        return timedelta(seconds=max(1, self.seconds // _STEPS))

    @property
    def window(self) -> timedelta:
        """The stretch of time the budget is for."""
        return timedelta(seconds=self.seconds)


class _BudgetFile(msgspec.Struct, forbid_unknown_fields=True):
    budget: list[Budget]


@dataclass(frozen=True, slots=True)
class Use:
    """How many calls of a budget count now."""

    budget: Budget
    used: int


def read_budgets() -> tuple[Budget, ...]:
    """The budgets of `budgets.toml`."""
    text = files("passerelle.ingest").joinpath("budgets.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert(tomllib.loads(text), _BudgetFile).budget)


class Budgets:
    """The budgets of a node, and what is used of them."""

    def __init__(self, engine: Engine, budgets: Sequence[Budget]) -> None:
        self._engine = engine
        self._of: dict[str, list[Budget]] = defaultdict(list)
        for budget in budgets:
            for host in budget.hosts:
                self._of[host].append(budget)

    def spend(self, host: str, now: datetime) -> None:
        """Count a call to `host`; `BudgetSpentError` where one more would be too many, and nothing is counted."""
        # Looked up, not made: a defaultdict would remember every host.
        budgets = self._of.get(host, ())
        if not budgets:
            return
        with writing(self._engine) as connection:
            for budget in budgets:
                free = _find_room(_list_counting(connection, budget, now), budget)
                if free is not None:
                    reason = f"{budget.calls} calls in {budget.seconds} s are made ({budget.id})"
                    raise BudgetSpentError(host, reason, (free - now).total_seconds())
            for budget in budgets:
                count_call(connection, budget.id, _floor(now, budget.step))
                forget_calls(connection, budget.id, now - budget.window - budget.step)

    def read_use(self, host: str, now: datetime) -> list[Use]:
        """What is used of each budget of `host`."""
        if host not in self._of:
            return []
        with self._engine.connect() as connection:
            return [
                Use(budget, sum(calls for _, calls in _list_counting(connection, budget, now)))
                for budget in self._of[host]
            ]

    def pace(self, cadences: Iterable[tuple[str, float]]) -> Mapping[str, float]:
        """By how much the cadences of each host's feeds are stretched so that its budgets suffice: 1 or more.

        `cadences` are hosts and seconds, one of each feed. A budget that names several hosts is shared by them.
        """
        wanted: dict[str, float] = defaultdict(float)
        for host, seconds in cadences:
            wanted[host] += 1 / seconds
        return {
            host: max([1.0, *(self._stretch(budget, wanted) for budget in self._of.get(host, ()))]) for host in wanted
        }

    def _stretch(self, budget: Budget, wanted: Mapping[str, float]) -> float:
        rate = sum(wanted.get(host, 0.0) for host in budget.hosts)
        return rate * budget.seconds / (budget.calls * PLANNED_SHARE)


def _find_room(counting: Sequence[tuple[datetime, int]], budget: Budget) -> datetime | None:
    """When one more call has room; None where it has now."""
    over = sum(calls for _, calls in counting) + 1 - budget.calls
    free = None
    for start, calls in counting:
        if over <= 0:
            break
        over -= calls
        free = start + budget.step + budget.window
    return free


def _list_counting(connection: Connection, budget: Budget, now: datetime) -> list[tuple[datetime, int]]:
    """The steps that count: those that ended less than a window ago. Steps to come are of a clock since set back."""
    return list_calls(connection, budget.id, _floor(now, budget.step) - budget.window, now + budget.step)


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % step
