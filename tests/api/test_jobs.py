"""Jobs: what their arguments may be, and that they leave the node its threads."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from passerelle.api.build import WORKERS, Api
from passerelle.api.jobs import JOBS, Job, Nothing
from passerelle.api.node import Node
from passerelle.archive.folder import create_folder
from passerelle.archive.opening import open_archive
from passerelle.registry.tokens import Scope


@pytest.mark.parametrize(
    ("recorded_at", "came"),
    [
        ("2999-01-01T00:00:00Z", "2999-01-01T00:00:00+00:00"),
        ((datetime.now(UTC) + timedelta(days=1)).isoformat(), ""),
        ("2021-01-01T00:00:00", "2021-01-01T00:00:00"),
        ("yesterday", "yesterday"),
        (5, "5"),
    ],
)
def test_a_recording_is_dated_with_a_zone_and_not_after_now(
    paris: Any, checkout: Path, recorded_at: object, came: str
) -> None:
    """A `recorded_at` to come, without a zone or of another kind is a 422 that shows it, and nothing is kept."""
    file = checkout / "data" / "autolib" / "autolib_snapshot_2018-02-23.csv"
    arguments = {"feed": "autolib-stations", "path": str(file), "recorded_at": recorded_at}
    with paris.client() as client:
        before = client.get("/feeds/autolib-stations/replies").json()
        answer = client.post("/jobs/import", json=arguments, headers={"authorization": f"Bearer {paris.officer}"})
        assert client.get("/feeds/autolib-stations/replies").json() == before
    problem = json.loads(answer.text.splitlines()[-1])["problem"]
    assert problem["status"] == 422
    assert problem["errors"][0]["where"] == "recorded_at"
    assert came in problem["errors"][0]["came"]


def test_long_jobs_leave_the_others_their_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While twelve long jobs are asked for, two run; lists and quick jobs are answered, and all twelve end."""
    create_folder(tmp_path / "paris", "paris")
    archive = open_archive(tmp_path / "paris")
    _, secret = archive.create_token(name="o", scope=Scope.OFFICER)
    end, running, most = threading.Event(), [], []

    def wait(*_: object) -> None:
        running.append(1)
        most.append(len(running))
        end.wait(20)
        running.pop()

    monkeypatch.setitem(JOBS, "wait", Job("wait", "Wait.", Nothing, wait))
    api = Api(Node(archive))

    async def ask() -> None:
        headers = {"authorization": f"Bearer {secret}"}
        transport = httpx.ASGITransport(api.app)
        async with (
            api.routes.lifespan(),
            httpx.AsyncClient(transport=transport, base_url="http://test/api/v1", headers=headers) as client,
        ):
            asked = [asyncio.create_task(client.post("/jobs/wait")) for _ in range(12)]
            await asyncio.sleep(0.3)
            try:
                async with asyncio.timeout(5):
                    assert (await client.get("/series?limit=1")).status_code == 200
                    assert "result" in (await client.post("/jobs/list-tokens")).text
            finally:
                end.set()
            assert ["result" in (await each).text for each in asked] == [True] * 12

    asyncio.run(ask())
    api.close()
    archive.close()
    assert max(most) == WORKERS == 2
