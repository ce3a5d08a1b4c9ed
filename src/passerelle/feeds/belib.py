"""Belib' charging points of Paris: the list of points (CSV), and the states of their connectors (CSV).

A station holds chargers, a charger holds points (one vehicle charges at each), a point holds connectors. All of a
point's id but the last part is its charger's: on the recorded list each of the 314 chargers found so has as many
points as its `Nombre points recharge` says. A point whose id is none ("Non concerné", which would make one point of
all of them) is counted as one of its own, and every `Nombre points recharge` of them as a charger; a station without
an id is told by its position.

The list gives points and chargers of each station, and the number of stations, over the local day it was updated on.
The states give the points of each charger by state, zeros included, for all of a charger's points are listed. That
reply doesn't say its moment: a recording whose name holds a date is that local day's, any other holds from its receipt
for one cadence of the feed. A point's connectors must agree. A station or charger of which a row can't be read isn't
counted, nor are all stations then: the count would be too low. Telephone numbers and free text aren't read.
"""

from __future__ import annotations

import polars as pl

from passerelle.feeds._ask import ask_address
from passerelle.feeds._csv import read_lines
from passerelle.feeds._held import read_held
from passerelle.feeds._rows import assemble, local_days, refuse_where
from passerelle.feeds._text import read_text
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.model.place import Place, point

_POINTS, _CHARGERS, _STATIONS = "charging_points", "charging_chargers", "charging_stations"
_NETWORK = Place("belib", "network", "Belib'")

_ID, _STATION, _NAME, _OF_CHARGER = "ID Point de charge", "ID Station", "Nom de la Station", "Nombre points recharge"
_UPDATED, _PLACED = "Date mise à jour", "geo_point_2d"
_LISTED = [_ID, _STATION, _NAME, _OF_CHARGER, _UPDATED, _PLACED]

_LIVE_ID, _LIVE_NAME, _STATE = "Identifiant borne", "Nom de la station", "Statut de disponibilité"
_LIVE_PLACED = "Coordonnées géographiques"
_LIVE = [_LIVE_ID, _LIVE_NAME, _STATE, _LIVE_PLACED]
_STATES = ["Disponible", "En diagnostic", "En programmation", "Hors communication", "Neutralisé", "Occupé"]
"""The states of the recorded reply; another word is refused."""

_IS_ID = r"^[A-Z]{2}\*[A-Z0-9]{3}(?:\*[A-Z0-9]{1,20}){1,5}$"
_PAIR = r"^(-?[0-9]{1,2}(?:\.[0-9]{1,15})?), ?(-?[0-9]{1,3}(?:\.[0-9]{1,15})?)$"
_CHARGER = r"^(.*)\*[^*]*$"


def parse(reply: Reply, feed: Feed) -> Parsed:
    """Counts per station and of stations, or points per charger and state."""
    text = read_text(reply, "utf-8")
    if _LIVE_ID in text.partition("\n")[0]:
        return _read_states(text, reply, feed)
    return _read_list(text, feed)


def _read_list(text: str, feed: Feed) -> Parsed:
    lines, malformed = read_lines(text, _LISTED, separator=";")
    station = pl.when(pl.col(_STATION).str.contains(_IS_ID)).then(_STATION)
    known = lines.with_columns(place=pl.format("belib:{}", pl.coalesce(station, _PLACED)))
    located, unlocated = _locate(known, _PLACED, _NAME)
    counted, uncounted = refuse_where(
        located.with_columns(
            of_charger=pl.col(_OF_CHARGER).str.extract("^([1-9][0-9]{0,2})$").cast(pl.Int64),
            **local_days(pl.col(_UPDATED).str.to_date("%F", strict=False), feed.time_zone),
        ),
        pl.any_horizontal(pl.col("of_charger", "start", "end").is_null()),
        pl.format("'{}' points of a charger, updated on '{}'", *(_shown(name) for name in (_OF_CHARGER, _UPDATED))),
    )
    whole, halved = _keep_whole(counted, known, [unlocated, uncounted])
    refused = [malformed, unlocated, uncounted, halved]
    stations = _count_stations(whole)
    values = [_count(stations, _POINTS), _count(stations, _CHARGERS)]
    places = _to_places(stations, "charging_station", _NAME)
    if stations.height and not any(one.height for one in refused):
        network = stations.select(
            pl.col("row").min(), pl.col("start", "end").max(), pl.len().alias(_STATIONS), place=pl.lit(_NETWORK.id)
        )
        values.append(_count(network, _STATIONS))
        places.append(_NETWORK)
    return assemble(places, pl.concat(values), refused)


def _count_stations(points: pl.DataFrame) -> pl.DataFrame:
    has_id = pl.col(_ID).str.contains(_IS_ID)
    nameless = pl.int_range(pl.len()).over("place", has_id)
    numbered = points.with_columns(
        point=pl.when(has_id).then(_ID).otherwise(nameless.cast(pl.String)),
        charger=pl.when(has_id)
        .then(pl.col(_ID).str.extract(_CHARGER))
        .otherwise((nameless // pl.col("of_charger")).cast(pl.String)),
    )
    return numbered.group_by("place", maintain_order=True).agg(
        pl.col("row", _NAME, "latitude", "longitude").first(),
        pl.col("start", "end").max(),
        pl.col("point").n_unique().alias(_POINTS),
        pl.col("charger").n_unique().alias(_CHARGERS),
    )


def _read_states(text: str, reply: Reply, feed: Feed) -> Parsed:
    held = read_held(reply, feed)
    lines, malformed = read_lines(text, _LIVE, separator=";")
    named, unnamed = refuse_where(
        lines,
        ~pl.col(_LIVE_ID).str.contains(_IS_ID),
        pl.format("'{}' is no id of a point", _shown(_LIVE_ID)),
    )
    known = named.with_columns(place=pl.format("belib:{}", pl.col(_LIVE_ID).str.extract(_CHARGER)))
    located, unlocated = _locate(known, _LIVE_PLACED, _LIVE_NAME)
    told, unknown = refuse_where(
        located, ~pl.col(_STATE).is_in(_STATES), pl.format("'{}' is no state of a point", _shown(_STATE))
    )
    agreed, torn = refuse_where(
        told,
        pl.col(_STATE).n_unique().over(_LIVE_ID) > 1,
        pl.format("the connectors of {} don't agree: one is '{}'", _LIVE_ID, _STATE),
    )
    whole, halved = _keep_whole(agreed, known, [unlocated, unknown, torn])
    points = whole.unique(_LIVE_ID, keep="first", maintain_order=True)
    chargers = points.group_by("place", maintain_order=True).agg(
        pl.col("row", _LIVE_NAME, "latitude", "longitude").first(),
        *((pl.col(_STATE) == state).sum().alias(state) for state in _STATES),
    )
    chargers = chargers.with_columns(start=pl.lit(held.start), end=pl.lit(held.end))
    values = pl.concat([_count(chargers, _POINTS, state) for state in _STATES])
    refused = [malformed, unnamed, unlocated, unknown, torn, halved]
    return assemble(_to_places(chargers, "charger", _LIVE_NAME), values, refused)


def _keep_whole(
    rows: pl.DataFrame, known: pl.DataFrame, refused: list[pl.DataFrame]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of places that have no row among the refused, and the rows of the others."""
    lost = pl.concat([one.select("row") for one in refused])
    partly = known.join(lost, on="row", how="semi")["place"].unique()
    return refuse_where(
        rows,
        pl.col("place").is_in(partly.to_list()),
        pl.lit("another row of its place can't be read: it isn't counted"),
    )


def _shown(name: str) -> pl.Expr:
    return pl.col(name).str.slice(0, 60)


def _locate(rows: pl.DataFrame, placed: str, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with `latitude` and `longitude` and a name, and the others."""
    degrees = pl.col(placed).str.extract_groups(_PAIR)
    return refuse_where(
        rows.with_columns(latitude=degrees.struct[0].cast(pl.Float64), longitude=degrees.struct[1].cast(pl.Float64)),
        ~(pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180))
        | (pl.col(name).str.strip_chars() == ""),
        pl.format("'{}' at '{}' is no named position", _shown(name), _shown(placed)),
    )


def _count(rows: pl.DataFrame, quantity: str, facet: str = "") -> pl.DataFrame:
    return rows.select(
        "row",
        "place",
        "start",
        "end",
        quantity=pl.lit(quantity),
        facet=pl.lit(facet),
        value=pl.col(facet or quantity).cast(pl.Float64),
    )


def _to_places(rows: pl.DataFrame, kind: str, name: str) -> list[Place]:
    return [
        Place(place, kind, told, point(longitude, latitude))
        for place, told, longitude, latitude in rows.select("place", name, "longitude", "latitude").iter_rows()
    ]


FORM = Form(
    name="belib",
    title="Belib' charging points: the list and the states (CSV)",
    standard="belib-points-de-recharge-pour-vehicules-electriques",
    grade=Grade.PROVEN,
    quantities=(_CHARGERS, _POINTS, _STATIONS),
    request=ask_address,
    parse=parse,
)
