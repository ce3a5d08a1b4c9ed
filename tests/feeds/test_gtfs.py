"""GTFS timetables: departures per stop and hour, on the days when clocks change too."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from passerelle.feeds import FORMS, gtfs
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError

RECEIVED = datetime(2018, 6, 20, 12, tzinfo=UTC)

SMALL = {
    "agency.txt": "agency_timezone\nAmerica/Los_Angeles\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\na,Alpha,37.7,-122.4\nb,,,\nc,Gamma,37.8,-122.5\n",
    "routes.txt": "route_id,route_type\nr,0\ns,715\n",
    "trips.txt": "route_id,service_id,trip_id\nr,sun,t\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t,00:30:00,00:30:00,a,1\nt,24:59:59,25:10:00,b,5\nt,26:00:00,26:00:00,c,9\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nsun,20181104,1\n",
}


@pytest.fixture
def read(feeds: dict[str, Feed]) -> Callable[..., Parsed]:
    """`read(bytes or files, parameters=...)`."""

    def read(body: bytes | dict[str, str], **changes: object) -> Parsed:
        feed = replace(
            feeds["sfpark-garages"],
            **{"form": "gtfs", "quantities": FORMS["gtfs"].quantities, "parameters": {"network": "x"}, **changes},
        )
        return gtfs.parse(Reply(pack(body) if isinstance(body, dict) else body, RECEIVED), feed)

    return read


def pack(files: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def said(parsed: Parsed) -> list[tuple[str, str, str, float]]:
    rows = parsed.observations.to_pylist()
    return sorted((row["place"], row["facet"], f"{row['start']:%Y-%m-%dT%H}", row["value"]) for row in rows)


@pytest.mark.parametrize(
    ("name", "departures", "stops"),
    [
        # Calls but the last of each trip, by awk per service: 14,948, 9,245 and 6,449; 286 weekdays, 58 Saturdays and
        # 58 Sundays from 2018-05-26 to 2019-07-01, six weekdays of which calendar_dates.txt makes Sundays.
        ("gtfs_bart.zip", 14_948 * (286 - 6) + 9_245 * 58 + 6_449 * (58 + 6), 50),
        ("gtfs_caltrain.zip", None, 62),
    ],
)
def test_a_recorded_timetable_adds_up(
    name: str, departures: int | None, stops: int, read: Callable[..., Parsed], shared_data: Path
) -> None:
    """BART's departures are those that awk counts; of its 50 stops and of Caltrain's 62 in use none is lost."""
    parsed = read((shared_data / "mobility/transit" / name).read_bytes())
    assert parsed.refused.num_rows == 0
    assert len(parsed.places) == stops
    assert {place.id for place in parsed.places} == set(parsed.observations["place"].unique().to_pylist())
    assert departures in (None, sum(parsed.observations["value"].to_pylist()))


def test_a_recorded_station_leaves_by_the_hour(read: Callable[..., Parsed], shared_data: Path) -> None:
    """From San Francisco on Tuesday 10 July 2018: `mtwtf` trips of stop 70012 by grep, per hour of the local clock."""
    parsed = read((shared_data / "mobility/transit/gtfs_caltrain.zip").read_bytes())
    day = pl.col("start").dt.convert_time_zone("America/Los_Angeles")
    rows = pl.DataFrame(parsed.observations).filter(
        pl.col("place") == "stop:x:70012",
        day.dt.date() == datetime(2018, 7, 10).date(),  # noqa: DTZ001  a local day
    )
    by_hour = dict(rows.select(day.dt.hour(), "value").sort("start").iter_rows())
    counts = [1, 1, 5, 5, 4, 2, 1, 1, 1, 1, 2, 2, 5, 5, 5, 1, 1, 1, 1]
    assert by_hour == {0: 1, **dict(zip(range(4, 23), counts, strict=True))}
    assert set(rows["facet"]) == {"rail"}


def test_a_day_counts_from_noon_less_twelve_hours(read: Callable[..., Parsed]) -> None:
    """On 4 November 2018 noon is 20:00 UTC, so that 00:30 is 08:30 UTC, 01:30 on the clock; 25:10 is the next 09:10.

    On 11 March noon was 19:00 UTC: 00:30 is 07:30 UTC, 23:30 of the day before on the clock.
    """
    assert said(read(SMALL)) == [("stop:x:a", "tram", "2018-11-04T08", 1.0), ("stop:x:b", "tram", "2018-11-05T09", 1.0)]
    spring = SMALL | {"calendar_dates.txt": SMALL["calendar_dates.txt"].replace("20181104", "20180311")}
    assert [start for _, _, start, _ in said(read(spring))] == ["2018-03-11T07", "2018-03-12T08"]


def test_a_stop_is_a_place(read: Callable[..., Parsed]) -> None:
    """With its name and point; one without has its id for a name, and the last stop that nobody leaves is none."""
    places = [(place.id, place.kind, place.name, place.centre) for place in read(SMALL).places]
    assert places == [("stop:x:a", "stop", "Alpha", (-122.4, 37.7)), ("stop:x:b", "stop", "b", None)]


def test_weekdays_and_exceptions_make_the_days(read: Callable[..., Parsed]) -> None:
    """Mondays of June 2018 are 4, 11, 18 and 25; one is taken out and a Tuesday added."""
    days = "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    files = SMALL | {
        "calendar.txt": days + "sun,1,0,0,0,0,0,0,20180601,20180630\n",
        "calendar_dates.txt": "service_id,date,exception_type\nsun,20180611,2\nsun,20180612,1",
    }
    starts = [start for place, _, start, _ in said(read(files)) if place == "stop:x:a"]
    assert starts == ["2018-06-04T07", "2018-06-12T07", "2018-06-18T07", "2018-06-25T07"]


def test_a_frequent_trip_leaves_every_headway(read: Callable[..., Parsed]) -> None:
    """From 06:00 until before 07:00 every 20 minutes: 3 at the first stop; 24:40 later, 1 and 2 at the second."""
    files = SMALL | {"frequencies.txt": "trip_id,start_time,end_time,headway_secs\nt,06:00:00,07:00:00,1200\n"}
    # Zero is 08:00 UTC: 14:00, 14:20 and 14:40; then 14:40, 15:00 and 15:20 of the next day.
    assert said(read(files)) == [
        ("stop:x:a", "tram", "2018-11-04T14", 3.0),
        ("stop:x:b", "tram", "2018-11-05T14", 1.0),
        ("stop:x:b", "tram", "2018-11-05T15", 2.0),
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "row", "says"),
    [
        ("stop_times.txt", "t,00:30:00,00:30:00,a,1", "t,,,a,1", 1, "stop_times.txt: departure ''"),
        ("stop_times.txt", "25:10:00", "25:60:00", 2, "stop_times.txt: departure '25:60:00'"),
        ("stop_times.txt", "t,00:30:00,00:30:00,a", "t,00:30:00,00:30:00,z", 1, "stop_times.txt: no stop 'z'"),
        ("stop_times.txt", "t,00:30:00,00:30:00", "u,00:30:00,00:30:00", 1, "stop_times.txt: no trip 'u'"),
        ("stop_times.txt", "b,5", "b,1", 2, "stop_times.txt: 't 1' came before"),
        ("stops.txt", "b,,,", "b,,95,0", 2, "stops.txt: stop 'b' at '95', '0'"),
        ("routes.txt", "s,715", "s,tram", 2, "routes.txt: route type 'tram'"),
        ("calendar_dates.txt", "1104,1\n", "1104,1\nsun,20181131,1\n", 2, "service 'sun' on '20181131': exception '1'"),
        ("calendar_dates.txt", "1104,1\n", "1104,1\nsun,20181104,2\n", 2, "'sun 20181104' came before"),
        ("trips.txt", "r,sun,t\n", "r,sun,t\nq,sun,u\n", 2, "trips.txt: no route 'q'"),
        ("trips.txt", "r,sun,t\n", "r,sun,t\nr,mon,u\n", 2, "trips.txt: no service 'mon'"),
    ],
)
def test_what_leads_nowhere_is_refused(
    file: str, old: str, new: str, row: int, says: str, read: Callable[..., Parsed]
) -> None:
    """Ids that are in no other file, times, dates and points that are none: the row is told and the rest read."""
    assert old in SMALL[file]
    parsed = read(SMALL | {file: SMALL[file].replace(old, new)})
    first = parsed.refused.to_pylist()[0]
    assert (first["row"], says in first["reason"]) == (row, True), first
    assert parsed.observations.num_rows in (1, 2)


def test_a_trip_without_an_order_is_refused_whole(read: Callable[..., Parsed]) -> None:
    """Which call is the last can't be told, and all three say so."""
    parsed = read(SMALL | {"stop_times.txt": SMALL["stop_times.txt"].replace("b,5", "b,five")})
    assert parsed.observations.num_rows == 0
    assert len([one for one in parsed.refused["reason"].to_pylist() if "without a place in its order" in one]) == 3


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"trips.txt": None}, "a timetable has"),
        ({"calendar_dates.txt": None}, "a timetable has"),
        ({"stop_times.txt": "trip_id,stop_id\n"}, "departure_time"),
        ({"agency.txt": "agency_timezone\nEurope/Paris\nAmerica/New_York\n"}, "one time zone"),
        ({"agency.txt": "agency_timezone\nMars/Olympus\n"}, "one time zone"),
    ],
)
def test_a_broken_timetable_is_refused(files: dict[str, str | None], says: str, read: Callable[..., Parsed]) -> None:
    """Without a file, a column or one zone nothing can be read, and the error says which."""
    with pytest.raises(ReplyError, match=says):
        read({name: text for name, text in (SMALL | files).items() if text is not None})


def test_an_incomplete_recording_is_refused(read: Callable[..., Parsed], shared_data: Path) -> None:
    """A recorded archive has stops and times in folders, no trips and no calendar: nothing of it can be placed."""
    with pytest.raises(ReplyError, match=r"in its root; of these came \[\]"):
        read((shared_data / "mobility/transit/ratp_partial_gtfs_2019-05.zip").read_bytes())


def test_a_timetable_is_bounded(read: Callable[..., Parsed], monkeypatch: pytest.MonkeyPatch) -> None:
    """What unfolds to more than `MOST`, of days, runs or departures, is refused before it is unfolded."""
    frequent = {"frequencies.txt": "trip_id,start_time,end_time,headway_secs\nt,00:00:00,99:00:00,1\n"}
    monkeypatch.setattr(gtfs, "MOST", 300_000)
    with pytest.raises(ReplyError, match="356401 runs of frequent trips"):
        read(SMALL | frequent)
    monkeypatch.setattr(gtfs, "MOST", 1)
    with pytest.raises(ReplyError, match="2 quarters with departures"):
        read(SMALL)


def test_another_way_of_packing_is_refused(read: Callable[..., Parsed]) -> None:
    """Only deflate is unpacked, of which the memory is known beforehand."""
    with pytest.raises(ReplyError, match=r"'agency.txt' is packed in another way"):
        read(pack(SMALL, zipfile.ZIP_LZMA))


def test_a_feed_must_name_its_network(read: Callable[..., Parsed]) -> None:
    """Stop ids are unique within a network only."""
    with pytest.raises(InvalidValueError, match="network"):
        read(SMALL, parameters={})
