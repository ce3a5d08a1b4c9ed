"""CAP, warnings of the public: how severe what an alert announces is to be, per area and event (XML).

A value is the code of the alert's severity from its onset until it expires; `SEVERITIES` says which code is which.
An alert that has no onset begins when it takes effect, and without that when it was sent (CAP 1.2, 3.2.2). Where
blocks in several languages follow one another, those of the first block's language are read: the others say the same
again. An update stands beside the alert it speaks of, and replaces it where both begin at once; a cancellation names
what it cancels by a message that may never have come here, and is refused with that reason.

An area is known by its first geocode, without one by its description. Polygons and circles make its geometry; a
circle is told as a polygon of `_CORNERS` corners on it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from xml.etree.ElementTree import Element, tostring

import polars as pl
import shapely
from shapely.geometry import mapping

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED
from passerelle.feeds._network import is_id
from passerelle.feeds._rows import assemble, slug
from passerelle.feeds._xml import read_xml
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.interval import Interval, parse_time
from passerelle.model.place import Place

_QUANTITY = "alert_severity"
_NAMESPACE = re.compile(r"urn:oasis:names:tc:emergency:cap:1\.[12]")

SEVERITIES: Final = {"Unknown": 0.0, "Minor": 1.0, "Moderate": 2.0, "Severe": 3.0, "Extreme": 4.0}
"""CAP 1.2, 3.2.2 severity, in its order; Unknown is none of the four and not less than they."""

_CORNERS = 64
_EARTH_KM = 6371.0088
"""Mean radius R1 of the Earth, IUGG: Moritz 2000, doi:10.1007/s001900050278."""

_PAIR = re.compile(r"(-?[0-9]{1,3}(?:\.[0-9]{1,15})?),(-?[0-9]{1,3}(?:\.[0-9]{1,15})?)")
_RADIUS = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,15})?")
_SHOWN = 500

Told = tuple[str, str, datetime, datetime, float, int]


def parse(reply: Reply, feed: Feed) -> Parsed:  # noqa: ARG001  the signature every form has
    """One severity per area and event of the alert; `row` counts the areas of the language that is read."""
    namespace, alert = read_xml(reply)
    if not _NAMESPACE.fullmatch(namespace) or alert.tag != "alert":
        raise ReplyError(f"a CAP alert is needed, got {alert.tag[:40]!r} of {namespace[:80]!r}", where="alert")
    rows: list[Told] = []
    places: dict[str, Place] = {}
    refused: list[tuple[int, str, str]] = []
    for row, (info, area) in enumerate(_list_areas(alert), 1):
        try:
            place = _read_area(area)
            rows.append((place.id, *_read_info(alert, info), row))
        except InvalidValueError as error:
            refused.append((row, str(error), tostring(area, encoding="unicode")[:_SHOWN]))
        else:
            places.setdefault(place.id, place)
    if not rows and not refused:
        raise ReplyError("the alert names no area", where="area")
    time = pl.Datetime("us", "UTC")
    schema: dict[str, Any] = {"place": pl.String, "facet": pl.String, "start": time, "end": time}
    schema |= {"value": pl.Float64, "row": pl.Int64}
    observations = pl.DataFrame(rows, schema=schema, orient="row").with_columns(quantity=pl.lit(_QUANTITY))
    return assemble(places.values(), observations, [pl.DataFrame(refused, schema=REFUSED, orient="row")])


def _list_areas(alert: Element) -> Iterator[tuple[Element, Element]]:
    infos = alert.findall("info")
    languages = [(info.findtext("language") or "en-US").strip() for info in infos]
    for info, language in zip(infos, languages, strict=True):
        if language == languages[0]:
            yield from ((info, area) for area in info.findall("area"))


def _read_info(alert: Element, info: Element) -> tuple[str, datetime, datetime, float]:
    """The event, its beginning and end, and the severity's code."""
    for name, allowed in (("status", ("Actual",)), ("msgType", ("Alert", "Update")), ("scope", ("Public",))):
        if _word(alert, name) not in allowed:
            raise InvalidValueError(f"{name} is {_word(alert, name)!r}; read are {list(allowed)}", where=name)
    event, severity = _word(info, "event"), _word(info, "severity")
    if severity not in SEVERITIES or not is_id(event):
        raise InvalidValueError(
            f"event {event!r} of severity {severity!r}; allowed: {list(SEVERITIES)}", where="severity"
        )
    begins = _word(info, "onset") or _word(info, "effective") or _word(alert, "sent")
    if not _word(info, "expires"):
        raise InvalidValueError("nothing says when the alert expires", where="expires")
    during = Interval(parse_time(begins, where="onset"), parse_time(_word(info, "expires"), where="expires"))
    return event, during.start, during.end, SEVERITIES[severity]


def _read_area(area: Element) -> Place:
    name = _word(area, "areaDesc")
    codes = [(_word(code, "valueName"), _word(code, "value")) for code in area.findall("geocode")]
    known = ":".join(codes[0]) if codes else slug(name) or name
    if not is_id(known) or not name:
        raise InvalidValueError(f"area {name!r} is known by {known!r}, no printable word", where="area")
    shapes = [_read_polygon(_text(one)) for one in area.findall("polygon")]
    shapes += [_read_circle(_text(one)) for one in area.findall("circle")]
    geometry = dict(mapping(shapely.union_all(shapes))) if shapes else None
    return Place(f"alert-area:{known}", "alert_area", name, geometry)


def _read_polygon(text: str) -> shapely.Geometry:
    pairs = [_PAIR.fullmatch(pair) for pair in text.split()]
    corners = [(float(pair[2]), float(pair[1])) for pair in pairs if pair]
    if len(corners) < len(pairs) or len(corners) < 4 or corners[0] != corners[-1]:
        raise InvalidValueError(f"{text[:80]!r} is no closed ring of latitudes and longitudes", where="polygon")
    ring = shapely.Polygon(corners)
    if not ring.is_valid:
        raise InvalidValueError(f"the polygon crosses itself: {shapely.is_valid_reason(ring)}", where="polygon")
    return ring


def _read_circle(text: str) -> shapely.Geometry:
    centre, _, radius = text.partition(" ")
    pair = _PAIR.fullmatch(centre)
    if pair is None or not _RADIUS.fullmatch(radius.strip()):
        raise InvalidValueError(f"{text[:80]!r} is no latitude, longitude and radius", where="circle")
    latitude, longitude, angle = math.radians(float(pair[1])), float(pair[2]), float(radius) / _EARTH_KM
    if abs(latitude) + angle >= math.pi / 2:
        raise InvalidValueError(f"the circle {text[:80]!r} reaches round a pole", where="circle")
    if not angle:
        return shapely.Point(longitude, math.degrees(latitude))
    corners = []
    for corner in range(_CORNERS):
        bearing = math.tau * corner / _CORNERS
        # The point at this distance and bearing on a sphere: any text on great circles.
        sine = math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing)
        east = math.sin(bearing) * math.sin(angle) * math.cos(latitude)
        turn = math.atan2(east, math.cos(angle) - math.sin(latitude) * sine)
        corners.append((longitude + math.degrees(turn), math.degrees(math.asin(max(-1.0, min(1.0, sine))))))
    return shapely.Polygon(corners)


def _word(parent: Element, name: str) -> str:
    return (parent.findtext(name) or "").strip()


def _text(element: Element) -> str:
    return (element.text or "").strip()


FORM = Form(
    name="cap",
    title="CAP alerts: severity per area and event (XML)",
    standard="OASIS Common Alerting Protocol 1.1 and 1.2",
    grade=Grade.FIXTURE,
    quantities=(_QUANTITY,),
    request=ask_address,
    parse=parse,
)
