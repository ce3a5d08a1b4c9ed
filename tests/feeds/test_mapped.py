"""Any table, read as a mapping says; the forms written by hand are its oracle where there is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import pytest
from tests.feeds.mappings import COUNTERS, EIA930, GEODAIR, ODRE, ONE, QUANTITIES, SFPARK, changed

from passerelle.feeds import FORMS
from passerelle.feeds.city import find_city_file, find_data_file, parse_city
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError


@pytest.fixture(scope="module")
def read(feeds: dict[str, Feed]) -> Callable[..., Parsed]:
    """`read(mapping, body, zone=...)`: the reply of a feed with that mapping."""

    def read(mapping: dict[str, Any], body: bytes | str, zone: str = "Europe/Paris") -> Parsed:
        feed = replace(
            feeds["eia930-pge"], form="mapped", parameters=mapping, time_zone=ZoneInfo(zone), quantities=QUANTITIES
        )
        data = body.encode() if isinstance(body, str) else body
        return FORMS["mapped"].parse(Reply(data, datetime(2024, 5, 1, tzinfo=UTC)), feed)

    return read


def starts(parsed: Parsed) -> list[str]:
    """The starts, as UTC without the seconds."""
    return [f"{start:%Y-%m-%d %H:%M}" for start in parsed.observations["start"].to_pylist()]


def reasons(parsed: Parsed) -> list[tuple[int, str]]:
    """Row and reason of what was refused."""
    return [(row["row"], row["reason"]) for row in parsed.refused.to_pylist()]


@pytest.mark.parametrize(
    ("feed", "path", "mapping", "zone"),
    [
        ("eia930-pge", "eia930_pge/CISO-PGAE_2020_2023.csv", EIA930, "UTC"),
        ("geodair-no2-mean", "geodair_no2/pollution_paris_no2_daily_clean.csv", GEODAIR, "Europe/Paris"),
        ("bike-counters", "paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet", COUNTERS, "UTC"),
        ("sfpark-garages", "sfpark/sfpark_garages_daily.csv.gz", SFPARK, "America/Los_Angeles"),
    ],
)
def test_a_recording_is_read_as_by_its_own_form(
    feed: str, path: str, mapping: dict[str, Any], zone: str, parse: Callable[..., Parsed]
) -> None:
    """Real files: row by row, and place by place, what the form written for the publisher reads."""
    body = find_data_file(path).read_bytes()
    by_hand = parse(feed, body)
    mapped = parse(feed, body, form="mapped", parameters=mapping, time_zone=ZoneInfo(zone))
    lower = pc.utf8_lower(by_hand.observations["place"])
    upper = pc.utf8_lower(mapped.observations["place"])
    assert upper.equals(lower)
    assert mapped.observations.drop_columns("place").equals(by_hand.observations.drop_columns("place"))
    assert {(place.name, place.centre) for place in mapped.places} == {
        (place.name, place.centre) for place in by_hand.places
    }


def test_json_is_read_by_dotted_paths(read: Callable[..., Parsed], shared_data: Path) -> None:
    """`jq '[.records[].fields.consommation | values] | length, add'` gives the count and the sum of the real reply."""
    parsed = read(ODRE, (shared_data / "replies/odre_eco2mix/national_tr_2023-09-21.json").read_bytes())
    assert (parsed.observations.num_rows, pc.sum(parsed.observations["value"]).as_py()) == (97, 4_216_058)


def test_a_long_table_names_its_values_in_a_column(read: Callable[..., Parsed], shared_data: Path) -> None:
    """EIA v2's own answer: null is no value, the 400 of 12:00 stands for the hour before, and gas is the facet."""
    mapping = {
        "file": {"format": "json", "records": "response.data"},
        "time": {"columns": ["period"], "format": "%Y-%m-%dT%H", "marks": "end", "length": "PT1H"},
        "place": {"id": "respondent", "name": "respondent-name", "prefix": "balancing-area", "kind": "balancing_area"},
        "long": {"names": "fueltype", "values": "value"},
        "value": [{"column": "NG", "quantity": "electricity_generation", "facet": "gas"}],
    }
    parsed = read(mapping, (shared_data / "replies/eia_api_v2/US-NW-PGE-with-nulls.json").read_bytes(), "UTC")
    (row,) = parsed.observations.to_pylist()
    assert (row["place"], row["facet"], row["value"], row["row"]) == ("balancing-area:pge", "gas", 400, 2)
    assert (row["start"], row["end"]) == (
        datetime(2022, 10, 31, 11, tzinfo=UTC),
        datetime(2022, 10, 31, 12, tzinfo=UTC),
    )
    assert parsed.places[0].name == "Avangrid Renewables, LLC"


def test_decimal_commas_and_semicolons(read: Callable[..., Parsed], shared_data: Path) -> None:
    """L-Town's flows: awk -F';' 'NR > 1 { gsub(",", ".", $2); n++; s += $2 } END { print n, s }' on p227."""
    mapping = changed(
        ONE,
        file={"separator": ";"},
        time={"columns": ["Timestamp"], "format": "%F %T", "length": "PT5M"},
        value=[{"column": "p227", "quantity": "electricity_demand"}],
        decimal=",",
    )
    parsed = read(mapping, (shared_data / "sectors/water_ltown_battledim/2019_Flows.csv").read_bytes(), "UTC")
    assert parsed.observations.num_rows == 52_128
    assert pc.sum(parsed.observations["value"]).as_py() == pytest.approx(5_624_920.59)


def test_hours_of_two_stations(read: Callable[..., Parsed], shared_data: Path) -> None:
    """AirBase's NO2, 24 hours on every day: by awk 96,386 values at FR04012 and 100,232 at FR04037, 13,244,762 in all.

    Its clock doesn't change (working days' first peak stands at 07 in winter, at 06 in summer); which fixed clock of
    UTC and UTC+1 the supplier chose isn't said, so that a feed must.
    """
    mapping = changed(
        ONE,
        time={"columns": ["t"], "format": "%Y-%m-%d %H:%M:%S"},
        places=[{"id": f"airbase:{station}", "kind": "station", "name": station} for station in ("FR04012", "FR04037")],
        value=[
            {"column": station, "quantity": "no2_hourly_mean", "place": f"airbase:{station}"}
            for station in ("FR04012", "FR04037")
        ],
    )
    path = shared_data / "sectors/air_paris_no2_airbase/paris_no2_hourly_1999_2010.csv"
    parsed = read(mapping, path.read_bytes(), "Etc/GMT-1")
    counts = parsed.observations.group_by("place").aggregate([([], "count_all")]).to_pylist()
    assert {row["place"]: row["count_all"] for row in counts} == {"airbase:FR04012": 96_386, "airbase:FR04037": 100_232}
    assert pc.sum(parsed.observations["value"]).as_py() == pytest.approx(13_244_762)
    assert parsed.refused.num_rows == 0


def test_years_of_states(read: Callable[..., Parsed], shared_data: Path) -> None:
    """Prop 99: `wc -l` 1,210 less the header, 39 states, and 89.80000305 for Alabama's whole year 1970 as it came."""
    mapping = {
        "file": {"format": "csv", "separator": ";"},
        "time": {"columns": ["Year"], "format": "%Y", "marks": "start", "length": "P1Y"},
        "place": {"id": "State", "prefix": "state", "kind": "state"},
        "value": [{"column": "PacksPerCapita", "quantity": "electricity_demand"}],
    }
    path = shared_data / "sectors/policy_synthetic_control_refs/california_prop99_long.csv"
    parsed = read(mapping, path.read_bytes(), "America/New_York")
    assert (parsed.observations.num_rows, parsed.refused.num_rows, len(parsed.places)) == (39 * 31, 0, 39)
    first = parsed.observations.to_pylist()[0]
    assert (first["place"], first["value"]) == ("state:alabama", 89.80000305)
    # New Year in New York is 05:00 UTC.
    assert (first["start"], first["end"]) == (datetime(1970, 1, 1, 5, tzinfo=UTC), datetime(1971, 1, 1, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("time", "written", "begins"),
    [
        ({}, "2021-07-01 23:00", "2021-07-01 21:00"),
        ({}, "2021-07-01 24:00", "2021-07-01 22:00"),
        ({"format": "%d/%m/%y %H:%M:%S"}, "01/07/21 24:00:00", "2021-07-01 22:00"),
        ({"format": "%d.%m.%Y %I:%M %p"}, "1.7.2021 11:00 PM", "2021-07-01 21:00"),
        ({"format": "rfc3339"}, "2021-07-01T23:00:00+02:00", "2021-07-01 21:00"),
        ({"format": "rfc3339"}, "2021-07-01T21:00:00.000Z", "2021-07-01 21:00"),
        ({"format": "%Y%m%d%H%z"}, "2021070123+0200", "2021-07-01 21:00"),
        ({"format": "epoch_s"}, "1625173200", "2021-07-01 21:00"),
        ({"format": "epoch_ms"}, "1625173200000", "2021-07-01 21:00"),
        ({"marks": "end"}, "2021-07-01 24:00", "2021-07-01 21:00"),
        ({"format": "%d %b %Y", "length": "P1D"}, "1 Jul 2021", "2021-06-30 22:00"),
        ({"format": "%Y-%m", "length": "P1M"}, "2021-07", "2021-06-30 22:00"),
    ],
)
def test_times_are_written_in_many_ways(
    time: dict[str, Any], written: str, begins: str, read: Callable[..., Parsed]
) -> None:
    """23:00 on 1 July in Paris is 21:00 UTC, and 1625173200 (`date -u -d @1625173200`); 24:00 is the next midnight."""
    parsed = read(changed(ONE, time=time), f"when,value\n{written},7\n")
    assert (starts(parsed), parsed.refused.num_rows) == ([begins], 0)


def test_date_and_time_may_stand_apart(read: Callable[..., Parsed]) -> None:
    """Two columns, joined by a space."""
    mapping = changed(ONE, time={"columns": ["day", "hour"]})
    assert starts(read(mapping, "hour,day,value\n24:00,2021-07-01,7\n")) == ["2021-07-01 22:00"]


@pytest.mark.parametrize(("marks", "hours"), [("start", [23, 25]), ("end", [24, 24])])
def test_days_of_clock_changes(marks: str, hours: list[int], read: Callable[..., Parsed]) -> None:
    """28 March 2021 had 23 hours in Paris and 31 October 25; the days that end with them had 24."""
    mapping = changed(ONE, time={"format": "%F", "length": "P1D", "marks": marks})
    parsed = read(mapping, "when,value\n2021-03-28,1\n2021-10-31,2\n")
    assert [row["end"] - row["start"] for row in parsed.observations.to_pylist()] == [
        timedelta(hours=hour) for hour in hours
    ]


TWICE = "2021-10-31 01:00,1\n2021-10-31 02:00,2\n2021-10-31 02:00,3\n2021-10-31 03:00,4\n"


def test_the_hour_that_comes_twice(read: Callable[..., Parsed]) -> None:
    """02:00 on 31 October 2021 was at 00:00 and at 01:00 UTC: in order both are read, else the first alone."""
    both = read(changed(ONE, time={"twice": "in_order"}), "when,value\n" + TWICE)
    assert starts(both)[1:3] == ["2021-10-31 00:00", "2021-10-31 01:00"]
    assert both.refused.num_rows == 0
    first = read(ONE, "when,value\n" + TWICE)
    assert starts(first) == ["2021-10-30 23:00", "2021-10-31 00:00", "2021-10-31 02:00"]
    assert reasons(first) == [(3, "the clock shows 2021-10-31 02:00 twice and a row before this one has it")]


def test_each_place_has_the_hour_twice(read: Callable[..., Parsed]) -> None:
    """Two places' rows of the same hour aren't each other's second occurrence."""
    mapping = changed(ONE, time={"twice": "in_order"}, place={"id": "at", "prefix": "area", "kind": "area"}, places=[])
    body = "when,value,at\n" + "".join(f"2021-10-31 02:00,{at},{place}\n" for at, place in enumerate("abab"))
    rows = read(mapping, body).observations.to_pylist()
    assert [(row["place"][-1], row["start"].hour) for row in rows] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2021-03-28 02:30,1", "2021-03-28 02:30 doesn't exist: the clock skips it"),
        ("2021-07-01 24:15,1", "'2021-07-01 24:15' is not a time as %Y-%m-%d %H:%M"),
        ("01/07/2021,1", "'01/07/2021' is not a time as %Y-%m-%d %H:%M"),
        ("2021-07-01 02:30,oui", "'value' is 'oui', not a number"),
        ('2021-07-01 02:30,"1,5"', "'value' is '1,5', not a number"),
        ("2021-07-01 02:30,nan", "'value' is 'nan', not a number"),
        ("2021-07-01 02:30", "not 2 values separated by ','"),
    ],
)
def test_what_cannot_be_read_is_refused(row: str, says: str, read: Callable[..., Parsed]) -> None:
    """Each with its row, reason and text; the rows around it are read."""
    parsed = read(ONE, f"when,value\n2021-07-01 01:00,5\n{row}\n2021-07-01 02:00,6\n")
    assert reasons(parsed) == [(2, says)]
    assert parsed.refused["raw"][0].as_py() == row
    assert parsed.observations["value"].to_pylist() == [5, 6]


@pytest.mark.parametrize("text", ["1.5", "+1.5", "1.5e0", "15E-1", " 1.5 ", "1.50000000000000000"])
def test_numbers_are_written_in_many_ways(text: str, read: Callable[..., Parsed]) -> None:
    """Signs, exponents and blanks."""
    assert read(ONE, f"when,value\n2021-07-01 01:00,{text}\n").observations["value"].to_pylist() == [1.5]


def test_a_factor_converts(read: Callable[..., Parsed]) -> None:
    """35.683 GW times 1000 are 35683 MW."""
    value = {"column": "value", "quantity": "electricity_demand", "factor": 1000, "factor_source": "1 GW = 1000 MW"}
    parsed = read(changed(ONE, value=[value]), "when,value\n2021-07-01 01:00,35.683\n")
    assert parsed.observations["value"].to_pylist() == [35683]


def test_rows_are_passed_over(read: Callable[..., Parsed]) -> None:
    """What the mapping says to be no observation is neither read nor refused."""
    rule = {"column": "state", "words": ["total"], "because": "the file ends with its sum"}
    parsed = read(changed(ONE, pass_over=[rule]), "when,value,state\n2021-07-01 01:00,5,\n,5,total\n")
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (1, 0)


def test_columns_without_a_header_are_numbered(read: Callable[..., Parsed]) -> None:
    """Lines above the table are skipped, a file that never ends in a line end is read to its end."""
    mapping = changed(
        ONE,
        file={"header": False, "skip_lines": 2, "open_end": True, "charset": "latin-1"},
        time={"columns": ["2"]},
        value=[{"column": "1", "quantity": "electricity_demand"}],
    )
    parsed = read(mapping, "Région\nUnité MW\n5,2021-07-01 01:00\n6,2021-07-01 02:00".encode("latin-1"))
    assert parsed.observations["value"].to_pylist() == [5, 6]


def test_the_index_of_a_data_frame_has_no_name(read: Callable[..., Parsed]) -> None:
    """The first column of the header may be blank."""
    assert starts(read(ONE, ",when,value\n0,2021-07-01 01:00,5\n")) == ["2021-06-30 23:00"]


def test_places_are_known_or_come_with_the_rows(read: Callable[..., Parsed]) -> None:
    """A known place keeps its own description, another is made of its row; unlike names with one id are refused."""
    mapping = changed(
        ONE,
        place={"id": "at", "prefix": "bin", "kind": "bin", "longitude": "x", "latitude": "y"},
        places=[{"id": "bin:7", "kind": "bin", "name": "By the lake", "longitude": 2, "latitude": 48}],
    )
    body = "when,value,at,x,y\n" + "".join(
        f"2021-07-01 0{hour}:00,1,{rest}\n"
        for hour, rest in enumerate(["7,,", "A b,144.6,-37.9", "a-B,1,1", ",1,1", "9,0,91"])
    )
    parsed = read(mapping, body)
    assert [(place.id, place.name, place.centre) for place in parsed.places] == [
        ("bin:a-b", "A b", (144.6, -37.9)),
        ("bin:7", "By the lake", (2, 48)),
    ]
    assert reasons(parsed) == [
        (3, "'a-B' names no place, or its id is another's"),
        (4, "'' names no place, or its id is another's"),
        (5, "longitude '0', latitude '91' is no position"),
    ]


def test_a_wide_table_has_a_place_a_column(read: Callable[..., Parsed]) -> None:
    """Each value may name its own place."""
    mapping = changed(
        ONE,
        places=[{"id": f"district:{name}", "kind": "district", "name": name.upper()} for name in "ab"],
        value=[
            {"column": f"DMA {name.upper()}", "quantity": "electricity_demand", "place": f"district:{name}"}
            for name in "ab"
        ],
    )
    rows = read(mapping, "when,DMA A,DMA B\n2021-07-01 01:00,5,6\n").observations.to_pylist()
    assert [(row["place"], row["value"]) for row in rows] == [("district:a", 5), ("district:b", 6)]


JSON = changed(ONE, file={"format": "json"})
LINES = changed(ONE, file={"format": "json_lines"})


def test_json_lines_are_judged_one_by_one(read: Callable[..., Parsed]) -> None:
    """Numbers as strings are numbers, null is none; a broken line, and one with another key, are refused."""
    parsed = read(
        LINES,
        '{"when":"2021-07-01 01:00","value":"5"}\n{"when":"2021-07-01 02:00","value":null}\n{"when":\n\n'
        '{"when":"2021-07-01 04:00","valeur":1}\n{"when":"2021-07-01 05:00","value":6.5}\n',
    )
    assert parsed.observations["value"].to_pylist() == [5, 6.5]
    assert reasons(parsed) == [(3, "not JSON"), (5, "has none of ['value']")]


@pytest.mark.parametrize(
    ("mapping", "body", "says"),
    [
        (ONE, "", "is empty"),
        (ONE, "<!doctype html><title>Sorry</title>", "markup, not data"),
        (ONE, "when,count\n2021-07-01 01:00,5\n", "columns ['value'] are needed once each"),
        (ONE, "when,value\n2021-07-01 01:00,5", "cut short"),
        (ONE, "when,value\n2021-07-01 01:00,\xe9\n".encode("latin-1"), "none of the allowed charsets"),
        (JSON, '{"error": "quota"}', "not JSON with a list of records"),
        (changed(JSON, file={"records": "a.b"}), '{"a": {"c": []}}', "'a' has no 'b', it has ['c']"),
        (JSON, '[{"when": "2021-07-01 01:00", "valeur": 5}]', "no record has ['value']"),
        (LINES, "quota exceeded\n", "none of 1 records is JSON"),
        (COUNTERS, "when,value\n", "Parquet begins with"),
    ],
)
def test_a_reply_nothing_can_be_read_of(
    mapping: dict[str, Any], body: str | bytes, says: str, feeds: dict[str, Feed]
) -> None:
    """Empty, HTML with status 200, a renamed column, a cut file, the wrong charset, another document."""
    feed = replace(
        feeds["eia930-pge"], form="mapped", parameters=mapping, quantities=("electricity_demand", "bicycle_count")
    )
    data = body.encode() if isinstance(body, str) else body
    with pytest.raises(ReplyError, match=says.replace("[", r"\[")):
        FORMS["mapped"].parse(Reply(data, datetime(2024, 5, 1, tzinfo=UTC)), feed)


def test_an_empty_list_says_nothing(read: Callable[..., Parsed]) -> None:
    """No records: nothing observed, nothing refused. A byte order mark is no part of the first name."""
    assert read(JSON, "[]").observations.num_rows == 0
    assert read(ONE, "\ufeffwhen,value\n").observations.num_rows == 0


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"time": {"format": 5}}, r": time.format: Expected `str \| null`, got `int`; got '5'"),
        ({"time": {"format": "%d/%m"}}, "time.format: '%d/%m' says no year"),
        ({"time": {"format": None}}, "time.format: is needed"),
        ({"time": {"length": "1 hour"}}, "time.length: Expected `str` matching regex"),
        ({"time": {"marks": "instant"}}, "time.marks: 'instant' doesn't fit electricity_demand, which is a mean"),
        ({"tmie": {}}, "top level: Object contains unknown field `tmie`"),
        ({"file": {"charset": "utf-80"}}, "file.charset: 'utf-80' is no charset"),
        ({"file": {"separator": "."}}, "file.separator: '.' can't separate"),
        ({"places": []}, r"value\[0\]: nothing says its place"),
        ({"places": [{"id": "a:b", "kind": "c", "name": "d", "longitude": 1}]}, "longitude and latitude are needed"),
        ({"value": [{"column": "value", "quantity": "no2_daily_mean"}]}, "'no2_daily_mean' is none of the feed's"),
        (
            {"value": [{"column": "v", "quantity": "electricity_demand", "factor": 2}]},
            "factor_source are needed together",
        ),
        ({"value": [{"column": "v", "quantity": "electricity_demand", "place": "a:c"}]}, "'a:c' is none of places"),
        ({"value": [{"column": c, "quantity": "electricity_demand"} for c in "ab"]}, "facet and place stands twice"),
        (
            {"time": {"length": "PT5M"}, "value": [{"column": "v", "quantity": "electricity_demand_imputed"}]},
            "time.length: 'PT5M' doesn't fit electricity_demand_imputed, of which each value stands for PT1H",
        ),
    ],
)
def test_a_wrong_mapping_is_named_by_its_key(parts: dict[str, Any], says: str, feeds: dict[str, Feed]) -> None:
    """When the city file is read: which feed, which key, what came and what is allowed."""
    check = FORMS["mapped"].check
    assert check is not None
    feed = replace(feeds["eia930-pge"], form="mapped", parameters=changed(ONE, **parts), quantities=QUANTITIES)
    with pytest.raises(InvalidValueError, match=f"feed 'eia930-pge'.parameters.*{says}"):
        check(feed)


def test_the_page_shows_mappings_that_work(checkout: Path) -> None:
    """Each table of docs/feeds.md is read whole by the entry after it, to the rows the page says."""
    page = (checkout / "docs" / "feeds.md").read_text(encoding="utf-8")
    examples = re.findall(r"```(csv|json)\n([^`]*)```\s[^`]*```toml\n([^`]*)```\s+(\d+) observations", page, re.DOTALL)
    assert {kind for kind, *_ in examples} == {"csv", "json"}
    paris = find_city_file("paris").read_text(encoding="utf-8")
    for _, sample, entry, observations in examples:
        feed = parse_city(paris + entry, "paris.toml").feeds[-1]
        parsed = FORMS[feed.form].parse(Reply(sample.encode(), datetime(2024, 5, 1, tzinfo=UTC)), feed)
        assert (parsed.observations.num_rows, parsed.refused.num_rows) == (int(observations), 0)
