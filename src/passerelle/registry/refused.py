"""Rows that were not admitted, each with its reason and its text as it came.

They lie in compressed pages, so that a file whose every row is refused costs little more than the
file: nothing is dropped, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, LargeBinary, String, Table, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from passerelle.registry.replies import REPLIES
from passerelle.registry.schema import METADATA

LONGEST_RAW = 2_000
PAGE_ROWS = 1_000

_PACKED = pa.ipc.IpcWriteOptions(compression="zstd")

REFUSED_PAGES = Table(
    "refused_pages",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("reply", Integer, ForeignKey("replies.id"), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("page", LargeBinary, nullable=False),
    Index(None, "reply", "id"),
    sqlite_autoincrement=True,
)

REFUSED_REASONS = Table(
    "refused_reasons",
    METADATA,
    Column("reply", Integer, ForeignKey("replies.id"), primary_key=True),
    Column("reason", String, primary_key=True),
    Column("rows", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One refused row: `cursor` orders it among all, `row` is its number in the reply, from 1."""

    cursor: str
    reply: int
    row: int
    reason: str
    raw: str


def put_refused(connection: Connection, reply_id: int, rows: pa.Table) -> int:
    """How many rows of schema `REFUSED` were added to the reply's; `raw` is cut to 2,000 characters."""
    cut = pc.utf8_slice_codeunits(rows["raw"], 0, LONGEST_RAW)
    rows = rows.select(["row", "reason"]).append_column("raw", cut).combine_chunks()
    pages = [_pack(rows.slice(at, PAGE_ROWS)) for at in range(0, rows.num_rows, PAGE_ROWS)]
    if pages:
        connection.execute(insert(REFUSED_PAGES), [{"reply": reply_id, **page} for page in pages])
    return int(rows.num_rows)


def count_reasons(connection: Connection, reply_id: int, reasons: dict[str, int]) -> None:
    """Add to how many of the reply's rows were refused for each kind of reason."""
    statement = insert(REFUSED_REASONS)
    added = statement.on_conflict_do_update(
        index_elements=["reply", "reason"], set_={"rows": REFUSED_REASONS.c.rows + statement.excluded.rows}
    )
    if reasons:
        connection.execute(
            added, [{"reply": reply_id, "reason": reason, "rows": rows} for reason, rows in reasons.items()]
        )


def delete_refused(connection: Connection, reply_id: int) -> None:
    """Forget what was refused of the reply, before it is read anew."""
    connection.execute(delete(REFUSED_PAGES).where(REFUSED_PAGES.c.reply == reply_id))
    connection.execute(delete(REFUSED_REASONS).where(REFUSED_REASONS.c.reply == reply_id))


def list_refused(
    connection: Connection,
    *,
    feed: str | None = None,
    reply: int | None = None,
    limit: int = 100,
    after: str | None = None,
) -> list[RefusedRow]:
    """Refused rows in the order they were refused, those after the cursor `after`."""
    page_id, skipped = _read_cursor(after)
    statement = select(REFUSED_PAGES).where(REFUSED_PAGES.c.id >= page_id).order_by(REFUSED_PAGES.c.id)
    if reply is not None:
        statement = statement.where(REFUSED_PAGES.c.reply == reply)
    if feed is not None:
        statement = statement.join(REPLIES, REPLIES.c.id == REFUSED_PAGES.c.reply).where(REPLIES.c.feed == feed)
    found: list[RefusedRow] = []
    with connection.execute(statement.execution_options(yield_per=2)) as pages:
        for page in pages:
            first = skipped if page.id == page_id else 0
            rows = pa.ipc.open_stream(page.page).read_all().slice(first, limit - len(found)).to_pylist()
            found += [RefusedRow(f"{page.id}.{at}", page.reply, **row) for at, row in enumerate(rows, first)]
            if len(found) == limit:
                break
    return found


def list_reasons(connection: Connection, *, feed: str) -> dict[str, int]:
    """How many of the feed's rows were refused for each kind of reason, most first."""
    total = func.sum(REFUSED_REASONS.c.rows)
    statement = (
        select(REFUSED_REASONS.c.reason, total)
        .join(REPLIES, REPLIES.c.id == REFUSED_REASONS.c.reply)
        .where(REPLIES.c.feed == feed)
        .group_by(REFUSED_REASONS.c.reason)
        .order_by(total.desc(), REFUSED_REASONS.c.reason)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def list_reasons_of(connection: Connection, reply_id: int) -> dict[str, int]:
    """How many of the reply's rows were refused for each kind of reason, most first."""
    statement = select(REFUSED_REASONS.c.reason, REFUSED_REASONS.c.rows).where(REFUSED_REASONS.c.reply == reply_id)
    ordered = statement.order_by(REFUSED_REASONS.c.rows.desc(), REFUSED_REASONS.c.reason)
    return {row[0]: row[1] for row in connection.execute(ordered)}


def _pack(rows: pa.Table) -> dict[str, Any]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_PACKED) as writer:
        writer.write_table(rows)
    return {"rows": rows.num_rows, "page": sink.getvalue().to_pybytes()}


def _read_cursor(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    page, _, at = after.partition(".")
    return int(page), int(at) + 1
