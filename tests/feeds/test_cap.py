"""CAP alerts: severities from onset to expiry, in areas with geometry."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely.geometry import shape

from passerelle.feeds import FORMS, cap
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import ReplyError

# The thunderstorm of CAP 1.2, appendix A.2, cut to what is read; its times are 14:50 and 16:00 in UTC-7.
STORM = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>KSTO1055887203</identifier>
<sender>KSTO@NWS.NOAA.GOV</sender><sent>2003-06-17T14:57:00-07:00</sent><status>Actual</status>
<msgType>Alert</msgType><scope>Public</scope><info><category>Met</category><event>SEVERE THUNDERSTORM</event>
<severity>Severe</severity><expires>2003-06-17T16:00:00-07:00</expires><area>
<areaDesc>EXTREME NORTH CENTRAL TUOLUMNE COUNTY</areaDesc>
<polygon>38.47,-120.14 38.34,-119.95 38.52,-119.74 38.62,-119.89 38.47,-120.14</polygon></area></info></alert>"""


@pytest.fixture
def read(feeds: dict[str, Feed]) -> Callable[[bytes | str], Parsed]:
    """`read(bytes or text)`."""

    def read(body: bytes | str) -> Parsed:
        feed = replace(feeds["sfpark-garages"], form="cap", quantities=FORMS["cap"].quantities)
        data = body.encode() if isinstance(body, str) else body
        return cap.parse(Reply(data, datetime(2026, 6, 20, 18, tzinfo=UTC)), feed)

    return read


def test_a_published_alert_is_read_in_its_first_language(
    read: Callable[[bytes | str], Parsed], shared_data: Path
) -> None:
    """A flood warning, severe, from its onset to its expiry; the Spanish block says the same again."""
    parsed = read((shared_data / "replies/cap/sample-cap.xml").read_bytes())
    (row,) = parsed.observations.to_pylist()
    assert (row["place"], row["facet"], row["value"]) == ("alert-area:UGC:CAZ001", "Flood Warning", 3)
    assert row["start"] == datetime(2026, 6, 20, 18, tzinfo=UTC)
    assert row["end"] == datetime(2026, 6, 21, tzinfo=UTC)
    assert [(place.name, place.geometry) for place in parsed.places] == [("Mock Coast County", None)]
    assert parsed.refused.num_rows == 0


def test_a_polygon_is_the_areas_geometry(read: Callable[[bytes | str], Parsed]) -> None:
    """Latitudes come first in CAP, longitudes in GeoJSON; without an onset it begins when it was sent."""
    parsed = read(STORM)
    (place,) = parsed.places
    assert place.id == "alert-area:extreme-north-central-tuolumne-county"
    assert place.bounds == (-120.14, 38.34, -119.74, 38.62)
    (row,) = parsed.observations.to_pylist()
    assert (row["start"], row["end"]) == (
        datetime(2003, 6, 17, 21, 57, tzinfo=UTC),
        datetime(2003, 6, 17, 23, tzinfo=UTC),
    )


def test_a_circle_has_its_radius(read: Callable[[bytes | str], Parsed]) -> None:
    """111.195 km are one degree of latitude (6371.0088 km x pi / 180); a radius of none is a point (CAP 1.2, A.3)."""
    circle = re.sub("<polygon>.*</polygon>", "<circle>32.9525,-115.5527 {}</circle>", STORM)
    west, south, east, north = read(circle.format("111.195")).places[0].bounds or ()
    assert (south, north) == pytest.approx((31.9525, 33.9525), abs=1e-4)
    # A degree at that latitude is 1 / cos(32.9525) = 1.1917 degrees of longitude, a little more off the parallel.
    assert (east - west) / 2 == pytest.approx(1.1917, abs=2e-3)
    assert read(circle.format("0")).places[0].centre == (-115.5527, 32.9525)


def test_two_shapes_are_one_geometry(read: Callable[[bytes | str], Parsed]) -> None:
    """Polygon and circle together, each whole."""
    both = STORM.replace("<polygon>", "<circle>40.0,-120.0 1</circle><polygon>")
    geometry = shape(read(both).places[0].geometry)
    assert geometry.geom_type == "MultiPolygon"
    assert len(geometry.geoms) == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Actual", "Exercise", "status is 'Exercise'"),
        ("<msgType>Alert", "<msgType>Cancel", "msgType is 'Cancel'"),
        ("Public", "Private", "scope is 'Private'"),
        ("<severity>Severe", "<severity>Bad", "of severity 'Bad'"),
        ("2003-06-17T16:00:00-07:00", "", "nothing says when the alert expires"),
        ("16:00:00-07:00", "16:00:00", "RFC 3339"),
        ("T16:00", "T12:00", "must come before end"),
        ("38.47,-120.14</", "38.48,-120.14</", "no closed ring"),
        ("38.34,-119.95 38.52,-119.74", "38.52,-119.74 38.34,-119.95", "crosses itself"),
        ("38.34", "98.34", "latitude within"),
        ("<polygon>", "<circle>85,0 2000</circle><polygon>", "reaches round a pole"),
        ("<polygon>", "<circle>45,179 300</circle><polygon>", "longitude must be within"),
        ("<polygon>", "<circle>1,2 x</circle><polygon>", "no latitude, longitude and radius"),
        ("EXTREME NORTH CENTRAL TUOLUMNE COUNTY", "", "no printable word"),
    ],
)
def test_an_alert_that_is_none_is_refused(old: str, new: str, says: str, read: Callable[[bytes | str], Parsed]) -> None:
    """Exercises, cancellations, private messages, words and times that are none: the area is told with the reason."""
    assert old in STORM
    parsed = read(STORM.replace(old, new))
    (refused,) = parsed.refused.to_pylist()
    assert (parsed.observations.num_rows, refused["row"]) == (0, 1)
    assert says in refused["reason"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("emergency:cap:1.2", "emergency:edxl:de:1.0", "a CAP alert is needed"),
        ("alert", "feed", "a CAP alert is needed"),
        ("<?xml", "<!DOCTYPE alert><?xml", "no whole XML|document type"),
        ("area>", "region>", "names no area"),
    ],
)
def test_what_is_no_alert_is_refused(old: str, new: str, says: str, read: Callable[[bytes | str], Parsed]) -> None:
    """Another standard, a list of alerts, a document type, and an alert for nowhere."""
    with pytest.raises(ReplyError, match=says):
        read(STORM.replace(old, new))
