"""Airparif's export: hours that end, the day's 24th, units, and words for nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import ReplyError

FORM = FORMS["airparif"]
HEADER = "date;heure;PM10;NO2\n;;microg/m3;microg/m3\n"

FOLDER = "sectors/air_paris_carfree_2016"

Read = Callable[..., Parsed]


@pytest.fixture(scope="module")
def read(feeds: dict[str, Feed]) -> Read:
    """`read(body, name)`: what the form reads."""
    feed = replace(
        feeds["bike-counters"], form=FORM.name, quantities=FORM.quantities, time_zone=ZoneInfo("Europe/Paris")
    )

    def read(body: bytes | str, name: str = "Opéra Paris.csv") -> Parsed:
        data = body.encode() if isinstance(body, str) else body
        return FORM.parse(Reply(data, datetime(2016, 10, 1, tzinfo=UTC), name=name), feed)

    return read


def test_an_hour_is_named_by_its_end(read: Read) -> None:
    """Hour 1 of 11 September began at midnight, 22:00 UTC of the 10th; hour 24 ends at the next midnight."""
    parsed = read(HEADER + "11/09/2016;1;21;53\n11/09/2016;24;n/d;40\n")
    rows = [(row["quantity"], row["start"], row["end"], row["value"]) for row in parsed.observations.to_pylist()]
    assert rows == [
        ("pm10_hourly_mean", datetime(2016, 9, 10, 22, tzinfo=UTC), datetime(2016, 9, 10, 23, tzinfo=UTC), 21.0),
        ("no2_hourly_mean", datetime(2016, 9, 10, 22, tzinfo=UTC), datetime(2016, 9, 10, 23, tzinfo=UTC), 53.0),
        ("no2_hourly_mean", datetime(2016, 9, 11, 21, tzinfo=UTC), datetime(2016, 9, 11, 22, tzinfo=UTC), 40.0),
    ]
    (place,) = parsed.places
    assert (place.id, place.name) == ("airparif:opera-paris", "Opéra Paris")


def test_hours_of_clock_change(read: Read) -> None:
    """On 27 March hour 2 ends at a time that doesn't exist and is refused, hour 3 ends at 01:00 UTC.

    On 30 October hour 2 twice in order are the hours that end at 00:00 and at 01:00 UTC.
    """
    spring = read(HEADER + "".join(f"27/03/2016;{hour};1;1\n" for hour in (1, 2, 3)))
    assert [row["row"] for row in spring.refused.to_pylist()] == [2]
    assert spring.observations["end"].to_pylist()[::2] == [datetime(2016, 3, 27, hour, tzinfo=UTC) for hour in (0, 1)]
    autumn = read(HEADER + "".join(f"30/10/2016;{hour};1;1\n" for hour in (2, 2, 3)))
    assert autumn.observations["end"].to_pylist()[::2] == [
        datetime(2016, 10, 30, hour, tzinfo=UTC) for hour in (0, 1, 2)
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("11/09/2016;0;21;53\n", "no hour of the local clock"),
        ("11/09/2016;25;21;53\n", "no hour of the local clock"),
        ("31/02/2016;1;21;53\n", "no hour of the local clock"),
        ("2016-09-11;1;21;53\n", "no hour of the local clock"),
        ("11/09/2016;1;21\n", "not 4 values"),
    ],
)
def test_a_line_of_no_hour_is_refused(line: str, says: str, read: Read) -> None:
    """Hours are 1 to 24, days day/month/year."""
    parsed = read(HEADER + line)
    assert parsed.observations.num_rows == 0
    assert says in parsed.refused["reason"][0].as_py()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("date;heure;NO2\n;;ppb\n", "the second row says ';;ppb'"),
        ("date;heure;NO2\n11/09/2016;1;36\n", "the second row says"),
        ("date;heure;NO2;Krypton\n;;microg/m3;microg/m3\n", "a pollutant at least"),
        ("date;heure\n;\n", "a pollutant at least"),
        ("", "is empty"),
        ("<html>\n", "is markup"),
        ("date;heure;NO2\n;;microg/m3\n11/09/2016;1;3", "cut short"),
    ],
)
def test_another_table_is_refused(body: str, says: str, read: Read) -> None:
    """Another unit, no row of units, an unknown pollutant or a broken end refuse the reply with the reason."""
    with pytest.raises(ReplyError, match=says):
        read(body)


def test_a_reply_must_be_named_for_its_station(read: Read) -> None:
    """Nothing in the file says where it was measured."""
    with pytest.raises(ReplyError, match="name of its station"):
        read(HEADER, name="")


def test_the_recorded_exports_are_read_whole(read: Read, shared_data: Path) -> None:
    """Seven stations of 15 days, 360 hours each; less the cells that `grep -o 'n/d'` counts, nothing is refused.

    By awk NO2 at Opéra in the hours 12 to 18 of 25 September adds up to 292.
    """
    counted = {
        "Avenue Bonaparte Paris": 360 - 1,
        "Avenue Champs-Elysées": 2 * 360 - 53,
        "Avenue Hausmann": 2 * 360 - 1,
        "La Défense": 2 * 360 - 3,
        "Opéra Paris": 2 * 360 - 13,
        "Paris 7ème arrondissement": 360 - 5,
        "Tour Eiffel": 3 * 360 - 16,
    }
    found = {path.stem: read(path.read_bytes(), path.name) for path in (shared_data / FOLDER).glob("*.csv")}
    assert {name: parsed.observations.num_rows for name, parsed in found.items()} == counted
    assert sum(parsed.refused.num_rows for parsed in found.values()) == 0
    rows = pl.DataFrame(found["Opéra Paris"].observations).filter(pl.col("quantity") == "no2_hourly_mean")
    assert rows["start"].n_unique() == rows.height
    afternoon = rows.filter(
        pl.col("end").is_between(datetime(2016, 9, 25, 10, tzinfo=UTC), datetime(2016, 9, 25, 16, tzinfo=UTC))
    )
    assert afternoon["value"].sum() == 292
