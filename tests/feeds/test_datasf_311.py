"""311 cases: what the scrub leaves, where requests are counted, and times that contradict each other."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.feeds import FORMS
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import InvalidValueError, ReplyError

FORM = FORMS["datasf_311"]
assert FORM.scrub is not None
scrub = FORM.scrub

RAW_HEADER = (
    "CaseID,Opened,Closed,Updated,Status,Status.Notes,Responsible.Agency,Category,Request.Type,Request.Details,"
    "Address,Supervisor.District,Neighborhood,Point,Source\n"
)
RAW_LINE = (
    '5489340,01/21/2016 02:27:45 PM,01/22/2016 01:25:00 AM,01/22/2016 01:25:00 AM,Closed,"Ms Roe called,\nagain",'
    "DPT SignShop Survey Tech - Jane Roe Queue,Street Defects,Pavement_Defect,ring at Roe,"
    '"12 POWELL ST, SAN FRANCISCO, CA, 94102",3,Nob Hill,"(37.7964927203057, -122.410076117757)",Voice In\n'
)
SCRUBBED_HEADER = "Opened,Closed,Updated,Status,Responsible.Agency,Category,Neighborhood,Point\n"
POINT = '"(37.793, -122.415)"'
PERSONAL = (b"Roe", b"POWELL", b"5489340", b"94102", b"37.7964927", b"Voice In", b"Pavement")


def case(opened: str, closed: str, category: str = "Graffiti", point: str = POINT) -> str:
    return f"{opened},{closed},,Closed,DPW,{category},Nob Hill,{point}\n"


def counted(parsed: Parsed, quantity: str) -> list[tuple[datetime, timedelta, float]]:
    rows = [row for row in parsed.observations.to_pylist() if row["quantity"] == quantity]
    return [(row["start"], row["end"] - row["start"], row["value"]) for row in rows]


def test_the_scrub_leaves_nobody() -> None:
    """Times, status, department, category, neighbourhood and a point of three decimals stay, nothing else."""
    assert scrub((RAW_HEADER + RAW_LINE).encode()).decode() == (
        SCRUBBED_HEADER
        + "01/21/2016 02:27:45 PM,01/22/2016 01:25:00 AM,01/22/2016 01:25:00 AM,Closed,DPT,Street Defects,Nob Hill,"
        + '"(37.796, -122.410)"\n'
    )


def test_the_scrub_is_idempotent(checkout: Path) -> None:
    """What is scrubbed stays as it is: the bundled files are what `scrub` makes of them."""
    for path in (checkout / "data" / "sf311").glob("*.csv"):
        assert scrub(path.read_bytes()) == path.read_bytes()


def test_the_bundled_files_are_the_raw_ones_scrubbed(shared_data: Path) -> None:
    """The raw samples, which aren't shipped, give the bundled bytes; no address or note of theirs is in these."""
    for name in ("10000", "5000"):
        raw = (shared_data / f"sectors/reports_sf311/sf311_sample_{name}_clean.csv").read_bytes()
        bundled = find_data_file(f"sf311/sf311_sample_{name}_scrubbed.csv").read_bytes()
        assert scrub(raw) == bundled
        cases = list(csv.DictReader(io.StringIO(raw.decode())))
        text = bundled.decode()
        numbers = set(re.findall(r"[0-9]{4,}", text))
        assert {found["CaseID"] for found in cases} & numbers == set()
        assert sum("SAN FRANCISCO, CA" in found["Address"] for found in cases) > len(cases) / 2
        assert sum("Survey Tech" in found["Responsible.Agency"] for found in cases) > 0
        assert [word for word in ("SAN FRANCISCO", "Intersection", "Survey Tech", "Voice In") if word in text] == []


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(
    where=st.integers(0, len(RAW_HEADER + RAW_LINE * 3) - 1),
    gone=st.integers(0, 3),
    come=st.sampled_from([b"", b'"', b",", b"\n", b'","', b"\xff", b"\x00", b"(", b"0"]),
)
def test_harm_lets_nothing_personal_through(where: int, gone: int, come: bytes) -> None:
    """However a reply is harmed, the scrub refuses it without quoting it, or leaves nothing personal in it."""
    raw = (RAW_HEADER + RAW_LINE * 3).encode()
    try:
        left = scrub(raw[:where] + come + raw[where + gone :])
    except ReplyError as error:
        left = str(error).encode()
    assert [word for word in PERSONAL if word in left] == []


def test_an_unreadable_line_leaves_its_number_only(parse: Callable[..., Parsed]) -> None:
    """A line of the wrong width comes out empty, and the form refuses it: how many there were is still known."""
    left = scrub((RAW_HEADER + "5489340,12 POWELL ST\n" + RAW_LINE).encode())
    assert left.decode().splitlines()[-1] == "," * 7
    parsed = parse("sf311-sample-a", left)
    assert [row["row"] for row in parsed.refused.to_pylist()] == [2]


@pytest.mark.parametrize("body", [b"", b"<html>Roe</html>", b"Roe,Doe\n1,2\n", b"\xff\xfe\x00", RAW_LINE.encode()])
def test_what_is_in_no_scheme_is_not_kept(body: bytes) -> None:
    """Bytes in neither scheme raise `ReplyError`, and the message quotes none of them."""
    with pytest.raises(ReplyError) as caught:
        scrub(body)
    assert "Roe" not in str(caught.value)


def test_requests_are_counted_on_local_days(parse: Callable[..., Parsed]) -> None:
    """23:30 on the 21st belongs to the 21st in San Francisco (the 22nd in UTC); closings count on their own day."""
    body = (
        case("01/21/2016 11:30:00 PM", "01/22/2016 01:30:00 AM")
        + case("01/21/2016 08:00:00 AM", "01/21/2016 12:00:00 PM")
        + case("01/21/2016 09:00:00 AM", "")
    )
    parsed = parse("sf311-sample-a", SCRUBBED_HEADER + body)
    day = timedelta(days=1)
    twenty_first, twenty_second = datetime(2016, 1, 21, 8, tzinfo=UTC), datetime(2016, 1, 22, 8, tzinfo=UTC)
    assert counted(parsed, "reports_opened") == [(twenty_first, day, 3)]
    assert sorted(counted(parsed, "reports_closed")) == [(twenty_first, day, 1), (twenty_second, day, 1)]
    # The median of 2 h and 4 h; the request still open has no duration.
    assert counted(parsed, "report_resolution_median") == [(twenty_first, day, 3.0)]
    assert {(row["place"], row["facet"]) for row in parsed.observations.to_pylist()} == {
        ("neighbourhood:nob-hill", "Graffiti")
    }


def test_durations_are_elapsed_hours(parse: Callable[..., Parsed]) -> None:
    """From 23:30 to 03:30 over the spring change are 3 hours, over the autumn change 5; the days have 23 and 25."""
    body = case("03/07/2015 11:30:00 PM", "03/08/2015 03:30:00 AM") + case(
        "10/31/2015 11:30:00 PM", "11/01/2015 03:30:00 AM"
    )
    parsed = parse("sf311-sample-a", SCRUBBED_HEADER + body)
    assert [value for *_, value in counted(parsed, "report_resolution_median")] == [3.0, 5.0]
    assert [length for _, length, _ in counted(parsed, "reports_closed")] == [timedelta(hours=23), timedelta(hours=25)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            case("01/21/2016 02:00:00 PM", "01/21/2016 02:00:00 AM"),
            "closed 01/21/2016 02:00:00 AM before it was opened",
        ),
        (case("03/08/2015 02:30:00 AM", ""), "not times of the local clock"),
        (case("13/21/2016 02:00:00 PM", ""), "not times of the local clock"),
        (case("", ""), "not times of the local clock"),
        (case("01/21/2016 02:00:00 PM", "soon"), "not times of the local clock"),
        (case("01/21/2016 02:00:00 PM", "", category=""), "the category is empty"),
        (case("01/21/2016 02:00:00 PM", "", point=""), "point '' lies in no area"),
        (case("01/21/2016 02:00:00 PM", "", point='"(48.860, 2.350)"'), "point '(48.860, 2.350)' lies in no area"),
    ],
)
def test_a_case_that_contradicts_itself_is_refused(line: str, says: str, parse: Callable[..., Parsed]) -> None:
    """Impossible times, no category and no place refuse the whole request with the reason."""
    parsed = parse("sf311-sample-a", SCRUBBED_HEADER + line)
    assert parsed.observations.num_rows == 0
    assert says in parsed.refused["reason"][0].as_py()


def test_counts_add_up(parse: Callable[..., Parsed]) -> None:
    """Opened and closed are the file's less those refused: 129 and 55 reversed, 24 without a point (20 closed)."""
    expected = {"a": ("10000", 10_000 - 129 - 24, 9_530 - 129 - 20), "b": ("5000", 4_984 - 55, 4_762 - 55)}
    for sample, (name, opened, closed) in expected.items():
        body = find_data_file(f"sf311/sf311_sample_{name}_scrubbed.csv").read_bytes()
        parsed = parse(f"sf311-sample-{sample}", body)
        totals = {
            quantity: sum(value for *_, value in counted(parsed, quantity))
            for quantity in ("reports_opened", "reports_closed")
        }
        assert totals == {"reports_opened": opened, "reports_closed": closed}


def test_durations_are_those_of_the_collection(parse: Callable[..., Parsed], shared_data: Path) -> None:
    """Where one request decides a day's median it is the collection's `Resolve.Time`, but for hours of clock change."""
    raw = pl.read_csv(shared_data / "sectors/reports_sf311/sf311_sample_5000_clean.csv", infer_schema=False)
    theirs = raw.select(
        pl.col("Resolve.Time").cast(pl.Float64, strict=False).alias("hours"),
        row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
    )
    body = find_data_file("sf311/sf311_sample_5000_scrubbed.csv").read_bytes()
    rows = pl.DataFrame(parse("sf311-sample-b", body).observations)
    medians = rows.filter(pl.col("quantity") == "report_resolution_median")
    alone = rows.filter((pl.col("quantity") == "reports_opened") & (pl.col("value") == 1)).select("row")
    both = medians.join(alone, on="row").join(theirs, on="row")
    off = (both["value"] - both["hours"]).abs()
    assert both.height > 4_000
    assert off.filter(off > 1.006).len() == 0
    assert off.filter(off < 0.006).len() / both.height > 0.9


def test_rounded_points_find_their_neighbourhood(parse: Callable[..., Parsed]) -> None:
    """Placed by rounded points, fewer than a tenth of the second sample's requests move from the area named."""
    named = pl.read_csv(find_data_file("sf311/sf311_sample_5000_scrubbed.csv"), infer_schema=False)
    points = named.with_columns(Point=pl.format("({}, {})", "Lat", "Long")).drop("Lat", "Long", "C.Neighborhood")
    by_point = pl.DataFrame(parse("sf311-sample-a", points.write_csv().encode()).observations)
    by_name = pl.DataFrame(parse("sf311-sample-b", named.write_csv().encode()).observations)
    totals = [
        rows.filter(pl.col("quantity") == "reports_opened").group_by("place").agg(pl.col("value").sum())
        for rows in (by_point, by_name)
    ]
    both = totals[0].join(totals[1], on="place", how="full", coalesce=True).fill_null(0)
    moved = (both["value"] - both["value_right"]).abs().sum() / 2
    assert both["value"].sum() == 4_984 - 55
    assert moved / both["value"].sum() < 0.1


def test_a_feed_must_have_areas(parse: Callable[..., Parsed]) -> None:
    """Requests can't be placed without the city's areas."""
    with pytest.raises(InvalidValueError, match="areas"):
        parse("sf311-sample-a", SCRUBBED_HEADER, parameters={})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        (b"<!DOCTYPE html><html><body>12 Secret Street</body></html>\n", "is markup"),
        (b"Opened,Closed\n01/01/2016 10:00:00 AM,12 Secret Str", "breaks off"),
        (SCRUBBED_HEADER.encode() + b'12 "Secret Street\n', "never closed"),
        (SCRUBBED_HEADER.encode() + b"12 Secret Stre\xe9t\n", "no UTF-8: byte [0-9]+ is 0xe9"),
        (SCRUBBED_HEADER.encode() + b'12,"Secret\nStreet"\n', "goes on over others"),
    ],
)
def test_the_scrub_says_why_it_keeps_nothing(body: bytes, says: str) -> None:
    """An empty reply, a page, one cut short and ones of stray marks and bytes are told apart, and none is quoted."""
    with pytest.raises(ReplyError, match=says) as caught:
        scrub(body)
    assert "Secret" not in str(caught.value)


SODA_CASE = (
    '{"service_request_id":"5489340","requested_datetime":"2017-05-02T14:27:45.000",'
    '"closed_date":"2017-05-03T01:25:00.000",'
    '"status_description":"Closed","status_notes":"Ms Roe called","agency_responsible":"DPT Jane Roe Queue",'
    '"service_name":"Street Defects","service_details":"ring at Roe",'
    '"address":"12 POWELL ST, SAN FRANCISCO, CA, 94102",'
    '"lat":"37.7964927203057","long":"-122.410076117757","source":"Voice In"}'
)
SODA_HEADER = "requested_datetime,closed_date,status_description,agency_responsible,service_name,lat,long\n"


def test_a_soda_answer_is_scrubbed_to_lines() -> None:
    """Of the scheme since 2017 stay times, status, department, category and a rounded point, as lines of CSV."""
    scrubbed = scrub(f"[{SODA_CASE}]\n".encode())
    assert scrubbed.decode() == (
        SODA_HEADER + "2017-05-02T14:27:45.000,2017-05-03T01:25:00.000,Closed,DPT,Street Defects,37.796,-122.410\n"
    )
    assert scrub(scrubbed) == scrubbed


def test_a_file_of_the_later_scheme_is_scrubbed_alike() -> None:
    """The same case as a line of CSV leaves the same line."""
    header = f"service_request_id,{SODA_HEADER.replace('lat', 'address,lat')}"
    line = (
        "5489340,2017-05-02T14:27:45.000,2017-05-03T01:25:00.000,Closed,DPT Jane Roe Queue,Street Defects,"
        '"12 POWELL ST, SAN FRANCISCO, CA, 94102",37.7964927203057,-122.410076117757\n'
    )
    assert scrub((header + line).encode()) == scrub(f"[{SODA_CASE}]".encode())


def test_cases_of_the_later_scheme_are_counted(parse: Callable[..., Parsed]) -> None:
    """Local times without a zone, a field left out where the case is open, the neighbourhood by the rounded point."""
    still_open = SODA_CASE.replace('"closed_date":"2017-05-03T01:25:00.000",', "").replace(
        "2017-05-02T14:27:45.000", "2017-05-02T23:30:00.000"
    )
    parsed = parse("sf311-sample-a", scrub(f"[{SODA_CASE},{still_open}]".encode()))
    day = timedelta(days=1)
    second = datetime(2017, 5, 2, 7, tzinfo=UTC)  # midnight in UTC-7
    assert parsed.refused.num_rows == 0
    assert counted(parsed, "reports_opened") == [(second, day, 2)]
    assert counted(parsed, "reports_closed") == [(second + day, day, 1)]
    # From 14:27:45 to 01:25:00 are 10 h 57 min 15 s.
    assert counted(parsed, "report_resolution_median") == [(second, day, pytest.approx(10 + 57 / 60 + 15 / 3600))]
    assert {row["place"] for row in parsed.observations.to_pylist()} == {"neighbourhood:chinatown"}


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("[]", []),
        (f"[{SODA_CASE},1]", [",,,,,,"]),
        (f'[{SODA_CASE},{{"requested_datetime":20170502}}]', [",,,,,,"]),
        (f"[{SODA_CASE.replace('Street Defects', '12 Secret Street')}]", ["2017-05-02T14:27:45.000"]),
    ],
)
def test_objects_that_say_nothing_leave_their_number(body: str, lines: list[str]) -> None:
    """What is no object, has no time or no category as they are written, leaves an empty line or value, unquoted."""
    left = scrub(body.encode()).decode().splitlines()[1:]
    assert "Secret" not in "".join(left)
    assert [line[: len(start)] for line, start in zip(left[-len(lines) :], lines, strict=False)] == lines


@pytest.mark.parametrize(
    "body",
    [b'[{"a": "Roe"}]', b'[{"requested_datetime": "2017', b'{"error": true, "message": "Roe"}\n', b"[" * 5000],
)
def test_an_answer_that_is_no_list_of_cases_is_not_kept(body: bytes) -> None:
    """Another list, one cut short, an error object and an abyss of brackets are refused without a quotation."""
    with pytest.raises(ReplyError) as caught:
        scrub(body)
    assert "Roe" not in str(caught.value)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(
    where=st.integers(0, len(SODA_CASE) * 2),
    gone=st.integers(0, 3),
    come=st.sampled_from([b"", b'"', b",", b"}", b'","', b"\xff", b"\x00", b"\\", b"0"]),
)
def test_harm_lets_nothing_personal_through_soda(where: int, gone: int, come: bytes) -> None:
    """However a SODA answer is harmed, the scrub refuses it without quoting it, or leaves nothing personal in it."""
    raw = f"[{SODA_CASE},{SODA_CASE}]".encode()
    try:
        left = scrub(raw[:where] + come + raw[where + gone :])
    except ReplyError as error:
        left = str(error).encode()
    assert [word for word in PERSONAL if word in left] == []
