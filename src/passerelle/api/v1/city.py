"""`/api/v1/city`: what this node is a node of, and how much it holds."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from litestar import get
from litestar.di import NamedDependency

from passerelle.api.node import Node
from passerelle.model.quantity import Sector
from passerelle.registry.changes import count_changes
from passerelle.registry.findings import count_findings
from passerelle.registry.places import count_places
from passerelle.registry.replies import count_replies
from passerelle.registry.series import count_series


class SectorSummary(msgspec.Struct, frozen=True):
    """How much of a sector this node holds; one without series is shown as absent."""

    sector: str
    present: bool
    places: int
    series: int
    observations: int


class Counts(msgspec.Struct, frozen=True):
    """Totals of the node; `observations` counts current values, not their earlier versions."""

    places: int
    series: int
    observations: int
    replies: int
    refused: int
    changes: int
    findings: int


class DivisionOut(msgspec.Struct, frozen=True):
    """One of the city's official divisions; `/areas` has its areas."""

    id: str
    title: dict[str, str]


class Disk(msgspec.Struct, frozen=True):
    """Bytes free on the folder's disk, and whether that is too few."""

    free_bytes: int
    alarm: bool


class TilesOut(msgspec.Struct, frozen=True):
    """A map from elsewhere for the pages to draw below: its tiles' address and what to say of whose it is."""

    url: str
    attribution: str


class CityOut(msgspec.Struct, frozen=True):
    """The city of this node; `public_key` is Ed25519, base64. `tiles` is null unless the city file names some."""

    id: str
    name: dict[str, str]
    country: str
    time_zone: str
    languages: list[str]
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    public_key: str
    version: str
    now: datetime
    divisions: list[DivisionOut]
    sectors: list[SectorSummary]
    counts: Counts
    disk: Disk
    tiles: TilesOut | None


@get("/city", tags=["city"], sync_to_thread=True)
def read_city(node: NamedDependency[Node]) -> CityOut:
    """The city, its sectors and how much of each this node holds."""
    city, archive = node.archive.city, node.archive
    with archive.engine.connect() as connection:
        held = count_series(connection)
        replies, refused = count_replies(connection)
        places, changes, findings = count_places(connection), count_changes(connection), count_findings(connection)
    rows, disk = node.count_by_sector(), archive.disk.look()
    return CityOut(
        id=city.id,
        name=dict(city.name),
        country=city.country,
        time_zone=city.time_zone.key,
        languages=list(city.languages),
        bbox=city.bbox,
        centre=city.centre,
        public_key=node.public_key,
        version=node.version,
        now=datetime.now(UTC),
        divisions=[DivisionOut(division.id, dict(division.title)) for division in city.divisions],
        sectors=[
            SectorSummary(sector, sector in held, places, series, rows.get(sector, 0))
            for sector in Sector
            for series, places in [held.get(sector, (0, 0))]
        ],
        counts=Counts(
            places=places,
            series=sum(series for series, _ in held.values()),
            observations=sum(rows.values()),
            replies=replies,
            refused=refused,
            changes=changes,
            findings=findings,
        ),
        disk=Disk(disk.free_bytes, disk.alarm),
        tiles=None if city.tiles is None else TilesOut(city.tiles.url, city.tiles.attribution),
    )
