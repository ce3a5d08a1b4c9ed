"""City files: what they give, and errors that name file, key and what came."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.feeds.city import City, find_city_file, find_data_file, list_areas, read_city
from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.quantity import Sector

MINIMAL = """
id = "testville"
country = "FR"
time_zone = "Europe/Paris"
languages = ["fr"]
bbox = [2.0, 48.0, 3.0, 49.0]
centre = [2.5, 48.5]
port = 18100
sectors = ["air"]
name = { en = "Testville", fr = "Essaiville" }

[[feed]]
id = "air"
form = "geodair"
publisher = "Geod'air"
owner = "unknown"
url = ""
documentation = "unknown"
redistribute = "derived"
quantities = ["no2_daily_mean"]
title = { en = "Air", fr = "L'air" }
licence = { name = "unknown", url = "", attribution = "Geod'air" }
parameters = { quantity = "no2_daily_mean" }

[[bundle]]
feed = "air"
file = "geodair_no2/pollution_paris_no2_daily_clean.csv"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "testville.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_city_is_read(tmp_path: Path) -> None:
    """Each key of the file is a field of the city; a feed without a zone of its own has the city's."""
    city = read_city(write(tmp_path, MINIMAL))
    assert (city.id, city.country, city.port, city.languages) == ("testville", "FR", 18100, ("fr",))
    assert city.name == {"en": "Testville", "fr": "Essaiville"}
    assert city.sectors == (Sector.AIR,)
    feed = city.feeds[0]
    assert (feed.time_zone.key, feed.cadence_seconds, feed.redistribute.value) == ("Europe/Paris", None, "derived")
    assert (city.bundles[0].feed, city.bundles[0].recorded_at) == ("air", None)


def test_a_feed_may_have_a_zone_of_its_own(tmp_path: Path) -> None:
    """`time_zone` in a feed stands before the city's."""
    text = MINIMAL.replace('form = "geodair"', 'form = "geodair"\ntime_zone = "Indian/Reunion"')
    assert read_city(write(tmp_path, text)).feeds[0].time_zone.key == "Indian/Reunion"


@pytest.mark.parametrize(
    ("old", "new", "key", "came"),
    [
        ('id = "testville"', 'id = "Test Ville"', "id", "Test Ville"),
        ('country = "FR"', 'country = "France"', "country", "France"),
        ("port = 18100", 'port = "18100"', "port", "18100"),
        ("port = 18100", "port = 80", "port", "80"),
        ("port = 18100", "", "port", "testville"),
        ('["air"]', '["air", "noise"]', "sectors[1]", "noise"),
        ("[2.0, 48.0, 3.0, 49.0]", "[2.0, 48.0, 3.0]", "bbox", "[2.0, 48.0, 3.0]"),
        ("[2.5, 48.5]", "[48.5, 2.5]", "centre", "(48.5, 2.5)"),
        ("Europe/Paris", "Europe/Lutetia", "time_zone", "Europe/Lutetia"),
        ('fr = "Essaiville"', 'de = "Testdorf"', "name", "Testdorf"),
        ('form = "geodair"', 'form = "geodaire"', "form", "geodaire"),
        ('redistribute = "derived"', 'redistribute = "maybe"', "feed[0].redistribute", "maybe"),
        ('owner = "unknown"', "", "feed[0]", "owner"),
        ('owner = "unknown"', 'owner = ""', "feed[0].owner", "''"),
        ('url = "", attribution = "Geod\'air"', 'url = ""', "feed[0].licence", "attribution"),
        ('["no2_daily_mean"]\n', '["no2_mean"]\n', "quantity", "no2_mean"),
        ('[[feed]]\nid = "air"', '[[feed]]\nid = "air"\ncolour = "red"', "feed[0]", "colour"),
        ('[[bundle]]\nfeed = "air"', '[[bundle]]\nfeed = "water"', "feed", "water"),
        ("[[bundle]]", "[[bundle]]\nrecorded_at = 2018-02-23T00:00:00", "bundle[0].recorded_at", "2018-02-23"),
        ("languages = ", "languages : ", "line 5", "TOML"),
    ],
)
def test_an_error_names_file_key_and_what_came(old: str, new: str, key: str, came: str, tmp_path: Path) -> None:
    """Whatever is wrong, the message has the file's name, the key (or the line that isn't TOML) and what came."""
    assert MINIMAL.count(old) >= 1
    with pytest.raises(InvalidValueError) as caught:
        read_city(write(tmp_path, MINIMAL.replace(old, new, 1)))
    message = str(caught.value)
    assert message.startswith("testville.toml")
    assert key in message + caught.value.where
    assert came in message


def test_two_feeds_have_two_names(tmp_path: Path) -> None:
    """An id that stands twice is refused."""
    feed = MINIMAL[MINIMAL.index("[[feed]]") : MINIMAL.index("[[bundle]]")]
    with pytest.raises(InvalidValueError, match="twice"):
        read_city(write(tmp_path, MINIMAL + feed))


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8 are named."""
    with pytest.raises(InvalidValueError, match=r"nowhere\.toml"):
        read_city(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'id = "\xe9"')
    with pytest.raises(InvalidValueError, match=r"latin\.toml"):
        read_city(tmp_path / "latin.toml")


def test_an_unknown_city_lists_the_known() -> None:
    """Asking for a city without a file answers with those that have one."""
    with pytest.raises(UnknownNameError, match=r"atlantis.*paris, reference, san-francisco"):
        find_city_file("atlantis")


@pytest.mark.parametrize("path", ["../cities/paris.toml", "/etc/hosts", "geo", "nothing.csv"])
def test_data_are_found_in_their_folder_only(path: str) -> None:
    """A path out of data/, to a folder or to nothing is refused."""
    with pytest.raises(InvalidValueError, match=re.escape(path)):
        find_data_file(path)


def test_both_cities_have_all_sectors_and_their_own_port(cities: list[City]) -> None:
    """Six sectors each, shown even where absent; ports 8101 and 8102, and 8103 for the reference sets."""
    assert [city.port for city in cities] == [8101, 8102, 8103]
    assert all(set(city.sectors) == set(Sector) for city in cities)
    assert all({"en", "fr"} == set(city.languages) for city in cities)


def test_official_areas_are_those_of_the_files(cities: list[City]) -> None:
    """20 arrondissements and 123 communes, 41 neighbourhoods; codes stand once in their division."""
    by_city = [list_areas(city) for city in cities]
    counts = [(area.division) for areas in by_city for area in areas]
    assert {name: counts.count(name) for name in set(counts)} == {
        "arrondissement": 20,
        "commune": 123,
        "neighbourhood": 41,
    }
    assert all(len({(area.division, area.code) for area in areas}) == len(areas) for areas in by_city)
    assert by_city[0][0].code == "75101"


def test_recordings_exist_and_only_dated_ones_are_dated(cities: list[City]) -> None:
    """Every bundle's file is there; the station snapshot alone carries the time of its recording."""
    bundles = [bundle for city in cities for bundle in city.bundles]
    assert all(find_data_file(bundle.path).is_file() for bundle in bundles)
    dated = {bundle.feed: bundle.recorded_at for bundle in bundles if bundle.recorded_at}
    assert dated == {"autolib-stations": datetime(2018, 2, 23, 23, tzinfo=UTC)}


@pytest.mark.parametrize(
    "url",
    [
        "https://tiles.example/{z}/{x}.png",
        "ftp://tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example; script-src *//{z}/{x}/{y}",
        "//tiles.example/{z}/{x}/{y}.png",
        "https://user@tiles.example/{z}/{x}/{y}.png",
    ],
)
def test_tiles_have_an_address_that_a_policy_can_name(tmp_path: Path, url: str) -> None:
    """An address without a tile's number, of another scheme, or that would say more to a browser is refused."""
    tiles = f'\n[tiles]\nurl = "{url}"\nattribution = "A map"\n'
    with pytest.raises(InvalidValueError, match=r"tiles\.url"):
        read_city(write(tmp_path, MINIMAL + tiles))


def test_the_origin_of_tiles(tmp_path: Path) -> None:
    """Scheme, host and port are what a reader's browser may ask; without the table there are no tiles."""
    tiles = '\n[tiles]\nurl = "https://tiles.example:8443/a/{z}/{x}/{y}.png?v=1"\nattribution = "A map"\n'
    found = read_city(write(tmp_path, MINIMAL + tiles)).tiles
    assert found is not None
    assert found.origin == "https://tiles.example:8443"
    assert read_city(write(tmp_path, MINIMAL)).tiles is None


def test_an_area_file_without_its_property_is_named(tmp_path: Path) -> None:
    """Areas whose code or name property isn't in the file are refused with the file's name."""
    areas = '\n[feed.areas]\nfile = "geo/paris_arrondissements.geojson"\ncode = "nothing"\nname = "label"\n'
    text = MINIMAL.replace("\n[[bundle]]", areas + "\n[[bundle]]")
    with pytest.raises(InvalidValueError, match=r"paris_arrondissements\.geojson.*'nothing'"):
        read_city(write(tmp_path, text))
