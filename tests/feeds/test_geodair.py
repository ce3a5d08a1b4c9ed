"""Geod'air: means are means, maxima are maxima, days are local."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import Statistic, get_quantity

HEADER = "date,station_id,station_name,station_env,station_influence,no2_ug_m3,lat,lon,zone\n"
LINE = "2017-08-17,FR04031,Av Champs Elysees,Urbaine,Trafic,27.0,48.868772,2.311231,PARIS\n"


def test_a_line_is_a_day_at_a_station(parse: Callable[..., Parsed]) -> None:
    """A concentration over the local day, at a station of the kind it stands near."""
    parsed = parse("geodair-no2-mean", HEADER + LINE)
    (row,) = parsed.observations.to_pylist()
    assert (row["place"], row["quantity"], row["value"]) == ("geodair:FR04031", "no2_daily_mean", 27.0)
    assert (row["start"], row["end"]) == (
        datetime(2017, 8, 16, 22, tzinfo=UTC),
        datetime(2017, 8, 17, 22, tzinfo=UTC),
    )
    (place,) = parsed.places
    assert (place.kind, place.centre) == ("traffic_station", (2.311231, 48.868772))


def test_the_same_bytes_are_what_the_feed_says(parse: Callable[..., Parsed]) -> None:
    """The columns can't tell a mean from a maximum, so the feed's parameter does, as two quantities."""
    statistics = {}
    for feed in ("geodair-no2-mean", "geodair-no2-max"):
        (row,) = parse(feed, HEADER + LINE).observations.to_pylist()
        statistics[feed] = get_quantity(row["quantity"]).statistic
    assert statistics == {"geodair-no2-mean": Statistic.MEAN, "geodair-no2-max": Statistic.MAX}


@pytest.mark.parametrize("parameters", [{}, {"quantity": "no2"}, {"quantity": "bicycle_count"}])
def test_a_feed_must_say_which(parameters: dict[str, str], parse: Callable[..., Parsed]) -> None:
    """Without one of the two quantities nothing is assumed."""
    with pytest.raises(InvalidValueError, match="no2_daily_max, no2_daily_mean"):
        parse("geodair-no2-mean", HEADER + LINE, parameters=parameters)


def test_the_recordings_differ_as_means_and_maxima_do(parse: Callable[..., Parsed]) -> None:
    """At background stations the maxima are about twice the mean of Paris' background station, as they must be."""
    mean = pl.DataFrame(
        parse(
            "geodair-no2-mean", find_data_file("geodair_no2/pollution_paris_no2_daily_clean.csv").read_bytes()
        ).observations
    ).filter(pl.col("place") == "geodair:FR04055")
    top = parse("geodair-no2-max", find_data_file("geodair_no2/no2_donors_paris_daily_clean.csv").read_bytes())
    background = [place.id for place in top.places if place.kind == "background_station"]
    largest = pl.DataFrame(top.observations).filter(pl.col("place").is_in(background))
    assert len(background) == 8
    assert largest["value"].mean() > 1.3 * mean["value"].mean()


def test_clock_changes_make_23_and_25_hours(parse: Callable[..., Parsed]) -> None:
    """28 March 2021 has 23 hours, 31 October 2021 25."""
    lines = "".join(LINE.replace("2017-08-17", day) for day in ("2021-03-28", "2021-10-31"))
    lengths = [row["end"] - row["start"] for row in parse("geodair-no2-mean", HEADER + lines).observations.to_pylist()]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("2017-08-17", "17/08/2017", "date '17/08/2017' is not year-month-day"),
        ("FR04031", "04031", "station '04031'"),
        ("Trafic", "Traffic", "influence 'Traffic'"),
        ("48.868772", "", "at '', '2.311231'"),
        ("48.868772", "488.68772", "at '488.68772'"),
        ("Av Champs Elysees", "", "station 'FR04031' ''"),
        ("27.0", "n/d", "no2_ug_m3 is 'n/d', not a number"),
        ("27.0", '"27,0"', "no2_ug_m3 is '27,0', not a number"),
    ],
)
def test_what_cannot_be_read_is_refused(old: str, new: str, says: str, parse: Callable[..., Parsed]) -> None:
    """A line that doesn't say when, where or how much is refused and quoted."""
    parsed = parse("geodair-no2-mean", HEADER + LINE.replace(old, new))
    assert parsed.observations.num_rows == 0
    assert says in parsed.refused["reason"][0].as_py()
