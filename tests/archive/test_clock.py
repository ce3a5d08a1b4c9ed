"""The time at which a node learns things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from passerelle.archive.clock import Clock


def test_time_never_runs_backwards() -> None:
    """A machine whose time is an hour behind what was given before gets that time again."""
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert [Clock(ahead).read(), Clock(ahead).read()] == [ahead, ahead]


def test_time_is_the_machines() -> None:
    """Otherwise it is the machine's own time."""
    before = datetime.now(UTC)
    assert before <= Clock(before - timedelta(days=1)).read() <= datetime.now(UTC)
