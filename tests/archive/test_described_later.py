"""A place that is measured before anything describes it, as GBFS has it: its states and its point are two documents."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.archive import create_folder, open_archive
from passerelle.feeds.city import find_city_file
from passerelle.feeds.feed import Reply
from passerelle.registry.places import get_place, list_places

RECORDED = Path(__file__).parents[1] / "feeds" / "recorded" / "gbfs"
HELD = datetime(2022, 2, 25, 17, tzinfo=UTC)
STATUS = ("velib-status", "velib_station_status.json")
INFORMATION = ("velib-stations", "velib_station_information.json")


@pytest.mark.parametrize("order", [[STATUS, INFORMATION], [INFORMATION, STATUS], [STATUS, INFORMATION, STATUS]])
def test_a_station_is_described_whatever_comes_first(order: list[tuple[str, str]], tmp_path: Path) -> None:
    """Known by its id at first; then by name, point and area, which later states don't take away."""
    create_folder(tmp_path / "paris", find_city_file("paris"))
    with closing(open_archive(tmp_path / "paris")) as archive:
        for at, (feed, name) in enumerate(order):
            reply = Reply((RECORDED / name).read_bytes(), HELD.replace(minute=at), name=name)
            assert archive.admit(archive.keep(feed, reply).reply_id).refused == 0
        with archive.engine.connect() as connection:
            place = get_place(connection, "velib:9020")
            # Rue Toudouze is in the 9th arrondissement, whose INSEE code is 75109.
            assert (place.kind, place.name, place.areas) == (
                "station",
                "Toudouze - Clauzel",
                {"arrondissement": "75109"},
            )
            assert [one.id for one in list_places(connection, area="75109")] == ["velib:9020"]
            assert [one.id for one in list_places(connection, q="toudouze")] == ["velib:9020"]
            assert place.centre == (2.3373600840568547, 48.87929591733507)
            # The status of 14 stations, of which the information's cut describes 12.
            assert [one.id for one in list_places(connection, kind="unknown")] == ["velib:31024_relais", "velib:44009"]
