# ruff: noqa: S608 - the SQL below is put together from numbers, times and names in this file only.
"""What incoming rows do to the versions that the lake holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from passerelle.lake.latest import single_keys
from passerelle.lake.versions import Version, from_table, place_version, to_table
from passerelle.model.observation import TIME, VERSION

SUPERSEDED = pa.schema([*VERSION, pa.field("superseded_at", TIME), pa.field("turn", pa.int64())])
"""A version that isn't its key's last: until when it was, and its rank among equals of `known_since`."""

KEYS = pa.schema([VERSION.field("series"), VERSION.field("start")])

_PORTION = 50_000
_COLUMNS = ", ".join(f'"{name}"' for name in VERSION.names)
_MEET = """
SELECT i.*, c.series IS NOT NULL AS held, i.known_since < c.known_since AS late,
    c."end" AS held_end, c.value AS held_value, c.reason AS held_reason,
    c.known_since AS held_since, c.source AS held_source
FROM incoming i LEFT JOIN (SELECT * FROM lake.current WHERE {bounds}) c
    ON i.series = c.series AND i.start = c.start
WHERE CASE WHEN c.series IS NULL THEN i.value IS NOT NULL
    ELSE i.known_since < c.known_since
        OR i."end" <> c."end" OR i.value IS DISTINCT FROM c.value OR i.reason IS DISTINCT FROM c.reason END
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Changes to the lake: keys whose rows leave each table, then rows that enter it."""

    revised: pa.Table
    current: pa.Table
    rewritten: pa.Table
    superseded: pa.Table


def settle(cursor: duckdb.DuckDBPyConnection, rows: pa.Table, turn: int) -> Settlement:
    """What `rows`, in order of arrival, change; `turn` exceeds that of every earlier call whose result was kept."""
    if rows.num_rows == 0:
        return _settlement()
    single = single_keys(rows["series"].to_numpy(), rows["start"].cast(pa.int64()).to_numpy())
    # Millions of rows are not copied where all are alike.
    alone, rest = (
        (rows, rows.slice(0, 0)) if single.all() else (rows.filter(pa.array(single)), rows.filter(pa.array(~single)))
    )
    plain, late = _settle_single(cursor, alone, turn)
    rest = pa.concat_tables([rest, late])
    parts = [plain]
    for portion in _portions(rest):
        parts.append(_settle_rest(cursor, portion, turn))
    return Settlement(
        *(
            pa.concat_tables([getattr(part, name) for part in parts])
            for name in ("revised", "current", "rewritten", "superseded")
        )
    )


def _settlement(
    revised: pa.Table | None = None,
    current: pa.Table | None = None,
    rewritten: pa.Table | None = None,
    superseded: pa.Table | None = None,
) -> Settlement:
    return Settlement(
        revised if revised is not None else KEYS.empty_table(),
        current if current is not None else VERSION.empty_table(),
        rewritten if rewritten is not None else KEYS.empty_table(),
        superseded if superseded is not None else SUPERSEDED.empty_table(),
    )


def _settle_single(cursor: duckdb.DuckDBPyConnection, rows: pa.Table, turn: int) -> tuple[Settlement, pa.Table]:
    """Rows that came once each; those older than what is held are handed back."""
    if rows.num_rows == 0:
        return _settlement(), rows
    cursor.register("incoming", rows)
    met = cursor.execute(_MEET.format(bounds=bounds(rows))).to_arrow_table()
    cursor.unregister("incoming")
    late = np.asarray(met["late"].fill_null(False))
    news, revises = met.filter(pa.array(~late)), met.filter(pa.array(~late & np.asarray(met["held"])))
    superseded = pa.table(
        [
            revises["series"],
            revises["start"],
            *(revises[f"held_{name}"] for name in ("end", "value", "reason", "since", "source")),
            revises["known_since"],
            pa.array(np.full(revises.num_rows, turn << 20)),
        ],
        names=SUPERSEDED.names,
    ).cast(SUPERSEDED)
    settled = _settlement(
        revised=revises.select(KEYS.names).cast(KEYS),
        current=news.select(VERSION.names).cast(VERSION),
        superseded=superseded,
    )
    return settled, met.filter(pa.array(late)).select(VERSION.names).cast(VERSION)


def _settle_rest(cursor: duckdb.DuckDBPyConnection, rows: pa.Table, turn: int) -> Settlement:
    """Rows whose keys came more than once, or late: each key's versions are read and written anew."""
    held = _read_versions(cursor, rows)
    changed = set()
    for row in from_table(rows):
        if place_version(held[row.series, row.start], row):
            changed.add((row.series, row.start))
    keys = pa.table(
        [
            pa.array([key[0] for key in changed], pa.int64()),
            pa.array([key[1] for key in changed], pa.int64()).cast(TIME),
        ],
        schema=KEYS,
    )
    older = [
        (version, after.known_since, rank)
        for key in changed
        for rank, (version, after) in enumerate(zip(held[key], held[key][1:], strict=False))
    ]
    superseded = to_table(version for version, _, _ in older)
    superseded = superseded.append_column(
        SUPERSEDED.field("superseded_at"), pa.array([until for _, until, _ in older], pa.int64()).cast(TIME)
    ).append_column(SUPERSEDED.field("turn"), pa.array([(turn << 20) + rank for _, _, rank in older], pa.int64()))
    return _settlement(
        revised=keys, current=to_table(held[key][-1] for key in changed), rewritten=keys, superseded=superseded
    )


def _read_versions(cursor: duckdb.DuckDBPyConnection, rows: pa.Table) -> dict[tuple[int, int], list[Version]]:
    """The versions held of the keys of `rows`, in their order."""
    versions: dict[tuple[int, int], list[Version]] = defaultdict(list)
    cursor.register("incoming", rows)
    limits = bounds(rows)
    # A key's current version is its last, whatever its turn.
    sql = f"""
        SELECT {_COLUMNS} FROM (
            SELECT {_COLUMNS}, turn FROM lake.superseded WHERE {limits}
            UNION ALL SELECT {_COLUMNS}, {2**63 - 1} FROM lake.current WHERE {limits})
        SEMI JOIN incoming USING (series, start) ORDER BY known_since, turn
    """
    for version in from_table(cursor.execute(sql).to_arrow_table().cast(VERSION)):
        versions[version.series, version.start].append(version)
    cursor.unregister("incoming")
    return versions


def _portions(rows: pa.Table) -> list[pa.Table]:
    """`rows` in parts of bounded size, all rows of a key in one part."""
    if rows.num_rows <= _PORTION:
        return [rows] if rows.num_rows else []
    key = rows["series"].to_numpy() * 31 + rows["start"].cast(pa.int64()).to_numpy()
    part = np.abs(key) % (rows.num_rows // _PORTION + 1)
    return [rows.filter(pa.array(part == number)) for number in np.unique(part)]


def bounds(rows: pa.Table) -> str:
    """A condition that all keys of `rows` meet, by which whole files are passed over."""
    series, start = rows["series"].to_numpy(), rows["start"].cast(pa.int64()).to_numpy()
    return (
        f"series BETWEEN {series.min()} AND {series.max()} "
        f"AND start BETWEEN make_timestamptz({start.min()}) AND make_timestamptz({start.max()})"
    )


def apply(cursor: duckdb.DuckDBPyConnection, settled: Settlement) -> None:
    """Carry out `settled` in the cursor's transaction."""
    for table, keys, entering in (
        ("current", settled.revised, settled.current),
        ("superseded", settled.rewritten, settled.superseded),
    ):
        if keys.num_rows:
            cursor.register("leaving", keys)
            among = "(series, start) IN (SELECT (series, start) FROM leaving)"
            cursor.execute(f"DELETE FROM lake.{table} WHERE {bounds(keys)} AND {among}")
            cursor.unregister("leaving")
        insert(cursor, table, entering)


def insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Add `rows` to the lake's `table`, columns in its order."""
    if rows.num_rows:
        cursor.register("entering", rows)
        cursor.execute(f"INSERT INTO lake.{table} SELECT * FROM entering")
        cursor.unregister("entering")
