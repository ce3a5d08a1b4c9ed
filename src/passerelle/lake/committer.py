"""One thread that makes batches durable: all that wait when a commit ends share the next one."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby

import pyarrow as pa

from passerelle.lake.contract import Origin, Receipt
from passerelle.lake.front import Front, Key, Waiting, encode
from passerelle.lake.versions import Version, to_table
from passerelle.model.errors import BacklogFullError, IdempotencyError, PasserelleError


@dataclass(slots=True)
class Submission:
    """A batch on its way into the front: its rows with their body, or a single row."""

    origin: Origin
    rows: int
    table: pa.Table | None = None
    body: bytes = b""
    single: Version | None = None
    future: Future[Receipt] = field(default_factory=Future)


class Committer:
    """Takes submissions in order, and hands what is durable to `publish` before their futures resolve."""

    def __init__(
        self, front: Front, last_sequence: int, publish: Callable[[list[Waiting]], None], *, most_rows: int
    ) -> None:
        self._front = front
        self._sequence = last_sequence
        self._publish = publish
        self._most_rows = most_rows
        self._backlog = 0
        self._queue: list[Submission] = []
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="lake committer", daemon=True)

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def submit(self, submission: Submission) -> None:
        """Queue `submission`; `BacklogFullError` where it would make the backlog too long."""
        with self._wake:
            if self._closing:
                raise ValueError("the lake is closed")
            if self._backlog + submission.rows > self._most_rows:
                raise BacklogFullError(
                    f"{self._backlog} rows wait to be filed and {submission.rows} came; {self._most_rows} may wait",
                    where="backlog",
                )
            self._backlog += submission.rows
            self._queue.append(submission)
            self._wake.notify()

    def release(self, rows: int) -> None:
        """`rows` left the backlog (or, when negative, entered it)."""
        with self._wake:
            self._backlog -= rows

    def close(self) -> None:
        """Commit what is queued, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        group: list[Submission] = []
        try:
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._queue or self._closing)
                    queue, self._queue = self._queue, []
                if not queue:
                    return
                group = [submission for submission in queue if self._begin(submission)]
                self._settle(group)
        finally:
            self._refuse_rest(group)

    def _begin(self, submission: Submission) -> bool:
        """Whether the submitter still waits: from here on the future can't be cancelled, only answered."""
        waits = submission.future.set_running_or_notify_cancel()
        if not waits:
            self.release(submission.rows)
        return waits

    def _refuse_rest(self, group: list[Submission]) -> None:
        """Take nothing more, whatever ended the thread: nobody is left waiting for an answer that can't come."""
        with self._wake:
            self._closing = True
            left, self._queue = self._queue, []
        begun = [submission for submission in group if not submission.future.done()]
        for submission in [*begun, *(submission for submission in left if self._begin(submission))]:
            submission.future.set_exception(RuntimeError("the lake takes no more appends"))

    def _settle(self, group: list[Submission]) -> None:
        if not group:
            return
        try:
            answers = self._commit(group)
        except (PasserelleError, sqlite3.Error, OSError) as error:
            self.release(sum(submission.rows for submission in group))
            for submission in group:
                submission.future.set_exception(error)
            return
        for submission, answer in zip(group, answers, strict=True):
            if isinstance(answer, IdempotencyError):
                submission.future.set_exception(answer)
            else:
                submission.future.set_result(answer)

    def _commit(self, group: list[Submission]) -> list[Receipt | IdempotencyError]:
        found = self._front.find({submission.origin.key for submission in group if submission.origin.key})
        digests = {key: remembered.digest for key, remembered in found.items()}
        answers: list[Receipt | IdempotencyError] = []
        accepted = []
        for submission in group:
            origin = submission.origin
            known = digests.get(origin.key)
            if known is None:
                accepted.append(submission)
                if origin.key:
                    digests[origin.key] = origin.digest
            answers.append(answer(submission.rows, known, origin))
        if accepted:
            self._write(accepted)
        self.release(sum(submission.rows for submission in group) - sum(submission.rows for submission in accepted))
        return answers

    def _write(self, accepted: list[Submission]) -> None:
        sequence = self._sequence
        waiting: list[Waiting] = []
        bodies: list[tuple[int, int, bytes]] = []
        for one, run in groupby(accepted, key=lambda submission: submission.single is not None):
            if one:
                sequence += 1
                table = to_table(submission.single for submission in run if submission.single is not None)
                waiting.append(Waiting(sequence, table))
                bodies.append((sequence, table.num_rows, encode(table)))
                continue
            for submission in run:
                sequence += 1
                waiting.append(Waiting(sequence, submission.table))
                bodies.append((sequence, submission.rows, submission.body))
        keys = (
            Key(submission.origin.key, submission.origin.digest, submission.origin.source, submission.rows)
            for submission in accepted
            if submission.origin.key
        )
        self._front.write(bodies, keys)
        self._sequence = sequence
        self._publish(waiting)


def answer(rows: int, known: bytes | None, origin: Origin) -> Receipt | IdempotencyError:
    """What a batch of `rows` is told, `known` being the digest its key came with before."""
    if known is None:
        return Receipt(rows, repeated=False)
    if known == origin.digest:
        return Receipt(rows, repeated=True)
    return IdempotencyError(f"key {origin.key!r} came before with another content", where="key")
