"""The plan, with times by hand: no clock runs here."""

from __future__ import annotations

from random import Random

import pytest

from passerelle.ingest.schedule import Schedule

NOW = 1000.0


def make(cadence: float, ago: float | None = 0.0) -> Schedule:
    """A plan of one feed that was asked `ago` seconds before second 1000."""
    schedule = Schedule(Random(1))
    schedule.add("feed", cadence, NOW, ago)
    return schedule


def due(schedule: Schedule) -> float:
    found = schedule.find_due("feed")
    assert found is not None
    return found


def test_the_plan_does_not_drift() -> None:
    """Asked every 10 s from second 1010, late by 0.3 s and 2 s long each time: due at 1020, 1030, ... all the same."""
    schedule = make(10)
    for turn in range(1, 100):
        planned = NOW + 10 * turn
        assert schedule.take(planned - 0.001) == []
        assert schedule.take(planned + 0.3) == ["feed"]
        schedule.succeed("feed", planned + 2.3)
        assert due(schedule) == planned + 10


def test_missed_times_are_not_made_up() -> None:
    """An answer that takes 35 s leaves out three times of a plan of 10 s: one ask at the next, none besides."""
    schedule = make(10)
    assert schedule.take(1010) == ["feed"]
    assert schedule.take(1040) == []
    schedule.succeed("feed", 1045)
    assert schedule.take(1049.9) == []
    assert schedule.take(1050) == ["feed"]
    assert schedule.take(1050) == []


@pytest.mark.parametrize(
    ("cadence", "longest"),
    [
        # 30, 60, 120 ... to an hour; the wait is drawn from its upper half.
        (30.0, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]),
        # A daily feed comes back after a minute, and never waits longer than a day.
        (86_400.0, [60, 120, 240, 480, 960, 1920, 3840, 7680, 15_360, 30_720, 61_440, 86_400, 86_400]),
    ],
)
def test_failures_wait_longer_and_longer(cadence: float, longest: list[float]) -> None:
    """The wait doubles with each failure in a row, up to an hour or the cadence."""
    schedule, now = make(cadence), NOW
    for grown in longest:
        schedule.fail("feed", now)
        assert grown / 2 <= due(schedule) - now <= grown
        now = due(schedule)


def test_failing_feeds_do_not_come_back_together() -> None:
    """Of 100 feeds that fail in the same instant no two are due in the same one."""
    schedule = Schedule(Random(1))
    for name in range(100):
        schedule.add(str(name), 60, NOW, 0)
        schedule.fail(str(name), NOW)
    assert len({schedule.find_due(str(name)) for name in range(100)}) == 100


@pytest.mark.parametrize(("asked", "kept"), [(120.0, 120.0), (1e9, 86_400.0)])
def test_a_publisher_that_asks_for_time_gets_it(asked: float, kept: float) -> None:
    """Retry-After is kept to where it is longer than the wait, and at most for a day."""
    schedule = make(30)
    schedule.fail("feed", NOW, asked)
    assert due(schedule) == NOW + kept


def test_a_recovered_feed_returns_to_its_plan() -> None:
    """Planned at 1010, 1020, ...: after a failure it answers at 1027, and 1030 would be too soon after that."""
    schedule = make(10)
    schedule.take(1010)
    schedule.fail("feed", 1011)
    assert schedule.is_failing("feed")
    schedule.succeed("feed", 1027)
    assert not schedule.is_failing("feed")
    assert due(schedule) == 1040


@pytest.mark.parametrize(
    ("ago", "earliest", "latest"),
    [
        (None, 0, 60),  # never asked: soon
        (100, 3500, 3500),  # 3600 - 100
        (50_000, 0, 60),  # long ago: soon
        (-500, 3600, 3600),  # in the future, by a clock since set back: a cadence from now at the latest
    ],
)
def test_a_restart_goes_on_with_the_plan(ago: float | None, earliest: float, latest: float) -> None:
    """An hourly feed is due an hour after it was last asked, whichever process asked it."""
    assert earliest <= due(make(3600, ago)) - NOW <= latest


def test_feeds_that_start_together_are_spread() -> None:
    """600 feeds that were never asked are due over a minute, not more than 30 of them in any second."""
    schedule = Schedule(Random(1))
    for name in range(600):
        schedule.add(str(name), 300, NOW, None)
    taken = [schedule.take(NOW + second) for second in range(61)]
    assert max(map(len, taken)) <= 30
    assert sum(map(len, taken)) == 600
    for name in range(600):
        schedule.succeed(str(name), NOW + 61)
    # And from then on over the whole of their cadence, none sooner than half of it: 10 s hold 20 of 600 on average.
    later = [len(schedule.take(NOW + 61 + 10 * step)) for step in range(1, 47)]
    assert sum(later[:14]) == 0
    assert max(later) <= 40
    assert sum(later) == 600


def test_a_machine_that_slept_wakes_without_a_burst() -> None:
    """After a night 600 feeds are due; they go out over the next minute, each once."""
    schedule = Schedule(Random(1))
    for name in range(600):
        schedule.add(str(name), 300, NOW, 0)
    assert schedule.find_next(NOW, 60) == 60
    woken = NOW + 30_000
    taken = []
    for second in range(61):
        taken.append(schedule.take(woken + second))
        schedule.find_next(woken + second, 60)
    assert max(map(len, taken)) <= 30
    assert len({name for names in taken for name in names}) == sum(map(len, taken)) == 600


def test_a_feed_without_room_waits_without_failing() -> None:
    """A feed that its publisher's budget holds back is due when there is room, and has not failed."""
    schedule = make(10)
    schedule.take(1010)
    assert schedule.find_due("feed") is None
    schedule.defer("feed", 1500)
    assert (due(schedule), schedule.is_failing("feed")) == (1500, False)
    assert schedule.find_next(1010, 60) == 60
    assert schedule.find_next(1490, 60) == 10
