"""GTFS, a timetable (zip of CSV): the departures each stop is to have in each hour.

A departure is a call of a trip on one of its service days after which passengers ride on: neither the trip's last
call nor one where nobody may board (`pickup_type` 1). The clock of a service day counts from noon less 12 hours in
the agency's zone (GTFS reference, type Time): on the two days when clocks change, "00:00:00" is an hour off
midnight, and "25:10:00" is the next day's. Hours are those of UTC, so that the hour which a clock shows twice is two.

A trip in `frequencies.txt` leaves every `headway_secs` from `start_time` until before `end_time`, be its times exact
or not: for times that aren't, the standard states no others. A blank time is refused, for what stands between two
timed calls would be a guess. A stop's hour without a departure has no row.

What a timetable says of the future is a plan: a later file replaces it, as a later version of the same observations.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._network import ID, name_network
from passerelle.feeds._rows import assemble, local_instant, plausible, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds._zip import read_zip
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import ReplyError
from passerelle.model.place import Place, point

_QUANTITY = "transit_departures_scheduled"

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COLUMNS = {
    "agency.txt": ("agency_timezone",),
    "stops.txt": ("stop_id", "stop_name", "stop_lat", "stop_lon"),
    "routes.txt": ("route_id", "route_type"),
    "trips.txt": ("trip_id", "route_id", "service_id"),
    "stop_times.txt": ("trip_id", "departure_time", "stop_id", "stop_sequence"),
    "calendar.txt": ("service_id", *_DAYS, "start_date", "end_date"),
    "calendar_dates.txt": ("service_id", "date", "exception_type"),
    "frequencies.txt": ("trip_id", "start_time", "end_time", "headway_secs"),
}
_NEEDED = ("agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
_CALENDARS = ("calendar.txt", "calendar_dates.txt")

MODES: Final = {
    "0": "tram",
    "1": "subway",
    "2": "rail",
    "3": "bus",
    "4": "ferry",
    "5": "cable_tram",
    "6": "aerial_lift",
    "7": "funicular",
    "11": "trolleybus",
    "12": "monorail",
}
"""`route_type` of the GTFS reference, https://gtfs.org/documentation/schedule/reference/#routestxt; another has no word
there and keeps its number."""

LONGEST: Final = 3_660
"""Days a service may run; a choice: ten years, where the recorded timetables run one to two."""

MOST: Final = 10_000_000
"""Stop-hours and runs that a timetable may unfold to; a choice: BART's, a year and two months, has 1.6 million."""

_CLOCK = r"^\s*([0-9]{1,2}):([0-5][0-9]):([0-5][0-9])\s*$"
_QUARTER = 900
_ROW = {"row": pl.Int64}
_DEGREES = r"^\s*-?[0-9]{1,3}(?:\.[0-9]+)?\s*$"


def parse(reply: Reply, feed: Feed) -> Parsed:
    """One count per stop, mode and hour that has a departure; a place per such stop."""
    network = name_network(feed)
    tables = _Tables(reply)
    zone = _read_zone(tables)
    stops = _read_stops(tables)
    days, services = _read_days(tables, zone)
    departures = _read_departures(tables, stops, _read_trips(tables, services))
    counted = _count(departures, days).with_columns(
        place=pl.format("stop:{}:{}", pl.lit(network), "stop_id"),
        quantity=pl.lit(_QUANTITY),
        end=pl.col("start") + pl.duration(hours=1),
    )
    used = stops.join(counted.select("stop_id").unique(), on="stop_id", how="semi", maintain_order="left")
    places = [
        Place(f"stop:{network}:{stop}", "stop", name, None if longitude is None else point(longitude, latitude))
        for stop, name, longitude, latitude in used.select("stop_id", "name", "longitude", "latitude").iter_rows()
    ]
    return assemble(places, counted, tables.refused)


class _Tables:
    """The timetable's files as columns of strings, and the rows refused so far."""

    def __init__(self, reply: Reply) -> None:
        self.refused: list[pl.DataFrame] = []
        self._reply = reply
        self._files = read_zip(reply, _COLUMNS)
        if not set(_NEEDED) <= set(self._files) or not set(_CALENDARS) & set(self._files):
            raise ReplyError(
                f"a timetable has {list(_NEEDED)} and one of {list(_CALENDARS)} in its root; "
                f"of these came {sorted(self._files)}",
                where="body",
            )

    def read(self, name: str, optional: Collection[str] = ()) -> pl.DataFrame:
        """The file's rows, none where the archive lacks it; a column of `optional` that it lacks is blank."""
        if not self._files.get(name, b"").strip():
            return pl.DataFrame(schema=_ROW | dict.fromkeys(("raw", *_COLUMNS[name], *optional), pl.String))
        text = read_text(replace(self._reply, body=self._files[name], name=name), "utf-8")
        # The archive's checksum says that the file is whole: a line end that it lacks was not cut off.
        text = text if text.endswith("\n") else text + "\n"
        header = text.partition("\n")[0].replace('"', "").split(",")
        more = [column for column in optional if [title.strip() for title in header].count(column) == 1]
        lines, malformed = read_lines(text, [*_COLUMNS[name], *more])
        self._refuse(name, malformed)
        return lines.with_columns(pl.lit("").alias(column) for column in optional if column not in more)

    def keep(self, name: str, rows: pl.DataFrame, bad: pl.Expr, reason: pl.Expr) -> pl.DataFrame:
        """The rows that aren't `bad`; the others are refused."""
        kept, refused = refuse_where(rows, bad, reason)
        self._refuse(name, refused)
        return kept

    def keep_first(self, name: str, rows: pl.DataFrame, *key: str) -> pl.DataFrame:
        """The first row of each `key`; which of two is right isn't ours to guess, so a later one is refused."""
        shown = pl.concat_str(key, separator=" ").str.slice(0, 100)
        return self.keep(name, rows, ~pl.struct(key).is_first_distinct(), pl.format("'{}' came before", shown))

    def _refuse(self, name: str, refused: pl.DataFrame) -> None:
        self.refused.append(refused.with_columns(pl.format("{}: {}", pl.lit(name), "reason").alias("reason")))


def _read_zone(tables: _Tables) -> ZoneInfo:
    """The agencies' zone, which the reference demands to be one."""
    zones = tables.read("agency.txt")["agency_timezone"].unique().to_list()
    try:
        (name,) = zones
        zone = ZoneInfo(name)
        pl.select(local_instant(pl.datetime(2000, 1, 1, 12), zone))
    except (ValueError, KeyError, OSError, pl.exceptions.PolarsError) as error:
        shown = [name[:40] for name in zones[:5]]
        raise ReplyError(
            f"agency.txt: one time zone is needed, got {shown}: {error}", where="agency_timezone"
        ) from error
    return zone


def _read_stops(tables: _Tables) -> pl.DataFrame:
    """Stops with `name` and, where they have any, `latitude` and `longitude`."""
    lines = tables.keep_first("stops.txt", tables.read("stops.txt"), "stop_id")
    blank = (pl.col("stop_lat").str.strip_chars() == "") & (pl.col("stop_lon").str.strip_chars() == "")
    degrees = {
        name: pl.when(pl.col(column).str.contains(_DEGREES)).then(
            pl.col(column).str.strip_chars().cast(pl.Float64, strict=False)
        )
        for name, column in (("latitude", "stop_lat"), ("longitude", "stop_lon"))
    }
    name = pl.col("stop_name").str.strip_chars()
    located = pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180)
    return tables.keep(
        "stops.txt",
        lines.with_columns(**degrees, name=pl.when(name == "").then("stop_id").otherwise(name)),
        ~pl.col("stop_id").str.contains(ID) | ~(blank | located.fill_null(value=False)),
        pl.format(
            "stop '{}' at '{}', '{}'",
            *(pl.col(column).str.slice(0, 100) for column in ("stop_id", "stop_lat", "stop_lon")),
        ),
    )


def _read_trips(tables: _Tables, services: pl.Series) -> pl.DataFrame:
    """Trips with the `service_id` of their days and the `facet` of their route's mode."""
    routes = tables.keep_first("routes.txt", tables.read("routes.txt"), "route_id")
    code = pl.col("route_type").str.strip_chars()
    routes = tables.keep(
        "routes.txt", routes, ~code.str.contains("^[0-9]{1,4}$"), pl.format("route type '{}'", code.str.slice(0, 40))
    )
    facet = code.replace_strict(MODES, default=pl.format("type_{}", code), return_dtype=pl.String)
    trips = tables.keep_first("trips.txt", tables.read("trips.txt"), "trip_id")
    trips = trips.join(routes.select("route_id", facet=facet), on="route_id", how="left", maintain_order="left")
    trips = tables.keep("trips.txt", trips, pl.col("facet").is_null(), pl.format("no route '{}'", "route_id"))
    return tables.keep(
        "trips.txt", trips, ~pl.col("service_id").is_in(services.implode()), pl.format("no service '{}'", "service_id")
    )


def _read_days(tables: _Tables, zone: ZoneInfo) -> tuple[pl.DataFrame, pl.Series]:
    """Each `service_id` with its days' `zero`, the instant their clock counts from; and every service named."""
    ranges = _read_ranges(tables)
    regular = ranges.with_columns(date=pl.date_ranges("first", "last")).explode("date")
    weekday = pl.col("date").dt.weekday()
    on = [(weekday == at) & (pl.col(day) == "1") for at, day in enumerate(_DAYS, 1)]
    exceptions = tables.read("calendar_dates.txt").with_columns(day=_day("date"))
    exceptions = tables.keep(
        "calendar_dates.txt",
        exceptions,
        pl.col("day").is_null() | ~pl.col("exception_type").is_in(["1", "2"]),
        pl.format("service '{}' on '{}': exception '{}'", "service_id", "date", "exception_type"),
    )
    exceptions = tables.keep_first("calendar_dates.txt", exceptions, "service_id", "date")
    key = ["service_id", "date"]
    dates = exceptions.select("service_id", "exception_type", date="day")
    added, removed = (dates.filter(pl.col("exception_type") == kind).select(key) for kind in ("1", "2"))
    running = pl.concat([regular.filter(pl.any_horizontal(on)).select(key), added]).unique()
    noon = local_instant(pl.col("date").cast(pl.Datetime("us")) + pl.duration(hours=12), zone)
    running = running.join(removed, on=key, how="anti").with_columns(zero=noon - pl.duration(hours=12))
    # A zone that moved across the date line has no noon on the day it skipped, and nothing ran.
    running = running.drop_nulls("zero")
    if (running["zero"].dt.epoch("s") % _QUARTER != 0).any():
        raise ReplyError(
            f"{zone} is not whole quarters of an hour from UTC on days of service", where="agency_timezone"
        )
    return running.select("service_id", "zero"), pl.concat([ranges["service_id"], dates["service_id"]]).unique()


def _read_ranges(tables: _Tables) -> pl.DataFrame:
    ranges = tables.keep_first("calendar.txt", tables.read("calendar.txt"), "service_id")
    length = (pl.col("last") - pl.col("first")).dt.total_days() + 1
    ranges = tables.keep(
        "calendar.txt",
        ranges.with_columns(first=_day("start_date"), last=_day("end_date")),
        ~length.is_between(1, LONGEST) | ~pl.all_horizontal(pl.col(*_DAYS).is_in(["0", "1"])),
        pl.format("service '{}' from '{}' to '{}'", "service_id", "start_date", "end_date"),
    )
    _require_few(ranges.select(length.sum()).item(), "service days")
    return ranges


def _read_departures(tables: _Tables, stops: pl.DataFrame, trips: pl.DataFrame) -> pl.DataFrame:
    """Departures of a service's day: stop, facet, `seconds` after the day's zero, and their row."""
    name = "stop_times.txt"
    calls = _read_calls(tables, trips)
    leaving = calls.filter((pl.col("sequence") < pl.col("last")) & (pl.col("boards") != "1"))
    leaving = tables.keep(
        name,
        leaving,
        ~pl.col("stop_id").is_in(stops["stop_id"].implode()),
        pl.format("no stop '{}'", pl.col("stop_id").str.slice(0, 100)),
    )
    leaving = tables.keep(
        name,
        leaving,
        pl.col("seconds").is_null() | ~pl.col("boards").is_in(["", "0", "2", "3"]),
        pl.format("departure '{}', pickup type '{}'", "departure_time", "pickup_type"),
    )
    runs, repeated = _read_runs(tables, trips)
    _require_few(leaving.select("trip_id").join(runs, on="trip_id").height, "calls of frequent trips")
    frequent = leaving.join(runs, on="trip_id").with_columns(
        seconds=pl.col("begin") + pl.col("seconds") - pl.col("first")
    )
    frequent = tables.keep(
        name, frequent, pl.col("seconds").is_null(), pl.lit("the trip's first departure has no time")
    )
    timed = leaving.filter(~pl.col("trip_id").is_in(repeated.implode()))
    columns = ["service_id", "stop_id", "facet", "seconds", "row"]
    return pl.concat([timed.select(columns), frequent.select(columns)])


def _read_calls(tables: _Tables, trips: pl.DataFrame) -> pl.DataFrame:
    """Calls with their trip's service and facet, their place in its order, its `first` departure and `last` place."""
    name = "stop_times.txt"
    calls = tables.read(name, ["pickup_type"])
    calls = calls.join(trips.select("trip_id", "service_id", "facet"), on="trip_id", how="left", maintain_order="left")
    calls = tables.keep(
        name, calls, pl.col("facet").is_null(), pl.format("no trip '{}'", pl.col("trip_id").str.slice(0, 100))
    )
    calls = calls.with_columns(
        sequence=_whole("stop_sequence"),
        seconds=_seconds("departure_time"),
        boards=pl.col("pickup_type").str.strip_chars(),
    )
    calls = tables.keep(
        name,
        calls,
        pl.col("sequence").is_null().any().over("trip_id"),
        pl.format("trip '{}' has a call without a place in its order", "trip_id"),
    )
    return tables.keep_first(name, calls, "trip_id", "sequence").with_columns(
        first=pl.col("seconds").sort_by("sequence").first().over("trip_id"),
        last=pl.col("sequence").max().over("trip_id"),
    )


def _read_runs(tables: _Tables, trips: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The seconds at which each run of a frequent trip begins; and every trip named, refused ones among them."""
    name = "frequencies.txt"
    lines = tables.read(name)
    spans = lines.with_columns(since=_seconds("start_time"), until=_seconds("end_time"), headway=_whole("headway_secs"))
    spans = tables.keep(
        name,
        spans,
        ~pl.col("trip_id").is_in(trips["trip_id"].implode())
        | (pl.col("since") >= pl.col("until")).fill_null(value=True)
        | ~pl.col("headway").is_between(1, 86_400),
        pl.format("trip '{}' from '{}' to '{}' every '{}' s", *_COLUMNS[name]),
    )
    runs = (pl.col("until") - pl.col("since")) // pl.col("headway") + 1
    _require_few(spans.select(runs.sum()).item(), "runs of frequent trips")
    begins = spans.with_columns(begin=pl.int_ranges("since", "until", "headway"))
    return begins.select("trip_id", "begin").explode("begin"), lines["trip_id"].unique()


def _count(departures: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Departures per stop, facet and hour: `start`, `value` and the first of their rows."""
    quarters = departures.group_by("service_id", "stop_id", "facet", quarter=pl.col("seconds") // _QUARTER).agg(
        departures=pl.len(), row=pl.col("row").min()
    )
    running = days.group_by("service_id").agg(days=pl.len())
    _require_few(
        quarters.join(running, on="service_id").select(pl.col("days").sum()).item(), "quarters with departures"
    )
    instant = pl.col("zero") + pl.duration(minutes=15 * pl.col("quarter"))
    return (
        quarters.join(days, on="service_id")
        .group_by("stop_id", "facet", start=instant.dt.truncate("1h"))
        .agg(value=pl.col("departures").sum().cast(pl.Float64), row=pl.col("row").min())
        .sort("row", "stop_id", "facet", "start")
    )


def _require_few(number: int, things: str) -> None:
    if number > MOST:
        raise ReplyError(f"the timetable unfolds to {number} {things}; at most {MOST} are read", where="body")


def _day(column: str) -> pl.Expr:
    return plausible(pl.col(column).str.strip_chars().str.to_date("%Y%m%d", strict=False)).cast(pl.Date)


def _whole(column: str) -> pl.Expr:
    return pl.when(pl.col(column).str.contains(r"^\s*[0-9]{1,9}\s*$")).then(
        pl.col(column).str.strip_chars().cast(pl.Int64, strict=False)
    )


def _seconds(column: str) -> pl.Expr:
    """Seconds of a time of day that may lie beyond 24 hours, null where it is none."""
    parts = pl.col(column).str.extract_groups(_CLOCK)
    hours, minutes, seconds = (parts.struct[at].cast(pl.Int64) for at in range(3))
    return hours * 3600 + minutes * 60 + seconds


FORM = Form(
    name="gtfs",
    title="GTFS timetable, departures per stop and hour (zip)",
    standard="GTFS Schedule",
    grade=Grade.PROVEN,
    quantities=(_QUANTITY,),
    request=ask_address,
    parse=parse,
)
