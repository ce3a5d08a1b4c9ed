"""What came out of a reply, a file or a batch, and who sent it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from passerelle.registry.replies import ReplyState, StoredReply


@dataclass(frozen=True, slots=True)
class Kept:
    """The reply's number, and whether the feed's last reply had the same bytes (then it is that one's number)."""

    reply_id: int
    unchanged: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a reply: rows admitted and refused, places and series named, or why it is unreadable."""

    reply_id: int
    rows: int
    refused: int
    places: int
    series: int
    state: ReplyState
    reason: str | None = None

    @classmethod
    def of(cls, reply: StoredReply) -> Admission:
        """What the registry holds of a reply that was read."""
        return cls(reply.id, reply.rows, reply.refused, reply.places, reply.series, reply.state, reply.reason)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who posts observations: the feed they belong to, and the number that the lake knows the token's posts by."""

    feed: str
    source: int


@dataclass(frozen=True, slots=True)
class Posted:
    """A batch that was received: how many rows, whether its key had come before, and since when they are known.

    `known_since` is None for what had come before: it has been known for longer.
    """

    rows: int
    repeated: bool
    known_since: datetime | None
