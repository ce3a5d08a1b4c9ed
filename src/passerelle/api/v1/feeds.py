"""`/api/v1/feeds`: where the city's data come from, their replies, and the rows that were not admitted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
import pyarrow as pa
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from passerelle.api.cursors import Page, cut_page, read_cursor
from passerelle.api.node import Node
from passerelle.api.parameters import Cursor, Limit, SectorName, check_choice, check_sector
from passerelle.api.tables import MEDIA_TYPES, write_pieces
from passerelle.api.trust import FeedTrustOut, read_feed_trust
from passerelle.archive.redistribution import Leaving, check_redistribution
from passerelle.feeds.feed import Feed
from passerelle.ingest.ask import find_host
from passerelle.ingest.replay import Replayer
from passerelle.model.errors import UnknownNameError
from passerelle.model.quantity import get_quantity
from passerelle.registry.asks import Ask, list_asks
from passerelle.registry.refused import list_refused
from passerelle.registry.replies import (
    FeedReplies,
    ReplyState,
    StoredReply,
    get_reply,
    list_replies,
    summarise_replies,
)

_PLAIN_NAME = re.compile(r"[^A-Za-z0-9._-]")
_REFUSED = pa.schema([("reply", pa.int64()), ("row", pa.int64()), ("reason", pa.string()), ("raw", pa.string())])
_PIECE = 10_000


class LicenceOut(msgspec.Struct, frozen=True):
    """The terms a feed's data come under."""

    name: str
    url: str
    attribution: str


class BudgetOut(msgspec.Struct, frozen=True):
    """Calls that the publisher allows in any `seconds`, who says so, and how many of them are `used` now."""

    id: str
    calls: int
    seconds: int
    source: str
    used: int


class AskingOut(msgspec.Struct, frozen=True):
    """When the publisher is asked and what came of it.

    `every_seconds` is the plan's: the feed's cadence, or longer where its publisher's budget needs it; null where this
    node doesn't ask by itself. `last_answer` is when a readable reply came, or word that nothing changed. `failures`
    counts those in a row since `failing_since`; `reason` is the last one's.
    """

    every_seconds: float | None
    next: datetime | None
    last: datetime | None
    last_answer: datetime | None
    failures: int
    failing_since: datetime | None
    reason: str | None
    budgets: list[BudgetOut]


class ReplayOut(msgspec.Struct, frozen=True):
    """The first and last day of the recording that the feed replays, how often a reply of it comes, and if more do."""

    first: date
    last: date
    every_seconds: float
    playing: bool


class FeedOut(msgspec.Struct, frozen=True):
    """A feed's declaration and what this node holds of it; `cadence_seconds` is null for an ended feed.

    `asking` is null for a feed without an address, which is read from recorded files or posted. `trust` is null until
    the feed's series are judged. `replay` is null but for a feed whose observations are replayed from a recording: they
    keep its times, and are as old as those say.
    """

    id: str
    form: str
    title: dict[str, str]
    publisher: str
    owner: str
    url: str
    documentation: str
    licence: LicenceOut
    redistribute: str
    time_zone: str
    cadence_seconds: int | None
    quantities: list[str]
    sectors: list[str]
    replies: int
    last_reply: datetime | None
    observations: int
    refused: int
    asking: AskingOut | None
    trust: FeedTrustOut | None
    replay: ReplayOut | None


class ReplyOut(msgspec.Struct, frozen=True):
    """A reply: when its bytes were held, their hash, and what became of their rows."""

    id: int
    feed: str
    name: str
    content_type: str
    received: datetime
    recorded: bool
    kept: datetime
    sha256: str
    bytes: int
    dropped: datetime | None
    state: str
    reason: str | None
    rows: int
    refused: int
    checks: int
    checked: datetime | None


class RefusedOut(msgspec.Struct, frozen=True):
    """A row that was not admitted: which of which reply, why, and its text as it came."""

    reply: int
    row: int
    reason: str
    raw: str


def _show(
    node: Node,
    feed: Feed,
    replies: FeedReplies | None,
    observations: int,
    ask: Ask | None,
    trust: FeedTrustOut | None,
) -> FeedOut:
    return FeedOut(
        id=feed.id,
        form=feed.form,
        title=dict(feed.title),
        publisher=feed.publisher,
        owner=feed.owner,
        url=feed.url,
        documentation=feed.documentation,
        licence=LicenceOut(feed.licence.name, feed.licence.url, feed.licence.attribution),
        redistribute=feed.redistribute,
        time_zone=feed.time_zone.key,
        cadence_seconds=feed.cadence_seconds,
        quantities=list(feed.quantities),
        sectors=sorted({get_quantity(name).sector for name in feed.quantities}),
        replies=0 if replies is None else replies.replies,
        last_reply=None if replies is None else replies.last,
        observations=observations,
        refused=0 if replies is None else replies.refused,
        asking=_show_asking(node, feed, ask),
        trust=trust,
        replay=_show_replay(node.replays.get(feed.id)),
    )


def _show_replay(replayer: Replayer | None) -> ReplayOut | None:
    if replayer is None:
        return None
    replay = replayer.replay
    return ReplayOut(replay.first, replay.last, replay.every_seconds, replayer.is_playing)


def _show_asking(node: Node, feed: Feed, ask: Ask | None) -> AskingOut | None:
    if not feed.url:
        return None
    uses = node.ingest.asker.budgets.read_use(find_host(feed.url), datetime.now(UTC))
    return AskingOut(
        every_seconds=node.ingest.cadences.get(feed.id) if node.ingest.is_started else None,
        next=node.ingest.find_due(feed.id),
        last=None if ask is None else ask.asked,
        last_answer=None if ask is None else ask.answered,
        failures=0 if ask is None else ask.failures,
        failing_since=None if ask is None else ask.failing_since,
        reason=None if ask is None else ask.reason,
        budgets=[
            BudgetOut(use.budget.id, use.budget.calls, use.budget.seconds, use.budget.source, use.used) for use in uses
        ],
    )


def _show_reply(reply: StoredReply) -> ReplyOut:
    return msgspec.convert(reply, ReplyOut, from_attributes=True)


@get("/feeds", tags=["feeds"], sync_to_thread=True)
def list_all(
    node: NamedDependency[Node], sector: SectorName = None, limit: Limit = 100, cursor: Cursor = None
) -> Page[FeedOut]:
    """Feeds by id."""
    check_sector(sector)
    after = read_cursor(cursor, str) or ""
    wanted = [
        node.feeds[name]
        for name in sorted(node.feeds)
        if name > after and (sector is None or sector in node.sectors_of(name))
    ]
    page, following = cut_page(wanted, limit, lambda feed: feed.id)
    return Page(_show_all(node, page), following)


def _show_all(node: Node, feeds: Sequence[Feed]) -> list[FeedOut]:
    node.trust.catch_up_if_stopped([feed.id for feed in feeds])
    with node.archive.engine.connect() as connection:
        replies = summarise_replies(connection)
        asks = list_asks(connection)
        trust = read_feed_trust(node, connection, feeds)
    rows = node.count_by_feed()
    return [
        _show(node, feed, replies.get(feed.id), rows.get(feed.id, 0), asks.get(feed.id), trust.get(feed.id))
        for feed in feeds
    ]


@get("/feeds/{feed_id:str}", tags=["feeds"], sync_to_thread=True)
def read_one(node: NamedDependency[Node], feed_id: FromPath[str]) -> FeedOut:
    """One feed."""
    return _show_all(node, [node.archive.get_feed(feed_id)])[0]


@get("/feeds/{feed_id:str}/replies", tags=["feeds"], sync_to_thread=True)
def list_of_feed(
    node: NamedDependency[Node],
    feed_id: FromPath[str],
    became: Annotated[str | None, QueryParameter(schema_extra={"enum": list(ReplyState)})] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ReplyOut]:
    """The feed's replies, newest first; `became` keeps those in one state."""
    node.archive.get_feed(feed_id)
    wanted = None if became is None else ReplyState(check_choice("became", became, list(ReplyState)))
    after = read_cursor(cursor, int)
    with node.archive.engine.connect() as connection:
        found = list_replies(connection, feed=feed_id, state=wanted, limit=limit + 1, after=after)
    page, following = cut_page(found, limit, lambda reply: reply.id)
    return Page([_show_reply(reply) for reply in page], following)


@get("/feeds/{feed_id:str}/replies/{reply_id:int}/body", tags=["feeds"], sync_to_thread=True)
def read_body(node: NamedDependency[Node], feed_id: FromPath[str], reply_id: FromPath[int]) -> Stream:
    """A reply's bytes as this node keeps them, to be saved; only of a feed whose rows may leave the node."""
    feed = node.archive.get_feed(feed_id)
    with node.archive.engine.connect() as connection:
        reply = get_reply(connection, reply_id)
    if reply.feed != feed.id or reply.state is ReplyState.POSTED or reply.dropped is not None:
        raise UnknownNameError("reply with its bytes", str(reply_id), where="reply")
    check_redistribution(feed, Leaving.ROWS)
    # What a publisher sent is never shown as a page of this node.
    name = _PLAIN_NAME.sub("_", reply.name or f"{feed.id}-{reply.id}")
    headers = {"content-disposition": f'attachment; filename="{name}"', "content-length": str(reply.bytes)}
    return Stream(node.archive.files.read_steps(reply.sha256), media_type="application/octet-stream", headers=headers)


@get("/feeds/{feed_id:str}/refused", tags=["feeds"], sync_to_thread=True)
def list_refused_rows(
    node: NamedDependency[Node],
    feed_id: FromPath[str],
    format: Annotated[str, QueryParameter(schema_extra={"enum": ["json", "csv"]})] = "json",  # noqa: A002
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[RefusedOut] | Stream:
    """The feed's refused rows, in the order they were refused; only of a feed that may leave the node.

    CSV comes whole, JSON in pages.
    """
    check_redistribution(node.archive.get_feed(feed_id), Leaving.ROWS)
    if check_choice("format", format, ["json", "csv"]) == "csv":
        named = {"content-disposition": f'attachment; filename="{feed_id}.refused.csv"'}
        return Stream(_write_refused(node, feed_id), media_type=MEDIA_TYPES["csv"], headers=named)
    after = read_cursor(cursor, tuple[int, int])
    with node.archive.engine.connect() as connection:
        last = None if after is None else f"{after[0]}.{after[1]}"
        found = list_refused(connection, feed=feed_id, limit=limit + 1, after=last)
    page, following = cut_page(found, limit, lambda row: [int(part) for part in row.cursor.split(".")])
    return Page([RefusedOut(row.reply, row.row, row.reason, row.raw) for row in page], following)


def _write_refused(node: Node, feed: str) -> Iterator[bytes]:
    return write_pieces("csv", _REFUSED, _read_refused(node, feed))


def _read_refused(node: Node, feed: str) -> Iterator[pa.Table]:
    after = None
    while True:
        with node.archive.engine.connect() as connection:
            found = list_refused(connection, feed=feed, limit=_PIECE, after=after)
        columns = zip(*((row.reply, row.row, row.reason, row.raw) for row in found), strict=True)
        yield pa.table([pa.array(column) for column in columns], schema=_REFUSED) if found else _REFUSED.empty_table()
        if len(found) < _PIECE:
            return
        after = found[-1].cursor
