"""Asking one feed's publisher once, by plan or by hand: within its budget, and with whatever comes of it recorded."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx
import structlog
from polars.exceptions import PanicException
from sqlalchemy.exc import OperationalError

from passerelle.archive.admission import Admission
from passerelle.archive.archive import Archive
from passerelle.archive.unchanged import check_reply, find_checkable
from passerelle.feeds._http import Limits, fetch, read_secrets
from passerelle.feeds.feed import Feed, Reply, Request
from passerelle.feeds.forms import FORMS
from passerelle.ingest.budget import Budget, Budgets
from passerelle.ingest.schedule import LONGEST_OBEYED_S
from passerelle.model.errors import BudgetSpentError, PasserelleError, StatusError, StorageFullError
from passerelle.registry.asks import Ask, find_ask, put_ask
from passerelle.registry.database import writing
from passerelle.registry.replies import ReplyState

TELL_AGAIN = timedelta(days=1)
"""How often a failure that goes on is told anew."""

LEAST_TIME_S = 30.0
"""An answer may take this long at least, however often the feed is asked."""

_VALIDATORS = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))
_TOO_MANY = 429
_LONGEST_REASON = 500

_log = structlog.get_logger("passerelle.ingest")


class StoppedError(PasserelleError):
    """The node is stopping, so that an answer that comes now is not kept."""


class Asker:
    """Asks publishers. Many threads may use it; a feed is asked by one at a time."""

    def __init__(
        self,
        archive: Archive,
        *,
        environ: Mapping[str, str],
        limits: Limits,
        budgets: Sequence[Budget],
    ) -> None:
        self.archive = archive
        self.budgets = Budgets(archive.engine, budgets)
        self._environ, self._limits = environ, limits
        self._alone = {feed.id: threading.Lock() for feed in archive.city.feeds}
        self._held: dict[str, float] = {}
        self._inside = 0
        self._stopped = False
        self._door = threading.Condition()

    def ask(self, feed_id: str) -> Admission:
        """What became of the publisher's answer; "unchanged" is what became of the last reply.

        `BudgetSpentError` where the publisher takes no more calls for now: nothing was asked. Any other error was
        recorded as the feed's failure, and so is an answer that can't be read, which is returned.
        """
        feed = self.archive.get_feed(feed_id)
        with self._alone[feed_id]:
            try:
                admission, ask = self._ask(feed)
            except (BudgetSpentError, StoppedError):
                raise
            except (Exception, PanicException) as error:
                self.record_failure(feed_id, _describe(error))
                raise
            if admission.state is ReplyState.UNREADABLE:
                self.record_failure(feed_id, f"the answer can't be read: {admission.reason}")
            else:
                self.record_answer(ask)
            return admission

    def stop(self, patience_s: float) -> None:
        """Let nothing more into the archive, and wait for what is there already."""
        with self._door:
            self._stopped = True
            self._door.wait_for(lambda: not self._inside, patience_s)

    def _ask(self, feed: Feed) -> tuple[Admission, Ask]:
        request = FORMS[feed.form].request(feed)
        read_secrets(request, self._environ)
        host, asked = find_host(request.url), datetime.now(UTC)
        self._require_room(host, asked)
        address = hashlib.sha256(request.url.encode()).hexdigest()
        with self._at_the_archive():
            before = self._find_validators(feed.id, address)
        try:
            answer = fetch(request, environ=self._environ, limits=self._limits_of(feed), validators=before.headers)
        except StatusError as error:
            self._hold(host, error)
            raise
        with self._at_the_archive():
            if answer.body is None:
                admission = Admission.of(check_reply(self.archive, before.reply, self.archive.clock.read()))
            else:
                admission = self._admit(feed, request, answer.body, answer.headers)
        named = dict(before.headers) if answer.body is None else {}
        etag, modified = (answer.headers.get(name) or named.get(asking) for name, asking in _VALIDATORS)
        return admission, Ask(feed.id, asked, None, 0, None, None, None, admission.reply_id, address, etag, modified)

    def _admit(self, feed: Feed, request: Request, body: bytes, headers: Mapping[str, str]) -> Admission:
        kind = headers.get("content-type", "application/octet-stream")
        name = request.url.partition("?")[0].rpartition("/")[2]
        kept = self.archive.keep(feed.id, Reply(body, self.archive.clock.read(), kind, name))
        return self.archive.admit(kept.reply_id)

    def _find_validators(self, feed_id: str, address: str) -> _Validators:
        """What came with the feed's last reply from this address; nothing where that reply isn't here whole."""
        with self.archive.engine.connect() as connection:
            ask = find_ask(connection, feed_id)
        if ask is None or ask.address != address or not (ask.etag or ask.modified):
            return _Validators(0, {})
        # Only now: for this the kept bytes are read.
        last = find_checkable(self.archive, feed_id)
        if last is None or last.id != ask.reply:
            return _Validators(0, {})
        held = {"If-None-Match": ask.etag, "If-Modified-Since": ask.modified}
        return _Validators(last.id, {name: value for name, value in held.items() if value})

    def _limits_of(self, feed: Feed) -> Limits:
        """The node's limits, with no more time for the feed than until it is due again."""
        cadence = feed.cadence_seconds or self._limits.total_s
        return replace(self._limits, total_s=min(self._limits.total_s, max(cadence, LEAST_TIME_S)))

    def _require_room(self, host: str, now: datetime) -> None:
        until = self._held.get(host, 0.0)
        if (wait := until - time.monotonic()) > 0:
            raise BudgetSpentError(host, f"it answered {_TOO_MANY} and asked for time", wait)
        self.budgets.spend(host, now)

    def _hold(self, host: str, error: StatusError) -> None:
        """Too many requests is said of all that this node asks there, not of one feed."""
        if error.status == _TOO_MANY and error.wait_s:
            self._held[host] = time.monotonic() + min(error.wait_s, LONGEST_OBEYED_S)

    def record_answer(self, ask: Ask) -> None:
        """Keep what came of asking; a feed that failed before has recovered, which is an event."""
        with self._at_the_archive(), _told_when_full(ask.feed):
            events = []
            with writing(self.archive.engine) as connection:
                before = find_ask(connection, ask.feed)
                put_ask(connection, replace(ask, answered=datetime.now(UTC)))
                if before is not None and before.failing_since is not None:
                    document = {"failures": before.failures, "since": before.failing_since.isoformat()}
                    events.append(self.archive.events.put(connection, "recovered", document, ask.feed))
            self.archive.events.tell(*events)

    def record_failure(self, feed_id: str, reason: str) -> None:
        """Count the failure; it is an event when it is the first, when its reason is another, and once a day."""
        now, reason = datetime.now(UTC), reason[:_LONGEST_REASON]
        with self._at_the_archive(), _told_when_full(feed_id):
            events = []
            with writing(self.archive.engine) as connection:
                before = find_ask(connection, feed_id) or Ask(feed_id, now)
                since, failures = before.failing_since or now, before.failures + 1
                tells = reason != before.reason or before.told is None or now - before.told >= TELL_AGAIN
                if tells:
                    document = {"reason": reason, "failures": failures, "since": since.isoformat()}
                    events.append(self.archive.events.put(connection, "failed", document, feed_id))
                put_ask(
                    connection,
                    replace(
                        before,
                        asked=now,
                        failures=failures,
                        failing_since=since,
                        reason=reason,
                        told=now if tells else before.told,
                    ),
                )
            self.archive.events.tell(*events)

    @contextmanager
    def _at_the_archive(self) -> Iterator[None]:
        with self._door:
            if self._stopped:
                raise StoppedError("the node is stopping")
            self._inside += 1
        try:
            yield
        finally:
            with self._door:
                self._inside -= 1
                self._door.notify_all()


@dataclass(frozen=True, slots=True)
class _Validators:
    """The reply that a publisher may say is unchanged, and the headers that ask so; none for none."""

    reply: int
    headers: Mapping[str, str]


def find_host(url: str) -> str:
    """The host of an address, with its port where that isn't the scheme's own: whom budgets and manners are about."""
    return httpx.URL(url).netloc.decode()


def _describe(error: BaseException) -> str:
    return str(error) if isinstance(error, PasserelleError) else f"{type(error).__name__}: {error}"


@contextmanager
def _told_when_full(feed_id: str) -> Iterator[None]:
    """A disk that takes nothing takes no record of that either; the log has it."""
    try:
        yield
    except (StorageFullError, OperationalError) as error:
        _log.warning("what came of asking is not recorded", feed=feed_id, reason=str(error))
