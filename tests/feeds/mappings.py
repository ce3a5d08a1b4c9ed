"""Mappings that tests read tables with."""

from __future__ import annotations

import copy
from typing import Any

QUANTITIES = (
    "carshare_slots_free",
    "electricity_demand",
    "electricity_demand_imputed",
    "electricity_generation",
    "no2_hourly_mean",
)

EIA930: dict[str, Any] = {
    "file": {"format": "csv"},
    "time": {"columns": ["date_time"], "format": "%Y-%m-%d %H:%M:%S", "marks": "end", "length": "PT1H"},
    "places": [{"id": "balancing-area:PGAE", "kind": "balancing_area", "name": "Pacific Gas and Electric area"}],
    "value": [
        {"column": "raw demand (MW)", "quantity": "electricity_demand"},
        {"column": "cleaned demand (MW)", "quantity": "electricity_demand_imputed"},
    ],
    "absent": ["MISSING", "EMPTY", "NA"],
}
GEODAIR: dict[str, Any] = {
    "file": {"format": "csv"},
    "time": {"columns": ["date"], "format": "%F", "marks": "start", "length": "P1D"},
    "place": {
        "id": "station_id",
        "prefix": "geodair",
        "kind": "station",
        "name": "station_name",
        "longitude": "lon",
        "latitude": "lat",
    },
    "value": [{"column": "no2_ug_m3", "quantity": "no2_daily_mean"}],
}
COUNTERS: dict[str, Any] = {
    "file": {"format": "parquet"},
    "time": {"columns": ["date"], "marks": "start", "length": "PT1H"},
    "place": {
        "id": "counter_id",
        "prefix": "counter",
        "kind": "counter",
        "name": "counter_name",
        "longitude": "longitude",
        "latitude": "latitude",
    },
    "value": [{"column": "bike_count", "quantity": "bicycle_count"}],
}
SFPARK: dict[str, Any] = {
    "file": {"format": "csv"},
    "time": {"columns": ["date"], "format": "%m/%d/%Y", "marks": "start", "length": "P1D"},
    "place": {"id": "facility", "prefix": "garage", "kind": "garage"},
    "facet": "Usage Type",
    "value": [
        {"column": "entries", "quantity": "parking_entries"},
        {"column": "exits", "quantity": "parking_exits"},
    ],
}
BINS: dict[str, Any] = {
    "time": {"columns": ["payload.t"], "format": "epoch_s", "marks": "instant", "length": "PT10M"},
    "place": {"id": "levels.1", "prefix": "bin", "kind": "bin"},
    "value": [{"column": "payload.level", "quantity": "carshare_slots_free"}],
}
ONE: dict[str, Any] = {
    "file": {"format": "csv"},
    "time": {"columns": ["when"], "format": "%Y-%m-%d %H:%M", "marks": "start", "length": "PT1H"},
    "places": [{"id": "area:x", "kind": "area", "name": "X"}],
    "value": [{"column": "value", "quantity": "electricity_demand"}],
}


def changed(mapping: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """`mapping` with keys of its tables replaced; a list or word replaces the whole."""
    new = copy.deepcopy(mapping)
    for key, part in parts.items():
        new[key] = {**new.get(key, {}), **part} if isinstance(part, dict) else part
    return new


ODRE = changed(
    ONE,
    file={"format": "json", "records": "records"},
    time={"columns": ["fields.date_heure"], "format": "rfc3339", "length": "PT15M"},
    value=[{"column": "fields.consommation", "quantity": "electricity_demand"}],
)
