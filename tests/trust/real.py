"""The real series that the checks are tried on: shipped recordings, and those beside the checkout."""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from passerelle.feeds.city import read_city
from passerelle.feeds.feed import Parsed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.model.place import Place, point
from passerelle.model.series import Series
from passerelle.trust.check import Delivery, FeedRecord, Record, Refusals, Repeat, Site
from passerelle.trust.words import to_microseconds, to_time

CHECKOUT = Path(__file__).parents[2]
SHARED = CHECKOUT.parent / "shared" / "data"
SECOND = 1_000_000
HOUR = 3600 * SECOND
PARIS, CALIFORNIA, ROME = ZoneInfo("Europe/Paris"), ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/Rome")
MELBOURNE = ZoneInfo("Australia/Melbourne")


@cache
def shipped(city: str, feed_id: str) -> FeedRecord:
    """A feed of a city file with all its recordings, read by its form; the replies arrive a day apart."""
    declared = read_city(CHECKOUT / "cities" / f"{city}.toml")
    feed = next(feed for feed in declared.feeds if feed.id == feed_id)
    form = FORMS[feed.form]
    received = datetime(2026, 11, 1, tzinfo=UTC)
    frames, deliveries, places = [], [], {}
    for bundle in declared.bundles:
        if bundle.feed != feed_id:
            continue
        received += timedelta(days=1)
        body = (CHECKOUT / "data" / bundle.path).read_bytes()
        reply = Reply(form.scrub(body) if form.scrub else body, received, name=Path(bundle.path).name)
        parsed = form.parse(reply, feed)
        places |= {place.id: place for place in parsed.places}
        frames.append(pl.DataFrame(parsed.observations).with_columns(known=pl.lit(to_microseconds(received))))
        deliveries.append(_delivery(reply.name, received, parsed))
    rows = pl.concat(frames).unique(["place", "quantity", "facet", "start"], keep="last", maintain_order=True)
    records = [
        _record(Series(feed_id, *map(str, key)), group, feed.time_zone)
        for key, group in rows.sort("start").partition_by("place", "quantity", "facet", as_dict=True).items()
    ]
    sites = [Site(place, deliveries[0].received, received) for place in places.values()]
    return FeedRecord(feed_id, feed.time_zone, None, records, sites, deliveries, received, received)


def _delivery(name: str, received: datetime, parsed: Parsed) -> Delivery:
    refused = pl.DataFrame(parsed.refused).with_columns(kind=pl.col("reason").str.replace_all(r"[0-9]+", "0"))
    groups = refused.group_by("kind", maintain_order=True).agg(pl.len(), pl.col("reason", "raw").first())
    rows = parsed.observations.num_rows
    return Delivery(
        name,
        received,
        (),
        len(set(parsed.observations["row"].to_pylist())) + refused["row"].n_unique(),
        min(parsed.observations["start"].to_pylist()) if rows else None,
        max(parsed.observations["end"].to_pylist()) if rows else None,
        tuple(Refusals(row["reason"], row["len"], row["raw"]) for row in groups.iter_rows(named=True)),
    )


def _record(series: Series, rows: pl.DataFrame, zone: ZoneInfo) -> Record:
    start, end = (rows[name].cast(pl.Datetime("us", "UTC")).to_physical().to_numpy() for name in ("start", "end"))
    return make(series, start, end, rows["value"].to_numpy(), zone)


def make(series: Series, start: Any, end: Any, value: Any, zone: ZoneInfo, **changes: Any) -> Record:
    """A record of what has a value; the feed has ended, and the last look was when its last value did."""
    value = np.asarray(value, np.float64)
    kept = np.isfinite(value)
    start, end = np.asarray(start, np.int64)[kept], np.asarray(end, np.int64)[kept]
    last = to_time(int(end.max()) if len(end) else 0)
    given = {"cadence_seconds": None, "known_since": end, "seen_until": last, "now": last}
    return Record(series=series, zone=zone, start=start, end=end, value=value[kept], **(given | changes))


def micros(times: pl.Series) -> np.ndarray:
    """Microseconds since 1970 of a column of times."""
    return times.cast(pl.Datetime("us")).to_physical().to_numpy()


def feed_of(records: list[Record], **changes: Any) -> FeedRecord:
    """A feed of these series alone."""
    last = max(record.now for record in records)
    given: dict[str, Any] = {
        "feed": records[0].series.feed,
        "zone": records[0].zone,
        "cadence_seconds": None,
        "sites": [],
        "deliveries": [],
        "seen_until": last,
        "now": last,
    }
    return FeedRecord(records=records, **(given | changes))


@cache
def traffic() -> FeedRecord:
    """Three arcs, hourly; local clock of the file taken as UTC, as nothing in the check depends on it."""
    rows = pl.read_parquet(SHARED / "mobility/paris_traffic/comptages_3arcs_2010_2022.parquet").sort("t_1h")
    records = []
    for (arc,), group in rows.partition_by("iu_ac", as_dict=True).items():
        start = micros(group["t_1h"])
        kept = np.concatenate([[True], np.diff(start) > 0])
        start = start[kept]
        records.append(make(Series("traffic", str(arc), FLOW), start, start + HOUR, group["q"].to_numpy()[kept], PARIS))
    return feed_of(records)


FLOW = "vehicle_count"
STATE = "bikeshare_bikes_available"
FILL = "bin_fill"
INFLOW = "water_inflow"
POWER = "electricity_demand"


@cache
def velib_2022() -> FeedRecord:
    """Bicycles at each station by `t_updated`, each state known at the snapshot that showed it."""
    rows = pl.read_parquet(SHARED / "mobility/velib_paris/velib_status_2022-05-12_2022-06-02.parquet")
    rows = rows.sort("t_snapshot").unique(["sid", "t_updated"], keep="first", maintain_order=True).sort("t_updated")
    records = [
        states("velib-2022", str(sid), group["t_updated"].to_numpy(), group["bikes"].to_numpy(), PARIS)
        for (sid,), group in rows.partition_by("sid", as_dict=True).items()
    ]
    return feed_of(records)


@cache
def velib_2025() -> FeedRecord:
    """Bicycles at each station every quarter-hour of nine days."""
    rows = pl.read_parquet(SHARED / "mobility/velib_paris/velib_status_15min_2025-09-07_16.parquet").sort("tbin_utc")
    records = [
        states("velib-2025", str(code), micros(group["tbin_utc"]) // SECOND, group["bikes"].to_numpy(), PARIS)
        for (code,), group in rows.partition_by("stationcode", as_dict=True).items()
    ]
    return feed_of(records)


def states(feed: str, place: str, seconds: Any, value: Any, zone: ZoneInfo) -> Record:
    """States that hold until the next one, but no longer than the states' median spacing."""
    start = np.asarray(seconds, np.int64) * SECOND
    usual = int(np.median(np.diff(start))) if len(start) > 1 else HOUR
    end = np.minimum(np.append(start[1:], start[-1] + usual), start + usual)
    return make(Series(feed, place, STATE), start, end, value, zone)


@cache
def baywheels() -> FeedRecord:
    """Bicycles at each station of San Francisco at every snapshot's hour: states kept while snapshots went on."""
    folder = SHARED / "mobility/baywheels_sf"
    changes = pl.read_parquet(folder / "status_changes_sf_2022-08-07_2023-04-30.parquet").sort("t")
    taken = pl.read_parquet(folder / "snapshots.parquet")["t"].sort()
    stations = pl.read_csv(folder / "stations.csv", infer_schema_length=0)
    # One snapshot an hour: the first.
    hourly = taken.gather(np.unique(taken.to_numpy() // 3600, return_index=True)[1]).to_numpy()
    records = []
    for (sid,), group in changes.partition_by("sid", as_dict=True).items():
        times = hourly[hourly >= group["t"][0]]
        value = group["bikes"].to_numpy()[np.searchsorted(group["t"].to_numpy(), times, side="right") - 1]
        records.append(states("baywheels", str(sid), times, value, CALIFORNIA))
    sites = []
    for row in stations.iter_rows(named=True):
        at = point(float(row["lon"]), float(row["lat"])) if row["lat"] and row["lon"] else None
        if row["first_seen"] is None:
            continue
        first = datetime.fromisoformat(row["first_seen"])
        place = Place(row["sid"], "station", row["name"] or "?", at)
        sites.append(Site(place, first, records[0].now))
    return feed_of(records, sites=sites)


@cache
def caiso() -> FeedRecord:
    """CAISO's hourly demand 2015-2020 as the operator reported it."""
    rows = pl.read_csv(SHARED / "sectors/elec_caiso_eia930_demand/CISO_2015_2020_raw.csv", infer_schema_length=0)
    start = micros(rows["date_time"].str.to_datetime())
    value = rows["raw demand (MW)"].cast(pl.Float64, strict=False).to_numpy()
    return feed_of([make(Series("caiso", "caiso", POWER), start, start + HOUR, value, CALIFORNIA)])


@cache
def bwdf() -> FeedRecord:
    """Inflow of ten districts, hourly L/s; the file's local clock, summer hours and all, taken as it stands."""
    table = _read_sheet(SHARED / "sectors/water_bwdf/InflowData.xlsx")
    records = []
    clock = pl.Series([row[0] for row in table[1:]])
    start = micros(
        clock.str.to_datetime("%d/%m/%Y %H:%M", strict=False)
        if clock.dtype == pl.String
        else pl.from_epoch(((clock - 25569) * 86400).round().cast(pl.Int64), time_unit="s")
    )
    order = np.argsort(start, kind="stable")
    order = order[np.concatenate([[True], np.diff(start[order]) > 0])]
    for column in range(1, len(table[0])):
        value = np.array([_number(row[column] if column < len(row) else None) for row in table[1:]])
        series = Series("bwdf", str(table[0][column]), INFLOW)
        records.append(make(series, start[order], start[order] + HOUR, value[order], ROME))
    return feed_of(records)


def _number(cell: Any) -> float:
    return cell if isinstance(cell, float) else np.nan


def _read_sheet(path: Path) -> list[list[Any]]:
    """The cells of the first sheet of an .xlsx file: numbers as float, text as str, None where empty."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        shared = []
        if "xl/sharedStrings.xml" in book.namelist():
            strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314  a file we keep
            shared = ["".join(part.text or "" for part in one.iter(f"{space}t")) for one in strings]
        name = min(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        table: list[list[Any]] = []
        for row in ElementTree.fromstring(book.read(name)).iter(f"{space}row"):  # noqa: S314
            cells: list[Any] = []
            for cell in row:
                letters = re.match("[A-Z]+", cell.get("r", ""))
                index = 0
                for letter in letters[0] if letters else "":
                    index = index * 26 + ord(letter) - 64
                cells += [None] * (index - 1 - len(cells))
                found = cell.find(f"{space}v")
                text = None if found is None else found.text
                if cell.get("t") == "s" and text is not None:
                    cells.append(shared[int(text)])
                else:
                    cells.append(None if text is None else float(text))
            table.append(cells)
        return table


@cache
def bins() -> FeedRecord:
    """Daily fill of smart bins; a bin-day that stands more than once in the file is a repeat."""
    rows = pl.read_csv(SHARED / "sectors/waste_wyndham_bins/wyndham_smartbin_fill.csv").with_columns(
        day=pl.col("timestamp").str.to_datetime("%d-%m-%Y").dt.replace_time_zone(MELBOURNE.key),
        fill=pl.col("Fullness").cast(pl.Float64),
    )
    rows = rows.with_columns(
        start=pl.col("day").dt.convert_time_zone("UTC"),
        end=pl.col("day").dt.offset_by("1d").dt.convert_time_zone("UTC"),
    )
    repeats = []
    for row in rows.group_by("Bin ID", "start", "end", maintain_order=True).agg("fill").iter_rows(named=True):
        if len(row["fill"]) > 1:
            number = Series("bins", str(row["Bin ID"]), FILL).number
            repeats.append(Repeat(number, row["start"], row["end"], tuple(row["fill"])))
    single = rows.unique(["Bin ID", "start"], keep="last", maintain_order=True).sort("start")
    records = [
        _record(Series("bins", str(bin_), FILL), group.with_columns(value="fill"), MELBOURNE)
        for (bin_,), group in single.partition_by("Bin ID", as_dict=True).items()
    ]
    last = max(record.now for record in records)
    names = tuple(rows.columns[:5])
    delivery = Delivery("bins", last, names, rows.height, records[0].now, last, (), tuple(repeats))
    return feed_of(records, deliveries=[delivery])


@cache
def no2_hourly() -> FeedRecord:
    """Hourly NO2 at a traffic and a background station, 1999-2010."""
    rows = pl.read_csv(SHARED / "sectors/air_paris_no2_airbase/paris_no2_hourly_1999_2010.csv", infer_schema_length=0)
    start = micros(rows["t"].str.to_datetime())
    return feed_of(
        [
            make(
                Series("no2-hourly", station, "no2_daily_mean"),
                start,
                start + HOUR,
                rows[station].cast(pl.Float64, strict=False).to_numpy(),
                PARIS,
            )
            for station in ("FR04012", "FR04037")
        ]
    )


@cache
def france_load() -> FeedRecord:
    """France's hourly load 2021-2023."""
    rows = pl.concat(
        pl.read_csv(SHARED / f"sectors/elec_fr_entsoe_load/fr_load_{year}.csv", infer_schema_length=0).select(
            pl.nth(0).str.slice(0, 16).str.to_datetime("%d.%m.%Y %H:%M").alias("t"),
            pl.nth(2).cast(pl.Float64, strict=False).alias("load"),
        )
        for year in (2021, 2022, 2023)
    )
    start = micros(rows["t"])
    return feed_of([make(Series("fr-load", "fr", POWER), start, start + HOUR, rows["load"].to_numpy(), PARIS)])


@cache
def covid_daily(file: str) -> FeedRecord:
    """Daily counts of 2020: of Vélib' stations by quarter, or of bicycle counters."""
    rows = pl.read_csv(SHARED / f"mobility/velib_paris/covid2020/{file}.csv").with_columns(
        day=pl.col("date").str.to_datetime().dt.replace_time_zone(PARIS.key)
    )
    rows = rows.with_columns(
        start=pl.col("day").dt.convert_time_zone("UTC"),
        end=pl.col("day").dt.offset_by("1d").dt.convert_time_zone("UTC"),
        value=pl.col("count").cast(pl.Float64),
    ).unique(["station", "start"], keep="last", maintain_order=True)
    return feed_of(
        [
            _record(Series(file, str(key[0]), "bicycle_count"), group, PARIS)
            for key, group in rows.sort("start").partition_by("station", as_dict=True).items()
        ]
    )


@cache
def battledim() -> FeedRecord:
    """Two inflows and a pump of the L-Town network, every five minutes of half a year."""
    rows = pl.read_csv(
        SHARED / "sectors/water_ltown_battledim/2019_Flows.csv",
        separator=";",
        decimal_comma=True,
        infer_schema_length=None,
    )
    start = micros(rows["Timestamp"].str.to_datetime())
    return feed_of(
        [
            make(
                Series("l-town", name, INFLOW),
                start,
                start + 300 * SECOND,
                rows[name].cast(pl.Float64).to_numpy(),
                ROME,
            )
            for name in rows.columns[1:]
        ]
    )
