"""District inflow: workbooks read whole, hours that the clock skips and tells twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import ReplyError

Parse = Callable[..., Parsed]


@pytest.fixture(scope="module")
def inflow(parse: Parse) -> pl.DataFrame:
    """The recorded inflows."""
    return pl.DataFrame(parse("bwdf", find_data_file("bwdf/InflowData.xlsx").read_bytes()).observations)


def test_cells_are_values(inflow: pl.DataFrame) -> None:
    """Cells D2 and E19679 of the sheet's XML are 3.7 (1 January 2021, 00:00) and 29.887499999999999 (31 March 2023)."""
    first = inflow.row(0, named=True)
    assert (first["place"], first["quantity"], first["value"]) == ("bwdf:dma-3", "water_inflow", 3.7)
    assert first["start"] == datetime(2020, 12, 31, 23, tzinfo=UTC)
    last = inflow.filter((pl.col("place") == "bwdf:dma-4") & (pl.col("start") == datetime(2023, 3, 31, 20, tzinfo=UTC)))
    assert last["value"].to_list() == [29.887499999999999]


def test_the_doubled_hour_of_october_is_two_hours(inflow: pl.DataFrame) -> None:
    """31 October 2021, 02:00 stands twice in the sheet, 6.55 then 6.4825: at 00:00 and 01:00 UTC."""
    night = inflow.filter(
        (pl.col("place") == "bwdf:dma-1")
        & pl.col("start").is_between(datetime(2021, 10, 30, 23, tzinfo=UTC), datetime(2021, 10, 31, 2, tzinfo=UTC))
    )
    assert night["value"].to_list() == [6.6825, 6.55, 6.4825, 6.225]
    assert night["start"].dt.hour().to_list() == [23, 0, 1, 2]


@pytest.mark.parametrize(("place", "missing"), [("bwdf:dma-3", 105), ("bwdf:dma-6", 1904)])
def test_no_hour_is_lost_or_told_twice(place: str, missing: int, inflow: pl.DataFrame) -> None:
    """820 days, of which 3 lack an hour and 2 have one more, are 19,679 hours; `NaN` cells are the gaps, no others."""
    district = inflow.filter(pl.col("place") == place)
    assert 820 * 24 - 3 + 2 == 19_679
    assert district["start"].n_unique() == district.height == 19_679 - missing
    assert (district["end"] - district["start"]).unique().to_list() == [timedelta(hours=1)]
    assert district["start"].min() >= datetime(2020, 12, 31, 23, tzinfo=UTC)
    assert district["end"].max() == datetime(2023, 3, 31, 22, tzinfo=UTC)


def test_inflows_are_means_of_four_readings(inflow: pl.DataFrame) -> None:
    """Every value is a whole number of quarters of a hundredth of a litre, which is why the quantity is a mean."""
    quarters = inflow["value"] * 400
    assert (quarters - quarters.round()).abs().max() < 1e-6


def test_the_weather_is_of_one_station(parse: Parse) -> None:
    """Rain in all is what the sheet's column B adds up to; each quantity is one series."""
    parsed = parse("bwdf", find_data_file("bwdf/WeatherData.xlsx").read_bytes())
    rows = pl.DataFrame(parsed.observations)
    assert [place.id for place in parsed.places] == ["bwdf:weather"]
    # `unzip -p ... sheet1.xml | grep -o 'r="B[0-9]*"[^>]*><v>[^<]*'`, added by awk.
    assert rows.filter(pl.col("quantity") == "rainfall")["value"].sum() == pytest.approx(1557.0)
    assert rows.group_by("quantity").len().sort("quantity").rows() == [
        ("air_temperature", 19_679),
        ("rainfall", 19_679),
        ("relative_humidity", 19_679 - 802),
        ("wind_speed", 19_679 - 28),
    ]


def test_wind_is_in_metres_per_second(parse: Parse) -> None:
    """9 km/h of the first hour are 9000 m in 3600 s, 2.5 m/s."""
    rows = pl.DataFrame(parse("bwdf", find_data_file("bwdf/WeatherData.xlsx").read_bytes()).observations)
    first = rows.filter((pl.col("quantity") == "wind_speed") & (pl.col("row") == 1))
    assert first["value"].to_list() == [2.5]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no whole ZIP"),
        (b"<html></html>", "no whole ZIP"),
        (b"PK\x03\x04" + bytes(40), "no whole ZIP"),
    ],
)
def test_what_is_no_workbook_is_refused(body: bytes, says: str, parse: Parse) -> None:
    """Anything but a whole archive is a `ReplyError`."""
    with pytest.raises(ReplyError, match=says):
        parse("bwdf", body)


def test_a_workbook_cut_short_is_refused(parse: Parse) -> None:
    """The archive's directory is at its end: a download that broke off has none."""
    body = find_data_file("bwdf/WeatherData.xlsx").read_bytes()
    with pytest.raises(ReplyError, match="no whole ZIP"):
        parse("bwdf", body[: len(body) // 2])


def test_a_harmed_workbook_is_refused(parse: Parse) -> None:
    """A byte changed inside a sheet breaks its checksum or its compression: none of it is read."""
    body = bytearray(find_data_file("bwdf/WeatherData.xlsx").read_bytes())
    body[300_000] ^= 0xFF
    with pytest.raises(ReplyError, match="no whole ZIP"):
        parse("bwdf", bytes(body))
