"""The bundled recordings, and short replies cut from them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest

from passerelle.feeds import FORMS
from passerelle.feeds.city import Bundle, City, find_city_file, find_data_file, read_city
from passerelle.feeds.feed import Feed, Parsed, Reply

RECEIVED = datetime(2024, 5, 1, 12, tzinfo=UTC)
RECORDED = "recorded_2018-02-23.csv"
SAMPLE_LINES = 40


@pytest.fixture(scope="session")
def cities() -> list[City]:
    """Every city file of the checkout."""
    return [read_city(find_city_file(name)) for name in ("paris", "san-francisco", "reference")]


@pytest.fixture(scope="session")
def feeds(cities: list[City]) -> dict[str, Feed]:
    """Every feed by its id."""
    return {feed.id: feed for city in cities for feed in city.feeds}


@pytest.fixture(scope="session")
def bundles(cities: list[City]) -> list[Bundle]:
    """Every recording that the demo imports."""
    return [bundle for city in cities for bundle in city.bundles]


@pytest.fixture(scope="session")
def parse(feeds: dict[str, Feed]) -> Callable[..., Parsed]:
    """`parse(feed id, bytes or text, name=..., received=..., parameters=...)`."""

    def parse(
        feed: str, body: bytes | str, name: str = RECORDED, received: datetime = RECEIVED, **changes: Any
    ) -> Parsed:
        declared = replace(feeds[feed], **changes)
        data = body.encode() if isinstance(body, str) else body
        return FORMS[declared.form].parse(Reply(data, received, name=name), declared)

    return parse


@pytest.fixture(scope="session")
def sample(bundles: list[Bundle]) -> Callable[[str], bytes]:
    """`sample(feed id)`: the header and the first lines of the feed's first recording, unpacked."""

    def sample(feed: str) -> bytes:
        bundle = next(bundle for bundle in bundles if bundle.feed == feed)
        body = find_data_file(bundle.path).read_bytes()
        if body.startswith(b"PAR1"):
            buffer = io.BytesIO()
            pq.write_table(pq.read_table(io.BytesIO(body)).slice(0, SAMPLE_LINES), buffer, write_page_checksum=True)
            return buffer.getvalue()
        if body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        return b"\n".join(body.split(b"\n", SAMPLE_LINES + 1)[: SAMPLE_LINES + 1]) + b"\n"

    return sample
