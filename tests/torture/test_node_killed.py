"""A node killed while it takes posts."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

SENDERS = 6
BATCH = 40


class Sender(threading.Thread):
    """Posts hour after hour of one series, every other time a batch, until the node is gone.

    `acknowledged` hours were answered with 201; `doubtful` is the one request that had no answer.
    """

    def __init__(self, node, series: str, observation) -> None:
        super().__init__(daemon=True)
        self.node, self.series, self.observation = node, series, observation
        self.acknowledged: list[int] = []
        self.doubtful: tuple[str, list[int]] | None = None
        self.surprise: str | None = None

    def run(self) -> None:
        hour = request = 0
        with httpx.Client(headers=self.node.headers, timeout=600) as client:
            while self.surprise is None:
                hours = list(range(hour, hour + (1 if request % 2 else BATCH)))
                key = f"{self.series}-{request}"
                try:
                    answer = self.post(client, key, hours)
                except httpx.TransportError:
                    self.doubtful = (key, hours)
                    return
                if answer.status_code == 429:
                    time.sleep(0.05)
                    continue
                if answer.status_code != 201:
                    self.surprise = answer.text
                self.acknowledged += hours
                hour, request = hours[-1] + 1, request + 1

    def post(self, client: httpx.Client, key: str, hours: list[int]) -> httpx.Response:
        rows = [self.observation(self.series, hour) for hour in hours]
        body = rows[0] if len(rows) == 1 else {"observations": rows}
        return client.post(f"{self.node.api}/observations", json=body, headers={"idempotency-key": key})


@pytest.mark.timeout(0)
def test_acknowledged_posts_survive_the_kill(
    tmp_path: Path, rounds: int, node_in: Callable[[Path], object], observation: Callable[[str, int], dict[str, object]]
) -> None:
    """After kill -9 every acknowledged observation is there once, and what had no answer can be sent again."""
    chance = random.Random(20210116)
    node = node_in(tmp_path / "city")
    node.start()
    for number in range(rounds):
        senders = [Sender(node, node.register(f"r{number}s{each}"), observation) for each in range(SENDERS)]
        for sender in senders:
            sender.start()
        time.sleep(chance.uniform(0.05, 2.0))
        node.kill()
        for sender in senders:
            sender.join(600)
        assert [sender.surprise for sender in senders if sender.surprise] == []
        node.start()
        for sender in senders:
            found = node.read_versions(sender.series)
            assert found["hour"].is_duplicated().sum() == 0
            assert set(sender.acknowledged) <= set(found["hour"])
            assert (found["hour"] % 20_000).to_list() == found["value"].to_list()
            key, hours = sender.doubtful
            assert set(found["hour"]) - set(sender.acknowledged) in (set(), set(hours))
            with httpx.Client(headers=node.headers, timeout=600) as client:
                answer = sender.post(client, key, hours)
            assert answer.status_code == 201, answer.text
            found = node.read_versions(sender.series)
            assert found["hour"].sort().to_list() == [*sender.acknowledged, *hours]
    assert node.end() == 0
