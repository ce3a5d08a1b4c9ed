"""ENTSO-E's export of load: intervals with both ends, and the operator's error as others worked it out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from passerelle.feeds.feed import Parsed
from passerelle.model.errors import InvalidValueError, ReplyError

HEADER = '"Time (UTC)","Day-ahead Total Load Forecast [MW] - BZN|FR","Actual Total Load [MW] - BZN|FR"\n'
FRANCE = {"zone": "FR", "zone_name": "France"}
Read = Callable[[str | bytes], Parsed]


@pytest.fixture(scope="module")
def read(parse: Callable[..., Parsed]) -> Read:
    """A reply read as France's load."""
    return lambda body: parse("eco2mix", body, form="entsoe_csv", parameters=FRANCE)


@pytest.mark.parametrize(("year", "absent", "error"), [(2021, 9, 1.73), (2022, 22, 1.82), (2023, 5, 2.37)])
def test_the_operators_error_is_the_published_one(
    read: Read, shared_data: Path, year: int, absent: int, error: float
) -> None:
    """8,760 hours less those N/A (`grep -c`); mean absolute errors in per cent as the data's collection states them."""
    body = (shared_data / "sectors" / "elec_fr_entsoe_load" / f"fr_load_{year}.csv").read_bytes()
    parsed = read(body)
    frame = pl.DataFrame(parsed.observations)
    assert (frame.height, parsed.refused.num_rows) == (2 * 8_760 - body.count(b"N/A"), 0)
    pairs = frame.pivot("quantity", index="start", values="value").drop_nulls()
    assert pairs.height == 8_760 - absent
    load, forecast = pl.col("electricity_demand"), pl.col("electricity_demand_forecast")
    assert pairs.select(((forecast - load).abs() / load).mean() * 100).item() == pytest.approx(error, abs=0.005)


def test_a_row_says_both_ends(read: Read) -> None:
    """The last hour of a year ends in the next; N/A is no observation."""
    parsed = read(HEADER + '"31.12.2021 23:00 - 01.01.2022 00:00","51100","N/A"\n')
    ((quantity, facet, start, end, value),) = [
        (row["quantity"], row["facet"], row["start"], row["end"], row["value"])
        for row in parsed.observations.to_pylist()
    ]
    assert (quantity, facet, value) == ("electricity_demand_forecast", "day_ahead", 51100.0)
    assert (start, end) == (datetime(2021, 12, 31, 23, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC))
    assert [(place.id, place.name) for place in parsed.places] == [("bidding-zone:FR", "France")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("01.01.2021 00:00,1,1\n", "'01.01.2021 00:00' is no interval"),
        ("01.01.2021 01:00 - 01.01.2021 00:00,1,1\n", "is no interval"),
        ("01.01.2021 00:00 - 02.01.2021 00:00,1,1\n", "is no interval of an hour or less"),
        ("31.02.2021 00:00 - 31.02.2021 01:00,1,1\n", "is no interval"),
        ("01.01.2021 00:00 - 01.01.2021 01:00,n/e,\n", "Load Forecast [MW] - BZN|FR is 'n/e', not a number"),
    ],
)
def test_what_cannot_be_read_is_refused(read: Read, line: str, says: str) -> None:
    """Intervals without an end, backward or too long, and words are refused and quoted."""
    parsed = read(HEADER + line)
    assert (parsed.observations.num_rows, parsed.refused["raw"].to_pylist()) == (0, [line.strip()])
    assert says in parsed.refused["reason"][0].as_py()


@pytest.mark.parametrize(("old", "new"), [("(UTC)", "(CET/CEST)"), ("BZN|FR", "BZN|DE")])
def test_another_clock_or_zone_is_refused(read: Read, old: str, new: str) -> None:
    """A file in local time, or of another zone, isn't read as if it were this feed's."""
    with pytest.raises(ReplyError, match="are needed once each"):
        read(HEADER.replace(old, new))


def test_a_feed_must_name_its_zone(parse: Callable[..., Parsed]) -> None:
    """The file has a code only."""
    with pytest.raises(InvalidValueError, match="zone_name"):
        parse("eco2mix", HEADER, form="entsoe_csv", parameters={"zone": "FR"})
