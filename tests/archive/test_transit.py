"""A network's timetable and live state in one archive: what is to come is admitted, stops are the same places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.transit.gtfs_realtime_pb2 import FeedMessage
from tests.feeds.samples import TIMETABLE, pack

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds.city import find_city_file
from passerelle.feeds.feed import Reply
from passerelle.registry.places import get_place

HELD = datetime(2018, 3, 1, 12, tzinfo=UTC)

FEED = """
[[feed]]
id = "%s"
form = "%s"
title = {en = "Of tests", fr = "De tests"}
publisher = "tests"
owner = "tests"
url = ""
documentation = "unknown"
cadence_seconds = 60
licence = {name = "unknown", url = "", attribution = "tests"}
redistribute = "no"
quantities = %s
parameters = {network = "x"}
"""
LIVE = f"""header {{ gtfs_realtime_version: "2.0" timestamp: {int(HELD.timestamp())} }} entity {{ id: "1" trip_update {{
trip {{}} stop_time_update {{ stop_id: "a" departure {{ time: {int(HELD.timestamp())} delay: 90 }} }}
stop_time_update {{ stop_id: "elsewhere" departure {{ time: {int(HELD.timestamp())} delay: 0 }} }} }} }}"""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An archive of a city with a network's two feeds."""
    text = find_city_file("paris").read_text(encoding="utf-8").partition("[[feed]]")[0]
    text += FEED % ("timetable", "gtfs", '["transit_departures_scheduled"]')
    text += FEED % ("live", "gtfs_rt", '["transit_next_departure_delay", "transit_trips_updated"]')
    (tmp_path / "city.toml").write_text(text, encoding="utf-8")
    create_folder(tmp_path / "city", tmp_path / "city.toml")
    with closing(open_archive(tmp_path / "city")) as archive:
        yield archive


@pytest.mark.parametrize("order", [("timetable", "live"), ("live", "timetable")])
def test_a_stop_is_one_place_and_a_plan_may_lie_ahead(order: tuple[str, str], archive: Archive) -> None:
    """Days after they were held departures are admitted; a stop keeps its name, and one of no timetable has its id."""
    message: bytes = text_format.Parse(LIVE, FeedMessage()).SerializeToString()
    bodies = {"timetable": pack(TIMETABLE), "live": message}
    # Three trips leave once on each of two days; two runs of the fourth leave in the same hour. Two delays, two counts.
    rows = {"timetable": 4 * 2, "live": 2 + 2}
    for feed in order:
        admission = archive.admit(archive.keep(feed, Reply(bodies[feed], HELD)).reply_id)
        assert (admission.rows, admission.refused) == (rows[feed], 0)
    with archive.engine.connect() as connection:
        stop, other = (get_place(connection, f"stop:x:{name}") for name in ("a", "elsewhere"))
    assert (stop.kind, stop.name, stop.centre) == ("stop", "Stop a", (2.3, 48.8))
    assert (other.kind, other.name) == ("unknown", "stop:x:elsewhere")
