"""The stream of events: nothing that was kept is left out, and the kinds are those that are told of."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from passerelle.api.node import Node
from passerelle.api.stream import KINDS, EventStream
from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.registry.database import writing
from passerelle.registry.events import put_event


def test_all_missed_events_are_told(tmp_path: Path) -> None:
    """Of 2,500 events those after the first come, each once, in order."""
    create_folder(tmp_path / "paris", "paris")
    archive = open_archive(tmp_path / "paris")
    with writing(archive.engine) as connection:
        numbers = [put_event(connection, "reply", datetime.now(UTC), {"n": n}).id for n in range(2500)]
    stream = EventStream(Node(archive))

    async def listen() -> list[int]:
        heard: list[int] = []
        async with asyncio.timeout(20):
            async for message in await stream.subscribe(numbers[0]):
                heard += [int(number) for number in re.findall(rb"^id: (\d+)", message)]
                if len(heard) == 2499:
                    return heard
        return heard

    assert asyncio.run(listen()) == numbers[1:]
    archive.close()


def test_the_kinds_that_are_recorded_are_the_kinds_that_are_documented(paris: Any, checkout: Path) -> None:
    """Every kind that the source records or tells is in `KINDS`, in OpenAPI's text and in docs/api.md, and no other."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (checkout / "src/passerelle").rglob("*.py"))
    recorded = re.findall(r'events\.(?:put\(connection|record\()[, ]*"(\w+)"', source)
    told = re.findall(r'_write\("(\w+)"', source)
    assert set(recorded + told) == set(KINDS)
    with paris.client() as client:
        document = client.get("/openapi.json").json()
    described = document["paths"]["/api/v1/events"]["get"]["responses"]["200"]["description"]
    listening = (checkout / "docs/api.md").read_text(encoding="utf-8").partition("## Listening")[2].partition("##")[0]
    assert all(f"`{kind}`" in described and f"`{kind}`" in listening for kind in KINDS)
