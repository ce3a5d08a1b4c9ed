"""A water network as EPANET describes it, and the readings of its instruments (INP, wide CSV).

Two files: the network, whose junctions, reservoirs, tanks, pipes, pumps and valves are places; and readings,
a time and a column for each instrument, named for the node or link it stands at. The feed's parameters say

- `network`: the word its places' ids begin with;
- `readings`: for each column the quantity it holds; flows are links', levels and pressures nodes';
- `holds`: for how many seconds a reading holds, as the readings' times don't say it;
- `origin`, where it is known: longitude and latitude of the drawing's (0, 0), of which x points east and
  y north in metres. Without it places have no geometry, unless the drawing's units are degrees.

Nodes and links have names of their own, which may be the same, so that ids say which of them is meant.
Readings have a decimal comma and `;`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import polars as pl
from shapely.geometry import LineString, mapping

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import REFUSED, read_lines
from passerelle.feeds._rows import NOTHING, assemble, ordered_instant, read_numbers, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds._toml import convert
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import InvalidValueError, ReplyError
from passerelle.model.place import Place, point

_OF_LINKS, _OF_NODES = ("water_pipe_flow",), ("water_pressure_head", "water_tank_level")
_NODES = {"JUNCTIONS": "junction", "RESERVOIRS": "reservoir", "TANKS": "tank"}
_LINKS = {"PIPES": "pipe", "PUMPS": "pump", "VALVES": "valve"}
_TIME = "Timestamp"
_EARTH_METRES = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

_COMMA = r"^-?[0-9]{1,15}(?:,[0-9]{1,15})?$"


class _Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    network: str
    readings: dict[str, str]
    holds: int
    origin: tuple[float, float] | None = None


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Readings per instrument and time, each held for the feed's seconds; or, of a network, the places alone."""
    said = _read(feed)
    text = read_text(reply, "utf-8")
    return _parse_network(text, said) if text.lstrip().startswith("[") else _parse_readings(text, said, feed)


def check(feed: Feed) -> None:
    """Nothing; `InvalidValueError` where the parameters don't say what each column is."""
    _read(feed)


def _read(feed: Feed) -> _Parameters:
    said = convert(feed.parameters, _Parameters, f"feed {feed.id!r}.parameters")
    unknown = sorted(set(said.readings.values()) - {*_OF_LINKS, *_OF_NODES})
    if unknown or said.holds <= 0 or not said.network:
        raise InvalidValueError(
            f"feed {feed.id!r}: network is needed, holds must be positive and readings of {[*_OF_LINKS, *_OF_NODES]}; "
            f"got {said.network!r}, {said.holds} and {unknown}",
            where="parameters",
        )
    return said


def _parse_readings(text: str, said: _Parameters, feed: Feed) -> Parsed:
    header = text.partition("\n")[0].removesuffix("\r").split(";")
    present = {column: (quantity, "") for column, quantity in said.readings.items() if column in header}
    if not present:
        raise ReplyError(f"columns of {list(said.readings)} are expected, got {header[:40]}", where="header")
    if extra := [column for column in header if column not in (_TIME, *present)]:
        raise ReplyError(f"columns {extra[:20]} are of no instrument in the feed's readings", where="header")
    lines, malformed = read_lines(text, [_TIME, *present], separator=";")
    clock = pl.col(_TIME).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    timed, untimed = refuse_where(
        lines.with_columns(start=ordered_instant(clock, feed.time_zone)),
        pl.col("start").is_null(),
        pl.format("'{}' is no time of the clock, year-month-day hour:minute:second", pl.col(_TIME).str.slice(0, 40)),
    )
    rows, unread = read_numbers(
        timed.with_columns(end=pl.col("start") + pl.duration(seconds=said.holds)), present, pattern=_COMMA, decimal=","
    )
    ids = {column: _place_id(said, column, link=quantity in _OF_LINKS) for column, (quantity, _) in present.items()}
    rows = rows.with_columns(place=pl.col("column").replace_strict(ids, return_dtype=pl.String))
    return assemble([], rows, [malformed, untimed, unread])


def _place_id(said: _Parameters, name: str, *, link: bool) -> str:
    return f"{said.network}:{'link' if link else 'node'}-{name}"


def _parse_network(text: str, said: _Parameters) -> Parsed:
    rows = list(_list_rows(text))
    if not rows or rows[-1][1] != "END":
        raise ReplyError("the network does not end in [END]: the reply was cut short", where="body")
    refused: list[dict[str, Any]] = []
    points, bends = _read_points(rows, said, refused)
    places: dict[str, Place] = {}
    for row, section, fields in sorted(rows, key=lambda one: one[1] in _LINKS):
        kind = _NODES.get(section) or _LINKS.get(section)
        if not fields or kind is None:
            continue
        place_id = _place_id(said, fields[0], link=section in _LINKS)
        ends = fields[1:3] if section in _LINKS else fields[:1]
        if place_id in places:
            problem = f"{fields[0]!r} stands in the network already"
        elif section in _LINKS and not (
            len(ends) == 2 and all(_place_id(said, end, link=False) in places for end in ends)
        ):
            problem = f"link {fields[0]!r} joins {ends}, of which one is no node"
        else:
            where = _draw(ends, bends.get(fields[0], []), points)
            places[place_id] = Place(place_id, kind, f"{kind.capitalize()} {fields[0]}", where)
            continue
        refused.append({"row": row, "reason": problem, "raw": " ".join(fields)})
    return assemble(places.values(), NOTHING, [pl.DataFrame(refused, schema=REFUSED)])


def _list_rows(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """The lines that say something: their number, section and fields, and each section's heading without fields."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        said = line.partition(";")[0].strip()
        if said.startswith("["):
            section = said.strip("[]").upper()
            yield number, section, []
        elif said:
            yield number, section, said.split()


_Point = tuple[float, float]


def _read_points(
    rows: list[tuple[int, str, list[str]]], said: _Parameters, refused: list[dict[str, Any]]
) -> tuple[dict[str, _Point], dict[str, list[_Point]]]:
    """Longitude and latitude of the nodes, and of the bends of links, as far as the drawing can be placed."""
    units = [[one.upper() for one in fields] for _, section, fields in rows if section == "BACKDROP"]
    points: dict[str, _Point] = {}
    bends: dict[str, list[_Point]] = {}
    if said.origin is None and ["UNITS", "DEGREES"] not in units:
        return points, bends
    for row, section, fields in rows:
        if section not in ("COORDINATES", "VERTICES") or not fields:
            continue
        try:
            name, x, y = fields[0], float(fields[1]), float(fields[2])
            placed = (x, y) if said.origin is None else _unproject(said.origin, x, y)
        except (IndexError, ValueError):
            name, placed = "", (math.nan, math.nan)
        if not (-180 <= placed[0] <= 180 and -90 <= placed[1] <= 90):
            refused.append({"row": row, "reason": "no position on Earth", "raw": " ".join(fields)})
        elif section == "COORDINATES":
            points[name] = placed
        else:
            bends.setdefault(name, []).append(placed)
    return points, bends


def _unproject(origin: _Point, x: float, y: float) -> _Point:
    """Longitude and latitude of a point x metres east and y metres north of `origin`, on the plane that touches it."""
    longitude, latitude = origin
    north = math.degrees(y / _EARTH_METRES)
    east = math.degrees(x / (_EARTH_METRES * math.cos(math.radians(latitude))))
    return longitude + east, latitude + north


def _draw(ends: list[str], bends: list[_Point], points: Mapping[str, _Point]) -> dict[str, Any] | None:
    if any(end not in points for end in ends):
        return None
    if len(ends) == 1:
        return point(*points[ends[0]])
    return dict(mapping(LineString([points[ends[0]], *bends, points[ends[1]]])))


FORM = Form(
    name="epanet",
    title="EPANET network and readings of its instruments (INP, CSV)",
    standard="EPANET 2.2 input file; readings as BattLeDIM gives them",
    grade=Grade.PROVEN,
    quantities=(*_OF_LINKS, *_OF_NODES),
    request=ask_address,
    parse=parse,
    check=check,
)
