"""Exports: every feed whose licence lets rows leave, and none other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from passerelle.archive import Archive
from passerelle.archive import export as exports
from passerelle.archive.export import export_all
from passerelle.archive.redistribution import Leaving, check_redistribution, may_leave
from passerelle.feeds.city import read_city
from passerelle.feeds.feed import Reply
from passerelle.model.errors import InvalidValueError, RedistributionError
from passerelle.model.series import Series

LINE = "rivoli|bicycle_count|2021-03-01T{:02}:00:00Z|{}|"


@pytest.fixture
def filled(archive: Archive, reply: Callable[..., Reply]) -> Archive:
    """Three feeds with the values 1, 22 and 333, which may leave, leave derived, and not leave."""
    for feed, value in (("open", "1"), ("derived", "22"), ("closed", "333")):
        archive.admit(archive.keep(feed, reply(LINE.format(8, value), LINE.format(9, value))).reply_id)
    return archive


def test_only_what_may_leave_leaves(filled: Archive, tmp_path: Path) -> None:
    """Of the feeds that may not leave there is the reason and no value, in no file of the export."""
    catalogue = export_all(filled, tmp_path / "export")
    assert {one["id"]: one["rows"] for one in catalogue["datasets"]} == {"open": 2, "derived": None, "closed": None}
    withheld = [one["withheld"] for one in catalogue["datasets"]]
    assert withheld == [
        None,
        "Terms of derived is declared redistribute = derived",
        "Terms of closed is declared redistribute = no",
    ]
    files = {str(path.relative_to(tmp_path / "export")) for path in (tmp_path / "export").rglob("*") if path.is_file()}
    assert files == {"observations/open.parquet", "observations/open.csv", "places.geojson", "metadata.json"}
    frame = pl.read_parquet(tmp_path / "export" / "observations" / "open.parquet")
    assert frame["value"].to_list() == [1.0, 1.0]


def test_rows_say_what_they_are(filled: Archive, tmp_path: Path) -> None:
    """Parquet and CSV hold the same rows with place, quantity, unit, both times and the reply they came from."""
    export_all(filled, tmp_path / "export")
    frame = pl.read_parquet(tmp_path / "export" / "observations" / "open.parquet")
    assert (
        frame.select("series", "place", "quantity", "unit", "value", "source").rows()
        == [(Series("open", "rivoli", "bicycle_count").id, "rivoli", "bicycle_count", "{bicycle}", 1.0, 1)] * 2
    )
    assert frame["known_since"].dt.to_string("%FT%TZ").unique().to_list() == ["2021-03-01T12:00:00Z"]
    with (tmp_path / "export" / "observations" / "open.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["place"] for row in rows] == ["rivoli"] * 2
    assert rows[0]["start"].startswith("2021-03-01 08:00:00")


def test_places_and_metadata(filled: Archive, tmp_path: Path) -> None:
    """Places are GeoJSON features with their areas; the metadata name city, licences and quantities used."""
    export_all(filled, tmp_path / "export")
    [feature] = json.loads((tmp_path / "export" / "places.geojson").read_text())["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [2.3522, 48.8566]}
    assert feature["properties"]["areas"] == {"arrondissement": "75104"}
    metadata = json.loads((tmp_path / "export" / "metadata.json").read_text())
    assert metadata["city"]["id"] == "testville"
    assert metadata["datasets"][0]["licence"]["name"] == "Terms of open"
    assert [one["name"] for one in metadata["quantities"]] == ["bicycle_count", "no2_daily_mean"]


def test_large_series_go_page_by_page(filled: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pages of a single row the export is the same."""
    export_all(filled, tmp_path / "whole")
    monkeypatch.setattr(exports, "_ROWS", 1)
    export_all(filled, tmp_path / "paged")
    whole, paged = (pl.read_parquet(tmp_path / name / "observations" / "open.parquet") for name in ("whole", "paged"))
    assert paged.equals(whole)


def test_a_full_folder_is_refused(filled: Archive, tmp_path: Path) -> None:
    """An export overwrites nothing."""
    export_all(filled, tmp_path / "export")
    with pytest.raises(InvalidValueError, match="not empty"):
        export_all(filled, tmp_path / "export")


@pytest.mark.parametrize(
    ("feed", "form", "allowed"),
    [
        ("open", Leaving.ROWS, True),
        ("open", Leaving.DERIVED, True),
        ("derived", Leaving.ROWS, False),
        ("derived", Leaving.DERIVED, True),
        ("closed", Leaving.ROWS, False),
        ("closed", Leaving.DERIVED, False),
    ],
)
def test_what_may_leave(city_file: Path, feed: str, form: Leaving, allowed: bool) -> None:
    """`yes` lets all leave, `derived` what a study derives, `no` nothing."""
    feeds = {one.id: one for one in read_city(city_file).feeds}
    assert may_leave(feeds[feed], form) is allowed


def test_the_refusal_names_the_licence(archive: Archive) -> None:
    """The error says whose licence, which, where it can be read and what it allows."""
    with pytest.raises(RedistributionError) as caught:
        check_redistribution(archive.get_feed("derived"), Leaving.ROWS)
    assert all(word in str(caught.value) for word in ("'derived'", "Terms of derived", "https://licence.invalid/"))
    assert caught.value.where == "derived"
