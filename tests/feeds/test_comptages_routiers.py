"""Road counts: hours that the local clock ends, empty values, closed roads; arcs as lines."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import ReplyError

Parse = Callable[..., Parsed]

COUNTS = find_data_file("paris_traffic/comptages_3arcs_2010_2022.parquet")
HEADER = "Identifiant arc,Libelle,geo_shape\n"
LINE = '"{""type"": ""LineString"", ""coordinates"": [[2.30, 48.87], [2.31, 48.88]]}"'
MORE = LINE.replace("2.30", "2.32")


def clock(text: str) -> datetime:
    """A time without a zone, as the file's are."""
    return datetime.fromisoformat(text)


def counts(*rows: dict[str, Any]) -> bytes:
    usual = {"iu_ac": 376, "t_1h": clock("2019-01-08 09:00"), "q": 230.0, "k": 4.5, "etat_barre": 3}
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([usual | row for row in rows]), buffer)
    return buffer.getvalue()


def reasons(parsed: Parsed) -> list[str]:
    return parsed.refused["reason"].to_pylist()


def test_a_recorded_hour(parse: Parse) -> None:
    """8 January 2019, 10:00 on the Champs-Élysées, by `parquet-tools`: 1218 vehicles, 6.99334 %, from 8 to 9 UTC."""
    frame = pl.DataFrame(pl.from_arrow(parse("road-counts", COUNTS.read_bytes()).observations))
    hour = frame.filter(place="arc:4264", start=datetime(2019, 1, 8, 8, tzinfo=UTC))
    assert hour["end"].unique().to_list() == [datetime(2019, 1, 8, 9, tzinfo=UTC)]
    values = dict(hour.select("quantity", "value").iter_rows())
    assert values == {"vehicle_count": 1218, "road_occupancy": pytest.approx(6.99334, abs=5e-6)}


def test_the_champs_elysees_are_closed_on_first_sundays(parse: Parse) -> None:
    """7 July 2019, a Sunday without cars: closed, and hardly a car, at 15:00; the Sunday after nothing says so."""
    frame = pl.DataFrame(pl.from_arrow(parse("road-counts", COUNTS.read_bytes()).observations))
    closed = frame.filter(place="arc:4264", quantity="road_closed", value=1)["start"]
    assert datetime(2019, 7, 7, 13, tzinfo=UTC) in closed
    assert datetime(2019, 7, 21, 13, tzinfo=UTC) not in closed


@pytest.mark.parametrize(
    ("label", "starts"),
    [
        (clock("2019-01-08 09:00"), datetime(2019, 1, 8, 7, tzinfo=UTC)),  # 8 to 9 o'clock in winter, UTC+1
        (clock("2019-07-08 00:00"), datetime(2019, 7, 7, 21, tzinfo=UTC)),  # the day's last hour in summer, UTC+2
        (clock("2019-03-31 02:00"), datetime(2019, 3, 31, 0, tzinfo=UTC)),  # the last hour before spring's change
        (clock("2019-03-31 04:00"), datetime(2019, 3, 31, 1, tzinfo=UTC)),  # and the first after it
        (clock("2019-10-27 03:00"), datetime(2019, 10, 27, 0, tzinfo=UTC)),  # the first of autumn's two
    ],
)
def test_a_label_ends_its_hour_on_the_local_clock(label: datetime, starts: datetime, parse: Parse) -> None:
    """An hour of each kind, worked out by hand; each is an hour long."""
    rows = parse("road-counts", counts({"t_1h": label})).observations.to_pylist()
    assert {(row["start"], row["end"]) for row in rows} == {(starts, starts + timedelta(hours=1))}


def test_the_hour_that_spring_skips_is_refused(parse: Parse) -> None:
    """A value there is no value of any hour; an empty row says nothing and isn't refused."""
    skipped = {"t_1h": clock("2019-03-31 03:00")}
    parsed = parse("road-counts", counts(skipped, skipped | {"q": None, "k": None}))
    assert parsed.observations.num_rows == 0
    assert reasons(parsed) == ["the hour to 2019-03-31 03:00:00.000000 doesn't exist: the clock skips it"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"q": None}, {"road_occupancy": 4.5}),
        ({"k": None}, {"vehicle_count": 230}),
        ({"q": None, "k": None}, {}),
        ({"etat_barre": 1}, {"vehicle_count": 230, "road_occupancy": 4.5, "road_closed": 0}),
        ({"etat_barre": 2}, {"vehicle_count": 230, "road_occupancy": 4.5, "road_closed": 1}),
    ],
)
def test_what_is_empty_is_no_value(row: dict[str, Any], says: dict[str, float], parse: Parse) -> None:
    """Each value comes alone; a state of 3 tells nothing."""
    parsed = parse("road-counts", counts(row))
    assert {one["quantity"]: one["value"] for one in parsed.observations.to_pylist()} == says
    assert parsed.refused.num_rows == 0


@pytest.mark.parametrize(
    "row",
    [{"iu_ac": 0}, {"t_1h": clock("2019-01-08 09:30")}, {"t_1h": None}, {"etat_barre": 0}, {"etat_barre": None}],
)
def test_what_is_no_hour_of_an_arc_is_refused(row: dict[str, Any], parse: Parse) -> None:
    """Half an hour, no arc, an unknown state: refused with the row as it came; the next is read."""
    parsed = parse("road-counts", counts(row, {}))
    assert (parsed.observations.num_rows, parsed.refused["row"].to_pylist()) == (2, [1])
    assert parsed.refused["raw"][0].as_py().count(",") == 4


def test_the_whole_list_of_arcs(shared_data: Path, parse: Parse) -> None:
    """3,739 lines by data/README of the collection; 3,348 arcs by `cut -d, -f1 | sort -u | wc -l` less the header."""
    path = shared_data / "mobility/paris_traffic/referentiel_comptages_routiers_2020.csv.gz"
    parsed = parse("road-counts", path.read_bytes())
    assert (len(parsed.places), parsed.observations.num_rows, parsed.refused.num_rows) == (3_348, 0, 0)
    lines = [place.geometry["coordinates"] for place in parsed.places if place.geometry]
    assert sum(len(line) for line in lines) == 3_739


def test_an_arc_in_parts_is_one_place(parse: Parse) -> None:
    """Two lines of one arc are a place of both, under its last name."""
    (place,) = parse("road-counts", f"{HEADER}7,Avenue,{LINE}\n7,Avenue_Foch,{MORE}\n").places
    assert (place.id, place.kind, place.name) == ("arc:7", "road arc", "Avenue_Foch")
    assert place.geometry is not None
    assert place.geometry["coordinates"] == [[(2.30, 48.87), (2.31, 48.88)], [(2.32, 48.87), (2.31, 48.88)]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x,Avenue," + LINE, "arc 'x' with the name 'Avenue'"),
        ("7, ," + LINE, "arc '7' with the name ' '"),
        ("7,Avenue,", "geo_shape is no line"),
        ("7,Avenue," + LINE.replace("LineString", "Point"), "geo_shape is no line"),
        ("7,Avenue," + LINE.replace("48.87", "98.87"), "geo_shape is no line"),
        ("7,Avenue," + LINE.replace(", [2.31, 48.88]", ""), "geo_shape is no line"),
        ("7,Avenue," + "[" * 5_000, "geo_shape is no line"),
    ],
)
def test_what_is_no_arc_is_refused(line: str, reason: str, parse: Parse) -> None:
    """No number, no name, no line on the globe: refused; the next is read."""
    parsed = parse("road-counts", f"{HEADER}{line}\n8,Rue,{LINE}\n")
    assert [place.id for place in parsed.places] == ["arc:8"]
    assert [one[: len(reason)] for one in reasons(parsed)] == [reason]


def test_a_missing_column_is_named(parse: Parse) -> None:
    """Counts without their hour are refused whole."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({"iu_ac": [1], "q": [1.0]}), buffer)
    with pytest.raises(ReplyError, match="t_1h"):
        parse("road-counts", buffer.getvalue())
