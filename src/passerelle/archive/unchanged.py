"""A publisher that says "unchanged": which reply that can be said of, and that it was."""

from __future__ import annotations

from datetime import datetime

from passerelle.archive.archive import Archive
from passerelle.registry.database import writing
from passerelle.registry.replies import ReplyState, StoredReply, find_last_reply, get_reply, set_checked


def find_checkable(archive: Archive, feed_id: str) -> StoredReply | None:
    """The feed's last reply if its rows are in the lake and its bytes are here: "unchanged" then leaves nothing out."""
    with archive.engine.connect() as connection:
        last = find_last_reply(connection, feed_id)
    if last is None or last.state is not ReplyState.ADMITTED or last.dropped is not None:
        return None
    return last if archive.files.holds(last.sha256) else None


def check_reply(archive: Archive, reply_id: int, moment: datetime) -> StoredReply:
    """The reply, one more time checked: its publisher said at `moment` that nothing changed since."""
    with writing(archive.engine) as connection:
        set_checked(connection, reply_id, moment)
        return get_reply(connection, reply_id)
