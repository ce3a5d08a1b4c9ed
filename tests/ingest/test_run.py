"""The plan carried out, by real threads against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from polars.exceptions import PanicException

from passerelle.archive import Archive
from passerelle.feeds._http import Limits
from passerelle.ingest.ask import Asker
from passerelle.ingest.budget import Budget
from passerelle.ingest.run import Ingest
from passerelle.registry.asks import list_asks

City = Callable[..., Archive]
Make = Callable[..., Asker]


@contextmanager
def running(asker: Asker) -> Iterator[Ingest]:
    """The plan under way; ended afterwards, within a second."""
    ingest = Ingest(asker)
    ingest.start()
    try:
        yield ingest
    finally:
        began = time.monotonic()
        ingest.stop()
        assert time.monotonic() - began < 1


def wait(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_broken_feeds_stop_no_other(city: City, asker: Make, publisher: Any, faults: dict[str, Any]) -> None:
    """Beside ten feeds that are broken, each in its way, a healthy one is asked and answers again and again."""
    archive = city("well", *faults)
    publisher.pages |= {f"/{name}": page for name, page in faults.items()}
    with running(asker(archive)):
        wait(lambda: publisher.count("/well") >= 5 and all(publisher.count(f"/{name}") for name in faults))
        wait(lambda: len(read_failing(archive)) == len(faults))
    assert read_failing(archive) == set(faults)
    moments = [moment for path, moment, _ in publisher.asked if path == "/well"]
    assert max(after - before for before, after in pairwise(moments)) < 3


def test_a_panic_of_the_engine_stops_no_thread(city: City) -> None:
    """Polars' panic is no `Exception`: the feed that brought it out is asked again all the same, and others are."""
    archive, asked = city("a", "b"), []

    class Panicking(Asker):
        def ask(self, feed_id: str) -> Any:
            asked.append(feed_id)
            raise PanicException(feed_id)

    with running(Panicking(archive, environ={}, limits=Limits(), budgets=())):
        wait(lambda: asked.count("a") >= 2 and asked.count("b") >= 2)


def read_failing(archive: Archive) -> set[str]:
    with archive.engine.connect() as connection:
        return {feed for feed, ask in list_asks(connection).items() if ask.failures}


def test_a_host_is_asked_by_few_at_once(city: City, publisher: Any) -> None:
    """Of twelve feeds of a host that takes a moment to answer no more than four are asked at the same time."""
    archive, now, most, lock = city(*(f"f{number}" for number in range(12))), 0, 0, threading.Lock()

    def answer(handler: Any) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.5)
        with lock:
            now -= 1
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    for page in publisher.pages.values():
        page.act = answer
    with running(Asker(archive, environ={}, limits=Limits(), budgets=())):
        wait(lambda: len({path for path, _, _ in publisher.asked}) == 12)
    assert most == 4


def test_a_restart_does_not_ask_anew(city: City, asker: Make, publisher: Any) -> None:
    """An hourly feed that was asked a moment ago is due in an hour, in the next process too."""
    archive = city("a", "b", cadence=3600)
    asker(archive).ask("a")
    with running(asker(archive)) as ingest:
        due = ingest.find_due("a")
        assert due is not None
        assert 3590 < (due - datetime.now(UTC)).total_seconds() <= 3600
        other = ingest.find_due("b")
        assert other is not None
        assert (other - datetime.now(UTC)).total_seconds() <= 60
    assert publisher.count("/a") == 1


def test_a_spent_budget_defers(city: City, asker: Make, publisher: Any) -> None:
    """With three calls an hour two feeds at one second are planned 2666 s apart, and failing none goes beyond three."""
    archive = city("a", "b")
    one = asker(archive, [Budget("three", (publisher.host,), 3, 3600, "tests")])
    # Two feeds want 7200 calls an hour; the plan uses 0.9 * 3 = 2.7 of them: 7200 / 2.7 = 2666.7.
    with running(one) as ingest:
        assert ingest.cadences == {"a": pytest.approx(2666.67, abs=0.01), "b": pytest.approx(2666.67, abs=0.01)}
    assert len(publisher.asked) <= 3


def test_a_recorded_feed_is_not_asked(city: City, asker: Make) -> None:
    """A feed without an address, or whose publisher ended it, is in no plan."""
    archive = city("a")
    (feed,) = archive.city.feeds
    ended = {"url": "", "cadence_seconds": 1}, {"url": feed.url, "cadence_seconds": None}
    for changes in ended:
        for name, value in changes.items():
            object.__setattr__(feed, name, value)
        assert Ingest(asker(archive)).cadences == {}


def test_sixty_feeds_keep_their_cadence(checkout: Path) -> None:
    """Of 60 feeds at 2 s six are broken; the node asks each of the others within 5 % of its cadence.

    The short form of bench/scheduler.py; where the machine is busy with something else it gets a second chance.
    """
    options = {"--feeds": 60, "--cadence": 2, "--seconds": 8, "--new-every": 4, "--port": 18340}
    command = [sys.executable, checkout / "bench" / "scheduler.py", "--json"]
    command += [str(word) for option in options.items() for word in option]
    runs = (json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(2))
    seen = next((run for run in runs if run["worst_mean_off"] <= 0.05), {"worst_mean_off": 1})
    assert seen["worst_mean_off"] <= 0.05
    assert (seen["measured"], seen["healthy"], seen["broken"]) == (54, 54, 6)
    # Of the six kinds that six feeds are, one says nothing for its 20 s and one drips for its 30 s.
    assert seen["failing"] == 4
