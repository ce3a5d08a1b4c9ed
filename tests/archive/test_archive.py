"""Keeping and admitting replies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest

from passerelle.archive import Admission, Archive, create_folder, open_archive
from passerelle.archive.events import Commit
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.feeds.forms import FORMS
from passerelle.lake.contract import Selection
from passerelle.lake.ducklake import DuckLakeStore
from passerelle.model.errors import UnknownNameError
from passerelle.model.series import Series
from passerelle.registry.database import open_database, writing
from passerelle.registry.events import Event, list_events
from passerelle.registry.places import get_place
from passerelle.registry.refused import list_reasons, list_refused
from passerelle.registry.replies import ReplyState, get_reply, list_replies, set_dropped
from passerelle.registry.series import get_series

HELD = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
NOON = "rivoli|bicycle_count|2021-03-01T10:00:00Z"
SERIES = Series("open", "rivoli", "bicycle_count").number

Make = Callable[..., Reply]
Admit = Callable[..., Admission]


def read_values(archive: Archive, as_known_at: datetime | None = None) -> list[float]:
    rows = archive.lake.read(Selection(series=[SERIES], as_known_at=as_known_at))
    values: list[float] = rows["value"].to_pylist()
    return values


def list_reply_files(folder: Path) -> list[Path]:
    return sorted((folder / "replies").rglob("*.zst"))


def test_a_reply_is_kept_and_admitted(archive: Archive, reply: Make) -> None:
    """The value of a reply's row is in the lake, known since the reply was received and traced to it."""
    kept = archive.keep("open", reply(f"{NOON}|120|"))
    admission = archive.admit(kept.reply_id)
    assert (admission.rows, admission.refused, admission.places, admission.series) == (1, 0, 1, 1)
    row = archive.lake.read(Selection(series=[SERIES])).to_pylist()[0]
    assert (row["value"], row["known_since"], row["source"]) == (120.0, HELD, kept.reply_id)


def test_a_place_is_given_its_official_area(archive: Archive, admit: Admit) -> None:
    """48.8566 N 2.3522 E is the city hall, in the 4th arrondissement, whose INSEE code is 75104."""
    admit(f"{NOON}|120|")
    with archive.engine.connect() as connection:
        place = get_place(connection, "rivoli")
        assert get_series(connection, SERIES).place_name == "Compteur rivoli"
    assert place.areas == {"arrondissement": "75104"}
    assert place.sectors == ("mobility",)


def test_only_scrubbed_bytes_reach_the_disk(archive: Archive, folder: Path, reply: Make) -> None:
    """The name that stood in a reply is in no file of the folder, write-ahead logs included."""
    archive.admit(archive.keep("open", reply(f"{NOON}|120|", f"{NOON}|?|")).reply_id)
    with archive.engine.connect() as connection:
        stored = get_reply(connection, 1)
        assert len(list_refused(connection, reply=1)) == 1
    assert b"Ada" not in archive.files.read(stored.sha256, stored.bytes)
    assert [path for path in folder.rglob("*") if path.is_file() and b"Lovelace" in path.read_bytes()] == []


def test_bytes_that_cannot_be_scrubbed_are_not_kept(archive: Archive, folder: Path) -> None:
    """Of a reply that `scrub` can't read only its hash and the reason stay."""
    kept = archive.keep("open", Reply(b"<html>Ada Lovelace</html>", HELD))
    admission = archive.admit(kept.reply_id)
    assert admission.state is ReplyState.UNREADABLE
    assert "a header is needed" in str(admission.reason)
    assert list_reply_files(folder) == []
    assert archive.keep("open", Reply(b"<html>Ada Lovelace</html>", HELD)).unchanged


def test_bytes_that_cannot_be_scrubbed_are_told_in_one_step(archive: Archive, folder: Path) -> None:
    """Whatever another process sees of such a reply at any moment is its last state, so that no crash leaves less."""
    seen: list[tuple[str, ReplyState, bool]] = []

    def look(event: Event | Commit) -> None:
        assert isinstance(event, Event)
        with closing(open_database(folder / "registry.sqlite").connect()) as connection:
            stored = get_reply(connection, 1)
        seen.append((event.kind, stored.state, stored.dropped is None))

    archive.events.listen(look)
    archive.keep("open", Reply(b"<html>Ada Lovelace</html>", HELD))
    assert seen == [("reply", ReplyState.UNREADABLE, False), ("unreadable", ReplyState.UNREADABLE, False)]


def test_a_scrub_that_fails_keeps_nothing(archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that `scrub` didn't foresee is the form's defect: no byte reaches the disk, and the node goes on."""
    monkeypatch.setitem(FORMS, "lines", replace(FORMS["lines"], scrub=lambda body: body.decode().encode("ascii")))
    admission = archive.admit(archive.keep("open", Reply("é".encode(), HELD)).reply_id)
    assert admission.state is ReplyState.UNREADABLE
    assert "UnicodeEncodeError" in str(admission.reason)
    assert list_reply_files(folder) == []


def test_an_unchanged_reply_is_a_check(archive: Archive, folder: Path, reply: Make) -> None:
    """The same bytes again are counted on the reply they repeat, and neither stored nor admitted twice."""
    first = archive.keep("open", reply(f"{NOON}|120|"))
    archive.admit(first.reply_id)
    later = HELD + timedelta(minutes=10)
    again = archive.keep("open", reply(f"{NOON}|120|", received=later))
    assert again.unchanged
    assert again.reply_id == first.reply_id
    with archive.engine.connect() as connection:
        stored = list_replies(connection, feed="open")
    assert [(one.checks, one.checked) for one in stored] == [(1, later)]
    assert len(list_reply_files(folder)) == 1


def test_a_b_a_is_three_replies_and_two_revisions(archive: Archive, folder: Path, admit: Admit) -> None:
    """A value that returns to what it was is known in three steps, over two files of bytes."""
    times = [HELD + timedelta(hours=hour) for hour in range(3)]
    for moment, value in zip(times, ("120", "130", "120"), strict=True):
        admit(f"{NOON}|{value}|", received=moment)
    assert [read_values(archive, moment) for moment in times] == [[120.0], [130.0], [120.0]]
    assert archive.lake.history(Selection(series=[SERIES])).num_rows == 3
    assert len(list_reply_files(folder)) == 2


def test_admitting_twice_changes_nothing(archive: Archive, reply: Make) -> None:
    """A reply admitted again gives the same answer and adds no row."""
    kept = archive.keep("open", reply(f"{NOON}|120|"))
    assert archive.admit(kept.reply_id) == archive.admit(kept.reply_id)
    assert archive.lake.history(Selection()).num_rows == 1


def test_a_withdrawal_hides_the_value_and_is_remembered(archive: Archive, admit: Admit) -> None:
    """A row without value withdraws: it isn't read any more, but was known before."""
    admit(f"{NOON}|120|")
    admit(f"{NOON}||counter was broken", received=HELD + timedelta(hours=1))
    assert read_values(archive) == []
    assert read_values(archive, HELD) == [120.0]


def test_an_unreadable_reply_keeps_bytes_and_reason(archive: Archive, reply: Make) -> None:
    """A form that fails with an error of its own makes its reply unreadable, not the node."""
    kept = archive.keep("open", reply(f"{NOON}|defect|"))
    admission = archive.admit(kept.reply_id)
    assert admission.state is ReplyState.UNREADABLE
    assert "KeyError" in str(admission.reason)
    with archive.engine.connect() as connection:
        stored = get_reply(connection, kept.reply_id)
        assert [event.kind for event in list_events(connection)] == ["reply", "unreadable"]
    assert b"defect" in archive.files.read(stored.sha256, stored.bytes)


def test_refused_rows_are_kept_with_their_reason(archive: Archive, admit: Admit) -> None:
    """Rows that the form or the bounds refuse are kept, numbered as in the reply, beside those admitted."""
    admission = admit(f"{NOON}|120|", f"{NOON.replace('10:', '09:')}|?|", f"{NOON.replace('10:', '08:')}|-4|")
    assert (admission.rows, admission.refused) == (1, 2)
    with archive.engine.connect() as connection:
        rows = list_refused(connection, feed="open")
        reasons = list_reasons(connection, feed="open")
    assert [(row.row, row.reason) for row in rows] == [
        (2, "value '?' is not a number"),
        (3, "value -4.0 is outside 0.0 to 20000.0 of bicycle_count"),
    ]
    assert reasons == {"not readable in the feed's form": 1, "outside the quantity's bounds": 1}


def test_a_reply_held_at_a_crash_is_admitted_at_the_next_start(folder: Path, reply: Make) -> None:
    """What was kept and not admitted when the process ended is admitted once by the next one."""
    with closing(open_archive(folder)) as archive:
        archive.keep("open", reply(f"{NOON}|120|"))
    with closing(open_archive(folder)) as archive:
        assert read_values(archive) == [120.0]
        with archive.engine.connect() as connection:
            assert [one.state for one in list_replies(connection)] == [ReplyState.ADMITTED]


def swap(path: Path) -> None:
    path.write_bytes(pa.compress(b"other", codec="zstd", asbytes=True))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize("harm", [swap, cut, Path.unlink])
def test_a_held_reply_that_was_damaged(folder: Path, reply: Make, harm: Callable[[Path], None]) -> None:
    """The node starts without it and says so once; the replies beside it are admitted, and it comes anew."""
    with closing(open_archive(folder)) as archive:
        archive.keep("open", reply(f"{NOON}|120|"))
        archive.keep("open", reply(f"{NOON}|130|"))
        with archive.engine.connect() as connection:
            bad = get_reply(connection, 1)
    harm(folder / "replies" / bad.sha256[:2] / f"{bad.sha256}.zst")
    for _ in range(2):
        with closing(open_archive(folder)) as archive:
            assert read_values(archive) == [130.0]
            with archive.engine.connect() as connection:
                assert [get_reply(connection, number).state for number in (1, 2)] == ["unreadable", "admitted"]
                assert [event.feed for event in list_events(connection, kind="unreadable")] == ["open"]


@pytest.mark.parametrize("harm", [swap, cut, Path.unlink])
def test_bytes_that_are_gone_are_kept_again(
    archive: Archive, folder: Path, reply: Make, harm: Callable[[Path], None]
) -> None:
    """A publisher's repetition is a check only while its bytes are here and whole: else it is a reply of its own."""
    first = archive.keep("open", reply(f"{NOON}|120|"))
    archive.admit(first.reply_id)
    [path] = list_reply_files(folder)
    harm(path)
    again = archive.keep("open", reply(f"{NOON}|120|", received=HELD + timedelta(days=1)))
    assert (again.unchanged, len(list_reply_files(folder))) == (False, 1)
    assert archive.admit(again.reply_id).state is ReplyState.ADMITTED
    assert read_values(archive) == [120.0]


def test_bytes_that_retention_dropped_are_kept_again(archive: Archive, folder: Path, reply: Make) -> None:
    """What was dropped is dropped, be its file there for another feed's sake: the repetition is a reply of its own."""
    first = archive.keep("open", reply(f"{NOON}|120|"))
    archive.admit(first.reply_id)
    with writing(archive.engine) as connection:
        set_dropped(connection, [first.reply_id], HELD)
    again = archive.keep("open", reply(f"{NOON}|120|", received=HELD + timedelta(days=1)))
    assert (again.unchanged, len(list_reply_files(folder))) == (False, 1)
    with archive.engine.connect() as connection:
        assert get_reply(connection, again.reply_id).dropped is None


def test_a_lake_that_fails_to_close_lets_the_folder_go(folder: Path) -> None:
    """Its error is told, and another process may open the folder."""
    archive = open_archive(folder)
    archive.lake = cast("DuckLakeStore", BrokenLake(archive.lake))
    with pytest.raises(OSError, match="no more"):
        archive.close()
    open_archive(folder).close()


class BrokenLake:
    """A lake whose last filing fails after it has let its files go."""

    def __init__(self, lake: DuckLakeStore) -> None:
        self._lake = lake

    def close(self) -> None:
        self._lake.close()
        raise OSError("no more")


def test_an_unknown_feed_is_refused(archive: Archive, reply: Make) -> None:
    """A reply of a feed that the city doesn't have raises and leaves no trace."""
    with pytest.raises(UnknownNameError, match="closed, derived, open"):
        archive.keep("nowhere", reply())
    with archive.engine.connect() as connection:
        assert list_replies(connection) == []


def test_events_are_told(archive: Archive, admit: Admit) -> None:
    """A listener hears of the reply and of its admission, until it stops listening."""
    heard: list[str] = []
    stop = archive.events.listen(lambda event: heard.append(event.kind))
    admit(f"{NOON}|120|")
    stop()
    admit(f"{NOON}|121|")
    assert heard == ["reply", "admitted"]


def test_the_bundled_counters_are_admitted(tmp_path: Path) -> None:
    """Of the bundled bicycle counts every row of the 422,243 on their card is admitted, from 52 counters."""
    folder = tmp_path / "paris"
    create_folder(folder, "paris")
    body = find_data_file("paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet").read_bytes()
    with closing(open_archive(folder)) as archive:
        admission = archive.admit(archive.keep("bike-counters", Reply(body, datetime.now(UTC))).reply_id)
        assert (admission.rows, admission.refused, admission.places) == (422_243, 0, 52)
        assert sum(archive.lake.coverage()["rows"].to_pylist()) == 422_243
