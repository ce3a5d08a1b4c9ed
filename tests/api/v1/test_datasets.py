"""The catalogue: what is listed, what a search finds, and a whole dataset in one file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import polars as pl
import pytest
from tests.conftest import RunningCity

MEAN = "/datasets/geodair-no2-mean/no2_daily_mean"


@pytest.fixture(scope="module")
def client(paris: RunningCity) -> Iterator[httpx.Client]:
    with paris.client() as client:
        yield client


def read_means(checkout: Path) -> list[dict[str, str]]:
    """The rows of the publisher's file that have a value."""
    text = (checkout / "data/geodair_no2/pollution_paris_no2_daily_clean.csv").read_text(encoding="utf-8")
    return [row for row in csv.DictReader(text.splitlines()) if row["no2_ug_m3"]]


def test_each_feed_and_quantity_is_a_line(client: httpx.Client, checkout: Path) -> None:
    """As many as the city file's feeds declare quantities; the one of means has the two stations' rows."""
    feeds = client.get("/feeds", params={"limit": 1000}).json()["items"]
    items = client.get("/datasets", params={"limit": 1000}).json()["items"]
    assert {item["id"] for item in items} == {f"{feed['id']}/{name}" for feed in feeds for name in feed["quantities"]}
    one = next(item for item in items if item["feed"] == "geodair-no2-mean")
    assert (one["series"], one["places"], one["matching"], one["rows"]) == (2, 2, 2, len(read_means(checkout)))
    assert one["licence"]["name"] == next(feed for feed in feeds if feed["id"] == one["feed"])["licence"]["name"]
    absent = next(item for item in items if item["feed"] == "velib-status")
    assert (absent["series"], absent["rows"], absent["first"], absent["light"]) == (0, 0, None, None)


def test_those_with_most_come_first(client: httpx.Client) -> None:
    """Without words by rows; the pages together are the list."""
    whole = client.get("/datasets", params={"limit": 1000}).json()["items"]
    assert [item["rows"] for item in whole] == sorted((item["rows"] for item in whole), reverse=True)
    first = client.get("/datasets", params={"limit": 3}).json()
    second = client.get("/datasets", params={"limit": 1000, "cursor": first["next"]}).json()
    assert first["items"] + second["items"] == whole


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("air quality", "geodair-no2-max/no2_daily_max"),
        ("qualité de l'air", "geodair-no2-max/no2_daily_max"),
        ("dioxide paris", "geodair-no2-mean/no2_daily_mean"),
        ("nitorgen pairs", "geodair-no2-mean/no2_daily_mean"),
        ("vélos comptés", "bike-counters/bicycle_count"),
        ("bycicle", "bike-counters/bicycle_count"),
        ("Champs-Elysées moyenne", "geodair-no2-mean/no2_daily_mean"),
    ],
)
def test_a_search_finds_them(client: httpx.Client, words: str, first: str) -> None:
    """By quantity, sector, feed or place, in both languages, slips forgiven; the one that is called so comes first."""
    assert client.get("/datasets", params={"q": words}).json()["items"][0]["id"] == first


def test_filters(client: httpx.Client) -> None:
    """A sector, a feed and a quantity keep what they say; unknown ones are a 400."""
    air = client.get("/datasets", params={"sector": "air"}).json()["items"]
    assert {item["sector"] for item in air} == {"air"}
    kept = client.get("/datasets", params={"feed": "geodair-no2-max", "quantity": "no2_daily_max"}).json()["items"]
    assert [item["id"] for item in kept] == ["geodair-no2-max/no2_daily_max"]
    for name in ("sector", "feed", "quantity"):
        assert client.get("/datasets", params={name: "sea"}).status_code == 400


def test_months_count_what_the_file_has(client: httpx.Client, checkout: Path) -> None:
    """Each civil month of Paris has as many observations as the publisher's file has days with a value."""
    answer = client.get(MEAN).json()
    days = Counter(row["date"][:7] for row in read_means(checkout))
    assert len(answer["months"]) == len(days)
    assert [month["rows"] for month in answer["months"]] == [days[name] for name in sorted(days)]
    last = {row["station_id"] for row in read_means(checkout) if row["date"].startswith(max(days))}
    assert answer["months"][-1]["series"] == len(last)


@pytest.mark.parametrize("form", ["parquet", "csv", "arrow"])
def test_a_dataset_comes_in_one_file(client: httpx.Client, checkout: Path, form: str) -> None:
    """All rows of both stations, in each form, with the publisher's own sum of values."""
    read = {
        "parquet": pl.read_parquet,
        "csv": partial(pl.read_csv, infer_schema_length=None),
        "arrow": pl.read_ipc_stream,
    }[form]
    answer = client.get(f"{MEAN}/observations", params={"format": form})
    assert answer.headers["content-disposition"].startswith('attachment; filename="geodair-no2-mean.no2_daily_mean.')
    frame = read(io.BytesIO(answer.content))  # type: ignore[operator]
    rows = read_means(checkout)
    assert frame.height == len(rows)
    assert frame["value"].sum() == pytest.approx(sum(float(row["no2_ug_m3"]) for row in rows))
    assert set(frame["unit"]) == {"ug/m3"}
    assert frame["series"].n_unique() == 2


def test_a_span_is_half_open(client: httpx.Client, checkout: Path) -> None:
    """Of January 2020 in Paris, as many rows as the publisher has days of it; of no time at all only the columns."""
    span = {"start": "2019-12-31T23:00:00Z", "end": "2020-01-31T23:00:00Z", "format": "csv"}
    frame = pl.read_csv(io.BytesIO(client.get(f"{MEAN}/observations", params=span).content))
    assert frame.height == sum(row["date"].startswith("2020-01") for row in read_means(checkout))
    before = {"start": "1900-01-01T00:00:00Z", "end": "1900-01-02T00:00:00Z"}
    empty = pl.read_csv(io.BytesIO(client.get(f"{MEAN}/observations", params={**span, **before}).content))
    assert (empty.height, empty.columns) == (0, frame.columns)


def test_what_may_not_leave_is_refused_with_the_reason(client: httpx.Client) -> None:
    """The dataset is listed and described; its rows are a 403 that names the licence."""
    path = "/datasets/geodair-no2-max/no2_daily_max"
    assert client.get(path).json()["redistribute"] == "derived"
    answer = client.get(f"{path}/observations")
    assert answer.status_code == 403
    assert client.get(path).json()["licence"]["name"] in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/datasets/nowhere/bicycle_count", 404),
        ("/datasets/geodair-no2-mean/bicycle_count", 404),
        (f"{MEAN}/observations?format=xlsx", 400),
        (f"{MEAN}/observations?start=2021-01-02T00:00:00Z&end=2021-01-01T00:00:00Z", 400),
        (f"{MEAN}/observations?limit=3", 400),
    ],
)
def test_what_is_not_there_is_said(client: httpx.Client, path: str, status: int) -> None:
    """An unknown feed or quantity is a 404, a form or span that can't be a 400."""
    assert client.get(path).status_code == status
