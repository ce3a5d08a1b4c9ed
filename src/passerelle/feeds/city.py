"""A city as its TOML file describes it: area, clock, languages, official areas, feeds and recordings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from passerelle.feeds._toml import convert
from passerelle.feeds.area import Area, read_areas
from passerelle.feeds.feed import Feed, Licence, Redistribute
from passerelle.feeds.forms import FORMS
from passerelle.model.errors import InvalidValueError, PasserelleError, UnknownNameError
from passerelle.model.quantity import Sector

__all__ = [
    "Area",
    "Bundle",
    "City",
    "Division",
    "Replay",
    "Tiles",
    "find_city_file",
    "find_data_file",
    "list_areas",
    "parse_city",
    "read_city",
]

_CHECKOUT = Path(__file__).resolve().parents[3]
_CITIES = _CHECKOUT / "cities"
_DATA = _CHECKOUT / "data"

_TILES = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/[^\s;,'\"\\]*")
"""An address whose host can stand in a Content-Security-Policy."""


@dataclass(frozen=True, slots=True)
class Division:
    """A file of official areas under `data/`, and which of its properties hold code and name."""

    id: str
    title: Mapping[str, str]
    path: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A recorded file under `data/` that the demo imports as a reply of a feed.

    `recorded_at` is set only where the recording itself is dated; without it the observations are
    known since their import.
    """

    feed: str
    path: str
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded sequence of replies under `data/` that a node started for it plays, one every so many seconds.

    `first` and `last` are the days of the recording, which is what everyone who sees the feed is told.
    """

    feed: str
    path: str
    first: date
    last: date
    every_seconds: float


@dataclass(frozen=True, slots=True)
class Tiles:
    """A map from elsewhere that the pages draw below the city's own areas: where its pictures are, and whose it is.

    `url` has `{z}`, `{x}` and `{y}` where the number of a tile goes; readers' browsers ask it, and nothing else of its
    `origin`.
    """

    url: str
    attribution: str

    def __post_init__(self) -> None:
        if not _TILES.fullmatch(self.url) or any(part not in self.url for part in ("{z}", "{x}", "{y}")):
            raise InvalidValueError(
                f"tiles.url {self.url!r} must be an http or https address with {{z}}, {{x}} and {{y}} in its path",
                where="tiles.url",
            )

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return "/".join(self.url.split("/", 3)[:3])


@dataclass(frozen=True, slots=True)
class City:
    """A node's subject; `bbox` is west, south, east, north and `centre` longitude, latitude in degrees."""

    id: str
    name: Mapping[str, str]
    country: str
    time_zone: ZoneInfo
    languages: tuple[str, ...]
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    port: int
    sectors: tuple[Sector, ...]
    divisions: tuple[Division, ...]
    feeds: tuple[Feed, ...]
    bundles: tuple[Bundle, ...]
    replays: tuple[Replay, ...]
    tiles: Tiles | None = None


_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class _Title(msgspec.Struct, forbid_unknown_fields=True):
    en: _Text
    fr: _Text


class _AreaFile(msgspec.Struct, forbid_unknown_fields=True):
    file: _Text
    code: _Text
    name: _Text


class _DivisionTable(_AreaFile, forbid_unknown_fields=True):
    id: _Word
    title: _Title


class _LicenceTable(msgspec.Struct, forbid_unknown_fields=True):
    name: _Text
    url: str
    attribution: _Text


class _FeedTable(msgspec.Struct, forbid_unknown_fields=True):
    id: _Word
    form: _Text
    title: _Title
    publisher: _Text
    owner: _Text
    url: str
    documentation: _Text
    licence: _LicenceTable
    redistribute: Redistribute
    quantities: Annotated[list[_Text], msgspec.Meta(min_length=1)]
    time_zone: str | None = None
    cadence_seconds: Annotated[int, msgspec.Meta(gt=0)] | None = None
    parameters: dict[str, Any] = {}
    areas: _AreaFile | None = None


class _FeedFile(msgspec.Struct, forbid_unknown_fields=True):
    feed: Annotated[list[_FeedTable], msgspec.Meta(min_length=1)]


class _BundleTable(msgspec.Struct, forbid_unknown_fields=True):
    feed: _Text
    file: _Text
    recorded_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _ReplayTable(msgspec.Struct, forbid_unknown_fields=True):
    feed: _Text
    file: _Text
    first: date
    last: date
    every_seconds: Annotated[float, msgspec.Meta(gt=0)]


class _TilesTable(msgspec.Struct, forbid_unknown_fields=True):
    url: _Text
    attribution: _Text


class _CityFile(msgspec.Struct, forbid_unknown_fields=True):
    id: _Word
    name: _Title
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
    time_zone: str
    languages: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[a-z]{2}$")]], msgspec.Meta(min_length=1)]
    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    port: Annotated[int, msgspec.Meta(ge=1024, le=65535)]
    sectors: list[Sector]
    division: list[_DivisionTable] = []
    feed: list[_FeedTable] = []
    bundle: list[_BundleTable] = []
    replay: list[_ReplayTable] = []
    tiles: _TilesTable | None = None
    # Read by `passerelle demo`, which starts such a node only where it is named.
    demo: Literal["on request"] | None = None


def read_city(path: Path) -> City:
    """The city that a TOML file describes; an error names the file, the key and what came."""
    try:
        return parse_city(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"{path.name} can't be read as TOML: {error}", where=path.name) from error


def parse_city(text: str, name: str) -> City:
    """The city that the text of a TOML file called `name` describes."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidValueError(f"{name} can't be read as TOML: {error}", where=name) from error
    table = convert(document, _CityFile, name)
    try:
        return _build(table)
    except PasserelleError as error:
        raise InvalidValueError(f"{name}: {error}", where=error.where or name) from error


def parse_feeds(text: str, name: str, zone: ZoneInfo) -> tuple[Feed, ...]:
    """The feeds of a text that has nothing but `[[feed]]` entries, in a city whose clock is `zone`."""
    try:
        table = convert(tomllib.loads(text), _FeedFile, name)
    except tomllib.TOMLDecodeError as error:
        raise InvalidValueError(f"{name} can't be read as TOML: {error}", where=name) from error
    return tuple(_build_feed(entry, zone) for entry in table.feed)


def find_city_file(name: str) -> Path:
    """The file of the city called `name` in this checkout's `cities/`."""
    known = {path.stem: path for path in _CITIES.glob("*.toml")}
    try:
        return known[name]
    except KeyError:
        raise UnknownNameError("city", name, list(known), where="city") from None


def find_data_file(path: str) -> Path:
    """A recorded file of this checkout's `data/`, which `path` may not leave."""
    found = (_DATA / path).resolve()
    if not found.is_relative_to(_DATA) or not found.is_file():
        raise InvalidValueError(f"{path!r} is not a file under data/", where="file")
    return found


def list_areas(city: City) -> tuple[Area, ...]:
    """The official areas of all the city's divisions, division by division in their files' order."""
    return tuple(
        area
        for division in city.divisions
        for area in read_areas(find_data_file(division.path), division.id, code=division.code, name=division.name)
    )


def _build(table: _CityFile) -> City:
    zone = _zone(table.time_zone, "time_zone")
    west, south, east, north = table.bbox
    longitude, latitude = table.centre
    if not (-180 <= west <= longitude <= east <= 180 and -90 <= south <= latitude <= north <= 90):
        raise InvalidValueError(f"centre {table.centre} does not lie in bbox {table.bbox}", where="centre")
    feeds = tuple(_build_feed(entry, zone) for entry in table.feed)
    ids = [feed.id for feed in feeds]
    if len(set(ids)) != len(ids):
        raise InvalidValueError(f"feed: an id stands twice in {ids}", where="feed")
    named = [("bundle", entry.feed) for entry in table.bundle] + [("replay", entry.feed) for entry in table.replay]
    for where, feed in named:
        if feed not in ids:
            raise UnknownNameError("feed", feed, ids, where=where)
    return City(
        id=table.id,
        name=msgspec.structs.asdict(table.name),
        country=table.country,
        time_zone=zone,
        languages=tuple(table.languages),
        bbox=table.bbox,
        centre=table.centre,
        port=table.port,
        sectors=tuple(table.sectors),
        divisions=tuple(
            Division(entry.id, msgspec.structs.asdict(entry.title), entry.file, entry.code, entry.name)
            for entry in table.division
        ),
        feeds=feeds,
        bundles=tuple(Bundle(entry.feed, entry.file, entry.recorded_at) for entry in table.bundle),
        replays=tuple(
            Replay(entry.feed, entry.file, entry.first, entry.last, entry.every_seconds) for entry in table.replay
        ),
        tiles=None if table.tiles is None else Tiles(table.tiles.url, table.tiles.attribution),
    )


def _build_feed(entry: _FeedTable, zone: ZoneInfo) -> Feed:
    where = f"feed {entry.id!r}"
    if entry.form not in FORMS:
        raise UnknownNameError("form", entry.form, list(FORMS), where=where)
    parameters = dict(entry.parameters)
    if entry.areas is not None:
        areas = read_areas(find_data_file(entry.areas.file), "", code=entry.areas.code, name=entry.areas.name)
        parameters["areas"] = {area.code: area for area in areas}
    feed = Feed(
        id=entry.id,
        form=entry.form,
        title=msgspec.structs.asdict(entry.title),
        publisher=entry.publisher,
        owner=entry.owner,
        url=entry.url,
        documentation=entry.documentation,
        licence=Licence(entry.licence.name, entry.licence.url, entry.licence.attribution),
        redistribute=entry.redistribute,
        time_zone=zone if entry.time_zone is None else _zone(entry.time_zone, f"{where}.time_zone"),
        cadence_seconds=entry.cadence_seconds,
        quantities=tuple(entry.quantities),
        parameters=parameters,
    )
    if (check := FORMS[feed.form].check) is not None:
        check(feed)
    return feed


def _zone(name: str, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidValueError(f"{where}: {name!r} is not an IANA time zone", where=where) from error
