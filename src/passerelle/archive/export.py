"""A whole export of a city: its observations, places and metadata in files that any program reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.archive.folder import require_empty
from passerelle.archive.redistribution import Leaving, may_leave
from passerelle.feeds.feed import Feed
from passerelle.lake.contract import Lake, Selection
from passerelle.model.interval import format_time
from passerelle.model.quantity import get_quantity
from passerelle.registry.places import list_places
from passerelle.registry.series import StoredSeries, list_series

Progress = Callable[[int, int], None]

_PAGE = 1_000
_ROWS = 1_000_000
"""Observations that are in memory together."""

_COLUMNS = ("series", "place", "quantity", "facet", "unit", "start", "end", "value", "known_since", "source")


def export_all(archive: Archive, target: Path, progress: Progress | None = None) -> dict[str, Any]:
    """The metadata written to `target`, an absent or empty folder.

    `observations/<feed>.parquet` and `.csv` hold each feed's current observations where its licence
    lets rows leave; a feed whose licence doesn't is listed with the reason and has no file.
    """
    require_empty(target)
    (target / "observations").mkdir(parents=True, exist_ok=True)
    datasets = []
    for done, feed in enumerate(archive.city.feeds):
        datasets.append(_export_feed(archive, feed, target))
        if progress is not None:
            progress(done + 1, len(archive.city.feeds))
    with archive.engine.connect() as connection:
        _write(target / "places.geojson", {"type": "FeatureCollection", "features": list(_list_features(connection))})
    catalogue = _describe_city(archive, datasets)
    _write(target / "metadata.json", catalogue)
    return catalogue


def _export_feed(archive: Archive, feed: Feed, target: Path) -> dict[str, Any]:
    described = _describe_feed(feed)
    if not may_leave(feed, Leaving.ROWS):
        return {
            **described,
            "rows": None,
            "withheld": f"{feed.licence.name} is declared redistribute = {feed.redistribute.value}",
            "distributions": [],
        }
    with archive.engine.connect() as connection:
        series = list_series(connection, feed=feed.id, limit=None)
    names = {kind: f"observations/{feed.id}.{kind}" for kind in ("parquet", "csv")}
    rows = 0
    with (
        closing(pq.ParquetWriter(target / names["parquet"], SCHEMA, compression="zstd")) as parquet,
        closing(pa.csv.CSVWriter(target / names["csv"], SCHEMA)) as text,
    ):
        for table in read_tables(archive.lake, series, Selection(), _ROWS):
            parquet.write_table(table)
            text.write_table(table)
            rows += table.num_rows
    return {**described, "rows": rows, "withheld": None, "distributions": list(names.values())}


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _COLUMNS[:5]),
        ("start", pa.timestamp("us", tz="UTC")),
        ("end", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("known_since", pa.timestamp("us", tz="UTC")),
        ("source", pa.int64()),
    ]
)
"""The columns of exported observations: what each is of, and the observation."""


def read_tables(lake: Lake, series: Sequence[StoredSeries], span: Selection, at_once: int) -> Iterator[pa.Table]:
    """The series' observations in the span with their words, schema `SCHEMA`, series by series.

    A table has about `at_once` rows at most.
    """
    words = pl.DataFrame(
        [(one.number, one.id, one.place, one.quantity, one.facet, get_quantity(one.quantity).unit) for one in series],
        schema=dict(zip(("number", *_COLUMNS[:5]), (pl.Int64, *(pl.String,) * 5), strict=True)),
        orient="row",
    )
    counts = dict(lake.coverage([one.number for one in series]).select(["series", "rows"]).to_pydict().items())
    sizes = dict(zip(counts["series"], counts["rows"], strict=True))
    for group in _group([one.number for one in series if one.number in sizes], sizes, at_once):
        for rows in _read_pages(lake, replace(span, series=group), at_once):
            frame = pl.DataFrame(pl.from_arrow(rows)).rename({"series": "number"})
            yield (
                frame.join(words, on="number", how="left", maintain_order="left")
                .select(_COLUMNS)
                .to_arrow()
                .cast(SCHEMA)
            )


def _group(numbers: list[int], sizes: dict[int, int], at_once: int) -> Iterator[list[int]]:
    """Runs of series with at most `at_once` rows together, or a single larger one."""
    group: list[int] = []
    rows = 0
    for number in numbers:
        if group and rows + sizes[number] > at_once:
            yield group
            group, rows = [], 0
        group.append(number)
        rows += sizes[number]
    if group:
        yield group


def _read_pages(lake: Lake, selection: Selection, at_once: int) -> Iterator[pa.Table]:
    if len(selection.series or ()) > 1:
        yield lake.read(selection)
        return
    while True:
        page = lake.read(selection, at_once)
        yield page
        if page.num_rows < at_once:
            return
        selection = replace(selection, start=page["start"][-1].as_py() + timedelta(microseconds=1))


def _list_features(connection: Connection) -> Iterator[dict[str, Any]]:
    after = None
    while page := list_places(connection, limit=_PAGE, after=after):
        for place in page:
            properties = {
                "kind": place.kind,
                "name": place.name,
                "cell": place.cell,
                "areas": place.areas,
                "sectors": place.sectors,
            }
            yield {"type": "Feature", "id": place.id, "geometry": place.geometry, "properties": properties}
        after = page[-1].id


def _describe_feed(feed: Feed) -> dict[str, Any]:
    return {
        "id": feed.id,
        "title": dict(feed.title),
        "publisher": feed.publisher,
        "owner": feed.owner,
        "documentation": feed.documentation,
        "licence": {"name": feed.licence.name, "url": feed.licence.url, "attribution": feed.licence.attribution},
        "redistribute": feed.redistribute.value,
        "quantities": list(feed.quantities),
    }


def _describe_city(archive: Archive, datasets: list[dict[str, Any]]) -> dict[str, Any]:
    city = archive.city
    used = sorted({name for dataset in datasets for name in dataset["quantities"]})
    return {
        "city": {"id": city.id, "name": dict(city.name), "country": city.country, "time_zone": city.time_zone.key},
        "exported_at": format_time(datetime.now(UTC)),
        "datasets": datasets,
        "places": "places.geojson",
        "quantities": [
            {
                "name": quantity.name,
                "unit": quantity.unit,
                "statistic": quantity.statistic.value,
                "interval": quantity.interval,
                "title": {"en": quantity.title_en, "fr": quantity.title_fr},
                "meaning": quantity.meaning,
            }
            for quantity in map(get_quantity, used)
        ],
    }


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
