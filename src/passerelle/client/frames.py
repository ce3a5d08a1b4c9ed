"""What the API's items are as rows of Polars frames: their columns, and how nested parts become some."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

TEXT = pl.Struct({"en": pl.String, "fr": pl.String})
TIME = pl.Datetime("us", "UTC")
PLACE: dict[str, Any] = {
    "id": pl.String,
    "kind": pl.String,
    "name": pl.String,
    "geometry": pl.String,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "cell": pl.String,
    "areas": pl.String,
    "sectors": pl.List(pl.String),
}
SERIES: dict[str, Any] = {
    "id": pl.String,
    "feed": pl.String,
    "place": pl.String,
    "place_name": pl.String,
    "quantity": pl.String,
    "facet": pl.String,
    "sector": pl.String,
    "unit": pl.String,
    "statistic": pl.String,
    "interval": pl.String,
    "title": TEXT,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "first": TIME,
    "last": TIME,
    "rows": pl.Int64,
    "redistribute": pl.String,
    "latest_start": TIME,
    "latest_value": pl.Float64,
    "latest_known_since": TIME,
    "light": pl.String,
    "red_share": pl.Float64,
}
FINDING: dict[str, Any] = {
    "id": pl.String,
    "change": pl.String,
    "study": pl.String,
    "verdict": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "level": pl.Float64,
    "scale": pl.String,
    "sentence": TEXT,
    "computed_at": TIME,
}
CHANGE: dict[str, Any] = {
    "id": pl.String,
    "title": TEXT,
    "what": TEXT,
    "where": TEXT,
    "start": pl.String,
    "end": pl.String,
    "by": pl.String,
    "sector": pl.String,
    "finding": pl.String,
    "verdict": pl.String,
}
TRUST: dict[str, Any] = {
    "series": pl.String,
    "place": pl.String,
    "place_name": pl.String,
    "quantity": pl.String,
    "facet": pl.String,
    "title": TEXT,
    "light": pl.String,
    "red_share": pl.Float64,
    "start": TIME,
    "end": TIME,
    "check": pl.String,
    "reason": TEXT,
    "last_good_start": TIME,
    "last_good_value": pl.Float64,
}


def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """A frame of `schema`; times come as RFC 3339 text."""
    plain: dict[str, Any] = {name: pl.String if kind == TIME else kind for name, kind in schema.items()}
    times = [pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in schema if schema[name] == TIME]
    return pl.DataFrame(rows, schema=plain).with_columns(times)


def split_centre(row: Mapping[str, Any]) -> dict[str, float | None]:
    """`lon` and `lat` of an item with a `centre`."""
    lon, lat = row["centre"] or (None, None)
    return {"lon": lon, "lat": lat}


def split_latest(row: Mapping[str, Any]) -> dict[str, Any]:
    """The latest value of a series' item."""
    latest = row["latest"] or {"start": None, "value": None, "known_since": None}
    return {f"latest_{name}": latest[name] for name in ("start", "value", "known_since")}


def write_json(value: object) -> str | None:
    """`value` as JSON, None as none."""
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def split_trust(row: Mapping[str, Any]) -> dict[str, Any]:
    """`light` and `red_share` of an item that carries a series' light."""
    trust = row["trust"] or {"light": None, "red_share": None}
    return {name: trust[name] for name in ("light", "red_share")}


def split_feed_trust(row: Mapping[str, Any]) -> dict[str, Any]:
    """`light`, and how many series have each, of an item that carries a feed's."""
    trust = row["trust"] or {"light": None, "lights": {"green": None, "amber": None, "red": None}}
    return {"light": trust["light"], **{f"series_{light}": count for light, count in trust["lights"].items()}}


def split_reason(row: Mapping[str, Any]) -> dict[str, Any]:
    """The first reason of a series' light, and its last good row."""
    first = row["reasons"][0] if row["reasons"] else {"check": None, "reason": None}
    good = row["last_good"] or {"start": None, "value": None}
    return {
        "check": first["check"],
        "reason": first["reason"],
        "last_good_start": good["start"],
        "last_good_value": good["value"],
    }
