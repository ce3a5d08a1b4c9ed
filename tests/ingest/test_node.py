"""A running node that asks, and what it says of that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from passerelle.api.local import LocalNode
from passerelle.api.problem import translate
from passerelle.archive.folder import create_folder
from passerelle.cli import main
from passerelle.model.errors import BudgetSpentError

PORT = 18380
BODY = (
    b"date,station_id,station_name,station_env,station_influence,no2_ug_m3,lat,lon,zone\n"
    b"2017-08-17,FR04031,Av Champs Elysees,Urbaine,Trafic,27.0,48.868772,2.311231,PARIS\n"
)
FEED = """
[[feed]]
id = "%s"
form = "geodair"
title = {en = "Air", fr = "Air"}
publisher = "tests"
owner = "tests"
url = "%s/%s"
documentation = "unknown"
licence = {name = "unknown", url = "", attribution = "tests"}
redistribute = "yes"
cadence_seconds = 1
quantities = ["no2_daily_mean"]
parameters = {quantity = "no2_daily_mean"}
"""


@pytest.fixture
def folder(tmp_path: Path, checkout: Path, publisher: Any) -> Path:
    """Paris as it is shipped and three feeds more: one answers, one is gone, one hangs."""
    for name, page in (
        ("well", {"body": BODY}),
        ("gone", {"status": 404}),
        ("stuck", {"act": lambda _: time.sleep(9)}),
    ):
        publisher.pages[f"/{name}"] = type("Page", (), {"body": b"", "status": 200, "headers": {}, "act": None, **page})
    city = (checkout / "cities" / "paris.toml").read_text(encoding="utf-8")
    feeds = [FEED % (name, publisher.url, name) for name in ("well", "gone", "stuck")]
    (tmp_path / "city.toml").write_text(city + "".join(feeds), encoding="utf-8")
    create_folder(tmp_path / "city", tmp_path / "city.toml")
    return tmp_path / "city"


@contextmanager
def running(folder: Path, *options: str) -> Iterator[httpx.Client]:
    """A node on the folder, asked below /api/v1; it ends within ten seconds."""
    command = [sys.executable, "-m", "passerelle.cli", "up", str(folder), "--port", str(PORT), *options]
    environ = {name: text for name, text in os.environ.items() if name != "PASSERELLE_NO_FETCH"}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environ) as node:
        deadline = time.monotonic() + 60
        while not (folder / "node.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}/api/v1", timeout=30) as client:
            yield client
        node.terminate()
        assert node.wait(10) == 0


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_node_asks_and_says_so(folder: Path, publisher: Any) -> None:
    """Plan, last answer, failures and their reason stand in the API, on the command line, in metrics and events."""
    with running(folder) as client:
        wait(lambda: publisher.count("/well") >= 3 and publisher.count("/gone") >= 2 and publisher.count("/stuck") >= 1)
        well, gone, recorded = (client.get(f"/feeds/{name}").json() for name in ("well", "gone", "eco2mix"))
        metrics = httpx.get(f"http://127.0.0.1:{PORT}/metrics").text
        shown = CliRunner().invoke(main, ["feed", "show", "gone", "--folder", str(folder)]).stdout
        listed = CliRunner().invoke(main, ["feed", "list", "--folder", str(folder)]).stdout
        with client.stream("GET", "/events", headers={"Last-Event-ID": "0"}) as stream:
            told = next(line for line in stream.iter_lines() if line.startswith("data:") and '"failed"' in line)
    assert (well["asking"]["every_seconds"], well["asking"]["failures"], well["asking"]["reason"]) == (1, 0, None)
    assert well["asking"]["last_answer"] is not None
    assert (well["replies"], well["observations"]) == (1, 1)
    assert gone["asking"]["failures"] >= 1
    assert "answered 404" in gone["asking"]["reason"]
    assert gone["asking"]["last_answer"] is None
    assert gone["asking"]["next"] > gone["asking"]["last"]
    assert recorded["asking"] is None
    assert 'passerelle_feed_failures{feed="well"} 0.0' in metrics
    assert 'passerelle_feed_failures{feed="gone"}' in metrics
    assert 'passerelle_feed_answered_seconds{feed="well"}' in metrics
    assert "answered 404" in shown
    assert "failures" in listed
    assert json.loads(told.removeprefix("data:"))["document"]["reason"] == gone["asking"]["reason"]


def test_a_node_that_must_not_go_out_asks_when_told_to(folder: Path, publisher: Any) -> None:
    """With --no-fetch nothing is asked by plan; `feed fetch` asks, keeps and admits, and says what fails."""
    with running(folder, "--no-fetch") as client:
        time.sleep(2)
        assert publisher.asked == []
        assert client.get("/feeds/well").json()["asking"]["every_seconds"] is None
        fetched = CliRunner().invoke(main, ["feed", "fetch", "well", "--folder", str(folder), "--json"])
        failed = CliRunner().invoke(main, ["feed", "fetch", "gone", "--folder", str(folder)])
        assert client.get("/feeds/gone").json()["asking"]["failures"] == 1
    assert json.loads(fetched.stdout)["rows"] == 1
    assert publisher.count("/well") == 1
    assert (failed.exit_code, failed.stderr.count("answered 404")) == (1, 1)


def test_a_stopped_folder_asks_by_the_same_way(folder: Path, publisher: Any) -> None:
    """`feed fetch` on a folder without a node is recorded as a node's; a second ask offers "unchanged"."""
    publisher.pages["/well"].headers = {"ETag": '"v1"'}
    for _ in range(2):
        assert CliRunner().invoke(main, ["feed", "fetch", "well", "--folder", str(folder)]).exit_code == 0
    assert publisher.asked[-1][2]["if-none-match"] == '"v1"'
    local = LocalNode(folder)
    try:
        asking = local.ask("GET", "/api/v1/feeds/well").json()["asking"]
    finally:
        local.close()
    assert (asking["failures"], asking["every_seconds"], asking["next"]) == (0, None, None)
    assert asking["last_answer"] is not None


def test_a_spent_budget_is_a_problem_of_its_own() -> None:
    """Asking by hand beyond the budget is a 429 that says for how long."""
    problem = translate(BudgetSpentError("api.invalid", "60 calls in 3600 s are made (x)", 61.4))
    assert (problem.kind, problem.detail) == (
        "budget",
        "api.invalid is not asked for another 61 s: 60 calls in 3600 s are made (x)",
    )
