"""What is found is kept: marks, lights, and the events that tell of another light."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.trust.conftest import HOUR

from passerelle.archive import Archive
from passerelle.registry.events import list_events
from passerelle.registry.series import get_series
from passerelle.registry.trust import list_grounds, list_judged, list_lights, list_marks
from passerelle.trust.check import Light
from passerelle.trust.keeping import Keeper, Touched
from passerelle.trust.reading import find_last_good_row, read_now, read_windows

Bring = Callable[..., int]


def bring_hourly(bring: Bring, now: datetime, hours: int, until: int) -> None:
    """One reply an hour, each with the hour before it, from `hours` ago to `until` hours ago."""
    for ago in range(hours, until, -1):
        bring("hourly", "A", now - HOUR * (ago + 1), now - HOUR * ago, now - HOUR * ago)


def test_a_feed_that_went_quiet_is_red_and_names_its_last_good_row(
    archive: Archive, bring: Bring, now: datetime
) -> None:
    """20 hourly replies, then none of place A for 10 hours while the feed goes on with B: A is red since its last end.

    Just before the next came, A's newest value was an hour old: red above four hours.
    """
    bring_hourly(bring, now, 30, 10)
    bring("hourly", "B", now - HOUR, now, now)
    assert Keeper(archive).judge_whole("hourly") == 2
    with archive.engine.connect() as connection:
        lights = list_lights(connection, feed="hourly")
        assert sorted(light.light for light in lights) == ["green", "red"]
        (red,) = (light for light in lights if light.light == "red")
        one = get_series(connection, red.series or 0)
        (mark,) = read_now(connection, [one])[one.number].marks
        assert (one.place, mark.check, mark.start) == ("A", "freshness", now - 11 * HOUR)
        assert red.detail["last_good"]["start"] == (now - 12 * HOUR).isoformat().replace("+00:00", "Z")
        assert find_last_good_row(archive, connection, one, now) == red.detail["last_good"]
        (feed,) = list_lights(connection, of_feeds=True)
        assert (feed.feed, feed.light, feed.detail) == ("hourly", "red", {"green": 1, "amber": 0, "red": 1})
        assert [(one.check, one.series) for one in list_grounds(connection, "hourly")] == [("freshness", 1)]
        assert list_judged(connection)["hourly"].reply == 21


def test_a_reply_makes_it_green_again_and_the_red_light_can_still_be_shown(
    archive: Archive, bring: Bring, now: datetime
) -> None:
    """A's values come at last: now it is green, as known before that reply red, and both are told as events."""
    bring_hourly(bring, now, 30, 10)
    bring("hourly", "B", now - HOUR, now, now)
    keeper = Keeper(archive)
    keeper.judge_whole("hourly")
    before = archive.clock.read()
    reply = bring("hourly", "A", now - 11 * HOUR, now, now)
    with archive.engine.connect() as connection:
        series = [light.series for light in list_lights(connection, feed="hourly") if light.light == "red"]
    assert keeper.judge_touched("hourly", Touched(tuple(series), frozenset({reply})), now - 11 * HOUR) == 1
    with archive.engine.connect() as connection:
        one = get_series(connection, series[0] or 0)
        assert read_now(connection, [one])[one.number].light is Light.GREEN
        then = read_now(connection, [one], before)[one.number]
        assert (then.light, [mark.check for mark in then.marks]) == (Light.RED, ["freshness"])
        told = [event.document for event in list_events(connection, kind="trust")]
    assert [document["feed"] for document in told] == [
        {"light": "red", "was": None},
        {"light": "green", "was": "red"},
    ]


def test_only_what_the_reply_brought_is_judged(archive: Archive, bring: Bring, now: datetime) -> None:
    """Two series are touched, and the reply brought one of them nothing new: one is judged."""
    bring("hourly", "A", now - 5 * HOUR, now - HOUR, now - HOUR)
    bring("hourly", "B", now - 5 * HOUR, now - HOUR, now - HOUR)
    keeper = Keeper(archive)
    keeper.judge_whole("hourly")
    reply = bring("hourly", "A", now - HOUR, now, now)
    with archive.engine.connect() as connection:
        series = tuple(light.series or 0 for light in list_lights(connection, feed="hourly"))
    assert keeper.judge_touched("hourly", Touched(series, frozenset({reply})), now - HOUR) == 1


def test_waiting_alone_makes_a_light_red(archive: Archive, bring: Bring, now: datetime) -> None:
    """Judged while B came each hour; then B's feed is asked on, and nothing of B comes for a day."""
    for ago in range(40, 25, -1):
        bring("hourly", "B", now - HOUR * (ago + 1), now - HOUR * ago, now - HOUR * ago)
    bring("hourly", "C", now - HOUR, now, now)
    keeper = Keeper(archive)
    assert keeper.judge_waiting("hourly") == 2
    with archive.engine.connect() as connection:
        marks = list_marks(connection, feed="hourly")
        assert [(mark.check, mark.light, mark.ongoing) for mark in marks] == [("freshness", "red", True)]
    assert keeper.judge_waiting("ended") == 0


def test_an_ended_feed_has_no_freshness(archive: Archive, bring: Bring, now: datetime) -> None:
    """What ended two years ago is judged as of then, and is green to its end."""
    then = now - timedelta(days=730)
    bring("ended", "A", then - 50 * HOUR, then, then)
    Keeper(archive).judge_whole("ended")
    with archive.engine.connect() as connection:
        (light,) = list_lights(connection, feed="ended")
        assert (light.light, light.end) == ("green", then)


def test_a_window_ends_where_the_series_is_judged(archive: Archive, bring: Bring, now: datetime) -> None:
    """Without an end it is the ended feed's newest; what wasn't judged yet has no light."""
    then = now - timedelta(days=730)
    bring("ended", "A", then - 50 * HOUR, then, then)
    before = archive.clock.read()
    Keeper(archive).judge_whole("ended")
    with archive.engine.connect() as connection:
        (light,) = list_lights(connection, feed="ended")
        one = get_series(connection, light.series or 0)
        window = read_windows(connection, [one], {one.number: then - 50 * HOUR}, None)[one.number]
        assert (window.start, window.end, window.red_share) == (then - 50 * HOUR, then, 0)
        assert read_windows(connection, [one], {one.number: then - 50 * HOUR}, None, before) == {}
