"""Each episode is held against the same weekdays around it, and against nothing else."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pytest

from passerelle.studies.declared.change import Text
from passerelle.studies.declared.declaration import read_declaration
from passerelle.studies.declared.episodes import EpisodesStudy, MovedSpells
from passerelle.studies.declared.terms import Exclusion
from passerelle.studies.gathered.cut import MARKS
from passerelle.studies.gathered.spells import spell
from passerelle.studies.gathered.units import ROWS

ZONE = ZoneInfo("Europe/Paris")
NO_MARKS = pl.DataFrame(schema=MARKS)


@pytest.fixture
def study() -> EpisodesStudy:
    """Tuesday 3 and Wednesday 4 April, Sunday 8 and Monday 9 April 2018, against a week around, two apart."""
    declared = read_declaration(Path(__file__).parents[1] / "declared" / "episodes.toml").study
    assert isinstance(declared, EpisodesStudy)
    around = msgspec.structs.replace(declared.comparison, days=7, apart=0)
    return msgspec.structs.replace(declared, scale="level", comparison=around, placebo=None)


def days(series: int, first: date, values: list[float]) -> pl.DataFrame:
    """A value a local day."""
    starts = [
        datetime(one.year, one.month, one.day, tzinfo=ZONE).astimezone(UTC)
        for one in (first + timedelta(days=at) for at in range(len(values)))
    ]
    return pl.DataFrame({"series": [series] * len(values), "start": starts, "value": values}, schema=ROWS)


# 27 March (a Tuesday) to 16 April: the day of the month, March days less 31.
PLAIN = days(1, date(2018, 3, 27), [float(at) for at in range(-4, 17)])


def test_weekdays_are_held_against_their_like(study: EpisodesStudy) -> None:
    """By hand, the value being the day of April.

    Episode 1: Tuesday 3 against the 27 March (-4) and the 10th: 3; Wednesday 4 against 28 March (-3) and the 11th: 4.
    Episode 2: Sunday 8 against the 1st and the 15th: 8; Monday 9 against the 2nd and the 16th: 9.
    """
    found = spell(PLAIN, NO_MARKS, study, ZONE)
    assert found.panel is not None
    assert found.panel.outcomes.tolist() == [[3.5, 3.5], [8.5, 8.5]]
    assert [len(around) for _, _, around in found.pairs] == [4, 4]


def test_episodes_are_the_units(study: EpisodesStudy) -> None:
    """A second place doubles the numbers and leaves two units."""
    both = pl.concat([PLAIN, PLAIN.with_columns(series=pl.lit(2, pl.Int64))])
    found = spell(both, NO_MARKS, study, ZONE)
    assert found.panel is not None
    assert found.panel.outcomes.tolist() == [[7, 7], [17, 17]]
    assert (found.places, len(found.panel.units)) == ((1, 2), 2)


def test_an_effect_is_what_was_added(study: EpisodesStudy) -> None:
    """A hundred more on the four strike days."""
    strikes = {date(2018, 4, day) for day in (3, 4, 8, 9)}
    local = pl.col("start").dt.convert_time_zone(ZONE.key).dt.date()
    rows = PLAIN.with_columns(value=pl.col("value") + 100 * local.is_in(list(strikes)))
    found = spell(rows, NO_MARKS, study, ZONE)
    assert found.panel is not None
    assert (found.panel.outcomes[:, 1] - found.panel.outcomes[:, 0]).tolist() == [100, 100]


def test_days_near_an_episode_can_be_left_out(study: EpisodesStudy) -> None:
    """Two days apart, Tuesday 10 and Wednesday 11 are too near to the 9th: only those of March are left."""
    apart = msgspec.structs.replace(study.comparison, apart=2)
    found = spell(PLAIN, NO_MARKS, msgspec.structs.replace(study, comparison=apart), ZONE)
    assert found.pairs[0][2] == (date(2018, 3, 27), date(2018, 3, 28))


def test_an_episode_that_lacks_a_day_is_no_unit(study: EpisodesStudy) -> None:
    """Excluding the 9th leaves one episode, which is no panel; a gap on that day does the same."""
    out = Exclusion(date(2018, 4, 9), date(2018, 4, 9), Text("a", "b"))
    for rows, declared in (
        (PLAIN, msgspec.structs.replace(study, exclude=(out,))),
        (PLAIN.filter(pl.col("value") != 9), study),
    ):
        found = spell(rows, NO_MARKS, declared, ZONE)
        assert [pair[0][0] for pair in found.pairs] == [date(2018, 4, 3)]
        assert found.panel is None


def test_a_place_that_lacks_days_is_not_counted(study: EpisodesStudy) -> None:
    """A second place has no 28 March: sums are over a fixed set of places."""
    gap = PLAIN.with_columns(series=pl.lit(2, pl.Int64)).filter(pl.col("value") != -3)
    found = spell(pl.concat([PLAIN, gap]), NO_MARKS, study, ZONE)
    assert (found.places, found.left_out) == ((1,), (2,))


def test_red_days_are_not_compared_with(study: EpisodesStudy) -> None:
    """10 April is red: Tuesday 3 is held against 27 March alone, so that around the episode is ((-4) + 4) / 2 = 0."""
    red = (1, datetime(2018, 4, 10, 10, tzinfo=UTC), datetime(2018, 4, 10, 11, tzinfo=UTC), "red", "frozen")
    found = spell(PLAIN, pl.DataFrame([red], schema=MARKS, orient="row"), study, ZONE)
    assert found.panel is not None
    assert found.panel.outcomes[0].tolist() == [0, 3.5]
    assert found.cut.units.to_list() == [date(2018, 4, 10)]


def test_spells_are_moved_by_weeks(study: EpisodesStudy) -> None:
    """Of 2 a day, the spells of seven days can be moved to six earlier weeks of the span."""
    rows = days(1, date(2018, 1, 1), [2.0] * 120)
    span = MovedSpells((date(2018, 2, 1), date(2018, 3, 20)))
    found = spell(rows, NO_MARKS, msgspec.structs.replace(study, placebo=span, scale="log"), ZONE)
    # The 3 April less whole weeks, from 1 February on and so that the last day, six later, is by 20 March.
    assert [day for day, _ in found.placebos] == [date(2018, 2, 6) + timedelta(weeks=week) for week in range(6)]
    assert all(two.tolist() == [[math.log(2)] * 2] * 2 for _, two in found.placebos)


def test_a_look_sees_only_what_was_there(study: EpisodesStudy) -> None:
    """On 9 April the second episode wasn't over."""
    found = spell(PLAIN, NO_MARKS, study, ZONE, until=date(2018, 4, 9))
    assert [pair[0][0] for pair in found.pairs] == [date(2018, 4, 3)]
