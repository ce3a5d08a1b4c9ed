"""Every form, every feed of every city file and every recording keep the interface."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.city import Bundle, City, find_data_file
from passerelle.feeds.feed import Feed, Parsed, Request
from passerelle.model.errors import InvalidValueError
from passerelle.model.observation import PARSED, REFUSED
from passerelle.model.quantity import get_quantity

COUNTED = {
    # 422,243 rows by data/README of the collection, one count each.
    "bike_counts_hourly_2020-09-01_2021-08-09.parquet": (422_243, 0, 52),
    # 307 stations by `cut -d';' -f2 | sort -u`, points and chargers of each, and how many they are.
    "bornes-de-recharge-pour-vehicules-electriques.csv": (307 * 2 + 1, 0, 307 + 1),
    # The list of arcs has no hours; `wc -l` 4 less the header.
    "referentiel_3arcs_2020.csv": (0, 0, 3),
    # By data/README of the collection q is empty on 115,387 of 341,445 rows and k on 40,320; 62,163 + 24,270 rows are
    # open or closed, less the 2 that stand on an hour that spring skips. The arcs are the other file's.
    "comptages_3arcs_2010_2022.parquet": (341_445 - 115_387 + 341_445 - 40_320 + 62_163 + 24_270 - 2, 2, 0),
    # `wc -l` 12,879 less the header, nine counts each; 104 codes by `cut -d, -f1 | sort -u | wc -l`.
    "autolib_daily_events_postal_code_2018-01-01_2018-05-08.csv": (12_878 * 9, 0, 104),
    # `wc -l` 1,120 less the header, five states each.
    "autolib_snapshot_2018-02-23.csv": (1_119 * 5, 0, 1_119),
    # Half-hours of the year less the two that spring skips, seven columns with numbers ("-" in the two others).
    "eCO2mix_RTE_Ile-de-France_Annuel-Definitif_2017.xls.gz": ((365 * 48 - 2) * 7, 2, 1),
    "eCO2mix_RTE_Ile-de-France_Annuel-Definitif_2018.xls.gz": ((365 * 48 - 2) * 7, 2, 1),
    # January 2019 to May 2020: 365 + 152 days, two springs.
    "eCO2mix_RTE_Ile-de-France_En-cours-Consolide_FIXED_ERRCOLS.xls.gz": (((365 + 152) * 48 - 4) * 7, 4, 1),
    # `wc -l` 5,269 and 35,973 less the headers.
    "pollution_paris_no2_daily_clean.csv": (5_268, 0, 2),
    "no2_donors_paris_daily_clean.csv": (35_972, 0, 13),
    # 1,461 days of 24 hours twice, less the 14 raw values `grep -c MISSING,MISSING` counts.
    "CISO-PGAE_2020_2023.csv": (1_461 * 24 * 2 - 14, 0, 1),
    # 43,848 hours twice, less the 264 EMPTY and 1 + 72 MISSING that `grep -o` counts.
    "CISO_2015_2020_raw.csv": (43_848 * 2 - 264 - 1 - 72, 0, 1),
    # `wc -l` 20,545 less the header, a rate and two forecasts each.
    "caiso_pge_moer_hourly_2019_2021.csv": (20_544 * 3, 0, 1),
    # 26 pairs of garage and use on 792 days, 183 + 183 + 303 days of three more; entries and exits.
    "sfpark_garages_daily.csv.gz": ((26 * 792 + 183 + 183 + 303) * 2, 0, 13),
    # Refused by awk on the times and points: 129 closed before opened and 24 without a point; 55 and none.
    "sf311_sample_10000_scrubbed.csv": (None, 129 + 24, 41),
    "sf311_sample_5000_scrubbed.csv": (None, 55, 41),
    # `wc -l` 21,660 less the header, two values each; the list of bins has `wc -l` 33 less its header.
    "wyndham_smartbin_fill.csv.gz": (21_659 * 2, 0, 0),
    "bin_locations.csv": (0, 0, 32),
    # 19,679 hours of ten and of four columns, less the cells that `NaN` fills in the sheet's XML.
    "InflowData.xlsx": (19_679 * 10 - 10_171, 0, 10),
    "WeatherData.xlsx": (19_679 * 4 - 830, 0, 1),
    # `wc -l` 19,713 less the header; 128 stations by `cut -d, -f1 | sort -u`, 154 days each.
    "departures_2022-11-28_2023-04-30.csv.gz": (128 * 154, 0, 128),
    # `wc -l` 1,210 less the header; 39 states by `cut -d';' -f1 | sort -u`.
    "california_prop99_long.csv": (39 * 31, 0, 39),
}

REPEATED = {
    # The rows of a bin and day beyond the first, by awk, two values each.
    "wyndham_smartbin_fill.csv.gz": 768 * 2,
}

_KEY = ["place", "quantity", "facet", "start"]

UNDESCRIBED = {"wyndham-bins": {"bin:1511202"}}
"""Places that no reply of the feed describes: the list of bins leaves one out."""


@pytest.fixture(scope="module")
def parsed(bundles: list[Bundle], parse: Callable[..., Parsed]) -> dict[str, tuple[Bundle, Parsed]]:
    """Every recording, parsed."""
    found = {}
    for bundle in bundles:
        path = find_data_file(bundle.path)
        found[path.name] = (bundle, parse(bundle.feed, path.read_bytes(), name=path.name))
    return found


def test_every_recording_is_counted(parsed: dict[str, tuple[Bundle, Parsed]]) -> None:
    """The table of this test and the city files name the same recordings."""
    assert set(parsed) == set(COUNTED)


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_a_recording_gives_the_rows_counted_outside(name: str, parsed: dict[str, tuple[Bundle, Parsed]]) -> None:
    """Observations, refused rows and places are as many as arithmetic on the file says."""
    rows, refused, places = COUNTED[name]
    _, reply = parsed[name]
    assert (reply.refused.num_rows, len(reply.places)) == (refused, places)
    assert rows in (None, reply.observations.num_rows)


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_what_is_parsed_is_what_is_declared(
    name: str, parsed: dict[str, tuple[Bundle, Parsed]], feeds: dict[str, Feed]
) -> None:
    """Schemas hold, quantities are declared, values are within bounds, intervals have a length."""
    bundle, reply = parsed[name]
    table = reply.observations
    assert (table.schema, reply.refused.schema) == (PARSED, REFUSED)
    table.validate(full=True)
    assert set(table["quantity"].unique().to_pylist()) <= set(feeds[bundle.feed].quantities)
    frame = table.group_by("quantity").aggregate([("value", "min"), ("value", "max")]).to_pylist()
    outside = [
        row
        for row in frame
        if not all(get_quantity(row["quantity"]).admits(row[side]) for side in ("value_min", "value_max"))
    ]
    assert outside == []
    assert pc.all(pc.less(table["start"], table["end"]), min_count=0).as_py()


def test_the_places_observed_are_the_places_described(
    parsed: dict[str, tuple[Bundle, Parsed]], feeds: dict[str, Feed]
) -> None:
    """Over a feed's recordings, what is observed somewhere and what is described are the same places."""
    for feed in feeds:
        replies = [reply for bundle, reply in parsed.values() if bundle.feed == feed]
        observed = {place for reply in replies for place in reply.observations["place"].unique().to_pylist()}
        described = {place.id for reply in replies for place in reply.places}
        assert observed ^ described == UNDESCRIBED.get(feed, set())


def test_a_recording_observes_a_thing_twice_where_its_publisher_does(
    parsed: dict[str, tuple[Bundle, Parsed]],
) -> None:
    """In the recordings as bundled, a place, quantity, facet and start stand once, but for the repeats counted."""
    twice = {
        name: reply.observations.num_rows - len(reply.observations.group_by(_KEY).aggregate([]))
        for name, (_, reply) in parsed.items()
    }
    assert {name: rows for name, rows in twice.items() if rows} == REPEATED


def test_forms_are_named_as_their_modules() -> None:
    """The form called x is `FORM` of `passerelle.feeds.x`, and declares quantities that exist."""
    assert {name: form.parse.__module__.rpartition(".")[2] for name, form in FORMS.items()} == {
        name: name for name in FORMS
    }
    assert all(get_quantity(quantity) for form in FORMS.values() for quantity in form.quantities)
    assert all(form.title and form.standard for form in FORMS.values())


def test_only_forms_with_personal_data_scrub() -> None:
    """Requests of citizens are scrubbed, single vehicles kept out; counters and meters hold nobody's data."""
    assert [name for name, form in FORMS.items() if form.scrub is not None] == [
        "dans_ma_rue",
        "datasf_311",
        "gbfs",
        "gtfs_rt",
        "ocpi",
        "purpleair",
        "siri",
    ]


def test_feeds_are_declared_in_full(cities: list[City]) -> None:
    """A feed's quantities are of its form, its licence has a name and an attribution, its titles differ in language."""
    for city in cities:
        for feed in city.feeds:
            assert set(feed.quantities) <= set(FORMS[feed.form].quantities)
            assert feed.licence.name
            assert feed.licence.attribution
            assert feed.title["en"] != feed.title["fr"]
            assert feed.url == "" or re.match(r"https?://", feed.url)


def test_a_sample_says_it_is_one(feeds: dict[str, Feed]) -> None:
    """The titles of the 311 feeds say that they are samples."""
    titles = [feed.title for feed in feeds.values() if feed.form == "datasf_311"]
    assert len(titles) == 2
    assert all("sample" in title["en"] and "échantillon" in title["fr"] for title in titles)


def test_a_feed_without_an_address_is_not_asked(feeds: dict[str, Feed]) -> None:
    """`request` says that a feed is read from recordings only, and gives the address where there is one."""
    for feed in (feed for feed in feeds.values() if not feed.url):
        with pytest.raises(InvalidValueError, match="recorded files only"):
            FORMS[feed.form].request(feed)
        assert FORMS[feed.form].request(replace(feed, url="https://x.test/a")) == Request("https://x.test/a")


def test_the_cards_tell_each_recordings_hash(checkout: Path) -> None:
    """Each file in data/ stands in its folder's card with its SHA-256."""
    missing = [
        str(path.relative_to(checkout))
        for path in (checkout / "data").rglob("*")
        if path.is_file() and path.name != "README.md"
        if not re.search(
            rf"{hashlib.sha256(path.read_bytes()).hexdigest()}.*{re.escape(path.name)}",
            (path.parent / "README.md").read_text(encoding="utf-8"),
        )
    ]
    assert missing == []
