"""The Python client says what HTTP says, of a running node and of a stopped folder alike."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import passerelle
from passerelle.client import AnswerError, City
from passerelle.model.errors import InvalidValueError, LayoutError, PasserelleError


@pytest.fixture(params=["address", "folder of a running node", "stopped folder"])
def city(request: pytest.FixtureRequest, paris: Any, tmp_path: Path) -> Any:
    """The same city reached in each of the three ways."""
    ways: dict[str, Callable[[], Any]] = {
        "address": lambda: paris.url,
        "folder of a running node": lambda: paris.folder,
        "stopped folder": lambda: _back_up(paris.folder, tmp_path / "copy"),
    }
    with passerelle.connect(ways[request.param]()) as connected:
        yield connected


def _back_up(running: Path, copy: Path) -> Path:
    with passerelle.connect(running) as city:
        city.do("backup", {"folder": str(copy)})
    return copy


def find_halles(city: City) -> str:
    """The id of the daily means at Les Halles."""
    return str(city.series(quantity="no2_daily_mean", q="halles")["id"].item())


def test_frames_say_what_http_says(city: City, paris: Any) -> None:
    """Every list as a frame has the items of the API's own answer, in its order."""
    with paris.client() as client:
        for path, frame in (
            ("/quantities", city.quantities()),
            ("/feeds", city.feeds()),
            ("/places?sector=air", city.places(sector="air")),
            ("/series?sector=air", city.series(sector="air")),
            ("/changes", city.changes()),
            ("/findings", city.findings()),
        ):
            items = client.get(path).json()["items"]
            key = "name" if path == "/quantities" else "id"
            assert frame.height == len(items)
            assert not items or frame[key].to_list() == [item[key] for item in items]
        assert city.city()["public_key"] == client.get("/city").json()["public_key"]


def test_lights_are_a_frame(city: City) -> None:
    """A row a series, typed; Geod'air's means are green, and so is their feed."""
    lights = city.trust("geodair-no2-mean")
    assert lights["light"].to_list() == ["green", "green"]
    assert (lights.schema["start"], lights.schema["red_share"]) == (pl.Datetime("us", "UTC"), pl.Float64)
    feeds = city.feeds().filter(id="geodair-no2-mean").select("light", "series_green", "series_red")
    assert feeds.row(0) == ("green", 2, 0)
    assert city.series(quantity="no2_daily_mean")["light"].to_list() == ["green", "green"]


def test_observations_are_typed(city: City) -> None:
    """Times are instants in UTC, values numbers: Les Halles was at 14 ug/m3 on 27 March 2021."""
    frame = city.observations(
        find_halles(city), start=datetime(2021, 3, 26, 23, tzinfo=UTC), end="2021-03-27T23:00:00Z"
    )
    assert frame.schema["start"] == frame.schema["known_since"] == pl.Datetime("us", "UTC")
    assert frame["value"].to_list() == [14.0]
    assert frame["start"].item() == datetime(2021, 3, 26, 23, tzinfo=UTC)


def test_years_and_the_past(city: City, paris: Any) -> None:
    """Aggregates count the days of a year; before the import nothing was known."""
    halles = find_halles(city)
    years = city.observations(halles, start="2020-12-31T23:00:00Z", end="2021-12-31T23:00:00Z", aggregate="P1Y")
    known = city.observations(halles, as_known_at=paris.imported - timedelta(seconds=1))
    assert years["count"].to_list() == [365]
    assert known.is_empty()


def test_a_series_says_where_it_is(city: City) -> None:
    """Coordinates are columns, and the latest value stands beside them."""
    row = city.series(quantity="no2_daily_mean", q="halles").row(0, named=True)
    assert (row["lon"], row["lat"]) == (2.344616, 48.86212)
    assert (row["latest_value"], row["latest_start"]) == (23.0, datetime(2025, 12, 3, 23, tzinfo=UTC))
    assert row["title"]["fr"].endswith("Les Halles")


def test_refusals_are_errors_that_say_why(city: City) -> None:
    """A refusal raises with the problem's words and status; so does a feed that may not leave."""
    maxima = city.series(feed="geodair-no2-max")["id"][0]
    with pytest.raises(AnswerError, match="0000000000011") as unknown:
        city.observations("0000000000011")
    with pytest.raises(AnswerError, match="Licence Ouverte") as kept:
        city.observations(maxima)
    with pytest.raises(AnswerError, match="aggregate"):
        city.observations(find_halles(city), aggregate="P3D")
    with pytest.raises(AnswerError, match="foo"):
        city.series(foo=1)
    with pytest.raises(InvalidValueError, match="time zone"):
        city.observations(find_halles(city), start=datetime(2021, 1, 1))  # noqa: DTZ001
    assert (unknown.value.status, kept.value.status) == (404, 403)


def test_what_is_written_is_read(paris: Any) -> None:
    """A frame written once under a key counts once, and is read back as it was."""
    body = {"place": {"id": "client", "kind": "counter", "name": "C"}, "quantity": "bicycle_count"}
    with paris.client() as client:
        series = client.post("/series", json=body, headers={"authorization": f"Bearer {paris.sender}"}).json()["id"]
    frame = pl.DataFrame(
        {
            "series": [series, series],
            "start": [datetime(2021, 1, 1, hour, tzinfo=UTC) for hour in (1, 2)],
            "end": [datetime(2021, 1, 1, hour, tzinfo=UTC) for hour in (2, 3)],
            "value": [10.0, 20.0],
        }
    )
    with passerelle.connect(paris.url, token=paris.sender) as city:
        receipts = [city.write(frame, idempotency_key="client-1") for _ in range(2)]
        found = city.observations(series)
    with passerelle.connect(paris.url) as stranger, pytest.raises(AnswerError, match="Bearer"):
        stranger.write(frame)
    assert [(receipt["rows"], receipt["repeated"]) for receipt in receipts] == [(2, False), (2, True)]
    assert found.select("start", "end", "value").equals(frame.drop("series"))


def test_a_stopped_folder_takes_writes(paris: Any, tmp_path: Path) -> None:
    """On a stopped folder jobs and writes go the same way, and the folder is free again afterwards."""
    folder = _back_up(paris.folder, tmp_path / "copy")
    body = b'{"place": {"id": "local", "kind": "counter", "name": "L"}, "quantity": "bicycle_count"}'
    with passerelle.connect(folder) as city:
        token = city.do("create-token", {"name": "t", "scope": "write:observations", "feed": "bike-counters"})["secret"]
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        series = city.ask("POST", "series", content=body, headers=headers).json()["id"]
    row = {"series": [series], "start": ["2021-01-01T00:00:00Z"], "end": ["2021-01-01T01:00:00Z"], "value": [1.0]}
    times = [pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in ("start", "end")]
    with passerelle.connect(folder, token=token) as city:
        assert city.write(pl.DataFrame(row).with_columns(times))["rows"] == 1
    with passerelle.connect(folder) as city:
        assert city.observations(series)["value"].to_list() == [1.0]
    shutil.rmtree(folder)


def test_nothing_there_is_said_plainly(tmp_path: Path) -> None:
    """A folder that is no city's, and an address where nobody answers, are errors of ours that name them."""
    with pytest.raises(LayoutError, match=str(tmp_path)):
        passerelle.connect(tmp_path)
    with passerelle.connect("http://127.0.0.1:18299") as city, pytest.raises(PasserelleError, match="18299"):
        city.city()
