"""A city with a feed that is followed, by the hour, and one that has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.archive.conftest import CITY, FEED, HEADER, LINES

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds.feed import Reply
from passerelle.feeds.forms import FORMS
from passerelle.registry.asks import Ask, put_ask
from passerelle.registry.database import writing

HOUR = timedelta(hours=1)
FOLLOWED = FEED.replace('url = ""', 'url = ""\ncadence_seconds = 3600')


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """The city's archive: `hourly` is asked each hour, `ended` never again."""
    monkeypatch.setitem(FORMS, "lines", LINES)
    city = tmp_path / "city.toml"
    feeds = [FOLLOWED % ("hourly", "hourly", "yes"), FEED % ("ended", "ended", "yes")]
    city.write_text(CITY + "".join(feeds), encoding="utf-8")
    create_folder(tmp_path / "city", city)
    archive = open_archive(tmp_path / "city")
    with writing(archive.engine) as connection:
        put_ask(connection, Ask("hourly", datetime.now(UTC)))
    yield archive
    archive.close()


@pytest.fixture
def now() -> datetime:
    """This hour's beginning: what comes is dated back from it, since a node judges for its own time."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def bring(archive: Archive) -> Callable[..., int]:
    """The number of a reply of one count an hour at `place`, from `first` to before `last`, held at `held`."""

    def make(feed: str, place: str, first: datetime, last: datetime, held: datetime, value: float = 5) -> int:
        hours = [first + HOUR * at for at in range((last - first) // HOUR)]
        lines = [f"{place}|bicycle_count|{hour.isoformat().replace('+00:00', 'Z')}|{value}||x" for hour in hours]
        reply = Reply("\n".join([HEADER, *lines, ""]).encode(), held, "text/plain")
        return archive.admit(archive.keep(feed, reply, recorded=True).reply_id).reply_id

    return make
