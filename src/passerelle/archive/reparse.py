"""Kept replies read again with today's parsers; what they say differently becomes known now.

Nothing is overwritten: the old reading keeps the time it was known since. Where replies of a feed
revise one another the last one's reading counts, as it did when they came, and what a sender
posted or a file brought since is left alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from passerelle.archive.admit import Progress, append_rows
from passerelle.archive.archive import Archive
from passerelle.archive.folder import SPOOL
from passerelle.archive.rows import to_observations
from passerelle.lake.contract import Lake, Origin, Selection
from passerelle.model.errors import ReplyError
from passerelle.registry.replies import ReplyState, StoredReply, list_kept
from passerelle.registry.series import list_numbers

_ROWS_AT_ONCE = 4_000_000
_KEY = ["number", "start"]
_SAID = ("end", "value", "reason")
_TIME = pl.Datetime("us", "UTC")
_READING: dict[str, type[pl.DataType] | pl.DataType] = {
    "number": pl.Int64,
    "start": _TIME,
    "end": _TIME,
    "value": pl.Float64,
    "reason": pl.String,
    "source": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Reread:
    """Replies read again, those unreadable today (their old reading stays), rows read differently, rows withdrawn."""

    replies: int
    unreadable: int
    changed: int
    withdrawn: int


def reparse_all(archive: Archive, progress: Progress | None = None) -> dict[str, Reread]:
    """`reparse` of each of the city's feeds that has replies."""
    with archive.engine.connect() as connection:
        replies = {feed.id: len(list_kept(connection, feed=feed.id, form=feed.form)) for feed in archive.city.feeds}
    total, before, found = sum(replies.values()), 0, {}
    for feed_id in (one for one, number in replies.items() if number):
        found[feed_id] = reparse(archive, feed_id, _shift(progress, before, total))
        before += replies[feed_id]
    return found


def _shift(progress: Progress | None, before: int, total: int) -> Progress | None:
    return None if progress is None else lambda done, _: progress(before + done, total)


def reparse(archive: Archive, feed_id: str, progress: Progress | None = None) -> Reread:
    """What today's reading of the feed's kept replies changed; `progress` counts replies."""
    feed = archive.get_feed(feed_id)
    with archive.engine.connect() as connection:
        kept = list_kept(connection, feed=feed_id, form=feed.form)
    replies = [reply for reply in kept if reply.state is not ReplyState.HELD]
    # Beside the folder's own files: what a feed ever said can be more than the machine's temporary space.
    with tempfile.TemporaryDirectory(dir=archive.folder, prefix=SPOOL) as spool, archive.paused():
        read, rows = _read_again(archive, replies, Path(spool), progress)
        with archive.engine.connect() as connection:
            numbers = list_numbers(connection, feed=feed_id)
        known_since = archive.clock.read()
        changed = withdrawn = 0
        for at, group in enumerate(_group(numbers, rows)):
            reading = _read_last(Path(spool), group)
            new, gone = _compare(archive.lake, group, reading, read)
            changed += new.height
            withdrawn += gone.height
            _append(archive.lake, pl.concat([new, gone]), known_since, at)
    result = Reread(len(read), len(replies) - len(read), changed, withdrawn)
    document = {"replies": result.replies, "unreadable": result.unreadable, "changed": changed, "withdrawn": withdrawn}
    archive.events.record("reparsed", document, feed_id)
    if progress is not None:
        progress(len(replies), len(replies))
    return result


def _read_again(
    archive: Archive, replies: Sequence[StoredReply], spool: Path, progress: Progress | None
) -> tuple[list[int], int]:
    """The numbers of the replies that could be read, and how many rows are in `spool` now."""
    read, rows = [], 0
    for done, stored in enumerate(replies):
        if progress is not None:
            progress(done, len(replies))
        try:
            checked = archive.read_again(stored)
        except ReplyError as error:
            document = {"reply": stored.id, "reason": f"not readable today: {error}"}
            archive.events.record("unreadable", document, stored.feed)
            continue
        read.append(stored.id)
        rows += checked.num_rows
        frame = pl.DataFrame(pl.from_arrow(checked)).rename({"series": "number"})
        frame.with_columns(source=pl.lit(stored.id, pl.Int64)).write_parquet(spool / f"{stored.id:012}.parquet")
    return read, rows


def _group(numbers: list[int], rows: int) -> Iterator[list[int]]:
    groups = max(1, -(-rows // _ROWS_AT_ONCE))
    size = max(1, -(-len(numbers) // groups))
    for at in range(0, len(numbers), size):
        yield numbers[at : at + size]


def _read_last(spool: Path, group: list[int]) -> pl.DataFrame:
    """Of each key the reading of the last reply that names it."""
    files = sorted(spool.glob("*.parquet"))
    if not files:
        return pl.DataFrame(schema=_READING)
    rows = pl.scan_parquet(files).filter(pl.col("number").is_in(group)).collect()
    return rows.unique(_KEY, keep="last", maintain_order=True).select(list(_READING))


def _compare(lake: Lake, group: list[int], reading: pl.DataFrame, read: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that say something else than is held, and withdrawals of rows that no reply says any more."""
    held = pl.DataFrame(pl.from_arrow(lake.history(Selection(series=group)))).rename({"series": "number"})
    last = held.unique(_KEY, keep="last", maintain_order=True)
    own = last.filter(pl.col("source").is_in(read))
    others = last.filter(~pl.col("source").is_in(read))
    mine = reading.join(others, on=_KEY, how="anti")
    both = mine.join(own.select(*_KEY, *_SAID, held=pl.lit(True)), on=_KEY, how="left", suffix="_held")
    same = pl.col("held").is_not_null() & pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(f"{name}_held")) for name in _SAID
    )
    new = both.filter(~same).select(list(_READING))
    gone = own.filter(pl.col("value").is_not_null()).join(reading, on=_KEY, how="anti")
    withdrawn = gone.with_columns(
        value=pl.lit(None, pl.Float64), reason=pl.format("not in today's reading of reply {}", "source")
    )
    return new, withdrawn.select(list(_READING))


def _append(lake: Lake, rows: pl.DataFrame, known_since: datetime, group: int) -> None:
    for (source,), part in rows.group_by("source", maintain_order=True):
        # Each run has keys of its own: reading B where A was and A again later are two revisions.
        key = f"reading:{source}:{known_since.isoformat()}:{group}"
        append_rows(lake, to_observations(part), Origin(int(source), known_since, key, key.encode()))
