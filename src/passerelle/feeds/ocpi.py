"""OCPI locations: how many charging points of a location are in each state, and the mix of its electricity (JSON).

A location holds charging points (EVSE, of which one vehicle charges at a time), a point holds connectors; points are
counted. All nine states of the standard are told, zeros included, for a location lists all its points. A count
begins when the last of them was updated and holds for the feed's `holds_seconds`, or until one is updated again.
The electricity's mix is what its supplier sells there, and begins when the location was updated.

Read are a location, a list of them, and the standard's envelope around either (`data`). A location of which a part
can't be read is refused whole: what is left of it would be counted too low.

`scrub` drops `publish_allowed_to`, tokens of persons who may see a location, and every location that may not be
published, of which it leaves that alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED
from passerelle.feeds._json import read_json
from passerelle.feeds._network import is_id
from passerelle.feeds._rows import assemble
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.interval import parse_time
from passerelle.model.place import Place, point

_POINTS, _SHARE, _CARBON = "charging_points", "supply_energy_share", "supply_carbon_intensity"

_STATES = (
    "AVAILABLE",
    "BLOCKED",
    "CHARGING",
    "INOPERATIVE",
    "OUTOFORDER",
    "PLANNED",
    "REMOVED",
    "RESERVED",
    "UNKNOWN",
)
"""OCPI 2.2.1, 8.4.23 Status enum."""

_DEGREES = r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?"
_UNZONED = r"[0-9-]{10}T[0-9:.]{8,18}"
_YEARS = range(1800, 2200)


class _Coordinates(msgspec.Struct):
    latitude: str
    longitude: str


class _Point(msgspec.Struct):
    status: str
    last_updated: str


class _Source(msgspec.Struct):
    source: str
    percentage: float


class _Impact(msgspec.Struct):
    category: str
    amount: float


class _Mix(msgspec.Struct):
    energy_sources: list[_Source] | None = None
    environ_impact: list[_Impact] | None = None


class _Location(msgspec.Struct):
    country_code: str
    party_id: str
    id: str
    coordinates: _Coordinates
    last_updated: str
    publish: bool = True
    name: str | None = None
    evses: list[_Point] | None = None
    energy_mix: _Mix | None = None


def scrub(body: bytes) -> bytes:
    """The reply without tokens of persons and without locations that may not be published."""
    document = read_json(Reply(body, datetime.now(UTC)), Any)
    items = _list(document)
    if not all(isinstance(item, dict) and (_is_hidden(item) or "coordinates" in item) for item in items):
        # What comes isn't shown: charging sessions come in the same shape and name who charged.
        raise ReplyError(
            "the reply has other things than locations with coordinates; none of it was kept", where="body"
        )
    for item in items:
        item.pop("publish_allowed_to", None)
        if _is_hidden(item):
            item.clear()
            item["publish"] = False
    return msgspec.json.encode(document)


def _is_hidden(item: dict[str, Any]) -> bool:
    """Whether the location may not be published; only a plain yes is one, and versions before 2.2 don't ask."""
    return item.get("publish", True) is not True


def _list(document: Any) -> list[Any]:
    inner = document["data"] if isinstance(document, dict) and "data" in document else document
    return inner if isinstance(inner, list) else [inner]


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Nine counts per location, and the shares and the carbon of its electricity where it tells them."""
    seconds = feed.parameters.get("holds_seconds")
    if not isinstance(seconds, int):
        raise InvalidValueError(
            f"feed {feed.id!r}: holds_seconds is needed, how long a state holds", where="holds_seconds"
        )
    items = _list(read_json(reply, Any))
    if not any(isinstance(item, dict) and {"coordinates", "publish"} & set(item) for item in items) and items:
        raise ReplyError("no location is among what came: each has coordinates", where="body")
    places: dict[str, Place] = {}
    rows: list[tuple[str, str, str, datetime, float, int]] = []
    refused = []
    for row, item in enumerate(items, 1):
        try:
            place, told = _read_location(item)
        except (msgspec.ValidationError, InvalidValueError) as error:
            refused.append((row, str(error), msgspec.json.encode(item).decode()))
        else:
            places.setdefault(place.id, place)
            rows += [(place.id, *one, row) for one in told]
    schema: dict[str, Any] = {
        "place": pl.String,
        "quantity": pl.String,
        "facet": pl.String,
        "start": pl.Datetime("us", "UTC"),
    }
    schema |= {"value": pl.Float64, "row": pl.Int64}
    observations = pl.DataFrame(rows, schema=schema, orient="row")
    observations = observations.with_columns(end=pl.col("start") + timedelta(seconds=seconds))
    return assemble(places.values(), observations, [pl.DataFrame(refused, schema=REFUSED, orient="row")])


def _read_location(item: Any) -> tuple[Place, list[tuple[str, str, datetime, float]]]:
    """The location as a place, and each quantity, facet, beginning and value that it tells."""
    if isinstance(item, dict) and _is_hidden(item):
        raise InvalidValueError("may not be published", where="publish")
    location = msgspec.convert(item, _Location)
    words = (location.country_code, location.party_id, location.id)
    if not all(is_id(word) for word in words):
        raise InvalidValueError(f"{words} are not printable words of at most 100 characters", where="id")
    degrees = (location.coordinates.longitude, location.coordinates.latitude)
    if not all(re.fullmatch(_DEGREES, text) for text in degrees):
        raise InvalidValueError(f"{degrees} are not a longitude and a latitude", where="coordinates")
    place = Place(
        id=f"ocpi:{'*'.join(words)}",
        kind="charging_location",
        name=(location.name or "").strip() or location.id,
        geometry=point(*(float(text) for text in degrees)),
    )
    return place, [*_count_points(location), *_read_mix(location)]


def _count_points(location: _Location) -> Iterator[tuple[str, str, datetime, float]]:
    points = location.evses or []
    unknown = {one.status for one in points} - set(_STATES)
    if unknown:
        raise InvalidValueError(f"states {sorted(unknown)} are not among {list(_STATES)}", where="status")
    since = max([_read_time(location.last_updated), *(_read_time(one.last_updated) for one in points)])
    for state in _STATES:
        yield _POINTS, state.lower(), since, float(sum(one.status == state for one in points))


def _read_mix(location: _Location) -> Iterator[tuple[str, str, datetime, float]]:
    since = _read_time(location.last_updated)
    mix = location.energy_mix or _Mix()
    for part in mix.energy_sources or []:
        yield _SHARE, part.source.lower(), since, part.percentage
    for impact in mix.environ_impact or []:
        if impact.category == "CARBON_DIOXIDE":
            yield _CARBON, "", since, impact.amount


def _read_time(text: str) -> datetime:
    """The instant; the standard's times are UTC, their `Z` may be left out (OCPI 2.2.1, 14.3)."""
    moment = parse_time(f"{text}Z" if re.fullmatch(_UNZONED, text) else text, where="last_updated")
    if moment.year not in _YEARS:
        raise InvalidValueError(f"{text!r} is in no plausible year", where="last_updated")
    return moment


FORM = Form(
    name="ocpi",
    title="OCPI locations: charging points by state, and their electricity (JSON)",
    standard="OCPI 2.2 and 2.3 Locations",
    grade=Grade.FIXTURE,
    quantities=tuple(sorted((_POINTS, _SHARE, _CARBON))),
    request=ask_address,
    parse=parse,
    scrub=scrub,
)
