"""Brings a kept reply's rows into the lake: parse, check, name places and series, append; once each."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import polars as pl
import pyarrow as pa
from sqlalchemy import Connection

from passerelle.archive.rows import UNREADABLE, Checked
from passerelle.feeds.feed import Feed, Form, Parsed, Reply
from passerelle.lake.contract import Lake, Origin
from passerelle.model.errors import BacklogFullError, PasserelleError, ReplyError
from passerelle.model.place import Place
from passerelle.model.series import Series
from passerelle.registry.places import find_missing, put_places
from passerelle.registry.series import put_series

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do, in bytes of the reply or file."""

SMALL = 50_000
"""Rows up to which a batch goes through the lake's front; larger ones go straight to its columnar files."""

_DEFECTS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, RuntimeError),
    *(SyntaxError, TypeError, ValueError, msgspec.MsgspecError, zipfile.BadZipFile, zlib.error),
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
)
"""What reading damaged bytes raises in Python's own readers and in ours; Polars' panic is no `Exception` even."""


def parse_reply(form: Form, reply: Reply, feed: Feed) -> Parsed:
    """What the reply says; `ReplyError` where nothing of it can be read.

    An error the form didn't foresee is the form's defect, brought out by this reply: the reply is
    unreadable until the form is mended and the reply read again, and the node goes on.
    """
    try:
        return form.parse(reply, feed)
    except ReplyError:
        raise
    except (PasserelleError, *_DEFECTS) as error:
        raise ReplyError(f"form {form.name} failed with {type(error).__name__}: {error}", where=feed.id) from error


def scrub_reply(form: Form, reply: Reply) -> bytes:
    """The reply's body without what the form drops at the door; `ReplyError` where that can't be done."""
    if form.scrub is None:
        return reply.body
    try:
        return form.scrub(reply.body)
    except ReplyError:
        raise
    except (PasserelleError, *_DEFECTS) as error:
        raise ReplyError(f"scrub of {form.name} failed with {type(error).__name__}: {error}") from error


def name_all(connection: Connection, places: Sequence[Place], series: Sequence[Series]) -> int:
    """How many series are new, now that all are named; a place that nobody described is known by its id."""
    put_places(connection, places)
    undescribed = find_missing(connection, {one.place for one in series})
    put_places(connection, [Place(place, "unknown", place) for place in sorted(undescribed)])
    return put_series(connection, series)


def append_rows(lake: Lake, rows: pa.Table, origin: Origin) -> None:
    """Append to the lake, in the way that suits the number of rows."""
    if rows.num_rows > SMALL:
        lake.load(rows.to_reader(), origin)
        return
    try:
        lake.append(rows, origin)
    except BacklogFullError:
        # Senders are told to wait; a reply that is already kept has nobody to tell, so the front is emptied for it.
        lake.flush()
        lake.append(rows, origin)


def refuse_unreadable(parsed: Parsed, checked: Checked) -> Checked:
    """`checked` with the rows that the form itself could not read."""
    unreadable = parsed.refused.num_rows
    if not unreadable:
        return checked
    refused = pa.concat_tables([parsed.refused.select(checked.refused.column_names), checked.refused])
    return replace(checked, refused=refused, kinds={UNREADABLE: unreadable, **checked.kinds})
