"""Windows are the declared days, and placebo windows are like them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from passerelle.studies.declared.declaration import read_declaration
from passerelle.studies.declared.parts import PartsStudy, Placebo
from passerelle.studies.declared.terms import Windows
from passerelle.studies.gathered.units import Units
from passerelle.studies.gathered.windows import count_separate, pair, place_placebos, select_windows


def every_day(first: date, last: date) -> Units:
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    frame = pl.DataFrame({"day": days, "treated": 2.0, "comparison": 1.0})
    return Units(frame, (1,), ())


@pytest.fixture
def study(checkout: Path) -> PartsStudy:
    """Three days against two, the change on 11 March, with placebos from 1 to 10 March."""
    declared = read_declaration(checkout / "cities/paris/curfew-18h-2021.toml").study
    return msgspec.structs.replace(
        declared,
        windows=Windows((date(2021, 3, 8), date(2021, 3, 10)), (date(2021, 3, 11), date(2021, 3, 12))),
        placebo=Placebo("consecutive", (date(2021, 3, 1), date(2021, 3, 10))),
    )


def test_the_real_windows(study: PartsStudy) -> None:
    """8 to 10 March are before, 11 and 12 March after, nothing else is in."""
    history = pair(every_day(date(2021, 3, 1), date(2021, 3, 20)), study)
    rows, after = select_windows(history, study)
    assert rows.tolist() == [7, 8, 9, 10, 11]
    assert after.tolist() == [False, False, False, True, True]


def test_consecutive_placebos(study: PartsStudy) -> None:
    """Five days long in ten days: six of them, each a day later, two without a day in common."""
    history = pair(every_day(date(2021, 3, 1), date(2021, 3, 20)), study)
    placebos = place_placebos(history, study)
    assert [rows.tolist() for rows, _ in placebos] == [list(range(at, at + 5)) for at in range(6)]
    assert all(after.tolist() == [False, False, False, True, True] for _, after in placebos)
    assert count_separate(placebos) == 2


def test_calendar_placebos_keep_the_gap(study: PartsStudy) -> None:
    """Windows a year apart move by weeks together and stay before the change."""
    yearly = msgspec.structs.replace(
        study,
        windows=Windows((date(2020, 3, 9), date(2020, 3, 22)), (date(2021, 3, 8), date(2021, 3, 21))),
        placebo=Placebo("calendar", (date(2020, 1, 1), date(2021, 3, 7))),
    )
    history = pair(every_day(date(2020, 1, 1), date(2021, 3, 31)), yearly)
    placebos = place_placebos(history, yearly)
    # 9 March 2020 can move back nine weeks to 6 January; 21 March 2021 must move back two to end by 7 March.
    assert len(placebos) == 8
    for rows, after in placebos:
        days = history.times[rows]
        assert days[after][0] - days[~after][0] == 364
        assert (int((~after).sum()), int(after.sum())) == (14, 14)
        assert days[-1] <= (date(2021, 3, 7) - date(1970, 1, 1)).days


def test_effects_are_ratios(study: PartsStudy) -> None:
    """Twice as many treated as compared is log 2; Tuesdays to Fridays have a dummy each."""
    history = pair(every_day(date(2021, 3, 1), date(2021, 3, 20)), study)
    assert history.difference == pytest.approx(np.log(2))
    # 1 March 2021 was a Monday.
    assert history.covariates[:5].tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
