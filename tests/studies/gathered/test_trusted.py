"""A study on data of which some are marked red: cut out and shown, above a tenth blocking, and checkable by anyone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from tests.studies.conftest import Case, run_case

from passerelle.model.errors import StudyError
from passerelle.registry.database import writing
from passerelle.registry.findings import get_bundle
from passerelle.registry.series import StoredSeries
from passerelle.registry.trust import StoredMark, list_marks, replace_marks
from passerelle.studies.bundle.verify import verify_bundle
from passerelle.studies.gathered.trusted import require_alike
from passerelle.studies.run import run_study

WEEK_OF_THE_BROKEN_GATE = "2012-07-02"
WORDS = {"en": "stands still", "fr": "figé"}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """San Francisco's parking meters on Sundays, in an archive of its own."""
    case = run_case(tmp_path_factory.mktemp("marked") / "folder", "san-francisco", "sunday-meters-2013-garages")
    yield case
    case.archive.close()


def mark(case: Case, start: datetime, end: datetime, numbers: Sequence[int | None]) -> dict[str, object]:
    """The finding once the series, or with None the whole feed, are marked red, and as anyone verifies it."""
    feed = case.declaration.study.outcome.feed
    said = datetime.now(UTC)
    found = [StoredMark(feed, number, "frozen", True, "red", start, end, False, WORDS, {}, said) for number in numbers]
    with writing(case.archive.engine) as connection:
        held = [one for one in list_marks(connection, feed=feed) if one.check == "frozen"]
        replace_marks(connection, held, found, said)
    finding = run_study(case.archive, case.declaration.study.id)
    with case.archive.engine.connect() as connection:
        assert verify_bundle(get_bundle(connection, finding["id"])).problems == ()
    return finding


def test_what_the_recording_itself_holds_is_cut(case: Case) -> None:
    """The week of 7 July 2012, when the Japan Center Annex counted 9 entries and 76 exits, is out; the check passes."""
    check = case.finding["checks"][0]
    assert (check["name"], check["outcome"]) == ("trust", "passed")
    assert case.finding["trust"]["units"] == [WEEK_OF_THE_BROKEN_GATE]  # type: ignore[index]


def test_a_week_marked_red_is_cut_out_and_shown(case: Case) -> None:
    """A Sunday and its Saturday after the change, on the whole feed: one unit less again, and the marks are listed."""
    windows = case.declaration.study.windows
    day = windows.after[0]
    start = datetime(day.year, day.month, day.day, tzinfo=case.archive.city.time_zone)
    finding = mark(case, start, start + timedelta(days=7), [None])
    trust = finding["trust"]
    assert isinstance(trust, dict)
    assert (len(trust["units"]), trust["series"]) == (2, [])
    assert WEEK_OF_THE_BROKEN_GATE in trust["units"]
    assert 0 < trust["red_share"] <= 0.1
    assert finding["n"]["after"] == case.finding["n"]["after"] - 1  # type: ignore[index]
    assert {red["check"] for red in trust["red"]} == {"frozen"}  # the hundred longest are shown
    assert finding["verdict"] == case.finding["verdict"]


def test_more_than_a_tenth_blocks(case: Case) -> None:
    """Half of the window after is red: cannot tell yet, blocked by trust, with the reason in words."""
    first, last = case.declaration.study.windows.after
    middle = first + (last - first) / 2
    zone = case.archive.city.time_zone
    start, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, middle))
    finding = mark(case, start, end, [None])
    assert finding["verdict"] == "cannot_tell_yet"
    assert finding["blocked_by"][0] == "trust"  # type: ignore[index]
    assert finding["trust"]["light"] == "red"  # type: ignore[index]
    assert "10%" in finding["reasons"][0]["text"]["en"]  # type: ignore[index]


def test_series_of_unlike_definitions_are_refused() -> None:
    """Daily maxima beside daily means: refused, with the reason a person understands."""
    series = {
        number: StoredSeries(number, "air", place, quantity, "", "air", place, None)
        for number, place, quantity in ((1, "A", "no2_daily_mean"), (2, "B", "no2_daily_max"))
    }
    days = [datetime(2023, 1, day, tzinfo=UTC) for day in (2, 3)]
    held = pl.DataFrame({"series": [1, 2], "start": [days[0]] * 2, "end": [days[1]] * 2})
    with pytest.raises(StudyError, match="the mean and the other the maximum"):
        require_alike(held, series)


def test_nothing_left_is_no_error(case: Case) -> None:
    """All of both windows is red: no verdict, no effect, in both languages, and a bundle that says the same."""
    windows, zone = case.declaration.study.windows, case.archive.city.time_zone
    first, last = windows.before[0], windows.after[1]
    start, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, last))
    finding = mark(case, start - timedelta(days=7), end + timedelta(days=8), [None])
    assert (finding["verdict"], finding["blocked_by"]) == ("cannot_tell_yet", ["nothing_left"])
    assert (finding["effect"], finding["estimate"], finding["checks"]) == (None, None, [])
    assert "rien à comparer" in finding["sentence"]["fr"]  # type: ignore[index]
    assert finding["trust"]["light"] == "red"  # type: ignore[index]
