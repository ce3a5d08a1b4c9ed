"""The archive: the one door through which everything gets into a city's folder."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from passerelle.archive.admission import Admission, Kept, Posted, Sender
from passerelle.archive.admit import Progress, append_rows, name_all, parse_reply, refuse_unreadable
from passerelle.archive.areas import AreaIndex
from passerelle.archive.events import Commit, EventLog
from passerelle.archive.folder import REGISTRY, FolderLock
from passerelle.archive.limits import Limits
from passerelle.archive.quota import DiskGuard
from passerelle.archive.receive import check_batch
from passerelle.archive.replies import ReplyFiles
from passerelle.archive.rows import Checked, Checker
from passerelle.feeds.city import City, list_areas
from passerelle.feeds.feed import Feed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.lake.contract import Lake, Origin
from passerelle.model.errors import ReplyError, UnknownNameError
from passerelle.model.place import Place
from passerelle.model.series import Series
from passerelle.registry.database import open_database, writing
from passerelle.registry.refused import count_reasons, delete_refused, put_refused
from passerelle.registry.replies import (
    Counts,
    NewReply,
    ReplyState,
    StoredReply,
    find_last_reply,
    get_reply,
    list_held,
    put_reply,
    set_admitted,
    set_checked,
    set_unreadable,
)
from passerelle.registry.series import list_words


class Archive:
    """A city's open folder. Many threads may use it; `close` it to let the folder go.

    `listen` and `record` of `events` tell what happens. Read through `lake` and `engine`; write
    observations, places and series through the methods here only.
    """

    def __init__(self, folder: Path, city: City, lake: Lake, lock: FolderLock, key: Ed25519PrivateKey) -> None:
        self.folder, self.city, self.lake, self.key = folder, city, lake, key
        self.engine: Engine = open_database(folder / REGISTRY)
        self.events = EventLog(self.engine)
        self.files = ReplyFiles(folder / "replies")
        self.disk = DiskGuard(folder, self.events)
        self.areas = list_areas(city)
        self._area_index = AreaIndex(self.areas)
        self._lock = lock
        self._admitting = threading.RLock()
        self._feeds = {feed.id: feed for feed in city.feeds}
        self._limits = self._read_limits()

    def get_feed(self, feed_id: str) -> Feed:
        """The city's feed of that id; `UnknownNameError` where it has none."""
        try:
            return self._feeds[feed_id]
        except KeyError:
            raise UnknownNameError("feed", feed_id, list(self._feeds), where="feed") from None

    def announce(self, url: str) -> None:
        """Let other processes find this node at `url`."""
        self._lock.announce(url)

    def close(self) -> None:
        """Close lake and registry, and let the folder go."""
        self.lake.close()
        self.engine.dispose()
        self._lock.release()

    def keep(self, feed_id: str, reply: Reply, *, recorded: bool = False) -> Kept:
        """The number under which the reply is kept; scrubbed first, the bytes written once whatever their number.

        `recorded` says that `reply.received` is the time of a dated recording and not this
        node's clock. A reply equal to the feed's last one is counted as a check of that one.
        """
        feed = self.get_feed(feed_id)
        form = FORMS[feed.form]
        body = reply.body if form.scrub is None else form.scrub(reply.body)
        sha256 = hashlib.sha256(body).hexdigest()
        now = datetime.now(UTC)
        with self._admitting:
            with writing(self.engine) as connection:
                last = find_last_reply(connection, feed_id)
                if last is not None and last.sha256 == sha256:
                    set_checked(connection, last.id, reply.received)
                    return Kept(last.id, unchanged=True)
            self.disk.require(len(body))
            _, stored_bytes = self.files.write(body)
            new = NewReply(
                feed=feed_id,
                form=feed.form,
                name=reply.name,
                content_type=reply.content_type,
                received=reply.received,
                recorded=recorded,
                kept=now,
                sha256=sha256,
                bytes=len(body),
                stored_bytes=stored_bytes,
            )
            with writing(self.engine) as connection:
                number = put_reply(connection, new)
                event = self.events.put(connection, "reply", {"reply": number, "bytes": len(body)}, feed_id)
        self.events.tell(event)
        return Kept(number, unchanged=False)

    def admit(self, reply_id: int, progress: Progress | None = None) -> Admission:
        """What became of the reply's rows; a reply that was read before is not read again."""
        with self._admitting:
            with self.engine.connect() as connection:
                stored = get_reply(connection, reply_id)
            if stored.state is not ReplyState.HELD:
                return Admission.of(stored)
            self.disk.require()
            feed, form = self.get_feed(stored.feed), FORMS[stored.form]
            reply = Reply(self._read(stored), stored.received, stored.content_type, stored.name)
            try:
                parsed = parse_reply(form, reply, feed)
            except ReplyError as error:
                return self._set_unreadable(stored, str(error))
            checked = refuse_unreadable(parsed, self._check(parsed.observations, feed, stored))
            self._name(parsed.places, checked.series)
            if progress is not None:
                progress(stored.bytes // 2, stored.bytes)
            origin = Origin(stored.id, stored.received, f"reply:{stored.id}", bytes.fromhex(stored.sha256))
            append_rows(self.lake, checked.rows, origin)
            admission = self._set_admitted(stored, checked, len(parsed.places))
            if progress is not None:
                progress(stored.bytes, stored.bytes)
            return admission

    def resume(self, progress: Progress | None = None) -> list[Admission]:
        """Admit the replies that were kept and not yet admitted when the last process ended."""
        with self.engine.connect() as connection:
            held = [get_reply(connection, number) for number in list_held(connection)]
        return [self.admit(reply.id, progress) for reply in held if reply.feed in self._feeds and reply.form in FORMS]

    def receive(self, rows: pa.Table, sender: Sender, idempotency_key: str | None, digest: bytes) -> Posted:
        """Accept a batch of schema `OBSERVATION` whole, or raise `RefusedRowsError` with what is wrong."""
        now = datetime.now(UTC)
        self.disk.require()
        check_batch(rows, self._limits, sender, now)
        key = f"post:{sender.source}:{idempotency_key or secrets.token_hex(16)}"
        receipt = self.lake.append(rows, Origin(sender.source, now, key, digest))
        if not receipt.repeated:
            self.events.tell(Commit(now, sender.feed, receipt.rows))
        return Posted(receipt.rows, receipt.repeated, now)

    def register(self, places: Sequence[Place], series: Sequence[Series]) -> None:
        """Name places and series that a sender will post observations of."""
        for one in series:
            feed = self.get_feed(one.feed)
            if one.quantity not in feed.quantities:
                raise UnknownNameError("quantity", one.quantity, list(feed.quantities), where="quantity")
        self._name(places, series)

    def _read(self, stored: StoredReply) -> bytes:
        return self.files.read(stored.sha256, stored.bytes)

    def _check(self, observations: pa.Table, feed: Feed, stored: StoredReply) -> Checked:
        frame = pl.from_arrow(observations)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  a table is never a series
        return Checker(feed, stored.received).check(frame)

    def _name(self, places: Sequence[Place], series: Sequence[Series]) -> None:
        located = self._area_index.locate(places)
        with writing(self.engine) as connection:
            added = name_all(connection, located, series)
        if added:
            self._limits = self._read_limits()

    def _read_limits(self) -> Limits:
        with self.engine.connect() as connection:
            return Limits.of(list_words(connection))

    def _set_unreadable(self, stored: StoredReply, reason: str) -> Admission:
        with writing(self.engine) as connection:
            set_unreadable(connection, stored.id, reason)
            document = {"reply": stored.id, "reason": reason}
            event = self.events.put(connection, "unreadable", document, stored.feed)
            reply = get_reply(connection, stored.id)
        self.events.tell(event)
        return Admission.of(reply)

    def _set_admitted(self, stored: StoredReply, checked: Checked, places: int) -> Admission:
        counts = Counts(checked.rows.num_rows, checked.refused.num_rows, places, len(checked.series))
        with writing(self.engine) as connection:
            delete_refused(connection, stored.id)
            put_refused(connection, stored.id, checked.refused)
            count_reasons(connection, stored.id, checked.kinds)
            set_admitted(connection, stored.id, counts)
            document = {"reply": stored.id, "rows": counts.rows, "refused": counts.refused, "reasons": checked.kinds}
            event = self.events.put(connection, "admitted", document, stored.feed)
            reply = get_reply(connection, stored.id)
        self.events.tell(event)
        return Admission.of(reply)
