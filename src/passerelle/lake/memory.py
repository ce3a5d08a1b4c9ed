"""The reference engine: plain Python over lists of versions, for tests and for reading the rules."""

from __future__ import annotations

import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from passerelle.lake.buckets import bucket_start, check_aggregate
from passerelle.lake.contract import AGGREGATE, COVERAGE, EVERYTHING, Origin, Receipt, Selection, Size
from passerelle.lake.rows import check_rows, to_microseconds, with_origin
from passerelle.lake.versions import Version, from_table, place_version, to_table, version_as_known
from passerelle.model.errors import IdempotencyError
from passerelle.model.observation import VERSION
from passerelle.model.quantity import Statistic

_POOL: dict[Statistic, Callable[[Sequence[float]], float]] = {
    Statistic.MEAN: lambda values: math.fsum(values) / len(values),
    Statistic.SUM: math.fsum,
    Statistic.MIN: min,
    Statistic.MAX: max,
    Statistic.COUNT: lambda values: float(len(values)),
}
_JOURNAL = "journal.arrow"
_KEPT = pa.schema(
    [*VERSION, pa.field("batch", pa.int64()), pa.field("key", pa.string()), pa.field("digest", pa.binary())]
)


class MemoryLake:
    """A `Lake` that lives in this process; with a folder it is read from there and kept there on `close`."""

    def __init__(self, folder: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._folder = folder
        self._series: dict[int, dict[int, list[Version]]] = {}
        self._digests: dict[str, bytes] = {}
        self._journal: list[pa.Table] = []
        if folder is not None and (folder / _JOURNAL).exists():
            self._replay(folder / _JOURNAL)

    def append(self, rows: pa.Table, origin: Origin) -> Receipt:
        """Keep a batch; see the contract."""
        rows = check_rows(rows)
        with self._lock:
            if origin.key in self._digests:
                return _repeat(rows.num_rows, self._digests[origin.key], origin)
            self._admit(with_origin(rows, origin), origin.key, origin.digest)
        return Receipt(rows.num_rows, repeated=False)

    def load(self, batches: pa.RecordBatchReader, origin: Origin) -> Receipt:
        """`append` of all `batches` at once."""
        return self.append(batches.read_all(), origin)

    def read(self, selection: Selection, limit: int | None = None) -> pa.Table:
        """The selected keys' versions."""
        return to_table(itertools.islice(self._read(selection), limit))

    def history(self, selection: Selection, limit: int | None = None) -> pa.Table:
        """Every version of the selected keys."""
        latest = None if selection.as_known_at is None else to_microseconds(selection.as_known_at)
        rows = (
            version
            for versions in self._select(selection)
            for version in versions
            if latest is None or version.known_since <= latest
        )
        return to_table(itertools.islice(rows, limit))

    def aggregate(
        self, selection: Selection, bucket: str, statistic: Statistic, *, zone: ZoneInfo, by_series: bool = True
    ) -> pa.Table:
        """The selected values pooled by bucket."""
        check_aggregate(bucket, statistic)
        pools: dict[tuple[int, datetime], list[float]] = defaultdict(list)
        for row in self._read(selection):
            start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.start)
            if row.value is not None:
                pools[row.series if by_series else 0, bucket_start(start, bucket, zone)].append(row.value)
        rows = [
            (series if by_series else None, start, _POOL[statistic](values), len(values))
            for (series, start), values in sorted(pools.items())
        ]
        return _to_table(rows, AGGREGATE)

    def latest(self, selection: Selection = EVERYTHING) -> pa.Table:
        """The last row of `read` of each series."""
        groups = itertools.groupby(self._read(selection), key=lambda row: row.series)
        return to_table(list(group)[-1] for _, group in groups)

    def coverage(self, series: Sequence[int] | None = None) -> pa.Table:
        """First and last start and number of rows of each series."""
        rows = []
        for number, group in itertools.groupby(self._read(Selection(series)), key=lambda row: row.series):
            starts = [row.start for row in group]
            rows.append((number, starts[0], starts[-1], len(starts)))
        return _to_table(rows, COVERAGE)

    def flush(self) -> None:
        """Nothing: no row is ever pending."""

    def compact(self) -> None:
        """Nothing: there are no files."""

    def size(self) -> Size:
        """Rows held; files and bytes are 0."""
        with self._lock:
            counts = [len(versions) for keys in self._series.values() for versions in keys.values()]
        return Size(len(counts), sum(counts) - len(counts), 0, 0, 0)

    def backup(self, target: Path) -> None:
        """A journal in `target`, from which `MemoryLake(target)` starts."""
        with self._lock:
            table = pa.concat_tables(self._journal) if self._journal else _KEPT.empty_table()
        with pa.OSFile(str(target / _JOURNAL), "wb") as sink, pa.ipc.new_file(sink, _KEPT) as writer:
            writer.write_table(table)

    def close(self) -> None:
        """Keep the journal, where there is a folder for it."""
        if self._folder is not None:
            self.backup(self._folder)

    def _admit(self, table: pa.Table, key: str, digest: bytes) -> None:
        if key:
            self._digests[key] = digest
        count, batch = table.num_rows, len(self._journal)
        kept = table.append_column(_KEPT.field("batch"), pa.array([batch] * count, pa.int64()))
        kept = kept.append_column(_KEPT.field("key"), pa.array([key] * count, pa.string()))
        self._journal.append(kept.append_column(_KEPT.field("digest"), pa.array([digest] * count, pa.binary())))
        for row in from_table(table):
            versions = self._series.setdefault(row.series, {}).setdefault(row.start, [])
            place_version(versions, row)
            if not versions:
                del self._series[row.series][row.start]

    def _replay(self, path: Path) -> None:
        with pa.OSFile(str(path), "rb") as source:
            table = pa.ipc.open_file(source).read_all()
        for batch in sorted(set(table["batch"].to_pylist())):
            part = table.filter(pc.equal(table["batch"], batch))
            self._admit(part.select(VERSION.names), part["key"][0].as_py(), part["digest"][0].as_py())

    def _select(self, selection: Selection) -> Iterator[list[Version]]:
        """The versions of each selected key, ordered by series and start."""
        lowest = -math.inf if selection.start is None else to_microseconds(selection.start)
        highest = math.inf if selection.end is None else to_microseconds(selection.end)
        with self._lock:
            for number in sorted(self._series if selection.series is None else set(selection.series)):
                keys = self._series.get(number, {})
                yield from [keys[start] for start in sorted(keys) if lowest <= start < highest]

    def _read(self, selection: Selection) -> Iterator[Version]:
        moment = None if selection.as_known_at is None else to_microseconds(selection.as_known_at)
        for versions in self._select(selection):
            version = version_as_known(versions, moment)
            if version is not None and version.value is not None:
                yield version


def _repeat(rows: int, digest: bytes, origin: Origin) -> Receipt:
    if digest != origin.digest:
        raise IdempotencyError(f"key {origin.key!r} came before with another content", where="key")
    return Receipt(rows, repeated=True)


def _to_table(rows: Iterable[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
