"""PurpleAir: raw is raw, channel by channel, and nobody's name or door is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError

FORM = FORMS["purpleair"]
assert FORM.scrub is not None
scrub = FORM.scrub

ANSWER = (
    b'{"api_version":"V1.0.10-0.0.17","time_stamp":1657577251,"fields":["sensor_index","name","last_seen","latitude",'
    b'"longitude","pm2.5_atm","pm2.5_cf_1_a","pm2.5_cf_1_b","humidity"],"data":[[63217,"Roe family porch",1657577200,'
    b"37.774912,-122.419416,7.1,6.9,7.3,55],[63218,null,null,null,null,12.5,null,-1,40]]}"
)
TABLE = b"sensor_index,DAILY,pm2.5_cf_1_a,pm2.5_cf_1_b\n"

Read = Callable[..., Parsed]


@pytest.fixture(scope="module")
def feed(feeds: dict[str, Feed]) -> Feed:
    """A feed in this form, asked every ten minutes."""
    return replace(
        feeds["bike-counters"],
        form=FORM.name,
        quantities=FORM.quantities,
        cadence_seconds=600,
        time_zone=ZoneInfo("America/Los_Angeles"),
    )


@pytest.fixture(scope="module")
def read(feed: Feed) -> Read:
    """What the form reads of bytes, scrubbed first."""
    return lambda body: FORM.parse(Reply(scrub(body), datetime(2026, 1, 1, tzinfo=UTC)), feed)


def test_the_scrub_leaves_no_name_and_no_door() -> None:
    """Names go, a position is rounded to a hundredth of a degree; what is scrubbed stays as it is."""
    left = scrub(ANSWER)
    assert b"Roe" not in left
    assert b"37.77," in left
    assert b"37.7749" not in left
    assert scrub(left) == left


@pytest.mark.parametrize(
    "body",
    [b'{"fields":["Roe"]}', b'{"a":"Roe"}', b'{"fields":["Roe', b"name,sensor_index\nRoe,1\n", b"Roe\n", b"<p>Roe</p>"],
)
def test_what_is_no_answer_is_not_kept(body: bytes) -> None:
    """Another object, one cut short and a table with unknown columns are refused without a quotation."""
    with pytest.raises(ReplyError) as caught:
        scrub(body)
    assert "Roe" not in str(caught.value)


def test_values_are_raw_and_of_a_channel(read: Read) -> None:
    """One by its own time, 1657577200 is 22:06:40 UTC of 11 July 2022; the other by the answer's."""
    parsed = read(ANSWER)
    rows = [(row["place"], row["facet"], row["start"], row["value"]) for row in parsed.observations.to_pylist()]
    seen, stamped = datetime(2022, 7, 11, 22, 6, 40, tzinfo=UTC), datetime(2022, 7, 11, 22, 7, 31, tzinfo=UTC)
    assert rows == [
        ("purpleair:63217", "atm", seen, 7.1),
        ("purpleair:63217", "cf_1_a", seen, 6.9),
        ("purpleair:63217", "cf_1_b", seen, 7.3),
        ("purpleair:63218", "atm", stamped, 12.5),
        ("purpleair:63218", "cf_1_b", stamped, -1.0),
    ]
    assert {row["quantity"] for row in parsed.observations.to_pylist()} == {"pm2_5_raw"}
    assert parsed.observations["end"][0].as_py() - seen == timedelta(minutes=10)
    assert {place.id: place.centre for place in parsed.places} == {
        "purpleair:63217": (-122.42, 37.77),
        "purpleair:63218": None,
    }


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"1657577200", b"165757.5", "without a time or a number"),
        (b"63218,", b'"x",', "without a time or a number"),
        (b",40]", b"]", "as many values as fields"),
    ],
)
def test_a_sensor_that_says_too_little_is_refused(old: bytes, new: bytes, says: str, read: Read) -> None:
    """A time that is none isn't replaced by another, a list of another length says nothing for certain."""
    assert says in read(ANSWER.replace(old, new)).refused["reason"][0].as_py()


def test_a_feed_must_have_a_cadence(feed: Feed) -> None:
    """A state holds for as long as the feed says."""
    with pytest.raises(InvalidValueError, match="cadence"):
        FORM.parse(Reply(scrub(ANSWER), datetime(2026, 1, 1, tzinfo=UTC)), replace(feed, cadence_seconds=None))


def test_a_table_is_of_local_days(read: Read) -> None:
    """22 April in San Francisco begins at 07:00 UTC; the channels are facets of a daily mean."""
    parsed = read(TABLE + b"101259,2023-04-22,7.5,8.25\nx,2023-04-22,1,1\n1,22/04/2023,1,1\n1,2023-04-22,one,\n")
    rows = [(row["quantity"], row["facet"], row["start"].hour, row["value"]) for row in parsed.observations.to_pylist()]
    assert rows == [("pm2_5_raw_daily_mean", "cf_1_a", 7, 7.5), ("pm2_5_raw_daily_mean", "cf_1_b", 7, 8.25)]
    assert [row["row"] for row in parsed.refused.to_pylist()] == [2, 3, 4]


def test_the_published_table_is_read_whole(read: Read, shared_data: Path) -> None:
    """5,666 sensor-days of 18 sensors; by awk channel A adds up to 76,627.316634 and B to 74,365.046411."""
    parsed = read((shared_data / "sectors/air_lowcost_calibration/purpleair_aqs_daily90_2021_2023.csv").read_bytes())
    sums = dict(pl.DataFrame(parsed.observations).group_by("facet").agg(pl.col("value").sum()).iter_rows())
    assert (parsed.observations.num_rows, parsed.refused.num_rows, len(parsed.places)) == (2 * 5_666, 0, 18)
    assert sums == {"cf_1_a": pytest.approx(76_627.316634), "cf_1_b": pytest.approx(74_365.046411)}
