"""`/api/v1/places` and `/api/v1/areas`: where the city measures, and its official divisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import BoxText, Cursor, Limit, SearchText, SectorName, check_sector, read_box
from passerelle.registry.places import StoredPlace, get_place, list_places

AreaName = Annotated[str | None, QueryParameter(description="Code of an official area, or division:code.")]


class PlaceOut(msgspec.Struct, frozen=True):
    """A place; `geometry` is GeoJSON, `centre` longitude and latitude, `areas` the official area by division."""

    id: str
    kind: str
    name: str
    geometry: dict[str, Any] | None
    centre: tuple[float, float] | None
    cell: str | None
    areas: dict[str, str]
    sectors: list[str]


class AreaFeature(msgspec.Struct, frozen=True):
    """An official area as a GeoJSON feature; `properties` hold division, code and name."""

    id: str
    properties: dict[str, str]
    geometry: dict[str, Any]
    type: Literal["Feature"] = "Feature"


class AreaCollection(msgspec.Struct, frozen=True):
    """The city's official areas as one GeoJSON feature collection."""

    features: list[AreaFeature]
    type: Literal["FeatureCollection"] = "FeatureCollection"


def show_place(place: StoredPlace) -> PlaceOut:
    """The place as answers hold it."""
    return PlaceOut(
        id=place.id,
        kind=place.kind,
        name=place.name,
        geometry=None if place.geometry is None else dict(place.geometry),
        centre=place.centre,
        cell=place.cell,
        areas=dict(place.areas),
        sectors=list(place.sectors),
    )


@get("/places", tags=["places"], sync_to_thread=True)
def list_all(
    node: NamedDependency[Node],
    kind: Annotated[str | None, QueryParameter(max_length=100)] = None,
    sector: SectorName = None,
    area: AreaName = None,
    bbox: BoxText = None,
    q: SearchText = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PlaceOut]:
    """Places by id."""
    check_sector(sector)
    with node.archive.engine.connect() as connection:
        found = list_places(
            connection,
            kind=kind,
            sector=sector,
            area=area,
            bbox=read_box(bbox),
            q=q,
            limit=limit + 1,
            after=read_cursor(cursor, str),
        )
    page, following = cut_page(found, limit, lambda place: place.id)
    return Page([show_place(place) for place in page], following)


# Publishers' ids may hold a slash, so that a place's id is the whole rest of the path.
@get("/places/{place_id:path}", tags=["places"], sync_to_thread=True)
def read_one(node: NamedDependency[Node], place_id: FromPath[str]) -> PlaceOut:
    """One place."""
    with node.archive.engine.connect() as connection:
        return show_place(get_place(connection, place_id.removeprefix("/")))


@get("/areas", tags=["places"], media_type="application/geo+json", sync_to_thread=True)
def list_official(node: NamedDependency[Node]) -> AreaCollection:
    """The official areas of the city, the map under everything."""
    return AreaCollection(
        [
            AreaFeature(
                f"{area.division}:{area.code}",
                {"division": area.division, "code": area.code, "name": area.name},
                dict(area.geometry),
            )
            for area in node.archive.areas
        ]
    )
