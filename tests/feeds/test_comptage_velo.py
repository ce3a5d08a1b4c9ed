"""Bicycle counters: UTC hours, sites, and what the recorded file shows of its own clock."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import ReplyError

RECORDING = "paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet"
ROW = {
    "counter_id": "100007049-102007049",
    "counter_name": "28 boulevard Diderot E-O",
    "site_name": "28 boulevard Diderot",
    "bike_count": 7.0,
    "date": datetime(2020, 9, 1, 2),  # noqa: DTZ001  the file's times carry no zone
    "latitude": 48.846028,
    "longitude": 2.375429,
}


def parquet(*rows: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(list(rows), schema_overrides={"date": pl.Datetime("us")}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def recorded(parse: Callable[..., Parsed]) -> pl.DataFrame:
    """The recorded file's observations."""
    return pl.DataFrame(parse("bike-counters", find_data_file(RECORDING).read_bytes()).observations)


def test_a_row_is_a_count_over_an_hour(parse: Callable[..., Parsed]) -> None:
    """A counter, its point, and the bicycles of the UTC hour that `date` begins."""
    parsed = parse("bike-counters", parquet(ROW))
    (row,) = parsed.observations.to_pylist()
    begin = datetime(2020, 9, 1, 2, tzinfo=UTC)
    assert (row["start"], row["end"], row["value"]) == (begin, begin + timedelta(hours=1), 7.0)
    (place,) = parsed.places
    assert (place.id, place.kind) == ("counter:100007049-102007049", "counter")
    assert place.centre == (2.375429, 48.846028)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bike_count": None},
        {"bike_count": float("nan")},
        {"bike_count": float("inf")},
        {"counter_id": None},
        {"counter_id": "a b"},
        {"counter_name": " "},
        {"date": None},
        {"date": datetime(2020, 9, 1, 2, 15)},  # noqa: DTZ001
        {"date": datetime(1500, 9, 1)},  # noqa: DTZ001
        {"latitude": 97.0},
        {"longitude": None},
    ],
)
def test_a_row_that_says_less_is_refused(wrong: dict[str, Any], parse: Callable[..., Parsed]) -> None:
    """Without a counter, a full hour, a finite count or a position the row is refused; its neighbour isn't."""
    parsed = parse("bike-counters", parquet(ROW | wrong, ROW))
    assert (parsed.observations.num_rows, parsed.refused["row"].to_pylist()) == (1, [1])
    (refused,) = parsed.refused.to_pylist()
    assert refused["reason"] == "a counter, a full hour, a count and a position are needed"
    assert refused["raw"].count(",") == 6


def test_a_renamed_column_is_named(parse: Callable[..., Parsed]) -> None:
    """Parquet without a column it must have is refused with the columns that came."""
    renamed = {("sum_counts" if name == "bike_count" else name): value for name, value in ROW.items()}
    with pytest.raises(ReplyError, match=r"\['bike_count'\].*expected.*got.*sum_counts"):
        parse("bike-counters", parquet(renamed))


def test_a_column_of_another_type_is_refused(parse: Callable[..., Parsed]) -> None:
    """Counts that came as words can't be read."""
    with pytest.raises(ReplyError, match="can't be read"):
        parse("bike-counters", parquet(ROW | {"bike_count": "many"}))


def test_numbers_as_strings_are_numbers(parse: Callable[..., Parsed]) -> None:
    """Counts and positions that came as text are read as the numbers they spell."""
    text = ROW | {"bike_count": "7", "latitude": "48.846028"}
    assert parse("bike-counters", parquet(text)).observations.equals(parse("bike-counters", parquet(ROW)).observations)


def test_a_cut_file_is_refused(parse: Callable[..., Parsed]) -> None:
    """Parquet ends with its index; without it nothing can be read."""
    with pytest.raises(ReplyError, match="can't be read"):
        parse("bike-counters", parquet(ROW)[:-20])


def test_clock_changes_show_that_times_are_utc(recorded: pl.DataFrame) -> None:
    """The spring day has 24 UTC hours, which 23 local ones couldn't give; in autumn the repeated hour is missing."""
    hours = {
        day: recorded.filter(pl.col("start").dt.date() == day)["start"].dt.hour().unique().sort().to_list()
        for day in (datetime(2021, 3, 28, tzinfo=UTC).date(), datetime(2020, 10, 25, tzinfo=UTC).date())
    }
    assert list(hours.values()) == [list(range(24)), list(range(1, 24))]


def test_the_morning_peak_is_at_eight_local(recorded: pl.DataFrame) -> None:
    """On working days cycling peaks from 8 to 9 local time in winter and in summer, which UTC+1 and UTC+2 explain."""
    local = pl.col("start").dt.convert_time_zone("Europe/Paris")
    busy = recorded.with_columns(local=local).filter(
        pl.col("local").dt.weekday() < 6, pl.col("local").dt.hour().is_between(5, 11)
    )
    for first, last in ((datetime(2020, 12, 1), datetime(2020, 12, 18)), (datetime(2020, 9, 7), datetime(2020, 10, 9))):  # noqa: DTZ001
        season = busy.filter(pl.col("local").dt.replace_time_zone(None).is_between(first, last))
        by_hour = season.group_by(pl.col("local").dt.hour().alias("hour")).agg(pl.col("value").mean())
        assert by_hour.sort("value")["hour"].to_list()[-1] == 8


def test_the_18_o_clock_curfew_shows_at_18_o_clock(recorded: pl.DataFrame) -> None:
    """From 16 January 2021 more ride home from 17 to 18, fewer from 18 to 20 local: labels begin their hours."""
    local = pl.col("start").dt.convert_time_zone("Europe/Paris")
    days = recorded.with_columns(day=local.dt.date(), hour=local.dt.hour()).filter(local.dt.weekday() < 6)
    before = days.filter(pl.col("day").is_between(datetime(2021, 1, 4).date(), datetime(2021, 1, 15).date()))  # noqa: DTZ001
    after = days.filter(pl.col("day").is_between(datetime(2021, 1, 18).date(), datetime(2021, 1, 29).date()))  # noqa: DTZ001
    ratio = {
        hour: after.filter(pl.col("hour") == hour)["value"].mean()
        / before.filter(pl.col("hour") == hour)["value"].mean()
        for hour in (17, 18, 19)
    }
    assert ratio[17] > 1.1
    assert max(ratio[18], ratio[19]) < 0.95
