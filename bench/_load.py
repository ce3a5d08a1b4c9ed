"""An HTTP/1.1 load generator lean enough to leave the machine to the server: one process, keep-alive, no pipelining.

Run as a program by `bench/http_*.py`; it prints one JSON object. Requests are whole, rendered before the clock
starts.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import uvloop

_STATUS_AT = slice(9, 12)  # "HTTP/1.1 201 Created"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Caller(asyncio.Protocol):
    """One connection: sends the next request as soon as the answer before it is whole."""

    def __init__(self, requests: Iterator[bytes], tally: Tally) -> None:
        self.requests = requests
        self.tally = tally
        self.buffer = bytearray()
        self.expected = 0
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        request = next(self.requests, None)
        if request is None or time.perf_counter() >= self.tally.deadline:
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.expected:
            head = self.buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(self.buffer, 0, head)
            if length is None:
                raise ValueError(f"an answer without a length: {bytes(self.buffer[:200])!r}")
            self.expected = head + 4 + int(length[1])
        if len(self.buffer) >= self.expected:
            self.tally.latencies.append(time.perf_counter() - self.sent_at)
            self.tally.statuses[self.buffer[_STATUS_AT].decode()] += 1
            if self.buffer[9] != 0x32:
                self.tally.refusal = self.buffer.decode(errors="replace")[-400:]
            del self.buffer[: self.expected]
            self.expected = 0
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.tally.open -= 1
        if self.tally.open == 0:
            self.tally.done.set()


class Tally:
    """What all connections saw together."""

    def __init__(self, seconds: float, connections: int) -> None:
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.refusal = ""
        self.open = connections
        self.done = asyncio.Event()
        self.deadline = time.perf_counter() + seconds


async def run(port: int, connections: int, seconds: float, requests: Iterator[bytes]) -> dict[str, object]:
    """Requests per second, latency in milliseconds and answers by status over `seconds`."""
    loop = asyncio.get_running_loop()
    tally = Tally(seconds, connections)
    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Caller(requests, tally), "127.0.0.1", port)
    await tally.done.wait()
    elapsed = time.perf_counter() - began
    ordered = sorted(tally.latencies)
    return {
        "seconds": round(elapsed, 2),
        "requests": len(ordered),
        "per_second": round(len(ordered) / elapsed, 1),
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
        "max_ms": round(ordered[-1] * 1000, 2),
        "statuses": dict(tally.statuses),
        "refusal": tally.refusal,
    }


def read_requests(path: Path) -> list[bytes]:
    """The rendered requests of a file: each preceded by its length as eight bytes, big-endian."""
    requests, raw, at = [], path.read_bytes(), 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 8])
        requests.append(raw[at + 8 : at + 8 + length])
        at += 8 + length
    return requests


def main() -> None:
    """Arguments: port, connections, seconds, file of requests, `once` or `cycle`."""
    port, connections, seconds, path, mode = sys.argv[1:6]
    requests = read_requests(Path(path))
    source = cycle(requests) if mode == "cycle" else iter(requests)
    print(json.dumps(uvloop.run(run(int(port), int(connections), float(seconds), source))))


if __name__ == "__main__":
    main()
