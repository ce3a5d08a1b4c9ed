"""Dans Ma Rue: what the scrub leaves, and reports counted where and when they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.feeds import FORMS
from passerelle.feeds.area import Area, read_areas
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError

FORM = FORMS["dans_ma_rue"]
assert FORM.scrub is not None
scrub = FORM.scrub

HEADER = (
    "TYPE;SOUSTYPE;ADRESSE;CODE_POSTAL;VILLE;ARRONDISSEMENT;DATEDECL;ANNEE_DECLARATION;MOIS_DECLARATION;NUMERO;"
    "PREFIXE;INTERVENANT;CONSEIL_DE_QUARTIER;OBJECTID;geo_shape;geo_point_2d\n"
)
SHAPE = '"{""type"": ""Point"", ""coordinates"": [2.345592503676698, 48.89352999495343]}"'
LINE = (
    "Objets abandonnés;Autres objets de Mme Roe;2 rue aimé roe, 75018 PARIS;75018;Paris 18;18;2017-10-30;2017;10;"
    f"10591.0;G;Roe;CLIGNANCOURT;292085;{SHAPE};48.893529995,2.34559250368\n"
)
PERSONAL = (b"Roe", b"roe", b"10591", b"292085", b"48.8935", b"CLIGNANCOURT", b"75018")
RECORDED = "tests/feeds/recorded/dans_ma_rue/dans-ma-rue_9rows_scrubbed.csv"


@pytest.fixture(scope="module")
def areas() -> Mapping[str, Area]:
    """The districts of the bundled GeoJSON by INSEE code."""
    found = read_areas(find_data_file("geo/paris_arrondissements.geojson"), "", code="insee", name="label")
    return {area.code: area for area in found}


@pytest.fixture
def feed(feeds: dict[str, Feed], areas: Mapping[str, Area]) -> Feed:
    """A feed in this form."""
    return replace(feeds["bike-counters"], form=FORM.name, quantities=FORM.quantities, parameters={"areas": areas})


def parse(body: bytes, feed: Feed) -> Parsed:
    return FORM.parse(Reply(body, datetime(2017, 11, 2, tzinfo=UTC)), feed)


def test_the_scrub_leaves_day_type_and_district() -> None:
    """Address, point, numbers, the finer type and who deals with it go."""
    assert scrub((HEADER + LINE).encode()).decode() == (
        "DATEDECL;TYPE;ARRONDISSEMENT\n2017-10-30;Objets abandonnés;18\n"
    )


def test_the_recorded_rows_are_the_raw_ones_scrubbed(checkout: Path, shared_data: Path) -> None:
    """The nine real rows, which aren't shipped, give the recorded bytes, which the scrub leaves as they are."""
    raw = (shared_data / "sectors/reports_dansmarue_sample/dans-ma-rue_9rows.csv").read_bytes()
    recorded = (checkout / RECORDED).read_bytes()
    assert scrub(raw) == recorded
    assert scrub(recorded) == recorded


def test_reports_are_counted_per_district_type_and_day(checkout: Path, feed: Feed) -> None:
    """Nine reports in nine districts, by hand: four on 30 October 2017, five on the 31st, whose day began at 23:00 UTC.

    Summer time had ended on the 29th. The 16th's report has the postal code 75016 and an address in 75116.
    """
    parsed = parse((checkout / RECORDED).read_bytes(), feed)
    rows = parsed.observations.to_pylist()
    assert parsed.refused.num_rows == 0
    assert [(row["place"], row["facet"], row["start"], row["value"]) for row in rows][3:5] == [
        (
            "arrondissement:75117",
            "Graffitis, tags, affiches et autocollants",
            datetime(2017, 10, 29, 23, tzinfo=UTC),
            1.0,
        ),
        ("arrondissement:75116", "Objets abandonnés", datetime(2017, 10, 30, 23, tzinfo=UTC), 1.0),
    ]
    assert [row["start"].day for row in rows] == [29] * 4 + [30] * 5
    assert {row["quantity"] for row in rows} == {"reports_opened"}
    assert {place.id for place in parsed.places} == {
        f"arrondissement:751{number:02}" for number in (5, 10, 11, 13, 14, 16, 17, 18, 19)
    }


def test_reports_of_one_kind_add_up(feed: Feed) -> None:
    """Three of one type in one district on one day are one observation of 3."""
    parsed = parse(b"DATEDECL;TYPE;ARRONDISSEMENT\n" + b"2017-10-30;Objets;18\n" * 3, feed)
    assert parsed.observations["value"].to_pylist() == [3.0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("2017-02-30;Objets;18\n", "a day and a type are needed"),
        (";Objets;18\n", "a day and a type are needed"),
        ("2017-10-30;;18\n", "a day and a type are needed"),
        ("2017-10-30;Objets;21\n", "'21' is not the number of a district"),
        ("2017-10-30;Objets;\n", "'' is not the number of a district"),
    ],
)
def test_a_report_of_no_day_type_or_district_is_refused(line: str, says: str, feed: Feed) -> None:
    """It is kept apart with the reason; nothing is guessed from the rest."""
    parsed = parse(b"DATEDECL;TYPE;ARRONDISSEMENT\n" + line.encode(), feed)
    assert parsed.observations.num_rows == 0
    assert says in parsed.refused["reason"][0].as_py()


def test_a_feed_must_have_areas(feed: Feed) -> None:
    """Districts are the city's; without them nothing can be placed."""
    with pytest.raises(InvalidValueError, match="areas"):
        parse(b"DATEDECL;TYPE;ARRONDISSEMENT\n", replace(feed, parameters={}))


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(
    where=st.integers(0, len(HEADER + LINE * 3) - 1),
    gone=st.integers(0, 3),
    come=st.sampled_from([b"", b'"', b";", b"\n", b'";"', b"\xff", b"\x00", b"{", b"0"]),
)
def test_harm_lets_nothing_personal_through(where: int, gone: int, come: bytes) -> None:
    """However a reply is harmed, the scrub refuses it without quoting it, or leaves nothing personal in it."""
    raw = (HEADER + LINE * 3).encode()
    try:
        left = scrub(raw[:where] + come + raw[where + gone :])
    except ReplyError as error:
        left = str(error).encode()
    assert [word for word in PERSONAL if word in left] == []
