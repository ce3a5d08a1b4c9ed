"""A series read as JSON, CSV, Parquet and Arrow, by page, by day and as it was known."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

ROWS = 2253
"""`grep -c FR04055 data/geodair_no2/pollution_paris_no2_daily_clean.csv`"""


@pytest.fixture
def halles(paris: Any) -> str:
    """The series of daily means at Les Halles."""
    with paris.client() as client:
        items = client.get("/series?quantity=no2_daily_mean&q=halles").json()["items"]
    assert [item["place"] for item in items] == ["geodair:FR04055"]
    return str(items[0]["id"])


@pytest.fixture
def recorded(checkout: Path) -> list[tuple[str, float]]:
    """Day and value of every row of the publisher's file for Les Halles."""
    text = (checkout / "data/geodair_no2/pollution_paris_no2_daily_clean.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return sorted((row["date"], float(row["no2_ug_m3"])) for row in rows if row["station_id"] == "FR04055")


def read_csv(source: io.BytesIO) -> pl.DataFrame:
    """The table, its values as numbers."""
    return pl.read_csv(source, schema_overrides={"value": pl.Float64})


def read_frame(content: bytes, form: str) -> pl.DataFrame:
    """The answer's start and value."""
    readers: dict[str, Any] = {"parquet": pl.read_parquet, "arrow": pl.read_ipc_stream, "csv": read_csv}
    frame: pl.DataFrame = readers[form](io.BytesIO(content))
    starts = frame["start"].str.to_datetime(time_zone="UTC") if form == "csv" else frame["start"]
    return frame.select(starts.dt.cast_time_unit("us").alias("start"), "value")


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_every_form_holds_the_publishers_rows(
    paris: Any, halles: str, recorded: list[tuple[str, float]], form: str
) -> None:
    """Each form has one row a day of the publisher's file, at that day's local midnight, with its value."""
    with paris.client() as client:
        answer = client.get(f"/series/{halles}/observations", params={"format": form})
    frame = read_frame(answer.content, form)
    days = frame["start"].dt.convert_time_zone("Europe/Paris")
    assert frame.height == len(recorded) == ROWS
    assert list(zip(days.dt.strftime("%Y-%m-%d"), frame["value"], strict=True)) == recorded
    assert set(days.dt.strftime("%H:%M")) == {"00:00"}
    assert f'filename="{halles}.' in answer.headers["content-disposition"]


def test_pages_are_the_whole_in_order(paris: Any, halles: str, recorded: list[tuple[str, float]]) -> None:
    """Pages of any size, one after another, hold each value once and in order."""
    values: list[float] = []
    params: dict[str, Any] = {"limit": 700}
    with paris.client() as client:
        while True:
            page = client.get(f"/series/{halles}/observations", params=params).json()
            values += [item["value"] for item in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
    assert values == [value for _, value in recorded]


def test_the_range_is_half_open(paris: Any, halles: str) -> None:
    """A start equal to `start` is in, one equal to `end` isn't: 27 and 28 March 2021 were 14 and 22 ug/m3."""
    params = {"start": "2021-03-26T23:00:00Z", "end": "2021-03-28T22:00:00Z"}
    with paris.client() as client:
        items = client.get(f"/series/{halles}/observations", params=params).json()["items"]
    assert [(item["start"], item["end"], item["value"]) for item in items] == [
        ("2021-03-26T23:00:00Z", "2021-03-27T23:00:00Z", 14.0),
        ("2021-03-27T23:00:00Z", "2021-03-28T22:00:00Z", 22.0),
    ]


def test_a_month_is_the_citys_month(paris: Any, halles: str, recorded: list[tuple[str, float]]) -> None:
    """The mean of March 2021 pools the 31 local days of that name, though one of them had 23 hours."""
    march = [value for day, value in recorded if day.startswith("2021-03")]
    params = {"start": "2021-02-28T23:00:00Z", "end": "2021-04-30T22:00:00Z", "aggregate": "P1M", "limit": 1}
    with paris.client() as client:
        page = client.get(f"/series/{halles}/observations", params=params).json()
        rest = client.get(f"/series/{halles}/observations", params={**params, "cursor": page["next"]}).json()
    assert page["items"] == [
        {
            "start": "2021-02-28T23:00:00Z",
            "end": "2021-03-31T22:00:00Z",
            "value": pytest.approx(sum(march) / 31),
            "count": 31,
        }
    ]
    assert [item["start"] for item in rest["items"]] == ["2021-03-31T22:00:00Z"]
    assert rest["next"] is None


def test_a_named_statistic_is_the_one_pooled(paris: Any, halles: str, recorded: list[tuple[str, float]]) -> None:
    """`max:P1Y` of 2021 is the largest value of the publisher's file that year, in every form."""
    largest = max(value for day, value in recorded if day.startswith("2021"))
    params = {"start": "2020-12-31T23:00:00Z", "end": "2021-12-31T23:00:00Z", "aggregate": "max:P1Y"}
    with paris.client() as client:
        items = client.get(f"/series/{halles}/observations", params=params).json()["items"]
        table = client.get(f"/series/{halles}/observations", params={**params, "format": "parquet"}).content
    assert [item["value"] for item in items] == [largest]
    assert pl.read_parquet(table)["value"].to_list() == [largest]


def test_a_state_is_not_pooled_unasked(paris: Any) -> None:
    """How to pool a state must be said: a 400 shows how."""
    with paris.client() as client:
        series = client.get("/series?quantity=carshare_vehicles_available&limit=1").json()["items"][0]["id"]
        refused = client.get(f"/series/{series}/observations", params={"aggregate": "P1D"})
        said = client.get(f"/series/{series}/observations", params={"aggregate": "mean:P1D"})
    assert refused.status_code == 400
    assert "mean:P1D" in refused.json()["detail"]
    assert said.status_code == 200


def test_nothing_was_known_before_the_import(paris: Any, halles: str) -> None:
    """A file imported today is known since today, whatever it is about."""
    before = (paris.imported - timedelta(seconds=1)).isoformat()
    with paris.client() as client:
        known = client.get(f"/series/{halles}/observations", params={"as_known_at": before}).json()
        since = client.get(f"/series/{halles}/observations", params={"limit": 1}).json()["items"][0]["known_since"]
    assert known == {"items": [], "next": None, "trust": None}
    assert paris.imported <= datetime.fromisoformat(since) <= datetime.now(UTC)


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "arrow"])
@pytest.mark.parametrize("more", [{}, {"aggregate": "P1Y"}, {"versions": "true"}])
def test_a_feed_that_may_not_leave_does_not(paris: Any, form: str, more: dict[str, str]) -> None:
    """Rows of a feed declared `derived` are refused in every form with the licence's name, and shown in no list."""
    with paris.client() as client:
        item = client.get("/series?feed=geodair-no2-max&limit=1").json()["items"][0]
        answer = client.get(f"/series/{item['id']}/observations", params={"format": form, **more})
        refused = client.get("/feeds/geodair-no2-max/refused")
    assert answer.status_code == refused.status_code == 403
    assert answer.json()["type"] == "/api/v1/problems/licence"
    assert "Licence Ouverte" in answer.json()["detail"]
    assert item["latest"] is None
    assert item["rows"] > 0
