"""Values at a moment: the newest of each series, as it was and as it was known, and what places make together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from passerelle.api.local import LocalNode
from passerelle.archive import create_folder, open_archive
from passerelle.feeds.feed import Reply

HALLES, ELYSEES, METZ = "geodair:FR04055", "geodair:FR04031", "geodair:FR01011"


def ask_of(client: Any, path: str, **params: Any) -> Any:
    """The answer's document."""
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def value_at(client: Any, moment: str, place: str = HALLES) -> tuple[float, bool]:
    """The newest daily mean at a place, and whether it stands."""
    (item,) = ask_of(client, "/values", place=place, quantity="no2_daily_mean", at=moment)["items"]
    return item["newest"]["value"], item["newest"]["stands"]


@pytest.mark.parametrize(
    ("moment", "value"),
    [
        ("2021-03-27T22:59:59Z", 14.0),
        ("2021-03-27T23:00:00Z", 22.0),
        ("2021-03-28T21:59:59Z", 22.0),
        ("2021-03-28T22:00:00Z", 52.0),
    ],
)
def test_a_day_of_23_hours(paris: Any, moment: str, value: float) -> None:
    """Lines 3556 to 3558 of the publisher's file: 14, 22 and 52 on 27, 28 and 29 March 2021 at Les Halles; the 28th
    lasts from 23:00 to 22:00 UTC."""
    with paris.client() as client:
        assert value_at(client, moment) == (value, True)


def test_a_value_stands_for_three_of_its_intervals(paris: Any) -> None:
    """The last row at Les Halles is of 4 December 2025: three days from 23:00 UTC of the 3rd it stands no more."""
    with paris.client() as client:
        assert value_at(client, "2025-12-06T22:59:59Z") == (23.0, True)
        assert value_at(client, "2025-12-06T23:00:00Z") == (23.0, False)
        (item,) = ask_of(client, "/values", place=HALLES, at="2025-12-04T23:00:00Z")["items"]
        (late,) = ask_of(client, "/values", place=HALLES, at="2026-01-01T00:00:00Z")["items"]
    assert item["newest"]["age_seconds"] == 86400
    assert late["light"] is None


def test_before_the_first_value_there_is_none(paris: Any) -> None:
    """Les Halles begins on 25 September 2019: a second before, the series is there without a value."""
    with paris.client() as client:
        (item,) = ask_of(client, "/values", place=HALLES, at="2019-09-24T21:59:59Z")["items"]
    assert (item["newest"], item["light"]) == (None, None)


def test_nothing_was_known_before_the_import(paris: Any) -> None:
    """A file imported today tells nothing of what was known in 2021."""
    with paris.client() as client:
        known = {"at": "2021-03-28T12:00:00Z", "as_known_at": "2021-03-28T12:00:00Z"}
        (then,) = ask_of(client, "/values", place=HALLES, **known)["items"]
    assert then["newest"] is None


def test_pages_and_filters(paris: Any) -> None:
    """3,357 series of vehicles at 1,119 stations come in pages of 1,000, none twice; an area's are those inside it."""
    found: list[str] = []
    cursor = None
    with paris.client() as client:
        while True:
            asked = {"quantity": "carshare_vehicles_available", "at": "2018-02-23T12:00:00Z", "limit": 1000}
            page = ask_of(client, "/values", **asked, **({"cursor": cursor} if cursor else {}))
            found += [item["series"] for item in page["items"]]
            if (cursor := page["next"]) is None:
                break
        inside = ask_of(client, "/values", area="arrondissement:75104", sector="mobility", limit=1000)["items"]
    assert len(found) == len(set(found)) == 3 * 1119
    assert len({item["place"] for item in inside}) == 17


def test_rows_that_may_not_leave_stay(paris: Any) -> None:
    """Of a feed whose rows may not leave, the time of the newest value is told and the value isn't."""
    with paris.client() as client:
        (item,) = ask_of(client, "/values", place=METZ, at="2021-03-28T12:00:00Z")["items"]
        air = ask_of(client, "/profile", place=METZ, at="2021-03-28T12:00:00Z")["sectors"][4]["measured"]
    assert (item["newest"]["start"], item["newest"]["value"]) == ("2021-03-27T23:00:00Z", None)
    assert air[0]["together"] is None
    assert "licence" in air[0]["apart"]["en"]


def test_an_answer_needs_to_be_sent_once(paris: Any) -> None:
    """The same question has the same ETag, and is answered by a 304 to whoever holds it; another has another."""
    with paris.client() as client:
        first = client.get("/values", params={"place": HALLES, "at": "2021-03-28T12:00:00Z"})
        again = client.get(first.request.url, headers={"if-none-match": first.headers["etag"]})
        other = client.get("/values", params={"place": HALLES, "at": "2021-03-29T12:00:00Z"})
    assert (again.status_code, again.content) == (304, b"")
    assert other.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize(
    ("path", "params", "where"),
    [
        ("/values", {"at": "2021-03-28"}, "at"),
        ("/values", {"feed": "none"}, "feed"),
        ("/values", {"quantity": "noise"}, "quantity"),
        ("/availability", {"sector": "sea"}, "sector"),
        ("/profile", {}, "place"),
        ("/profile", {"place": HALLES, "area": "75101"}, "place"),
        ("/comparisons", {"one": HALLES, "other": HALLES}, "other"),
    ],
)
def test_bad_parameters_are_named(paris: Any, path: str, params: dict[str, str], where: str) -> None:
    """What came and what is allowed is told of the parameter that is wrong."""
    with paris.client() as client:
        answer = client.get(path, params=params)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["where"] == where


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/profile", {"place": "nowhere"}),
        ("/profile", {"area": "arrondissement:75199"}),
        ("/comparisons", {"one": HALLES, "other": "nowhere"}),
    ],
)
def test_unknown_places_are_not_found(paris: Any, path: str, params: dict[str, str]) -> None:
    """A place or area that isn't there is a 404."""
    with paris.client() as client:
        assert client.get(path, params=params).status_code == 404


def test_availability_counts_the_files_rows(paris: Any) -> None:
    """5,268 daily means at two stations, from August 2017 to December 2025: the file's lines, month by month."""
    with paris.client() as client:
        items = {item["quantity"]: item for item in ask_of(client, "/availability")["items"]}
        air = ask_of(client, "/availability", sector="air")["items"]
    means = items["no2_daily_mean"]
    assert (means["observations"], means["places"], means["series"]) == (5268, 2, 2)
    assert (means["first"], means["last"]) == ("2017-08-16T22:00:00Z", "2025-12-03T23:00:00Z")
    assert sum(month["observations"] for month in means["months"]) == 5268
    # grep -c '^2021-03' of the file: both stations on each of 31 days.
    assert {"start": "2021-02-28T23:00:00Z", "observations": 62} in means["months"]
    assert items["carshare_vehicles_available"]["facets"] == ["bluecar", "utilib", "utilib_14"]
    assert {item["sector"] for item in air} == {"air"}


def test_an_area_adds_up_what_adds_up(paris: Any) -> None:
    """The 17 stations of the 4th arrondissement (75004 in the snapshot) hold 16 + 0 + 2 vehicles and 50 free
    spaces; the five other sectors are named as absent."""
    with paris.client() as client:
        answer = ask_of(client, "/profile", area="arrondissement:75104", at="2018-02-23T12:00:00Z")
    mobility, *others = answer["sectors"]
    together = {one["quantity"]: (one["places"], one["together"]["value"]) for one in mobility["measured"]}
    assert together["carshare_vehicles_available"] == (17, 18.0)
    assert together["carshare_slots_free"] == (17, 50.0)
    assert [(one["sector"], one["present"]) for one in others] == [
        (sector, False) for sector in ("energy", "water", "waste", "air", "citizens")
    ]
    assert answer["area"] == {"division": "arrondissement", "code": "75104", "name": "4ème Ardt"}


def test_alike_series_may_be_compared(paris: Any) -> None:
    """Two stations' daily means are alike; both have values from 25 September 2019 to 4 December 2025."""
    with paris.client() as client:
        (pair,) = ask_of(client, "/comparisons", one=HALLES, other=ELYSEES)["pairs"]
    assert pair["alike"]
    assert (pair["start"], pair["end"]) == ("2019-09-24T22:00:00Z", "2025-12-03T23:00:00Z")


def test_a_maximum_is_not_compared_with_a_mean(paris: Any) -> None:
    """Les Halles has daily means and Metz daily maxima: refused, with trust's reason, in both languages."""
    with paris.client() as client:
        (pair,) = ask_of(client, "/comparisons", one=HALLES, other=METZ)["pairs"]
    assert not pair["alike"]
    assert [pair["one"]["statistic"], pair["other"]["statistic"]] == ["mean", "max"]
    assert "the mean" in pair["reasons"][0]["en"]
    assert "la moyenne" in pair["reasons"][0]["fr"]


def test_what_one_place_measures_alone_is_named(paris: Any) -> None:
    """A car-share station and an air station have nothing in common; each series is listed with the reason."""
    with paris.client() as client:
        pairs = ask_of(client, "/comparisons", one=HALLES, other="autolib:paris-tolbiac-245")["pairs"]
    assert {pair["alike"] for pair in pairs} == {False}
    assert [pair["other"] is None for pair in pairs].count(True) == 1
    assert all("Only one" in pair["reasons"][0]["en"] for pair in pairs)


HEADER = "date,station_id,station_name,station_env,station_influence,no2_ug_m3,lat,lon,zone"


@pytest.fixture
def revised(tmp_path: Path) -> Iterator[LocalNode]:
    """Les Halles' mean of 10 May 2021 as 20 on the 11th, 25 from the 12th and 20 again from the 13th."""
    folder = tmp_path / "paris"
    create_folder(folder, "paris")
    with closing(open_archive(folder)) as archive:
        for day, value in ((11, 20.0), (12, 25.0), (13, 20.0)):
            line = f"2021-05-10,FR04055,PARIS 1er Les Halles,Urbaine,Fond,{value},48.86212,2.344616,PARIS"
            received = datetime(2021, 5, day, 6, tzinfo=UTC)
            kept = archive.keep("geodair-no2-mean", Reply(f"{HEADER}\n{line}\n".encode(), received), recorded=True)
            archive.admit(kept.reply_id)
    with closing(LocalNode(folder)) as node:
        yield node


def test_a_value_revised_and_revised_back(revised: LocalNode) -> None:
    """A, then B, then A again: each moment of knowing has its own answer, a microsecond before the first none."""
    known = {
        "2021-05-11T05:59:59Z": None,
        "2021-05-11T06:00:00Z": 20.0,
        "2021-05-12T06:00:00Z": 25.0,
        "2021-05-13T05:59:59Z": 25.0,
        "2021-05-13T06:00:00Z": 20.0,
    }
    for moment, value in known.items():
        params = {"at": "2021-05-10T12:00:00Z", "as_known_at": moment}
        (item,) = revised.ask("GET", "/api/v1/values", params).json()["items"]
        assert (item["newest"] and item["newest"]["value"]) == value
    (now,) = revised.ask("GET", "/api/v1/values", {"at": "2021-05-10T12:00:00Z"}).json()["items"]
    assert now["newest"]["known_since"] == "2021-05-13T06:00:00Z"


def test_days_of_san_francisco(tmp_path: Path, checkout: Path) -> None:
    """Single entries to the garage at 16th and Hoff on 4 and 5 November 2012 were 194 and 127 (rows of the file); the
    4th has 25 hours, from 07:00 UTC to 08:00."""
    folder = tmp_path / "san-francisco"
    create_folder(folder, "san-francisco")
    file = checkout / "data" / "sfpark" / "sfpark_garages_daily.csv.gz"
    with closing(open_archive(folder)) as archive:
        archive.admit(archive.keep("sfpark-garages", Reply(file.read_bytes(), datetime.now(UTC))).reply_id)
    with closing(LocalNode(folder)) as node:
        for moment, entries in (("2012-11-05T07:59:59Z", 194), ("2012-11-05T08:00:00Z", 127)):
            params = {"at": moment, "quantity": "parking_entries", "limit": 1000}
            items = node.ask("GET", "/api/v1/values", params).json()["items"]
            (item,) = [one for one in items if "16th" in one["place_name"] and one["facet"] == "transient"]
            assert (item["newest"]["value"], item["newest"]["stands"]) == (entries, True)
