"""Places of the city: stations, counters, areas and network nodes, with what a map and a list filter on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    ForeignKey,
    Index,
    Row,
    Select,
    String,
    Table,
    Text,
    column,
    delete,
    exists,
    func,
    select,
    table,
)
from sqlalchemy.dialects.sqlite import insert

from passerelle.model.errors import UnknownNameError
from passerelle.model.place import Place
from passerelle.registry.fold import fold
from passerelle.registry.schema import METADATA

PLACES = Table(
    "places",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("geometry", Text),
    Column("cell", String),
    Column("areas", Text, nullable=False),
    Column("lon", Float),
    Column("lat", Float),
    Column("west", Float),
    Column("south", Float),
    Column("east", Float),
    Column("north", Float),
    Column("folded", String, nullable=False),
    Index(None, "kind"),
    Index(None, "west", "south", "east", "north"),
)

PLACE_AREAS = Table(
    "place_areas",
    METADATA,
    Column("place", String, ForeignKey("places.id", ondelete="CASCADE"), primary_key=True),
    Column("division", String, primary_key=True),
    Column("code", String, nullable=False),
    Index(None, "code", "place"),
)

# The series' table is declared a file above this one; these are the two of its columns that places are filtered by.
_SERIES = table("series", column("place"), column("sector"))

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """A place as the registry holds it; `centre` is longitude and latitude, `sectors` those of its series."""

    id: str
    kind: str
    name: str
    geometry: Mapping[str, Any] | None
    centre: tuple[float, float] | None
    cell: str | None
    areas: Mapping[str, str]
    sectors: tuple[str, ...]


def put_places(connection: Connection, places: Iterable[Place]) -> int:
    """How many places were new or changed; a place that comes without geometry keeps the one it had."""
    wanted = {place.id: place for place in places}
    stored = _read_identities(connection, list(wanted))
    changed = [place for place in wanted.values() if stored.get(place.id) != _identity(place, stored.get(place.id))]
    if changed:
        statement = insert(PLACES)
        columns = {name: statement.excluded[name] for name in PLACES.c.keys() if name != "id"}  # noqa: SIM118
        connection.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_=columns),
            [_columns(_with_stored_geometry(place, stored.get(place.id))) for place in changed],
        )
        _put_areas(connection, changed)
    return len(changed)


def get_place(connection: Connection, place_id: str) -> StoredPlace:
    """The place called `place_id`; `UnknownNameError` where there is none."""
    row = connection.execute(_selection().where(PLACES.c.id == place_id)).one_or_none()
    if row is None:
        raise UnknownNameError("place", place_id, where="place")
    return _read(row)


def read_centres(connection: Connection, ids: Sequence[str]) -> list[tuple[float, float]]:
    """Longitude and latitude of those of `ids` that have a position, in their order."""
    found = select(PLACES.c.id, PLACES.c.lon, PLACES.c.lat).where(PLACES.c.id.in_(ids), PLACES.c.lon.is_not(None))
    centres = {row.id: (row.lon, row.lat) for row in connection.execute(found)}
    return [centres[name] for name in ids if name in centres]


def list_places(
    connection: Connection,
    *,
    kind: str | None = None,
    sector: str | None = None,
    area: str | None = None,
    bbox: Box | None = None,
    q: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[StoredPlace]:
    """Places by id, those after the id `after`; `area` is a code or `division:code`, `q` words of the name."""
    statement = _selection().order_by(PLACES.c.id).limit(limit)
    if after is not None:
        statement = statement.where(PLACES.c.id > after)
    if kind is not None:
        statement = statement.where(PLACES.c.kind == kind)
    if sector is not None:
        statement = statement.where(_has_sector(sector))
    if area is not None:
        statement = statement.where(in_area(area))
    if bbox is not None:
        statement = statement.where(*in_box(bbox))
    for word in fold(q or "").split():
        statement = statement.where(PLACES.c.folded.contains(word, autoescape=True))
    return [_read(row) for row in connection.execute(statement)]


def find_missing(connection: Connection, ids: set[str]) -> set[str]:
    """Those of `ids` that no place has."""
    return ids - set(_read_identities(connection, list(ids)))


def count_places(connection: Connection) -> int:
    """How many places there are."""
    return connection.execute(select(func.count()).select_from(PLACES)).scalar_one()


def in_box(bbox: Box) -> Sequence[ColumnElement[bool]]:
    """Conditions that a place's bounds meet `bbox`, edges included."""
    west, south, east, north = bbox
    return (PLACES.c.west <= east, PLACES.c.east >= west, PLACES.c.south <= north, PLACES.c.north >= south)


def in_area(area: str) -> ColumnElement[bool]:
    """The condition that a place lies in `area`, a code or `division:code`."""
    division, colon, code = area.rpartition(":")
    condition = exists().where(PLACE_AREAS.c.place == PLACES.c.id, PLACE_AREAS.c.code == code)
    return condition.where(PLACE_AREAS.c.division == division) if colon else condition


def _has_sector(sector: str) -> ColumnElement[bool]:
    return exists().where(_SERIES.c.place == PLACES.c.id, _SERIES.c.sector == sector)


def _selection() -> Select[Any]:
    sectors = select(func.group_concat(_SERIES.c.sector.distinct())).where(_SERIES.c.place == PLACES.c.id)
    return select(PLACES, sectors.scalar_subquery().label("sectors"))


def _read(row: Row[Any]) -> StoredPlace:
    return StoredPlace(
        id=row.id,
        kind=row.kind,
        name=row.name,
        geometry=None if row.geometry is None else json.loads(row.geometry),
        centre=None if row.lon is None else (row.lon, row.lat),
        cell=row.cell,
        areas=json.loads(row.areas),
        sectors=tuple(sorted(row.sectors.split(","))) if row.sectors else (),
    )


_Identity = tuple[str, str, str | None, str]


def _read_identities(connection: Connection, ids: list[str]) -> dict[str, _Identity]:
    found: dict[str, _Identity] = {}
    for at in range(0, len(ids), 500):
        chunk = select(PLACES.c.id, PLACES.c.kind, PLACES.c.name, PLACES.c.geometry, PLACES.c.areas)
        for row in connection.execute(chunk.where(PLACES.c.id.in_(ids[at : at + 500]))):
            found[row.id] = (row.kind, row.name, row.geometry, row.areas)
    return found


def _identity(place: Place, stored: _Identity | None) -> _Identity:
    return (place.kind, place.name, *_spatial(place, stored))


def _spatial(place: Place, stored: _Identity | None) -> tuple[str | None, str]:
    if place.geometry is None and stored is not None:
        return stored[2], stored[3]
    return None if place.geometry is None else _json(place.geometry), _json(place.areas)


def _with_stored_geometry(place: Place, stored: _Identity | None) -> Place:
    if place.geometry is not None or stored is None or stored[2] is None:
        return place
    return Place(place.id, place.kind, place.name, json.loads(stored[2]), json.loads(stored[3]))


def _columns(place: Place) -> dict[str, Any]:
    west, south, east, north = place.bounds or (None,) * 4
    lon, lat = place.centre or (None, None)
    return {
        "id": place.id,
        "kind": place.kind,
        "name": place.name,
        "geometry": None if place.geometry is None else _json(place.geometry),
        "cell": place.cell,
        "areas": _json(place.areas),
        "lon": lon,
        "lat": lat,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "folded": fold(f"{place.name} {place.id}"),
    }


def _put_areas(connection: Connection, places: list[Place]) -> None:
    located = [place for place in places if place.geometry is not None]
    for at in range(0, len(located), 500):
        ids = [place.id for place in located[at : at + 500]]
        connection.execute(delete(PLACE_AREAS).where(PLACE_AREAS.c.place.in_(ids)))
    rows = [
        {"place": place.id, "division": division, "code": code}
        for place in located
        for division, code in place.areas.items()
    ]
    if rows:
        connection.execute(insert(PLACE_AREAS), rows)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
