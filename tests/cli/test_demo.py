"""`passerelle demo`: from nothing to two answering nodes, and to nothing again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from passerelle.cli.demo import list_cities


def start(folder: Path, *cities: str, **environment: str) -> tuple[subprocess.Popen[str], list[str]]:
    """The demo, and the lines it printed up to the one that begins `ready`."""
    command = [sys.executable, "-m", "passerelle.cli", "demo", *cities, "--folder", str(folder)]
    demo = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **environment}
    )
    lines: list[str] = []
    assert demo.stdout is not None
    with demo.stdout:
        for line in demo.stdout:
            lines.append(line.rstrip())
            if line.startswith("ready"):
                break
    return demo, lines


def list_children(process: int) -> list[int]:
    """The processes that `process` started."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.timeout(240)
def test_both_cities_come_up_judged_and_go(tmp_path: Path) -> None:
    """Both nodes answer with a judged change when `ready` is printed; PORT shifts both; Ctrl-C ends all."""
    demo, lines = start(tmp_path / "demo", PORT="18230")
    children = list_children(demo.pid)
    urls = lines[-1].split()[1:]
    assert urls == ["http://127.0.0.1:18230", "http://127.0.0.1:18231"]
    for url, city in zip(urls, ("paris", "san-francisco"), strict=True):
        answer = httpx.get(f"{url}/api/v1/city").json()
        changes = httpx.get(f"{url}/api/v1/changes").json()["items"]
        assert answer["id"] == city
        assert answer["counts"]["observations"] > 50_000
        findings = [one["finding"] for one in changes if one["finding"] is not None]
        assert findings
        assert all(finding["verdict"] and finding["sentence"]["fr"] for finding in findings)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 0
    assert len(children) == 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    again, lines = start(tmp_path / "demo", "san-francisco", "--json", PORT="18230")
    assert lines[-1] == "ready http://127.0.0.1:18231"
    (told,) = map(json.loads, lines[:-1])
    assert (told["city"], told["url"]) == ("san-francisco", "http://127.0.0.1:18231")
    children = list_children(again.pid)
    again.kill()
    again.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_a_city_on_request_waits_for_it() -> None:
    """Unasked, the demo starts the two cities; asked for by name or with all, also the reference sets, by port."""
    assert list_cities([]) == ["paris", "san-francisco"]
    assert list_cities(["all"]) == ["paris", "san-francisco", "reference"]
    assert list_cities(["reference"]) == ["reference"]


@pytest.mark.timeout(120)
def test_the_reference_sets_come_up(tmp_path: Path) -> None:
    """The third node answers on the third port with the rows counted in the cards of data/, less those refused."""
    demo, lines = start(tmp_path / "demo", "reference", PORT="18230")
    url = lines[-1].removeprefix("ready ")
    answer = httpx.get(f"{url}/api/v1/city").json()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 0
    assert url == "http://127.0.0.1:18232"
    # Bins: two values of 21,659 readings less the 768 repeated; districts 186,619, weather 77,886; 39 states, 31 years.
    assert answer["counts"]["observations"] == 2 * (21_659 - 768) + 186_619 + 77_886 + 39 * 31
