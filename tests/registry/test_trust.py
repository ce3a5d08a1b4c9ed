"""Marks and lights with two clocks: what was so, and what we said of it when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from passerelle.registry.trust import (
    JudgedFeed,
    StoredLight,
    StoredMark,
    list_grounds,
    list_judged,
    list_lights,
    list_marks,
    replace_lights,
    replace_marks,
    set_judged,
)

MONDAY = datetime(2023, 1, 2, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


def mark(end: datetime, *, light: str = "red", ongoing: bool = False, said: datetime = TUESDAY) -> StoredMark:
    words = {"en": "stands still", "fr": "figé"}
    return StoredMark("feed", 7, "frozen", False, light, MONDAY, end, ongoing, words, {"value": 3}, said)


def light(colour: str, said: datetime, series: int | None = 7, share: float = 0.0) -> StoredLight:
    return StoredLight("feed", series, colour, share, MONDAY, said, {"last_good": None}, said)


def test_what_was_said_on_tuesday_is_still_there(connection: Connection) -> None:
    """On Wednesday a mark ends later than was said on Tuesday: as known on Tuesday it is as it was said then."""
    replace_marks(connection, [], [mark(TUESDAY)], TUESDAY)
    replace_marks(connection, list_marks(connection), [mark(WEDNESDAY, said=WEDNESDAY)], WEDNESDAY)
    assert [one.end for one in list_marks(connection)] == [WEDNESDAY]
    noon = TUESDAY + timedelta(hours=12)
    assert [(one.end, one.unsaid) for one in list_marks(connection, at=noon)] == [(TUESDAY, WEDNESDAY)]
    assert list_marks(connection, at=MONDAY) == []


def test_the_same_again_is_not_said_anew(connection: Connection) -> None:
    """A mark that is found again unchanged is still said since Tuesday."""
    replace_marks(connection, [], [mark(TUESDAY)], TUESDAY)
    replace_marks(connection, list_marks(connection), [mark(TUESDAY, said=WEDNESDAY)], WEDNESDAY)
    assert [(one.said, one.unsaid) for one in list_marks(connection)] == [(TUESDAY, None)]


def test_one_that_goes_on_moves_along(connection: Connection) -> None:
    """A mark that reached to Tuesday's now and reaches to Wednesday's is one row, and overlaps any later window."""
    replace_marks(connection, [], [mark(TUESDAY, ongoing=True)], TUESDAY)
    replace_marks(connection, list_marks(connection), [mark(WEDNESDAY, ongoing=True)], WEDNESDAY)
    assert [(one.said, one.end) for one in list_marks(connection, start=WEDNESDAY)] == [(TUESDAY, WEDNESDAY)]
    replace_marks(connection, list_marks(connection), [], WEDNESDAY)
    assert list_marks(connection) == []


def test_marks_are_of_a_window_and_of_series(connection: Connection) -> None:
    """A window that ends where the mark begins doesn't touch it; a mark on all of a feed is on no series."""
    whole = StoredMark("feed", None, "schema_drift", True, "amber", MONDAY, TUESDAY, False, {}, {}, TUESDAY)
    replace_marks(connection, [], [mark(TUESDAY), whole], TUESDAY)
    assert list_marks(connection, end=MONDAY) == []
    assert list_marks(connection, start=TUESDAY) == []
    assert [one.check for one in list_marks(connection, feed="feed", series=[7])] == ["frozen"]
    assert [one.check for one in list_marks(connection, feed="feed", series=[])] == ["schema_drift"]


def test_a_light_is_another_one_only_when_its_colour_is(connection: Connection) -> None:
    """Green, green with another share, red: one change after the first, and Tuesday's light can be read again."""
    for said, colour, share, changes in (
        (MONDAY, "green", 0.0, 1),
        (TUESDAY, "green", 0.02, 0),
        (WEDNESDAY, "red", 0.5, 1),
    ):
        held = {one.series: one for one in list_lights(connection)}
        assert len(replace_lights(connection, held, [light(colour, said, share=share)], said)) == changes
    assert [(one.light, one.red_share) for one in list_lights(connection, at=TUESDAY)] == [("green", 0.02)]
    assert [one.light for one in list_lights(connection, series=[7])] == ["red"]


def test_grounds_count_the_series(connection: Connection) -> None:
    """One mark on the newest value of a series is a ground of one series; a feed without any has none."""
    replace_marks(connection, [], [mark(TUESDAY, ongoing=True)], TUESDAY)
    replace_lights(connection, {}, [light("red", TUESDAY), light("red", TUESDAY, None)], TUESDAY)
    assert [(one.check, one.light, one.series) for one in list_grounds(connection, "feed")] == [("frozen", "red", 1)]
    assert list_grounds(connection, "other") == []


def test_a_feed_is_judged_once(connection: Connection) -> None:
    """Judging it again stands in place of the last time."""
    for reply in (1, 2):
        set_judged(connection, JudgedFeed("feed", TUESDAY, reply, "freshness"))
    assert list_judged(connection) == {"feed": JudgedFeed("feed", TUESDAY, 2, "freshness")}
