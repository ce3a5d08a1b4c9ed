"""The vectorised check of rows against what their series admit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.archive.limits import Fault, Limits, Rows, interval_lengths
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import get_quantity

NOW = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
HOUR = 3_600_000_000
NOON = 1_614_600_000_000_000  # 2021-03-01T12:00Z: date -u -d @1614600000
COUNTS, MEANS, OTHERS = 7, 11, 13
LIMITS = Limits.of([(COUNTS, "a", "bicycle_count"), (MEANS, "a", "no2_daily_mean"), (OTHERS, "b", "bicycle_count")])


def rows_of(*rows: tuple[int, int, int, float | None, bool]) -> Rows:
    series, start, end, value, reasoned = (list(column) for column in zip(*rows, strict=True))
    return Rows(
        np.array(series),
        np.array(start),
        np.array(end),
        np.array([np.nan if one is None else one for one in value]),
        np.array([one is None for one in value]) if None in value else None,
        np.array(reasoned) if any(reasoned) else None,
    )


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ((COUNTS, NOON - HOUR, NOON, 0.0, False), Fault.NONE),
        ((COUNTS, NOON - HOUR, NOON, 20_000.0, False), Fault.NONE),
        ((COUNTS, NOON - HOUR, NOON, 20_000.5, False), Fault.OUT_OF_BOUNDS),
        ((COUNTS, NOON - HOUR, NOON, -0.5, False), Fault.OUT_OF_BOUNDS),
        ((COUNTS, NOON - HOUR, NOON, float("inf"), False), Fault.NOT_FINITE),
        ((COUNTS, NOON - HOUR, NOON, float("nan"), False), Fault.NOT_FINITE),
        ((COUNTS, NOON - HOUR, NOON, None, True), Fault.NONE),
        ((COUNTS, NOON - HOUR, NOON, None, False), Fault.NEITHER_VALUE_NOR_REASON),
        ((COUNTS, NOON - HOUR, NOON, 1.0, True), Fault.VALUE_AND_REASON),
        ((COUNTS, NOON, NOON, 1.0, False), Fault.EMPTY_INTERVAL),
        ((COUNTS, NOON, NOON - HOUR, 1.0, False), Fault.EMPTY_INTERVAL),
        ((COUNTS, NOON - 2 * HOUR, NOON, 1.0, False), Fault.WRONG_LENGTH),
        ((COUNTS, NOON + HOUR // 6, NOON + HOUR + HOUR // 6, 1.0, False), Fault.NONE),
        ((COUNTS, NOON + HOUR, NOON + 2 * HOUR, 1.0, False), Fault.NONE),
        ((COUNTS, NOON + HOUR + 1, NOON + 2 * HOUR + 1, 1.0, False), Fault.AHEAD),
        ((COUNTS, NOON + 24 * HOUR, NOON + 25 * HOUR, 1.0, False), Fault.AHEAD),
        ((COUNTS, -6_000_000_000_000_000, HOUR - 6_000_000_000_000_000, 1.0, False), Fault.OUT_OF_CALENDAR),
        ((MEANS, NOON - 23 * HOUR, NOON, 30.0, False), Fault.NONE),
        ((MEANS, NOON - 25 * HOUR, NOON, 30.0, False), Fault.NONE),
        ((MEANS, NOON - 26 * HOUR, NOON, 30.0, False), Fault.WRONG_LENGTH),
        ((99, NOON - HOUR, NOON, 1.0, False), Fault.UNKNOWN_SERIES),
        ((OTHERS, NOON - HOUR, NOON, 1.0, False), Fault.OTHER_FEED),
    ],
)
def test_each_fault_is_found(row: tuple[int, int, int, float | None, bool], fault: Fault) -> None:
    """A row is admitted or refused for its own fault, beside a good row or alone, ten minutes ahead being no fault."""
    good = (COUNTS, NOON - HOUR, NOON, 1.0, False)
    alone, beside = LIMITS.check(rows_of(row), NOW, "a"), LIMITS.check(rows_of(good, row, good), NOW, "a")
    assert (Fault.NONE if alone is None else Fault(alone[0])) is fault
    assert (alone is None) == (beside is None) == (fault is Fault.NONE)
    assert [0] * 3 if beside is None else beside.tolist() == [0, fault, 0]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([COUNTS, MEANS]),
            st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1000.0, 1000.5, 20_000.0]),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_bounds_are_those_of_the_quantity(sample: list[tuple[int, float]]) -> None:
    """A value passes exactly where `Quantity.admits` says so, however the series are mixed."""
    length = {COUNTS: HOUR, MEANS: 24 * HOUR}
    rows = rows_of(*((series, NOON - length[series], NOON, value, False) for series, value in sample))
    faults = LIMITS.check(rows, NOW, "a")
    passed = [True] * len(sample) if faults is None else [fault == 0 for fault in faults]
    names = {COUNTS: "bicycle_count", MEANS: "no2_daily_mean"}
    assert passed == [get_quantity(names[series]).admits(value) for series, value in sample]
    assert passed == [
        LIMITS.admit_one(series, NOON - length[series], NOON, value, "a", NOW) for series, value in sample
    ]


@pytest.mark.parametrize("feed", ["a", "b", "c"])
def test_one_row_alone_is_judged_like_many(feed: str) -> None:
    """`admit_one` and `check` agree on series of this feed, of others, and of none."""
    for series in (COUNTS, OTHERS, 99):
        row = (series, NOON - HOUR, NOON, 1.0, False)
        assert LIMITS.admit_one(*row[:3], 1.0, feed, NOW) == (LIMITS.check(rows_of(row), NOW, feed) is None)


@pytest.mark.parametrize(
    ("quantity", "fault"),
    [
        ("electricity_demand", Fault.AHEAD),
        ("electricity_demand_forecast", Fault.NONE),
        ("electricity_price_day_ahead", Fault.NONE),
    ],
)
def test_what_is_expected_or_agreed_may_lie_ahead(quantity: str, fault: Fault) -> None:
    """Tomorrow's load can't have been measured; its forecast and its price are known."""
    limits = Limits.of([(COUNTS, "a", quantity)])
    faults = limits.check(rows_of((COUNTS, NOON + 24 * HOUR, NOON + 25 * HOUR, 1.0, False)), NOW, "a")
    assert (Fault.NONE if faults is None else Fault(faults[0])) is fault
    assert limits.admit_one(COUNTS, NOON + 24 * HOUR, NOON + 25 * HOUR, 1.0, "a", NOW) == (fault is Fault.NONE)


def test_nothing_is_admitted_without_series() -> None:
    """Where no series is registered every row is unknown."""
    faults = Limits.of([]).check(rows_of((COUNTS, NOON - HOUR, NOON, 1.0, False)), NOW, "a")
    assert faults is not None
    assert faults.tolist() == [Fault.UNKNOWN_SERIES]


@pytest.mark.parametrize(
    ("interval", "shortest", "longest"),
    [
        ("PT15M", timedelta(minutes=15), timedelta(minutes=15)),
        ("PT1H", timedelta(hours=1), timedelta(hours=1)),
        ("P1D", timedelta(hours=23), timedelta(hours=25)),
        ("P1W", timedelta(days=7, hours=-1), timedelta(days=7, hours=1)),
        ("P1M", timedelta(days=28, hours=-1), timedelta(days=31, hours=1)),
        ("P1Y", timedelta(days=365, hours=-1), timedelta(days=366, hours=1)),
    ],
)
def test_local_intervals_may_be_an_hour_off(interval: str, shortest: timedelta, longest: timedelta) -> None:
    """Days and longer are shorter or longer by the hour that a change of clocks takes or gives."""
    microsecond = timedelta(microseconds=1)
    assert interval_lengths(interval) == (shortest // microsecond, longest // microsecond)


@pytest.mark.parametrize("interval", ["P", "PT", "1H", "P1H"])
def test_no_duration_is_guessed(interval: str) -> None:
    """What ISO 8601 doesn't call a duration raises."""
    with pytest.raises(InvalidValueError, match="ISO 8601"):
        interval_lengths(interval)
