"""Lists: their filters, their pages, and what the publishers' files say is in them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passerelle.api.local import LocalNode
from passerelle.archive import create_folder, open_archive
from passerelle.feeds.feed import Reply

STATIONS = 1119
"""Lines of data/autolib/autolib_snapshot_2018-02-23.csv, its header left out."""


def list_all(client: Any, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every item, page by page."""
    page = client.get(path, params=params).json()
    items: list[dict[str, Any]] = page["items"]
    while page["next"] is not None:
        page = client.get(path, params={**params, "cursor": page["next"]}).json()
        items += page["items"]
    return items


def test_pages_hold_every_station_once(paris: Any) -> None:
    """The 1,119 stations of the snapshot come in pages of 300, none twice."""
    with paris.client() as client:
        items = list_all(client, "/places", sector="mobility", kind="station", limit=300)
    assert len(items) == len({item["id"] for item in items}) == STATIONS


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/quantities", {"limit": 7}),
        ("/places", {"limit": 999, "sector": "air"}),
        ("/feeds", {"limit": 1}),
        ("/series", {"limit": 5, "sector": "air"}),
        ("/feeds/geodair-no2-mean/replies", {"limit": 1}),
        ("/changes", {"limit": 1}),
        ("/studies", {"limit": 1}),
        ("/findings", {"limit": 1}),
    ],
)
def test_pages_of_any_size_say_the_same(paris: Any, path: str, params: dict[str, Any]) -> None:
    """A list in small pages is the list in one."""
    with paris.client() as client:
        whole = client.get(path, params={**params, "limit": 1000}).json()
        paged = list_all(client, path, **params)
    assert whole["next"] is None
    assert [item.get("id", item.get("name")) for item in paged] == [
        item.get("id", item.get("name")) for item in whole["items"]
    ]


def test_search_finds_without_accents(paris: Any) -> None:
    """Words are found whatever their accents and capitals."""
    with paris.client() as client:
        found = [
            client.get("/places", params={"q": word, "sector": "air"}).json()["items"]
            for word in ("élysées", "ELYSEES")
        ]
    assert found[0] == found[1] != []


def test_a_box_holds_what_lies_in_it(paris: Any) -> None:
    """Around Les Halles (2.3446 E, 48.8621 N by the publisher) the box finds that station and not Metz."""
    with paris.client() as client:
        items = client.get("/places", params={"bbox": "2.344,48.862,2.345,48.863", "sector": "air"}).json()["items"]
        series = client.get("/series", params={"bbox": "2.344,48.862,2.345,48.863", "sector": "air"}).json()["items"]
    assert [item["id"] for item in items] == ["geodair:FR04055"]
    assert [item["place"] for item in series] == ["geodair:FR04055"]
    assert items[0]["centre"] == [2.344616, 48.86212]
    assert items[0]["areas"] == {"arrondissement": "75101"}


def test_the_latest_value_is_the_files_last_row(paris: Any) -> None:
    """At Les Halles the publisher's last row is of 4 December 2025, 23.0 ug/m3."""
    with paris.client() as client:
        item = client.get("/series?quantity=no2_daily_mean&q=halles").json()["items"][0]
        one = client.get(f"/series/{item['id']}").json()
    assert one == item
    assert item["latest"]["value"] == 23.0
    assert item["latest"]["start"] == item["last"] == "2025-12-03T23:00:00Z"
    assert (item["rows"], item["first"]) == (2253, "2019-09-24T22:00:00Z")
    assert (item["unit"], item["statistic"], item["redistribute"]) == ("ug/m3", "mean", "yes")


def test_the_city_counts_what_was_imported(paris: Any) -> None:
    """5,268 daily means and 35,972 maxima are in the files; sectors without data are shown as absent."""
    with paris.client() as client:
        city = client.get("/city").json()
    sectors = {sector["sector"]: sector for sector in city["sectors"]}
    assert set(sectors) == {"mobility", "energy", "water", "waste", "air", "citizens"}
    assert sectors["air"]["observations"] == 5268 + 35972
    assert sectors["air"]["places"] == 15
    assert not sectors["water"]["present"]
    assert city["counts"]["replies"] == 3
    assert city["time_zone"] == "Europe/Paris"
    assert not city["disk"]["alarm"]


def test_a_feed_says_its_terms_and_what_is_held(paris: Any) -> None:
    """A feed names publisher, licence and rows; its reply the hash that the data card gives the file."""
    with paris.client() as client:
        feed = client.get("/feeds/geodair-no2-mean").json()
        reply = client.get("/feeds/geodair-no2-mean/replies").json()["items"][0]
        refused = client.get("/feeds/geodair-no2-mean/refused").json()
    assert feed["licence"]["name"].startswith("Licence Ouverte")
    assert (feed["observations"], feed["replies"], feed["refused"]) == (5268, 1, 0)
    assert reply["sha256"] == "05d70d30ad4f25fb62057cb7e4ffa3426eebdd6998a567e15cf5a131897c0846"
    assert (reply["state"], reply["rows"]) == ("admitted", 5268)
    assert refused == {"items": [], "next": None}


def test_areas_are_a_map(paris: Any) -> None:
    """Paris has 20 arrondissements, each a feature with a geometry."""
    with paris.client() as client:
        answer = client.get("/areas")
    districts = [one for one in answer.json()["features"] if one["properties"]["division"] == "arrondissement"]
    assert answer.headers["content-type"].startswith("application/geo+json")
    assert len(districts) == 20
    assert {one["geometry"]["type"] for one in districts} <= {"Polygon", "MultiPolygon"}


def test_quantities_have_units_and_open_bounds_are_null(paris: Any) -> None:
    """JSON has no infinity: a quantity without an upper bound says null."""
    with paris.client() as client:
        rows = {row["name"]: row for row in client.get("/quantities").json()["items"]}
        one = client.get("/quantities/no2_daily_mean").json()
    assert one == rows["no2_daily_mean"]
    assert (one["unit"], one["statistic"], one["interval"]) == ("ug/m3", "mean", "P1D")
    assert all(row["title"]["fr"] and row["source"] for row in rows.values())


def test_series_of_a_feed_that_left_the_city_file(tmp_path: Path, checkout: Path) -> None:
    """They are listed and counted as before, without a value, for nothing is known of their licence any more."""
    folder = tmp_path / "paris"
    create_folder(folder, "paris")
    path = checkout / "data/geodair_no2/pollution_paris_no2_daily_clean.csv"
    with closing(open_archive(folder)) as archive:
        archive.admit(archive.keep("geodair-no2-mean", Reply(path.read_bytes(), datetime.now(UTC))).reply_id)
    city = folder / "city.toml"
    city.write_text(city.read_text(encoding="utf-8").replace("geodair-no2-mean", "geodair-other"), encoding="utf-8")
    with closing(LocalNode(folder)) as node:
        listed = node.ask("GET", "/api/v1/series")
        assert listed.status_code == 200
        items = listed.json()["items"]
        assert {(item["feed"], item["redistribute"], item["latest"]) for item in items} == {
            ("geodair-no2-mean", "no", None)
        }
        assert node.ask("GET", f"/api/v1/series/{items[0]['id']}").json() == items[0]
        assert node.ask("GET", "/api/v1/city").json()["counts"]["series"] == len(items)
        assert node.ask("GET", "/api/v1/feeds").status_code == 200
        assert node.ask("GET", "/api/v1/places").status_code == 200
        assert node.ask("GET", f"/api/v1/series/{items[0]['id']}/observations").status_code == 404
