"""The one contract of the lake: append-only, bitemporal observations.

Vocabulary. A *key* is a series and a start. The *versions* of a key are every row ever appended
for it, ordered by `known_since` and then by arrival; none is ever changed or dropped. A key's
*current* version is the last one; *as known at* T, it is the last with `known_since <= T`.

Rules every engine keeps, and `passerelle.lake.testing.LakeTests` checks:

- A batch is all or nothing and durable when `append` returns; reads see it at once. `Receipt.rows`
  counts the rows that came, whatever became of them.
- A batch whose `Origin.key` was appended before is not appended again (`Receipt.repeated`). The
  same key with another digest raises `IdempotencyError`. Content never decides: A, then B, then A
  again under three keys are three versions.
- An empty key stands for none and never came before.
- Within a batch a later row of the same key supersedes an earlier one; both are versions.
- A row equal in `end`, `value` and `reason` to the version just before it in the key's order adds
  nothing: a publisher that repeats itself hasn't revised anything.
- A withdrawal (null `value`, a `reason`) with no earlier version of its key adds nothing.
- Rows that come late (an older `known_since` than what is held) take their place in the order;
  equality is judged against the version before them.
- Reads are ordered by series, start (and `known_since` for `history`), hold no duplicates, and
  return the schema `passerelle.model.observation.VERSION`. Time ranges select by
  `start <= row.start < end`; null bounds are open. Withdrawn keys are not in `read`, `latest` or
  `aggregate`, and are in `history`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa

from passerelle.model.observation import TIME
from passerelle.model.quantity import Statistic

AGGREGATE = pa.schema(
    [
        pa.field("series", pa.int64()),
        pa.field("bucket", TIME, nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
    ]
)
"""What `aggregate` returns; `series` is null where series are pooled."""

COVERAGE = pa.schema(
    [
        pa.field("series", pa.int64(), nullable=False),
        pa.field("first", TIME, nullable=False),
        pa.field("last", TIME, nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
    ]
)
"""What `coverage` returns, ordered by series."""

POOLED = frozenset({Statistic.MEAN, Statistic.SUM, Statistic.MIN, Statistic.MAX, Statistic.COUNT})
"""The statistics `aggregate` can form over the values of one bucket."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a batch came from: its source's number, when it was known, and what makes it unique.

    `key` is the reply's id or the client's `Idempotency-Key` with its scope; `digest` a hash of
    the body, compared when the key comes again.
    """

    source: int
    known_since: datetime
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: how many rows came, and whether its key had been appended before."""

    rows: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """Which keys to read: series (all when None), starts in `[start, end)`, as known at a time (now when None)."""

    series: Sequence[int] | None = None
    start: datetime | None = None
    end: datetime | None = None
    as_known_at: datetime | None = None


EVERYTHING = Selection()
"""All keys, as they are known now."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much the lake holds: current rows, superseded rows, rows still in the front, files, bytes."""

    current_rows: int
    superseded_rows: int
    pending_rows: int
    files: int
    bytes: int


class Lake(Protocol):
    """A store of observations; one process owns it, many threads may use it."""

    def append(self, rows: pa.Table, origin: Origin) -> Receipt:
        """Keep a batch of schema `OBSERVATION`; on `BacklogFullError` or `StorageFullError` nothing of it is kept."""

    def load(self, batches: pa.RecordBatchReader, origin: Origin) -> Receipt:
        """`append` for imports of any size: straight to the columnar files, in bounded memory, still all or nothing."""

    def read(self, selection: Selection, limit: int | None = None) -> pa.Table:
        """The selected keys' versions, one row a key; the first `limit` of them."""

    def history(self, selection: Selection, limit: int | None = None) -> pa.Table:
        """Every version of the selected keys, withdrawals too; `as_known_at` leaves out what came to be known later."""

    def aggregate(
        self, selection: Selection, bucket: str, statistic: Statistic, *, zone: ZoneInfo, by_series: bool = True
    ) -> pa.Table:
        """`series` (null where pooled), `bucket` (its UTC start), `value`, `count`, in that order.

        `bucket` is an ISO 8601 duration: `PT15M`, `PT30M`, `PT1H`, `P1D`, `P1W`, `P1M` or `P1Y`. Days and longer
        begin at local midnight of `zone`, so that a day of clock change is 23 or 25 hours long; a row belongs to
        the bucket its start lies in. `COUNT` gives the number of rows as `value`; a statistic that isn't in `POOLED`
        is an `InvalidValueError`.
        """

    def latest(self, selection: Selection = EVERYTHING) -> pa.Table:
        """Of each series the version with the greatest start, of those selected; series without one are left out.

        Where no times are given it comes from memory.
        """

    def coverage(self, series: Sequence[int] | None = None) -> pa.Table:
        """`series`, `first` and `last` start, `rows`: what the lake currently holds of each series."""

    def flush(self) -> None:
        """Move all pending rows from the front into the columnar files."""

    def compact(self) -> None:
        """Rewrite small and sparse files into few sorted ones; reads and appends go on meanwhile."""

    def size(self) -> Size:
        """What is held now."""

    def backup(self, target: Path) -> None:
        """A consistent copy in the empty folder `target`, openable like the original; appends go on meanwhile."""

    def close(self) -> None:
        """Flush, release files and threads; the lake is not used afterwards."""
