"""ODRÉ éCO2mix: power of France, a region or a metropolitan area every quarter-hour (Opendatasoft JSON).

Read are an answer of Explore 2.1 (`results`), one of its exports (a bare list) and one of Explore 1
(`records` with `fields`, which leave out what is null). Numbers may come as strings; null, `-` and
`ND` say that there is none. `date_heure` carries its offset and begins the quarter-hour.

A dataset's `nature` says how far its values have come. Real-time values stand for 15 minutes;
consolidated and definitive ones, which replace them, for 30, in rows of which every other one has
forecasts only. Whatever the nature, they are versions of one series: where a half-hour's value comes,
its second quarter-hour is withdrawn, so that no time is measured twice.

A row whose `date` and `heure` aren't the local time of its `date_heure` is refused: the publisher's days
have 96 quarter-hours, and the ones that spring skips come with the instants of others.

Powers into the grid are positive: pumps and charging batteries are negative. On the recorded reply load
is the sum of all sources, batteries and exchanges within 3 MW. Parts of sources (`gaz_ccg`,
`eolien_offshore`) and commercial exchanges aren't read; they would count power twice beside their whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec
import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._json import Objects, read_json, read_objects
from passerelle.feeds._rows import assemble, instant, read_numbers, refuse_where, slug
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.errors import ReplyError
from passerelle.model.place import Place
from passerelle.model.quantity import get_quantity

_Answer = list[msgspec.Raw] | dict[str, msgspec.Raw]

_DEMAND = ("electricity_demand", "")
_COMMON = {
    "consommation": _DEMAND,
    "nucleaire": ("electricity_generation", "nuclear"),
    "eolien": ("electricity_generation", "wind"),
    "solaire": ("electricity_generation", "solar"),
    "hydraulique": ("electricity_generation", "hydro"),
    "pompage": ("electricity_generation", "pumped_storage"),
    "bioenergies": ("electricity_generation", "bioenergy"),
    "stockage_batterie": ("electricity_generation", "battery_charge"),
    "destockage_batterie": ("electricity_generation", "battery_discharge"),
    "ech_physiques": ("electricity_net_import", ""),
}


@dataclass(frozen=True, slots=True)
class _Scheme:
    area: str
    kind: str
    values: dict[str, tuple[str, str]]


_SCHEMES = (
    _Scheme(
        "perimetre",
        "country",
        _COMMON
        | {
            "fioul": ("electricity_generation", "oil"),
            "charbon": ("electricity_generation", "coal"),
            "gaz": ("electricity_generation", "gas"),
            "taux_co2": ("electricity_carbon_intensity", ""),
            "prevision_j1": ("electricity_demand_forecast", "day_ahead"),
            "prevision_j": ("electricity_demand_forecast", "same_day"),
        },
    ),
    _Scheme("libelle_region", "region", _COMMON | {"thermique": ("electricity_generation", "thermal")}),
    _Scheme("libelle_metropole", "metropolitan_area", {"consommation": _DEMAND}),
)

_NATURE, _TIME, _DATE, _CLOCK = "nature", "date_heure", "date", "heure"
_MINUTES = {"Données définitives": 30, "Données consolidées": 30, "Données temps réel": 15}
_QUARTER = 15
_ABSENT = ["", "-", "ND"]


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Powers per area and quarter- or half-hour, forecasts of load and carbon intensity where the dataset has them."""
    objects, scheme = _read(reply)
    named, unnamed = refuse_where(
        objects.rows.with_columns(
            minutes=pl.col(_NATURE).replace_strict(_MINUTES, default=None, return_dtype=pl.Int64)
        ),
        pl.col("minutes").is_null() | ~pl.col(scheme.area).str.contains(r"^\pL[\pL' -]{0,60}$"),
        pl.format("area '{}' of nature '{}'", *(pl.col(name).str.slice(0, 40) for name in (scheme.area, _NATURE))),
    )
    timed, untimed = _read_times(named, feed)
    values, unread = read_numbers(timed, scheme.values, absent=_ABSENT)
    measured, halved = _stretch(values)
    areas = {area: f"eco2mix:{slug(area)}" for area in measured[scheme.area].unique().sort()}
    rows = measured.with_columns(place=pl.col(scheme.area).replace_strict(areas, return_dtype=pl.String))
    places = [Place(place, scheme.kind, area) for area, place in areas.items()]
    return assemble(places, _withdraw_quarters(rows), [objects.refused, unnamed, untimed, unread, halved])


def _read_times(rows: pl.DataFrame, feed: Feed) -> tuple[pl.DataFrame, pl.DataFrame]:
    begun, malformed = refuse_where(
        rows.with_columns(start=instant(pl.col(_TIME))),
        pl.col("start").is_null() | (pl.col("start").dt.truncate(f"{_QUARTER}m") != pl.col("start")),
        pl.format("'{}' is not the beginning of a quarter-hour with its offset", pl.col(_TIME).str.slice(0, 40)),
    )
    local = pl.col("start").dt.convert_time_zone(feed.time_zone.key).dt.strftime("%Y-%m-%d %H:%M")
    said = pl.concat_str(_DATE, pl.lit(" "), _CLOCK)
    kept, skipped = refuse_where(
        begun,
        (said != " ") & (said != local),
        pl.format("{} is {} there, not {}", _TIME, local, said.str.slice(0, 40)),
    )
    return kept, pl.concat([malformed, skipped])


def _stretch(values: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each value with the `end` of what it stands for, and the half-hours' values that begin between two."""
    forecasts = [name for name in FORM.quantities if get_quantity(name).kind == "forecast"]
    stretched = values.with_columns(
        minutes=pl.when(pl.col("quantity").is_in(forecasts)).then(_QUARTER).otherwise("minutes")
    )
    kept, halved = refuse_where(
        stretched,
        pl.col("start").dt.minute() % pl.col("minutes") != 0,
        pl.format("{} of nature '{}' is given at {}, not at the beginning of 30 minutes", "column", _NATURE, _TIME),
    )
    return kept.with_columns(end=pl.col("start") + pl.duration(minutes="minutes")), halved


def _withdraw_quarters(rows: pl.DataFrame) -> pl.DataFrame:
    quarter = timedelta(minutes=_QUARTER)
    second = rows.filter(pl.col("minutes") > _QUARTER).with_columns(
        start=pl.col("start") + quarter,
        value=pl.lit(None, pl.Float64),
        reason=pl.lit("the value of the whole half-hour replaces it"),
    )
    return pl.concat([rows.with_columns(reason=pl.lit(None, pl.String)), second.select(*rows.columns, "reason")])


def _read(reply: Reply) -> tuple[Objects, _Scheme]:
    """The rows as strings, and the scheme they are in: any, where there is no row."""
    answer: _Answer = read_json(reply, _Answer)
    sparse = isinstance(answer, dict) and "records" in answer
    columns = {_NATURE, _TIME, _DATE, _CLOCK, *(name for each in _SCHEMES for name in (each.area, *each.values))}
    objects = read_objects(_list_items(answer), columns, within="fields" if sparse else "")
    if not objects.names:
        return objects, _SCHEMES[0]
    scheme = next((each for each in _SCHEMES if each.area in objects.names), None)
    if scheme is None:
        known = [each.area for each in _SCHEMES]
        raise ReplyError(f"rows say no area: one of {known} is needed, got {sorted(objects.names)[:60]}", where="area")
    needed = {_NATURE, _TIME, "consommation"} if sparse else {_NATURE, _TIME, *scheme.values}
    if missing := sorted(needed - objects.names):
        raise ReplyError(f"columns {missing} are needed, got {sorted(objects.names)[:60]}", where="columns")
    return objects, scheme


def _list_items(answer: _Answer) -> list[msgspec.Raw]:
    if isinstance(answer, list):
        return answer
    for name in ("results", "records"):
        if name in answer:
            try:
                items: list[msgspec.Raw] = msgspec.json.decode(answer[name], type=list[msgspec.Raw])
            except msgspec.MsgspecError as error:
                raise ReplyError(f"{name} is no list of rows: {error}", where=name) from error
            return items
    raise ReplyError(f"results or records are needed, got {sorted(answer)[:20]}", where="body")


FORM = Form(
    name="odre_eco2mix",
    title="ODRÉ éCO2mix, national, regional or metropolitan (Opendatasoft JSON)",
    standard="Opendatasoft Explore 2.1; ODRÉ eco2mix-*-tr and eco2mix-*-cons-def",
    grade=Grade.PROVEN,
    quantities=tuple(sorted({quantity for each in _SCHEMES for quantity, _ in each.values.values()})),
    request=ask_address,
    parse=parse,
)
