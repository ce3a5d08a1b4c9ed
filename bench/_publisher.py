"""A publisher of many feeds, some of which are broken, each in its way; it notes when each was asked.

Run as a program by `bench/scheduler.py`: arguments are the first port, how many, and N. `/well/<n>` answers with the
last three days of station n in Geod'air's form, one day more every Nth time it is asked and "unchanged" in between;
`/report` with the moments at which every path was asked for.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import time
from collections import defaultdict
from datetime import date, timedelta

HEADER = "date,station_id,station_name,station_env,station_influence,no2_ug_m3,lat,lon,zone"
FIRST = date(2018, 1, 1)
BOMB = gzip.compress(bytes(100 << 20), 9)
HANG_SECONDS = 3600.0

asked: dict[str, list[float]] = defaultdict(list)


def head(status: str, length: int, *lines: str) -> bytes:
    """The head of an answer after which the connection ends."""
    fields = (f"HTTP/1.1 {status}", f"Content-Length: {length}", "Connection: close", *lines)
    return ("\r\n".join(fields) + "\r\n\r\n").encode()


def write_days(station: int, turn: int) -> bytes:
    """Three days of a station; the value of a day is the day's number, whoever asks."""
    rows = [
        f"{FIRST + timedelta(days=day)},FR{station:05},Station {station},Urbaine,Fond,{day % 100},48.8{station:04},2.3,"
        for day in range(turn, turn + 3)
    ]
    return ("\n".join([HEADER, *rows]) + "\n").encode()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte a second of an answer that is said to be long."""
    writer.write(head("200 OK", 100_000))
    while not writer.is_closing():
        writer.write(b"d")
        await writer.drain()
        await asyncio.sleep(1)


async def answer(kind: str, number: int, turn: int, known: bytes, writer: asyncio.StreamWriter) -> None:
    """Write what a path of this kind answers at the `turn`th day to who knows the ETag `known`."""
    fixed = {
        "cut": head("200 OK", 5000) + HEADER[:20].encode(),
        "html": head("200 OK", 26, "Content-Type: text/html") + b"<html>Maintenance</html>\n\n",
        "words": head("200 OK", 12) + b"no,such,line",
        "bomb": head("200 OK", len(BOMB), "Content-Encoding: gzip") + BOMB,
        "down": head("503 Service Unavailable", 0, "Retry-After: 5"),
        "gone": head("404 Not Found", 0),
        "round": head("302 Found", 0, f"Location: /round/{number}"),
        "empty": b"",
    }
    if kind == "hang":
        await asyncio.sleep(HANG_SECONDS)
    elif kind == "drip":
        await drip(writer)
    else:
        body, tag = write_days(number, turn), f'"{turn}"'
        fresh = head("200 OK", len(body), f"ETag: {tag}") + body
        writer.write(fixed.get(kind, head("304 Not Modified", 0) if known == tag.encode() else fresh))
        await writer.drain()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request of one connection."""
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split(b" ", 2)[1].decode()
        if path == "/report":
            body = json.dumps(asked).encode()
            writer.write(head("200 OK", len(body)) + body)
            await writer.drain()
            return
        asked[path].append(time.monotonic())
        _, kind, number = path.split("/")
        known = request.lower().partition(b"if-none-match: ")[2].partition(b"\r\n")[0]
        await answer(kind, int(number), len(asked[path]) // int(sys.argv[3]), known, writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main(first: int, ports: int) -> None:
    """Serve until killed."""
    servers = [await asyncio.start_server(serve, "127.0.0.1", first + number) for number in range(ports)]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
