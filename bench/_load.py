"""An HTTP/1.1 load generator lean enough to leave the machine to the server: one process, keep-alive, no pipelining.

Run as a program by `bench/http_*.py`; it prints one JSON object. Batches are
prepared before the clock starts, as far as they are alike.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, pairwise

import numpy as np
import pyarrow as pa
import uvloop

FIRST = datetime(1810, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
_STATUS_AT = slice(9, 12)  # "HTTP/1.1 201 Created"
_LATER_SECONDS = 0.25
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Caller(asyncio.Protocol):
    """One connection: sends the next request as soon as the answer before it is whole."""

    def __init__(self, requests: Iterator[bytes], tally: Tally, port: int) -> None:
        self.requests = requests
        self.tally = tally
        self.port = port
        self.buffer = bytearray()
        self.expected = 0
        self.sent_at = 0.0
        self.refused = False

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
            status = self.buffer[_STATUS_AT].decode()
            self.tally.statuses[status] += 1
            if status.startswith("2"):
                self.tally.latencies.append(time.perf_counter() - self.sent_at)
            elif status != "429":
                self.tally.refusal = self.buffer.decode(errors="replace")[-400:]
            del self.buffer[: self.expected]
            self.expected = 0
            self.refused = status == "429"
            if not self.refused:
                self.send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self.refused:
            # As a sender does that is told to come again later; only what was accepted is counted.
            asyncio.get_running_loop().call_later(_LATER_SECONDS, self.tally.start, self.requests, self.port)
            return
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
        self.starting: set[asyncio.Task[object]] = set()

    def start(self, requests: Iterator[bytes], port: int) -> None:
        """Open a connection that sends."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.create_connection(lambda: Caller(requests, self, port), "127.0.0.1", port))
        self.starting.add(task)
        task.add_done_callback(self.starting.discard)


async def run(port: int, connections: int, seconds: float, requests: Iterator[bytes]) -> dict[str, object]:
    """Requests per second, latency in milliseconds and answers by status over `seconds`."""
    tally = Tally(seconds, connections)
    began = time.perf_counter()
    for _ in range(connections):
        tally.start(requests, port)
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


def render(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One whole request."""
    named = {"host": "127.0.0.1", **headers, "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def make_singles(series: list[str], token: str) -> Iterator[bytes]:
    """Single observations, no two alike."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    # All heads are alike but for their last line.
    head = render("POST", "/api/v1/observations", headers).rpartition(b"content-length: ")[0]
    for hours in count():
        hour = FIRST + timedelta(hours=hours)
        span = f'"start":"{hour:%Y-%m-%dT%H}:00:00Z","end":"{hour + HOUR:%Y-%m-%dT%H}:00:00Z"'
        for number, one in enumerate(series, hours * len(series)):
            body = f'{{"series":"{one}",{span},"value":{number % 20_000}}}'
            yield b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body.encode())


def make_json_batches(series: list[str], token: str) -> Iterator[bytes]:
    """Batches of 100 series by 100 hours, no two alike: of a hundred series and one half-year after another."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    halves = []
    for month in (1, 7):
        hours = [datetime(1999, month, 1, tzinfo=UTC) + number * HOUR for number in range(101)]
        halves += [
            json.dumps(
                {
                    "observations": [
                        {
                            "series": one,
                            "start": f"{hour:%Y-%m-%dT%H}:00:00Z",
                            "end": f"{end:%Y-%m-%dT%H}:00:00Z",
                            "value": at,
                        }
                        for at, one in enumerate(series[first : first + 100])
                        for hour, end in pairwise(hours)
                    ]
                }
            ).encode()
            for first in range(0, len(series), 100)
        ]
    for year in range(1801, 2026):
        for half in halves:
            yield render("POST", "/api/v1/observations", headers, half.replace(b"1999-", b"%d-" % year))


def make_arrow_batches(series: list[str], token: str) -> Iterator[bytes]:
    """Batches of 100 series by 100 hours as Arrow streams, no two alike."""
    headers = {"content-type": "application/vnd.apache.arrow.stream", "authorization": f"Bearer {token}"}
    hour_us = 3_600_000_000
    offsets = np.tile(np.arange(100) * hour_us, 100)
    values = pa.array(np.repeat(np.arange(100.0), 100))
    ids = [pa.array(np.repeat(series[first : first + 100], 100)) for first in range(0, len(series), 100)]
    for number in count():
        since = int(FIRST.timestamp()) * 1_000_000 + number // len(ids) * 100 * hour_us
        start = pa.array(offsets + since).cast(pa.timestamp("us", "UTC"))
        end = pa.array(offsets + since + hour_us).cast(pa.timestamp("us", "UTC"))
        columns = {"series": ids[number % len(ids)], "start": start, "end": end, "value": values}
        sink = pa.BufferOutputStream()
        table = pa.table(columns)
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        yield render("POST", "/api/v1/observations", headers, sink.getvalue().to_pybytes())


def make_reads(paths: list[str], token: str) -> Iterator[bytes]:  # noqa: ARG001
    """GET of each path in turn, for ever."""
    return cycle([render("GET", path, {}) for path in paths])


KINDS = {
    "single": make_singles,
    "json": make_json_batches,
    "arrow": make_arrow_batches,
    "read": make_reads,
}


def main() -> None:
    """Arguments: kind, port, connections, seconds; series or paths and the token as JSON on standard input."""
    kind, port, connections, seconds = sys.argv[1:5]
    given = json.load(sys.stdin)
    requests = KINDS[kind](given["of"], given.get("token", ""))
    print(json.dumps(uvloop.run(run(int(port), int(connections), float(seconds), requests))))


if __name__ == "__main__":
    main()
