"""Messages on their way: an inbox that has an end, and the file they are safe in."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a line; `mid`, `qos` and `session` are what its acknowledgement needs."""

    line: bytes
    mid: int
    qos: int
    session: int


class Inbox:
    """Between a broker's thread and the disk's. For many threads.

    `room` bounds messages of QoS 0, which nobody sends again: one too many is counted and let go. Messages of
    QoS 1 are bounded by how many the broker sends before the first is acknowledged.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self._messages: deque[Message] = deque()
        self._changed = threading.Condition()
        self._lost = 0

    def put(self, message: Message) -> None:
        """Take the message in, or count it where there is no room."""
        with self._changed:
            if message.qos == 0 and len(self._messages) >= self.room:
                self._lost += 1
                return
            self._messages.append(message)
            self._changed.notify()

    def take(self, timeout: float) -> list[Message]:
        """All messages there are, waiting for a first one at most `timeout` seconds."""
        with self._changed:
            if not self._messages:
                self._changed.wait(timeout)
            taken = list(self._messages)
            self._messages.clear()
            return taken

    def give_back(self, messages: Iterable[Message]) -> None:
        """Put messages that could not be written before those that came since."""
        with self._changed:
            self._messages.extendleft(reversed(list(messages)))

    def wake(self) -> None:
        """End a waiting `take`."""
        with self._changed:
            self._changed.notify_all()

    def take_lost(self) -> int:
        """How many messages found no room since this was last asked."""
        with self._changed:
            lost, self._lost = self._lost, 0
            return lost


class Spool:
    """A file of lines that is on the disk when `append` returns. For one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            self.size = file.tell()
        # A line that a killed process left without its end was never acknowledged.
        self._truncate(self.read().rfind(b"\n") + 1)

    def append(self, lines: bytes) -> None:
        """Write whole lines and sync them; nothing of them stays where that fails."""
        try:
            with self._path.open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._truncate(self.size)
            raise
        self.size += len(lines)

    def read(self) -> bytes:
        """All lines."""
        return self._path.read_bytes()

    def clear(self) -> None:
        """Forget all lines."""
        self._truncate(0)

    def _truncate(self, size: int) -> None:
        with self._path.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())
        self.size = size
