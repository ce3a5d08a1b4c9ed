"""A table's rows as observations, read as a mapping says."""

from __future__ import annotations

import polars as pl

from passerelle.feeds._clock import mark_interval, parse_length, read_instants
from passerelle.feeds._csv import REFUSED
from passerelle.feeds._records import named, read_records
from passerelle.feeds._rows import assemble, read_numbers, refuse_where, slug
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.feeds.mapping import RowPlace, TableMapping
from passerelle.model.place import Place, point

_NUMBER = r"^[+-]?(?:[0-9]{{1,15}}(?:{0}[0-9]{{0,20}})?|{0}[0-9]{{1,20}})(?:[eE][+-]?[0-9]{{1,2}})?$"
_DEGREES = r"^[+-]?[0-9]{1,3}(?:[.,][0-9]{1,20})?$"


def parse_mapped(reply: Reply, feed: Feed, mapping: TableMapping) -> Parsed:
    """What the reply says, read as `mapping` says."""
    rows, refused = read_records(reply, mapping.file, mapping.list_columns(), mapping.list_values())
    for rule in mapping.pass_over:
        rows = rows.filter(~pl.col(named(rule.column)).is_in(rule.words))
    known = mapping.describe_places()
    rows, places, unplaced = _place_rows(rows, mapping, known)
    rows, unsaid = _facet_rows(rows, mapping)
    series = ["place", "told", *([named(mapping.long.names)] if mapping.long is not None else [])]
    rows, untimed = read_instants(
        rows,
        [named(column) for column in mapping.time.columns],
        mapping.time.format,
        feed.time_zone,
        keys=[name for name in series if name in rows.columns],
        twice=mapping.time.twice,
    )
    length = parse_length(mapping.time.length)
    rows, endless = refuse_where(
        rows.with_columns(**mark_interval(mapping.time.marks, length, feed.time_zone)),
        pl.col("start").is_null() | pl.col("end").is_null(),
        pl.lit(f"the clock skips the other end of its {mapping.time.length}"),
    )
    values, unread = _read_values(rows, mapping)
    there = set(values["place"].unique())
    described = {place.id: place for place in (*places, *known.values())}
    return assemble(
        (place for place in described.values() if place.id in there),
        values,
        [refused, *unplaced, unsaid, untimed, endless, *unread],
    )


def _place_rows(
    rows: pl.DataFrame, mapping: TableMapping, known: dict[str, Place]
) -> tuple[pl.DataFrame, list[Place], list[pl.DataFrame]]:
    """The rows with their `place` where the mapping has one, the places, and the rows refused."""
    if (place := mapping.place) is None:
        return rows, [], []
    text = pl.col(named(place.id))
    # Two texts that make one id would be two places in one: the rarer is refused.
    owners = {slug(one): one for one in reversed(_most_first(rows, [named(place.id)])[named(place.id)].to_list())}
    ids = {one: f"{place.prefix}:{part}" for part, one in owners.items() if part}
    kept, unnamed = refuse_where(
        rows.with_columns(place=text.replace_strict(ids, default=None, return_dtype=pl.String)),
        pl.col("place").is_null(),
        pl.format("'{}' names no place, or its id is another's", text.str.slice(0, 60)),
    )
    kept, unlocated = _locate(kept, place, mapping.decimal)
    return kept, _describe(kept, place, known), [unnamed, unlocated]


def _facet_rows(rows: pl.DataFrame, mapping: TableMapping) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with `told`, their facet, where a column says it, and those of which it says none."""
    if mapping.facet is None:
        return rows, pl.DataFrame(schema=REFUSED)
    text = pl.col(named(mapping.facet))
    return refuse_where(
        rows.with_columns(told=text.str.strip_chars().str.to_lowercase()),
        ~pl.col("told").str.contains(r"^[^\pC]{1,100}$"),
        pl.format("{} is '{}', not a facet", pl.lit(named(mapping.facet)), text.str.slice(0, 40)),
    )


def _describe(rows: pl.DataFrame, place: RowPlace, known: dict[str, Place]) -> list[Place]:
    """The places that aren't known, each as most of its rows say it, the earlier where as many say otherwise."""
    name = named(place.name or place.id)
    told = [column for column in ("place", name, "longitude", "latitude") if column in rows.columns]
    return [
        Place(
            row["place"],
            place.kind,
            row[name].strip() or row["place"],
            None if row.get("longitude") is None else point(row["longitude"], row["latitude"]),
        )
        for row in _most_first(rows, told).unique("place", keep="first", maintain_order=True).iter_rows(named=True)
        if row["place"] not in known
    ]


def _most_first(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """What stands in `columns` together, once each: what most rows say first, else what is said earlier."""
    counted = rows.group_by(columns, maintain_order=True).len()
    return counted.sort("len", descending=True, maintain_order=True)


def _locate(rows: pl.DataFrame, place: RowPlace, decimal: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows with `longitude` and `latitude` where the mapping names their columns; blank ones are null."""
    if place.longitude is None or place.latitude is None:
        return rows, pl.DataFrame(schema=REFUSED)
    came = {"longitude": pl.col(named(place.longitude)), "latitude": pl.col(named(place.latitude))}
    blank = pl.all_horizontal(text.str.strip_chars() == "" for text in came.values())
    read = {
        axis: pl.when(text.str.contains(_DEGREES))
        .then(text.str.replace(decimal, ".", literal=True))
        .cast(pl.Float64, strict=False)
        for axis, text in came.items()
    }
    located = pl.col("longitude").is_between(-180, 180) & pl.col("latitude").is_between(-90, 90)
    return refuse_where(
        rows.with_columns(**read, unlocated=blank),
        ~(pl.col("unlocated") | located.fill_null(value=False)),
        pl.format("longitude '{}', latitude '{}' is no position", *(text.str.slice(0, 40) for text in came.values())),
    )


def _read_values(rows: pl.DataFrame, mapping: TableMapping) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """A row per value with `place`, `quantity`, `facet`, `value`, and the rows refused."""
    meant = {named(value.column): (value.quantity, value.facet) for value in mapping.value}
    unknown = pl.DataFrame(schema=REFUSED)
    if mapping.long is not None:
        names, text = named(mapping.long.names), named(mapping.long.values)
        rows, unknown = refuse_where(
            rows.with_columns(said=pl.format("'{}'", names)),
            ~pl.col("said").is_in(list(meant)),
            pl.format("{} is {}, which the mapping doesn't have", pl.lit(names), pl.col("said").str.slice(0, 60)),
        )
        meant = {text: ("", "")}
    read = read_numbers(
        rows.with_columns(pl.col(list(meant)).str.strip_chars()),
        meant,
        absent=["", *mapping.absent],
        pattern=_NUMBER.format(r"\." if mapping.decimal == "." else ","),
        decimal=mapping.decimal,
    )
    fixed = next(iter(mapping.places)).id if mapping.places else None
    words = pl.DataFrame(
        {
            "said" if mapping.long else "column": [named(value.column) for value in mapping.value],
            "meant": [value.quantity for value in mapping.value],
            "sort": [value.facet for value in mapping.value],
            "factor": [value.factor for value in mapping.value],
            "at": [value.place or (None if mapping.place else fixed) for value in mapping.value],
        },
        schema_overrides={"factor": pl.Float64, "at": pl.String},
    )
    values = read[0].join(words, on="said" if mapping.long else "column", maintain_order="left")
    rowed = [pl.col("place")] if mapping.place else []
    return values.with_columns(
        place=pl.coalesce("at", *rowed),
        quantity=pl.col("meant"),
        facet=pl.col("sort" if mapping.facet is None else "told"),
        value=pl.when(pl.col("factor").is_null()).then("value").otherwise(pl.col("value") * pl.col("factor")),
    ), [unknown, read[1]]
