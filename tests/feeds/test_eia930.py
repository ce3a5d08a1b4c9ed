"""EIA-930: UTC hours named by their end, what was reported beside what was imputed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import InvalidValueError

HEADER = "date_time,raw demand (MW),category,cleaned demand (MW)\n"


@pytest.fixture(scope="module")
def recorded(parse: Callable[..., Parsed]) -> pl.DataFrame:
    """The recorded file's observations."""
    return pl.DataFrame(
        parse("eia930-pge", find_data_file("eia930_pge/CISO-PGAE_2020_2023.csv").read_bytes()).observations
    )


def test_a_label_names_the_hour_that_ends(parse: Callable[..., Parsed]) -> None:
    """01:00 is the mean over 00:00 to 01:00 UTC ("the integrated mean value over the previous hour")."""
    parsed = parse("eia930-pge", HEADER + "2020-01-01 01:00:00,11324,OKAY,11324\n")
    hour = (datetime(2020, 1, 1, 0, tzinfo=UTC), datetime(2020, 1, 1, 1, tzinfo=UTC))
    assert [(row["quantity"], row["start"], row["end"]) for row in parsed.observations.to_pylist()] == [
        ("electricity_demand", *hour),
        ("electricity_demand_imputed", *hour),
    ]
    assert [(place.id, place.geometry) for place in parsed.places] == [("balancing-area:PGAE", None)]


@pytest.mark.parametrize("word", ["MISSING", "EMPTY"])
def test_what_was_not_reported_is_no_observation(word: str, parse: Callable[..., Parsed]) -> None:
    """A missing raw value gives no row and no refusal; the imputed one is its own quantity."""
    parsed = parse("eia930-pge", HEADER + f"2020-01-01 01:00:00,{word},{word},11324\n")
    assert parsed.observations["quantity"].to_pylist() == ["electricity_demand_imputed"]
    assert parsed.refused.num_rows == 0


def test_a_value_screened_out_is_still_what_was_reported(recorded: pl.DataFrame) -> None:
    """The one DELTA of the recording, 14,293 MW, is kept as reported; its imputed value differs."""
    body = find_data_file("eia930_pge/CISO-PGAE_2020_2023.csv").read_text().splitlines()
    ((label, raw, _, cleaned),) = [line.split(",") for line in body if ",DELTA," in line]
    end = datetime.fromisoformat(label).replace(tzinfo=UTC)
    values = dict(recorded.filter(pl.col("end") == end).select("quantity", "value").iter_rows())
    assert (raw, raw != cleaned) == ("14293", True)
    assert values == {"electricity_demand": float(raw), "electricity_demand_imputed": float(cleaned)}


def test_the_recording_is_utc(recorded: pl.DataFrame) -> None:
    """Every day has 24 labels, both days of clock change too: no local clock could give that."""
    demand = recorded.filter(pl.col("quantity") == "electricity_demand_imputed")
    assert demand["start"].diff().drop_nulls().unique().to_list() == [timedelta(hours=1)]
    assert demand.group_by(pl.col("end").dt.date()).len()["len"].unique().to_list() == [24]


def test_the_morning_moves_with_the_clocks(recorded: pl.DataFrame) -> None:
    """The morning peak stands at the same local hour before and after 14 March 2021, an hour apart in UTC."""
    demand = recorded.filter(pl.col("quantity") == "electricity_demand_imputed")
    local = demand.with_columns(local=pl.col("start").dt.convert_time_zone("America/Los_Angeles"))
    peaks = {}
    for first, last in ((date(2021, 3, 1), date(2021, 3, 12)), (date(2021, 3, 15), date(2021, 3, 26))):
        morning = local.filter(
            pl.col("local").dt.date().is_between(first, last),
            pl.col("local").dt.weekday() < 6,
            pl.col("local").dt.hour().is_between(4, 10),
        )
        by_hour = morning.group_by(pl.col("local").dt.hour().alias("hour")).agg(pl.col("value").mean())
        peaks[first] = by_hour.sort("value")["hour"].to_list()[-1]
    assert set(peaks.values()) <= {6, 7}
    assert len(set(peaks.values())) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2020-01-01 01:30:00,1,OKAY,1\n", "'2020-01-01 01:30:00' is not a full hour"),
        ("2020-01-01T01:00:00Z,1,OKAY,1\n", "is not a full hour"),
        ("2020-13-01 01:00:00,1,OKAY,1\n", "is not a full hour"),
        ("2020-01-01 01:00:00,1e4,OKAY,NA\n", "raw demand (MW) is '1e4', not a number"),
        ("2020-01-01 01:00:00,,OKAY,NA\n", "raw demand (MW) is '', not a number"),
    ],
)
def test_what_cannot_be_read_is_refused(line: str, says: str, parse: Callable[..., Parsed]) -> None:
    """A time that is no full hour and a value that is no number are refused and quoted."""
    parsed = parse("eia930-pge", HEADER + line)
    assert parsed.observations.num_rows == 0
    assert says in parsed.refused["reason"][0].as_py()


def test_a_negative_minimum_is_for_the_bounds(parse: Callable[..., Parsed]) -> None:
    """An absurd number is still a number: the form reads it, the quantity's bounds refuse it at the archive."""
    parsed = parse("eia930-pge", HEADER + "2020-01-01 01:00:00,-2147483648,NEG,11324\n")
    assert parsed.observations["value"].to_pylist() == [-2147483648.0, 11324.0]


def test_a_feed_must_name_its_area(parse: Callable[..., Parsed]) -> None:
    """The file doesn't say whose demand it holds, so the feed must."""
    with pytest.raises(InvalidValueError, match="area_name"):
        parse("eia930-pge", HEADER, parameters={"area_code": "PGAE"})


def test_absurd_demand_is_kept_as_it_was_reported(parse: Callable[..., Parsed]) -> None:
    """By `grep 2019-12-20` the day begins with 14, 91 and 96 MW where 24,683, 26,545 and 29,425 were expected."""
    body = find_data_file("eia930_ciso/CISO_2015_2020_raw.csv").read_bytes()
    frame = pl.DataFrame(parse("eia930-ciso", body).observations).filter(
        pl.col("end").is_between(datetime(2019, 12, 20, tzinfo=UTC), datetime(2019, 12, 20, 2, tzinfo=UTC))
    )
    values = {name: group["value"].to_list() for (name,), group in frame.group_by("quantity", maintain_order=True)}
    assert values == {
        "electricity_demand": [14.0, 91.0, 96.0],
        "electricity_demand_forecast": [24683.0, 26545.0, 29425.0],
    }
    assert frame["facet"].unique().sort().to_list() == ["", "day_ahead"]


def test_the_peak_of_2017_stands_where_the_operator_saw_it(parse: Callable[..., Parsed]) -> None:
    """50,116 MW at 15:58 on 1 September 2017 (CAISO, peak load history); the highest hour is 16:00 to 17:00 there."""
    body = find_data_file("eia930_ciso/CISO_2015_2020_raw.csv").read_bytes()
    frame = pl.DataFrame(parse("eia930-ciso", body).observations).filter(pl.col("quantity") == "electricity_demand")
    peak = frame.sort("value").row(-1, named=True)
    assert (peak["value"], peak["start"]) == (49899.0, datetime(2017, 9, 1, 23, tzinfo=UTC))
