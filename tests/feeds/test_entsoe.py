"""ENTSO-E: recorded load, generation and prices, points that repeat and are left out, periods that can't be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from passerelle.feeds.feed import Parsed
from passerelle.model.errors import InvalidValueError, ReplyError

ZONES = {
    "10YFI-1--------U": "Finland",
    "10YDK-1--------W": "Denmark west",
    "10YES-REE------0": "Spain",
    "10YFR-RTE------C": "France",
}

Read = Callable[..., Parsed]


@pytest.fixture(scope="module")
def read(parse: Callable[..., Parsed]) -> Read:
    """A reply read with the zones of this module."""

    def read(body: bytes | str) -> Parsed:
        return parse("eco2mix", body, form="entsoe", parameters={"zones": ZONES})

    return read


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> Callable[[str], bytes]:
    """A recorded reply by its file's name."""
    return lambda name: (shared_data / "replies" / "entsoe_xml" / name).read_bytes()


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type]


def test_a_recorded_load_is_read(read: Read, recorded: Callable[[str], bytes]) -> None:
    """47 hours from 28 December 15:00 to 30 December 14:00, the first of them 3,031 MW."""
    parsed = read(recorded("DK-DK1_consumption.xml"))
    rows = parsed.observations.to_pylist()
    assert (len(rows), parsed.refused.num_rows) == (24 + 23, 0)
    assert (rows[0]["quantity"], rows[0]["value"]) == ("electricity_demand", 3031.0)
    assert (rows[0]["start"], rows[0]["end"]) == (at(2023, 12, 28, 15), at(2023, 12, 28, 16))
    assert rows[-1]["end"] == at(2023, 12, 30, 14)
    assert [(place.id, place.kind, place.name) for place in parsed.places] == [
        ("entsoe:10YDK-1--------W", "bidding_zone", "Denmark west")
    ]


def test_recorded_prices_are_read(read: Read, recorded: Callable[[str], bytes]) -> None:
    """Two days of 24 hourly prices; `grep -m1` shows 106.78 first, and the lowest are negative."""
    body = recorded("FR_prices.xml")
    parsed = read(body)
    values = parsed.observations["value"].to_pylist()
    told = [float(price) for price in re.findall(rb"<price.amount>([^<]+)<", body)]
    assert (values, parsed.refused.num_rows) == (told, 0)
    assert (len(values), values[0], min(values) < 0) == (48, 106.78, min(told) < 0)
    assert parsed.observations["start"][0].as_py() == at(2023, 5, 6, 22)


def test_points_left_out_repeat_the_value_before(read: Read, recorded: Callable[[str], bytes]) -> None:
    """Spain: two days by the hour, two by the quarter-hour, 240 prices of 230 points; 12 of 1 October is 11's 100."""
    body = recorded("ES_day_ahead_price.xml")
    frame = pl.DataFrame(read(body).observations)
    assert (body.count(b"<Point>"), frame.height) == (230, 2 * 24 + 2 * 96)
    steps = frame.with_columns(length=pl.col("end") - pl.col("start"))
    assert steps["length"].value_counts().sort("length").rows() == [
        (timedelta(minutes=15), 192),
        (timedelta(hours=1), 48),
    ]
    assert steps.select((pl.col("start") == pl.col("end").shift(1, fill_value=at(2025, 9, 28, 22))).all()).item()
    # Position n of the day begins (n - 1) quarter-hours after 22:00 UTC: 11 at 00:30, 12 at 00:45, 13 at 01:00.
    day = dict(frame.select("start", "value").iter_rows())
    assert [day[at(2025, 10, 1, *clock)] for clock in ((0, 30), (0, 45), (1, 0))] == [100.0, 100.0, 97.57]


def test_generation_is_told_by_source(read: Read, recorded: Callable[[str], bytes]) -> None:
    """Finland: 12 sources of 288 quarter-hours in three days, in 2,080 points; the first of biomass is 723.2 MW."""
    body = recorded("FI_production.xml")
    parsed = read(body)
    frame = pl.DataFrame(parsed.observations)
    assert (body.count(b"<Point>"), frame.height, parsed.refused.num_rows) == (2080, 12 * 288, 0)
    assert frame["facet"].unique().sort().to_list() == [
        "biomass",
        "gas",
        "hard_coal",
        "nuclear",
        "oil",
        "other",
        "other_renewable",
        "peat",
        "run_of_river",
        "solar",
        "waste",
        "wind_onshore",
    ]
    first = frame.filter(pl.col("facet") == "biomass").row(0, named=True)
    assert (first["value"], first["start"]) == (723.2, at(2025, 10, 21, 12))


def document(
    series: str = "", *, points: str = "<Point><position>1</position><quantity>5</quantity></Point>", **changes: str
) -> str:
    """A document of generation; `changes` replace what the words of its template say."""
    words = {
        "type": "A75",
        "process": "A16",
        "zone": "<inBiddingZone_Domain.mRID>10YFI-1--------U</inBiddingZone_Domain.mRID>",
        "unit": "MAW",
        "curve": "A03",
        "source": "B10",
        "start": "2025-10-21T12:00Z",
        "end": "2025-10-21T13:00Z",
        "resolution": "PT15M",
    } | changes
    return f"""<GL_MarketDocument xmlns="urn:x"><type>{words["type"]}</type>
<process.processType>{words["process"]}</process.processType><TimeSeries>{words["zone"]}
<quantity_Measure_Unit.name>{words["unit"]}</quantity_Measure_Unit.name><curveType>{words["curve"]}</curveType>
<MktPSRType><psrType>{words["source"]}</psrType></MktPSRType><Period><timeInterval><start>{words["start"]}</start>
<end>{words["end"]}</end></timeInterval><resolution>{words["resolution"]}</resolution>{points}</Period></TimeSeries>
{series}</GL_MarketDocument>"""


def point(position: str, value: str) -> str:
    return f"<Point><position>{position}</position><quantity>{value}</quantity></Point>"


def test_what_pumps_draw_is_negative(read: Read) -> None:
    """A source with an `outBiddingZone_Domain` draws power: negative, and apart from what it feeds in."""
    zone = "<outBiddingZone_Domain.mRID>10YFI-1--------U</outBiddingZone_Domain.mRID>"
    rows = read(document(zone=zone)).observations.to_pylist()
    assert [(row["facet"], row["value"]) for row in rows] == [("pumped_storage_consumption", -5.0)] * 4
    load = read(document(type="A65", zone=zone)).observations.to_pylist()
    assert [(row["quantity"], row["facet"], row["value"]) for row in load] == [("electricity_demand", "", 5.0)] * 4
    ahead = read(document(type="A65", process="A01", zone=zone)).observations.to_pylist()
    assert {(row["quantity"], row["facet"]) for row in ahead} == {("electricity_demand_forecast", "day_ahead")}


def test_a_point_missing_from_a_whole_curve_is_a_gap(read: Read) -> None:
    """Of curve type A01 nothing repeats: position 2 wasn't told."""
    parsed = read(document(curve="A01", points=point("1", "5") + point("3", "6")))
    assert [row["start"].minute for row in parsed.observations.to_pylist()] == [0, 30]


def test_a_value_that_cannot_be_read_is_not_the_one_before(read: Read) -> None:
    """A point of words is refused with its text, and its time stays a gap however long it held."""
    parsed = read(document(points=point("1", "5") + point("2", "n/e") + point("4", "-6.5")))
    assert [(row["start"].minute, row["value"]) for row in parsed.observations.to_pylist()] == [(0, 5.0), (45, -6.5)]
    assert parsed.refused.to_pylist() == [
        {"row": 2, "reason": "told is 'n/e', not a number", "raw": "<position>2</position><quantity>n/e</quantity>"}
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"zone": "<inBiddingZone_Domain.mRID>10YXX</inBiddingZone_Domain.mRID>"},
            "zone '10YXX' is none of the feed's",
        ),
        ({"zone": ""}, "zone '' is none of the feed's"),
        ({"unit": "KWT"}, "unit 'KWT' is not MAW"),
        ({"source": "B99"}, "source 'B99' is not in the code list"),
        ({"curve": "A02"}, "curve type 'A02' is none of A01, A03"),
        ({"start": "2025-10-21"}, "a period from 2025-10-21 to 2025-10-21T13:00Z by PT15M"),
        ({"end": "2025-10-21T12:00Z"}, "a period from 2025-10-21T12:00Z to 2025-10-21T12:00Z"),
        ({"end": "2025-10-21T12:20Z"}, "by PT15M can't be read"),
        ({"end": "2035-10-21T12:00Z"}, "to 2035-10-21T12:00Z by PT15M"),
        ({"resolution": "P1D"}, "by P1D can't be read"),
        ({"points": point("5", "1")}, "position '5' of a period whose positions"),
        ({"points": point("2", "1") + point("2", "1")}, "position '2' of a period whose positions"),
        ({"points": point("3", "1") + point("2", "1")}, "whose positions aren't each a number after the last"),
        ({"points": point("x", "1")}, "position 'x'"),
        ({"points": "<Point/>"}, "position ''"),
    ],
)
def test_what_cannot_be_placed_is_refused(read: Read, changes: dict[str, str], says: str) -> None:
    """Each point of a series or period that can't be read is refused, and the series beside it is read."""
    beside = re.search("<TimeSeries>.*</TimeSeries>", document(source="B16"), re.DOTALL)
    assert beside is not None
    parsed = read(document(beside[0], **changes))
    assert parsed.refused.num_rows == changes.get("points", "<Point>").count("<Point")
    assert says in parsed.refused["reason"][0].as_py()
    assert [(row["facet"], row["value"]) for row in parsed.observations.to_pylist()] == [("solar", 5.0)] * 4


def test_prices_in_another_currency_or_between_zones_are_refused(read: Read, recorded: Callable[[str], bytes]) -> None:
    """A price in pounds is no price in euros, and one between two zones belongs to neither."""
    body = recorded("FR_prices.xml")
    for old, new, says in (
        (b">EUR<", b">GBP<", "unit 'GBP/MWH' is not EUR/MWH"),
        (b'<out_Domain.mRID codingScheme="A01">10YFR', b'<out_Domain.mRID codingScheme="A01">10YDE', "to 10YDE-RTE"),
    ):
        parsed = read(body.replace(old, new))
        assert (parsed.observations.num_rows, parsed.refused.num_rows) == (0, 48)
        assert says in parsed.refused["reason"][0].as_py()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "<A xmlns='urn:x'><Reason><code>999</code><text>No matching data found</text></Reason></A>",
            "it says 'No matching data found'",
        ),
        (document(type="A81"), r"type and process \('A81', 'A16'\)"),
        ("<!DOCTYPE html><html></html>", "document type"),
        (document()[:-30], "no whole XML"),
        ("", "empty"),
    ],
)
def test_what_is_no_document_is_refused(read: Read, body: str, says: str) -> None:
    """Acknowledgements, other documents, pages and cut replies are a `ReplyError`."""
    with pytest.raises(ReplyError, match=says):
        read(body)


def test_a_reply_that_unpacks_without_end_is_refused(read: Read) -> None:
    """Thirty points that each hold for a year of quarter-hours are over a million values."""
    year = re.search("<TimeSeries>.*</TimeSeries>", document(end="2026-10-21T12:00Z"), re.DOTALL)
    assert year is not None
    with pytest.raises(ReplyError, match="unpacks to 1051200 values"):
        read(document(year[0] * 29, end="2026-10-21T12:00Z"))


def test_a_feed_must_name_its_zones(parse: Callable[..., Parsed]) -> None:
    """The reply has codes only."""
    with pytest.raises(InvalidValueError, match="zones"):
        parse("eco2mix", document(), form="entsoe", parameters={})
