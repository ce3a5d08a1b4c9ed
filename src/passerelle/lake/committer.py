"""One thread that makes batches durable: all that wait when a commit ends share the next one."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, repeat

import pyarrow as pa

from passerelle.lake.contract import Origin, Receipt
from passerelle.lake.front import Front, Key, Waiting, encode
from passerelle.lake.rows import to_microseconds
from passerelle.lake.versions import Version, to_table
from passerelle.model.errors import BacklogFullError, IdempotencyError, InvalidValueError, PasserelleError

Answer = Receipt | Exception
"""What becomes of a batch: kept, or the reason why not."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows on their way into the front, and where they came from: a table with its body, or a single row."""

    origin: Origin
    rows: int
    table: pa.Table | None = None
    body: bytes = b""
    single: Version | None = None

    @classmethod
    def of_one(cls, series: int, start: int, end: int, value: float, origin: Origin) -> Batch:
        """A batch of one row with a value, times in microseconds since 1970."""
        if start >= end or not math.isfinite(value):
            raise InvalidValueError(
                f"series {series}, start {start}, end {end}, value {value}: "
                "must start before it ends and have a finite value",
                where="row 0",
            )
        return cls(
            origin,
            1,
            single=Version(series, start, end, value, None, to_microseconds(origin.known_since), origin.source),
        )


@dataclass(frozen=True, slots=True)
class Submission:
    """Batches that come together, each kept or refused by itself.

    `tell` is called once with the answers, in the batches' order and in the committer's thread; it may not raise.
    """

    batches: Sequence[Batch]
    tell: Callable[[list[Answer]], None]

    @property
    def rows(self) -> int:
        """How many rows all batches have."""
        return sum(batch.rows for batch in self.batches)


class Committer:
    """Takes submissions in order, and hands what is durable to `publish` before anybody is told."""

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
        rows = submission.rows
        with self._wake:
            if self._closing:
                raise ValueError("the lake is closed")
            if self._backlog + rows > self._most_rows:
                raise BacklogFullError(
                    f"{self._backlog} rows wait to be filed and {rows} came; {self._most_rows} may wait",
                    where="backlog",
                )
            self._backlog += rows
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
        taken: deque[Submission] = deque()
        try:
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._queue or self._closing)
                    queue, self._queue = self._queue, []
                if not queue:
                    return
                taken.extend(queue)
                self._settle(taken)
        finally:
            self._refuse_rest(taken)

    def _refuse_rest(self, taken: deque[Submission]) -> None:
        """Take nothing more, whatever ended the thread: nobody is left waiting for an answer that can't come."""
        with self._wake:
            self._closing = True
            left, self._queue = self._queue, []
        for submission in (*taken, *left):
            submission.tell([RuntimeError("the lake takes no more appends")] * len(submission.batches))

    def _settle(self, taken: deque[Submission]) -> None:
        """Commit what was taken, and let go of each submission as it is told."""
        batches = [batch for submission in taken for batch in submission.batches]
        answers: Iterable[Answer]
        try:
            answers = self._commit(batches)
        except (PasserelleError, sqlite3.Error, OSError) as error:
            self.release(sum(batch.rows for batch in batches))
            answers = repeat(error, len(batches))
        told = iter(answers)
        while taken:
            submission = taken.popleft()
            submission.tell(list(islice(told, len(submission.batches))))

    def _commit(self, batches: Sequence[Batch]) -> list[Receipt | IdempotencyError]:
        found = self._front.find({batch.origin.key for batch in batches if batch.origin.key})
        digests = {key: remembered.digest for key, remembered in found.items()}
        answers: list[Receipt | IdempotencyError] = []
        accepted = []
        for batch in batches:
            origin = batch.origin
            known = digests.get(origin.key)
            if known is None:
                accepted.append(batch)
                if origin.key:
                    digests[origin.key] = origin.digest
            answers.append(answer(batch.rows, known, origin))
        if accepted:
            self._write(accepted)
        self.release(sum(batch.rows for batch in batches) - sum(batch.rows for batch in accepted))
        return answers

    def _write(self, accepted: list[Batch]) -> None:
        sequence = self._sequence
        waiting: list[Waiting] = []
        bodies: list[tuple[int, int, bytes]] = []
        for one, run in groupby(accepted, key=lambda batch: batch.single is not None):
            if one:
                sequence += 1
                table = to_table(batch.single for batch in run if batch.single is not None)
                waiting.append(Waiting(sequence, table))
                bodies.append((sequence, table.num_rows, encode(table)))
                continue
            for batch in run:
                sequence += 1
                waiting.append(Waiting(sequence, batch.table))
                bodies.append((sequence, batch.rows, batch.body))
        keys = (
            Key(batch.origin.key, batch.origin.digest, batch.origin.source, batch.rows)
            for batch in accepted
            if batch.origin.key
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
