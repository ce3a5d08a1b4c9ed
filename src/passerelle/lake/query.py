# ruff: noqa: S608 - the SQL below is put together from numbers, times and names in this file only.
"""The SQL of reads: the lake's files joined with what is pending, in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from passerelle.lake.buckets import CALENDAR, FIXED, check_aggregate, list_offsets
from passerelle.lake.catalogue import TABLES, Catalogue, read_progress
from passerelle.lake.contract import AGGREGATE, COVERAGE, Selection
from passerelle.lake.files import LISTED, FileList, FileLists, relation
from passerelle.lake.pending import Pending
from passerelle.lake.rows import to_microseconds
from passerelle.lake.settle import SUPERSEDED, settle
from passerelle.model.observation import TIME, VERSION
from passerelle.model.quantity import Statistic

_COLUMNS = ", ".join(f'"{name}"' for name in VERSION.names)

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are counted from it
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_POOL = {
    Statistic.MEAN: "avg(value)",
    Statistic.SUM: "sum(value)",
    Statistic.MIN: "min(value)",
    Statistic.MAX: "max(value)",
    Statistic.COUNT: "count(*)::DOUBLE",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where one read takes its rows from; `with_pending` when rows of the front are registered beside the files."""

    cursor: duckdb.DuckDBPyConnection
    selection: Selection
    with_pending: bool
    files: FileList | None = None

    def current(self) -> str:
        """The last version of each selected key."""
        return self._table("current", "revised", "")

    def superseded(self) -> str:
        """The versions before the last, with `superseded_at` and `turn`."""
        return self._table("superseded", "rewritten", ", superseded_at, turn")

    def versions(self) -> str:
        """The version of each selected key that has a value, as known at the selection's time."""
        if self.selection.as_known_at is None:
            return f"SELECT {_COLUMNS} FROM ({self.current()}) WHERE value IS NOT NULL"
        moment = _literal(self.selection.as_known_at)
        return f"""
            SELECT {_COLUMNS} FROM ({self.current()}) WHERE known_since <= {moment} AND value IS NOT NULL
            UNION ALL SELECT {_COLUMNS} FROM ({self.superseded()})
            WHERE known_since <= {moment} AND superseded_at > {moment} AND value IS NOT NULL"""

    def _table(self, table: str, leaving: str, more: str) -> str:
        where = self.condition()
        files = None if self.files is None else self.files.find(table, self.selection)
        rows = f"lake.{table}" if files is None else relation(files)
        if files == []:
            # The engine needs longest to find nothing.
            return f"SELECT {_COLUMNS}{more} FROM {'pending' if self.with_pending else 'no'}_{table}"
        if not self.with_pending:
            return f"SELECT {_COLUMNS}{more} FROM {rows} WHERE {where}"
        return f"""
            SELECT {_COLUMNS}{more} FROM {rows} ANTI JOIN pending_{leaving} USING (series, start) WHERE {where}
            UNION ALL SELECT {_COLUMNS}{more} FROM pending_{table}"""

    def condition(self) -> str:
        selection, terms = self.selection, ["true"]
        if selection.series is not None:
            numbers = sorted(set(selection.series))
            if len(numbers) == 1:
                # A list of one costs a tenth more.
                terms.append(f"series = {numbers[0]}")
            elif len(numbers) <= LISTED:
                terms.append(f"series IN ({', '.join(map(str, numbers))})" if numbers else "false")
            else:
                terms.append(
                    f"series BETWEEN {numbers[0]} AND {numbers[-1]} AND series IN (SELECT series FROM selected_series)"
                )
        if selection.start is not None:
            terms.append(f"start >= {_literal(selection.start)}")
        if selection.end is not None:
            terms.append(f"start < {_literal(selection.end)}")
        return " AND ".join(terms)


@contextmanager
def open_source(catalogue: Catalogue, lists: FileLists, pending: Pending, selection: Selection) -> Iterator[Source]:
    """The selected rows as one snapshot shows them; `pending` must have been taken before."""
    pending = pending.select(selection)
    with catalogue.reader() as cursor:
        if selection.series is not None and len(selection.series) > LISTED:
            cursor.register(
                "selected_series", pa.table({"series": pa.array(sorted(set(selection.series)), pa.int64())})
            )
        cursor.execute("BEGIN")
        files = None
        if selection.series is not None and len(selection.series) <= LISTED:
            files = lists.find()
            if files is not None and any(files.find(table, selection) is None for table in TABLES):
                # Both tables are to be seen in one snapshot.
                files = None
            cursor.register("no_current", VERSION.empty_table())
            cursor.register("no_superseded", SUPERSEDED.empty_table())
        if not pending.pieces:
            yield Source(cursor, selection, with_pending=False, files=files)
            return
        sequence, turn, loads = read_progress(cursor) if files is None else files.progress
        rows = pending.rows_after(sequence, loads)
        if files is not None and rows.others.num_rows:
            # What they do to the lake is asked of the engine, whose snapshot may be a later one.
            cursor.execute("ROLLBACK")
            cursor.execute("BEGIN")
            files = None
            sequence, turn, loads = read_progress(cursor)
            rows = pending.rows_after(sequence, loads)
        settled = settle(cursor, rows.others, turn + 1)
        cursor.register("pending_revised", settled.revised)
        cursor.register("pending_rewritten", settled.rewritten)
        cursor.register("pending_current", pa.concat_tables([rows.fresh, settled.current]))
        cursor.register("pending_superseded", settled.superseded)
        yield Source(cursor, selection, with_pending=rows.count > 0, files=files)
        cursor.execute("COMMIT")


def select_versions(source: Source, limit: int | None) -> pa.Table:
    """Schema `VERSION`, ordered by series and start."""
    first = None if limit is None else _select_first(source, limit)
    if first is not None:
        return first
    return _fetch(source, f"{source.versions()} ORDER BY series, start", limit, VERSION)


def _select_first(source: Source, limit: int) -> pa.Table | None:
    """The first `limit` rows of a single series where they are found without opening all of its files."""
    if source.files is None:
        return None
    for part in source.files.list_parts(source.selection):
        earlier = replace(source, selection=part)
        # Pending rows were cut to the whole selection.
        sql = f"SELECT * FROM ({earlier.versions()}) WHERE {earlier.condition()} ORDER BY start"
        rows = _fetch(earlier, sql, limit, VERSION)
        if rows.num_rows == limit:
            return rows
    return None


def select_history(source: Source, limit: int | None) -> pa.Table:
    """Schema `VERSION`, ordered by series, start, `known_since` and arrival."""
    moment = source.selection.as_known_at
    known = "true" if moment is None else f"known_since <= {_literal(moment)}"
    sql = f"""
        SELECT {_COLUMNS} FROM (
            SELECT {_COLUMNS}, turn FROM ({source.superseded()})
            UNION ALL SELECT {_COLUMNS}, {2**63 - 1} FROM ({source.current()}))
        WHERE {known} ORDER BY series, start, known_since, turn"""
    return _fetch(source, sql, limit, VERSION)


def select_coverage(source: Source) -> pa.Table:
    """Schema `COVERAGE`, ordered by series."""
    sql = f"""
        SELECT series, min(start) AS first, max(start) AS last, count(*) AS rows FROM ({source.versions()})
        GROUP BY series ORDER BY series"""
    return _fetch(source, sql, None, COVERAGE)


def select_last(source: Source) -> pa.Table:
    """The row with the greatest start of each series, in schema `VERSION`, ordered by series."""
    kept = ", ".join(f'last."{name}" AS "{name}"' for name in VERSION.names[1:])
    packed = ", ".join(f'"{name}"' for name in VERSION.names[1:])
    sql = f"""
        SELECT series, {kept} FROM (
            SELECT series, arg_max(struct_pack({packed}), start) AS last FROM ({source.versions()}) GROUP BY series)
        ORDER BY series"""
    return _fetch(source, sql, None, VERSION)


def select_buckets(source: Source, bucket: str, statistic: Statistic, zone: ZoneInfo, by_series: bool) -> pa.Table:
    """Schema `AGGREGATE`, ordered by series and bucket."""
    check_aggregate(bucket, statistic)
    column = "series, " if by_series else ""
    sql = f"""
        SELECT {column}{_bucket(source, bucket, zone)} AS bucket, {_POOL[statistic]} AS value, count(*) AS count
        FROM ({source.versions()}) GROUP BY ALL ORDER BY {column}bucket"""
    table = source.cursor.execute(sql).to_arrow_table()
    columns = {
        "series": table["series"] if by_series else pa.nulls(table.num_rows, pa.int64()),
        "bucket": _starts(table["bucket"], bucket, zone).cast(TIME),
        "value": table["value"],
        "count": table["count"],
    }
    return pa.table(columns).cast(AGGREGATE)


def _bucket(source: Source, bucket: str, zone: ZoneInfo) -> str:
    if bucket in FIXED:
        return _floor("epoch_us(start)", FIXED[bucket] // _MICROSECOND)
    local = f"(epoch_us(start) + {_offset(source, zone)})"
    if bucket == "P1D":
        return _floor(local, timedelta(days=1) // _MICROSECOND)
    return f"epoch_us(date_trunc('{CALENDAR[bucket]}', make_timestamp({local})))"


def _floor(microseconds: str, width: int) -> str:
    # Twice modulo: SQL's remainder is negative before 1970.
    return f"({microseconds} - ({microseconds} % {width} + {width}) % {width})"


def _offset(source: Source, zone: ZoneInfo) -> str:
    """Microseconds that the zone's clock is ahead of UTC at `start`: ten times faster than DuckDB's own time zones."""
    sql = f"SELECT epoch_us(min(start)), epoch_us(max(start)) FROM ({source.versions()})"
    first, last = source.cursor.execute(sql).fetchall()[0]
    if first is None:
        return "0"
    span = (_EPOCH_UTC + timedelta(microseconds=moment) for moment in (first, last))
    offsets = [(to_microseconds(since), offset // _MICROSECOND) for since, offset in list_offsets(zone, *span)]
    return _choose(offsets)


def _choose(offsets: list[tuple[int, int]]) -> str:
    """The offset at `start`, halving the list at each question."""
    if len(offsets) == 1:
        return str(offsets[0][1])
    middle = len(offsets) // 2
    earlier, later = _choose(offsets[:middle]), _choose(offsets[middle:])
    return f"CASE WHEN epoch_us(start) < {offsets[middle][0]} THEN {earlier} ELSE {later} END"


def _starts(buckets: pa.ChunkedArray, bucket: str, zone: ZoneInfo) -> pa.ChunkedArray:
    """UTC microseconds at which `buckets` begin; calendar ones come as local midnights, read as if they were UTC."""
    if bucket in FIXED:
        return buckets
    distinct = buckets.unique()
    midnights = (_EPOCH + timedelta(microseconds=local) for local in distinct.to_pylist())
    starts = pa.array([to_microseconds(midnight.replace(tzinfo=zone)) for midnight in midnights], pa.int64())
    return starts.take(pc.index_in(buckets, distinct))


def _fetch(source: Source, sql: str, limit: int | None, schema: pa.Schema) -> pa.Table:
    if limit is not None:
        sql = f"SELECT * FROM ({sql}) LIMIT {limit:d}"
    return source.cursor.execute(sql).to_arrow_table().cast(schema)


def _literal(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.astimezone(UTC).isoformat()}'"
