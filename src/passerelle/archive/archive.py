"""The archive: the one door through which everything gets into a city's folder."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from passerelle.archive.admission import Admission, Kept, Posted, Sender
from passerelle.archive.admit import Progress, append_rows, name_all, scrub_reply
from passerelle.archive.areas import AreaIndex
from passerelle.archive.clock import Clock
from passerelle.archive.events import Commit, EventLog
from passerelle.archive.folder import REGISTRY, FolderLock
from passerelle.archive.limits import Limits
from passerelle.archive.load import TableLoad
from passerelle.archive.quota import DiskGuard, drop_old_bytes
from passerelle.archive.reading import AT_ONCE, Reading, Readings, put_reading
from passerelle.archive.receive import One, check_batch
from passerelle.archive.replies import ReplyFiles
from passerelle.archive.rows import Checker
from passerelle.archive.tables import FORM as TABLE
from passerelle.archive.tables import check_columns, find_content_type
from passerelle.feeds.city import City, list_areas
from passerelle.feeds.feed import Feed, Reply
from passerelle.feeds.forms import FORMS
from passerelle.lake.committer import Batch
from passerelle.lake.contract import Origin, Receipt
from passerelle.lake.ducklake import DuckLakeStore
from passerelle.model.errors import ReplyError, StorageFullError, UnknownNameError
from passerelle.model.place import Place
from passerelle.model.series import Series
from passerelle.registry.database import open_database, writing
from passerelle.registry.places import find_missing
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
from passerelle.registry.series import list_feeds_at, list_words
from passerelle.registry.tokens import Scope, Token, create_token

_log = structlog.get_logger(__name__)


class Archive:
    """A city's open folder. Many threads may use it; `close` it to let the folder go.

    `listen` and `record` of `events` tell what happens. Read through `lake` and `engine`; write
    observations, places and series through the methods here only.
    """

    def __init__(self, folder: Path, city: City, lake: DuckLakeStore, lock: FolderLock, key: Ed25519PrivateKey) -> None:
        self.folder, self.city, self.lake, self.key = folder, city, lake, key
        self.engine: Engine = open_database(folder / REGISTRY)
        self.events = EventLog(self.engine)
        self.files = ReplyFiles(folder / "replies")
        self.readings = Readings(self.files, self.get_feed)
        self.disk = DiskGuard(folder, self.events)
        self.areas = list_areas(city)
        self.area_index = AreaIndex(self.areas)
        self._lock = lock
        self._keeping = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._reading = threading.BoundedSemaphore(AT_ONCE)
        self._admitting = threading.RLock()
        self._naming = threading.RLock()
        self._feeds = {feed.id: feed for feed in city.feeds}
        self._limits = self._read_limits()
        self.clock = Clock(pc.max(lake.latest()["known_since"]).as_py() or datetime.now(UTC))

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
        """Close lake and registry, and let the folder go, whatever becomes of the lake's last filing."""
        with ExitStack() as left:
            left.callback(self._lock.release)
            left.callback(self.engine.dispose)
            self.lake.close()

    def keep(self, feed_id: str, reply: Reply, *, recorded: bool = False) -> Kept:
        """The number under which the reply is kept; scrubbed first, the bytes written once whatever their number.

        `recorded` says that `reply.received` is the time of a dated recording and not this
        node's clock. A reply equal to the feed's last one is counted as a check of that one.
        """
        form = FORMS[self.get_feed(feed_id).form]
        self.disk.require(len(reply.body))
        try:
            body = scrub_reply(form, reply)
        except ReplyError as error:
            return self._keep_hash_only(feed_id, reply, recorded, str(error))
        with self._keeping:
            unchanged = self._find_unchanged(feed_id, hashlib.sha256(body).hexdigest(), reply.received)
            if unchanged is not None:
                return unchanged
            sha256, stored_bytes = self.files.write(body)
            return self._put_reply(
                NewReply(
                    feed=feed_id,
                    form=form.name,
                    name=reply.name,
                    content_type=reply.content_type,
                    received=reply.received,
                    recorded=recorded,
                    kept=datetime.now(UTC),
                    sha256=sha256,
                    bytes=len(body),
                    stored_bytes=stored_bytes,
                )
            )

    def load_file(self, path: Path, feed_id: str, progress: Progress | None = None) -> Admission:
        """What became of a file of observations in the columns of `archive.tables`, whatever its size."""
        self.get_feed(feed_id)
        content_type = find_content_type(path)
        check_columns(path, content_type)
        self.disk.require(path.stat().st_size)
        with self._keeping:
            sha256, size, stored_bytes = self.files.write_file(path)
            now = datetime.now(UTC)
            kept = self._find_unchanged(feed_id, sha256, now) or self._put_reply(
                NewReply(feed_id, TABLE, path.name, content_type, now, False, now, sha256, size, stored_bytes)
            )
        return self.admit(kept.reply_id, progress)

    def admit(self, reply_id: int, progress: Progress | None = None) -> Admission:
        """What became of the reply's rows; a reply that was read before is not read again.

        A feed's replies are admitted one after another; while one is read, another feed's is admitted.
        """
        with self.engine.connect() as connection:
            feed_id = get_reply(connection, reply_id).feed
        with self._turns.setdefault(feed_id, threading.Lock()):
            with self.engine.connect() as connection:
                stored = get_reply(connection, reply_id)
            if stored.state is not ReplyState.HELD:
                return Admission.of(stored)
            self.disk.require()
            try:
                return (self._admit_table if stored.form == TABLE else self._admit_reply)(stored, progress)
            except ReplyError as error:
                return self._set_unreadable(stored, str(error))

    def resume(self, progress: Progress | None = None) -> list[Admission]:
        """Admit the replies that were kept and are not admitted yet, as far as the disk has room.

        They are left by a process that ended in between, or by a disk that was full.
        """
        with self.engine.connect() as connection:
            held = [get_reply(connection, number) for number in list_held(connection)]
        # A feed that has left the city file keeps its replies, and they wait until it is back.
        readable = [one for one in held if one.feed in self._feeds and one.form in (*FORMS, TABLE)]
        admissions: list[Admission] = []
        try:
            admissions.extend(self.admit(reply.id, progress) for reply in readable)
        except StorageFullError as error:
            # A node on a full disk still answers; what is held waits for the next time.
            _log.warning("admission waits for room on the disk", error=str(error))
        return admissions

    def read_again(self, stored: StoredReply) -> pa.Table:
        """The rows of a kept reply as today's parser reads and today's bounds admit them; the refused are kept anew."""
        reading = self.readings.read(stored)
        self._name(reading.parsed.places, reading.checked.series)
        with writing(self.engine) as connection:
            put_reading(connection, stored, reading)
        return reading.checked.rows

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is kept, admitted or named meanwhile; posts to series that are named go on."""
        with self._keeping, self._admitting, self._naming:
            yield

    def drop_old_bytes(self) -> int:
        """How many replies lost their bytes to their feeds' retention."""
        with self._keeping:
            return sum(drop_old_bytes(self.engine, self.files, feed) for feed in self.city.feeds)

    def receive(self, rows: pa.Table, sender: Sender, idempotency_key: str | None, digest: bytes) -> Posted:
        """Accept a batch of schema `OBSERVATION` whole, or raise `RefusedRowsError` with what is wrong.

        `digest` is a hash of the batch as it came; a key that comes again with another raises
        `IdempotencyError`. In a batch a later row of the same series and start supersedes.
        """
        now = self.clock.read()
        self.disk.require()
        check_batch(rows, self._limits, sender, now)
        receipt = self.lake.append(rows, Origin(sender.source, now, _post_key(sender, idempotency_key), digest))
        return self._tell(receipt, sender, now)

    def find_single(
        self, one: One, sender: Sender, idempotency_key: str | None, digest: bytes, now: datetime
    ) -> Batch | None:
        """A single observation, known since `now`, as the lake's `submit_all` takes it.

        None for all but those that have a value and nothing wrong: `receive` has the words for the others.
        """
        series, start, end, value = one.series, one.start, one.end, one.value
        if value is None or one.reason is not None:
            return None
        if not self._limits.admit_one(series, start, end, value, sender.feed, now):
            return None
        self.disk.require()
        return Batch.of_one(
            series, start, end, value, Origin(sender.source, now, _post_key(sender, idempotency_key), digest)
        )

    def _tell(self, receipt: Receipt, sender: Sender, now: datetime) -> Posted:
        if not receipt.repeated:
            self.events.tell(Commit(now, sender.feed, receipt.rows))
        return Posted(receipt.rows, receipt.repeated, None if receipt.repeated else now)

    def create_token(
        self, *, name: str, scope: Scope, feed: str | None = None, expires: datetime | None = None
    ) -> tuple[Token, str]:
        """The token and its secret, shown this once; one that writes gets the number its posts have as their source."""
        now, source = datetime.now(UTC), None
        with self._naming, writing(self.engine) as connection:
            if scope is Scope.OBSERVATIONS and feed is not None:
                self.get_feed(feed)
                posts = NewReply(feed, "post", name, "", now, False, now, "", 0, 0, ReplyState.POSTED)
                source = put_reply(connection, posts)
            return create_token(connection, name=name, scope=scope, now=now, feed=feed, source=source, expires=expires)

    def register(self, places: Sequence[Place], series: Sequence[Series]) -> None:
        """Name places and series that a sender will post observations of."""
        for one in series:
            feed = self.get_feed(one.feed)
            if one.quantity not in feed.quantities:
                raise UnknownNameError("quantity", one.quantity, list(feed.quantities), where="quantity")
        own = {one.feed for one in series}
        with self.engine.connect() as connection:
            users = list_feeds_at(connection, {place.id for place in places})
            missing = find_missing(connection, {place.id for place in places})
        # A place that other feeds measure at too is theirs to describe.
        self._name([one for one in places if one.id in missing or users.get(one.id, own) <= own], series)

    def _admit_reply(self, stored: StoredReply, progress: Progress | None) -> Admission:
        with self._reading:
            reading = self.readings.read(stored)
            with self._admitting:
                self._name(reading.parsed.places, reading.checked.series)
                if progress is not None:
                    progress(stored.bytes // 2, stored.bytes)
                append_rows(self.lake, reading.checked.rows, _origin(stored))
                if progress is not None:
                    progress(stored.bytes, stored.bytes)
                self.readings.remember(stored.id, reading)
                return self._set_admitted(stored, reading.count(), reading)

    def _admit_table(self, stored: StoredReply, progress: Progress | None) -> Admission:
        def refuse(rows: pa.Table, kinds: dict[str, int]) -> None:
            with writing(self.engine) as connection:
                put_refused(connection, stored.id, rows)
                count_reasons(connection, stored.id, kinds)

        with self._admitting:
            with writing(self.engine) as connection:
                delete_refused(connection, stored.id)
            checker = Checker(self.get_feed(stored.feed), stored.received, self._limits)
            with self.files.opened(stored.sha256) as path:
                load = TableLoad(
                    path, stored.content_type, checker, name=lambda series: self._name((), series), refuse=refuse
                )
                batches = load.read(progress)
                try:
                    self.lake.load(load.reader(batches), _origin(stored))
                finally:
                    if load.error is not None:
                        raise load.error
                # A lake that had the rows already doesn't read them; their numbers are wanted all the same.
                deque(batches, maxlen=0)
            return self._set_admitted(stored, load.count())

    def _find_unchanged(self, feed_id: str, sha256: str, checked: datetime, *, kept: bool = True) -> Kept | None:
        """The feed's last reply where it has these bytes and, if `kept`, they are still here to be read again."""
        with self.engine.connect() as connection:
            last = find_last_reply(connection, feed_id)
        if last is None or last.sha256 != sha256 or (kept and not self._holds(last)):
            return None
        with writing(self.engine) as connection:
            set_checked(connection, last.id, checked)
        return Kept(last.id, unchanged=True)

    def _holds(self, stored: StoredReply) -> bool:
        return stored.dropped is None and self.files.holds(stored.sha256)

    def _put_reply(self, new: NewReply) -> Kept:
        with writing(self.engine) as connection:
            number = put_reply(connection, new)
            told = [self.events.put(connection, "reply", {"reply": number, "bytes": new.bytes}, new.feed)]
            if new.state is ReplyState.UNREADABLE:
                document = {"reply": number, "reason": new.reason}
                told.append(self.events.put(connection, "unreadable", document, new.feed))
        self.events.tell(*told)
        return Kept(number, unchanged=False)

    def _name(self, places: Sequence[Place], series: Sequence[Series]) -> None:
        located = self.area_index.locate(places)
        with self._naming:
            with writing(self.engine) as connection:
                added = name_all(connection, located, series)
            if added:
                self._limits = self._read_limits()

    def _read_limits(self) -> Limits:
        with self.engine.connect() as connection:
            return Limits.of(list_words(connection))

    def _keep_hash_only(self, feed_id: str, reply: Reply, recorded: bool, reason: str) -> Kept:
        """Bytes that can't be scrubbed never reach the disk; that they came, and their hash, is kept."""
        sha256, now = hashlib.sha256(reply.body).hexdigest(), datetime.now(UTC)
        with self._keeping:
            return self._find_unchanged(feed_id, sha256, reply.received, kept=False) or self._put_reply(
                NewReply(
                    feed=feed_id,
                    form=self.get_feed(feed_id).form,
                    name=reply.name,
                    content_type=reply.content_type,
                    received=reply.received,
                    recorded=recorded,
                    kept=now,
                    sha256=sha256,
                    bytes=len(reply.body),
                    stored_bytes=0,
                    state=ReplyState.UNREADABLE,
                    reason=f"can't be scrubbed, so that its bytes were not kept: {reason}",
                    dropped=now,
                )
            )

    def _set_unreadable(self, stored: StoredReply, reason: str) -> Admission:
        with self._admitting, writing(self.engine) as connection:
            set_unreadable(connection, stored.id, reason)
            document = {"reply": stored.id, "reason": reason}
            event = self.events.put(connection, "unreadable", document, stored.feed)
            reply = get_reply(connection, stored.id)
        self.events.tell(event)
        return Admission.of(reply)

    def _set_admitted(self, stored: StoredReply, counts: Counts, reading: Reading | None = None) -> Admission:
        with writing(self.engine) as connection:
            if reading is None:
                set_admitted(connection, stored.id, counts)
            else:
                put_reading(connection, stored, reading)
            document = {"reply": stored.id, "rows": counts.rows, "refused": counts.refused}
            event = self.events.put(connection, "admitted", document, stored.feed)
            reply = get_reply(connection, stored.id)
        self.events.tell(event)
        return Admission.of(reply)


def _post_key(sender: Sender, idempotency_key: str | None) -> str:
    # A post without a key is never taken for another; the lake remembers no empty ones.
    return "" if idempotency_key is None else f"post:{sender.source}:{idempotency_key}"


def _origin(stored: StoredReply) -> Origin:
    return Origin(stored.id, stored.received, f"reply:{stored.id}", bytes.fromhex(stored.sha256))
