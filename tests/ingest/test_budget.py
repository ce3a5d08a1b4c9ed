"""Publishers' budgets, counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from passerelle.ingest.budget import Budget, Budgets, read_budgets
from passerelle.model.errors import BudgetSpentError
from passerelle.registry.asks import CALLS
from passerelle.registry.database import open_database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURLY = Budget("hourly", ("a.invalid", "b.invalid"), 60, 3600, "tests")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty registry."""
    engine = open_database(tmp_path / "registry.sqlite")
    yield engine
    engine.dispose()


def spend(budgets: Budgets, at: datetime, calls: int = 1, host: str = "a.invalid") -> None:
    for _ in range(calls):
        budgets.spend(host, at)


def test_no_call_beyond_the_budget_goes_out(engine: Engine) -> None:
    """60 calls at noon are the hour's: the 61st has room at 13:01, when the minute of the first no longer counts."""
    budgets = Budgets(engine, [HOURLY])
    spend(budgets, NOON, 60)
    with pytest.raises(BudgetSpentError, match="60 calls in 3600 s") as refused:
        spend(budgets, NOON + MINUTE)
    assert refused.value.wait_s == 3600
    with pytest.raises(BudgetSpentError):
        spend(budgets, NOON + HOUR + MINUTE - SECOND)
    spend(budgets, NOON + HOUR + MINUTE)


def test_never_more_in_any_hour(engine: Engine) -> None:
    """Asked every 10 s for three hours, which is six times too often: no 60 minutes hold more than 60 calls."""
    budgets, made = Budgets(engine, [HOURLY]), []
    for turn in range(1080):
        at = NOON + turn * 10 * SECOND
        try:
            spend(budgets, at)
        except BudgetSpentError:
            continue
        made.append(at)
    assert max(sum(start <= each < start + HOUR for each in made) for start in made) == 60
    assert len(made) >= 170


def test_hosts_share_a_budget_and_a_host_may_have_two(engine: Engine) -> None:
    """Calls to either host count; the tighter of two budgets decides, and what is refused counts nowhere."""
    brief = Budget("brief", ("a.invalid",), 2, 5, "tests")
    budgets = Budgets(engine, [HOURLY, brief])
    spend(budgets, NOON, 2)
    with pytest.raises(BudgetSpentError, match="brief"):
        spend(budgets, NOON + SECOND)
    spend(budgets, NOON + SECOND, 58, host="b.invalid")
    with pytest.raises(BudgetSpentError, match="hourly"):
        spend(budgets, NOON + 10 * SECOND)
    assert [use.used for use in budgets.read_use("a.invalid", NOON + SECOND)] == [60, 2]
    spend(budgets, NOON, 1000, host="unknown.invalid")


def test_a_restart_forgets_no_call(engine: Engine) -> None:
    """Another process on the same registry finds what the first one spent."""
    spend(Budgets(engine, [HOURLY]), NOON, 60)
    with pytest.raises(BudgetSpentError):
        spend(Budgets(engine, [HOURLY]), NOON + MINUTE)


def test_a_clock_set_back_does_not_lock_the_publisher_out(engine: Engine) -> None:
    """Calls that a wrong clock dated a year ahead don't count today."""
    budgets = Budgets(engine, [HOURLY])
    spend(budgets, NOON + timedelta(days=365), 60)
    spend(budgets, NOON, 60)
    with pytest.raises(BudgetSpentError):
        spend(budgets, NOON)


def test_a_month_of_calls_takes_few_rows(engine: Engine) -> None:
    """A budget of 50,000 in 31 days, asked every hour of 62 days: 744 calls count, in at most 62 rows."""
    monthly = Budget("monthly", ("a.invalid",), 50_000, 31 * 86_400, "tests")
    budgets = Budgets(engine, [monthly])
    for hour in range(62 * 24):
        spend(budgets, NOON + hour * HOUR)
    (use,) = budgets.read_use("a.invalid", NOON + 62 * 24 * HOUR)
    # A step is 31 days / 60 = 12.4 hours, and a call counts for up to a step more.
    assert 744 <= use.used <= 744 + 13
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(CALLS)).scalar_one() <= 62


def test_cadences_are_stretched_to_the_budget(engine: Engine) -> None:
    """Three feeds at 30 s want 360 calls an hour of 60; nine tenths of it is one ask in 200 s each (30 * 360/54)."""
    budgets = Budgets(engine, [HOURLY])
    pace = budgets.pace([("a.invalid", 30.0), ("a.invalid", 30.0), ("b.invalid", 30.0), ("free.invalid", 1.0)])
    assert pace["a.invalid"] == pace["b.invalid"] == pytest.approx(200 / 30)
    assert pace["free.invalid"] == 1
    assert budgets.pace([("a.invalid", 3600.0)])["a.invalid"] == 1


def test_every_budget_has_a_source() -> None:
    """The shipped file names who says so, each budget once; 511.org has 60 calls an hour, ODRÉ 50,000 a month."""
    budgets = read_budgets()
    assert len({budget.id for budget in budgets}) == len(budgets)
    of = {host: budget for budget in budgets for host in budget.hosts}
    assert (of["api.511.org"].calls, of["api.511.org"].seconds) == (60, 3600)
    assert (of["odre.opendatasoft.com"].calls, of["odre.opendatasoft.com"].seconds) == (50_000, 31 * 86_400)
