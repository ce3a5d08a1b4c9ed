"""What the archive says of the trust of a study's series, and whether they may be put side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from passerelle.archive.archive import Archive
from passerelle.model.errors import StudyError
from passerelle.model.interval import format_time
from passerelle.model.series import Series, format_series_id
from passerelle.registry.series import StoredSeries
from passerelle.registry.trust import StoredMark, list_marks
from passerelle.studies.gathered.cut import MARKS, Cut, Reds
from passerelle.trust.check import Light, Offered
from passerelle.trust.judge import compare
from passerelle.trust.keeping import Keeper
from passerelle.trust.lighting import restore

_MOST_SHOWN = 100


def read_marks(
    archive: Archive, feed_id: str, series: Mapping[int, StoredSeries], start: datetime, end: datetime
) -> list[tuple[int, StoredMark]]:
    """The marks on `[start, end)` of each of the series, those on all of its feed too; the feed is judged first.

    One that goes on ends where it was last looked at, so that the same archive gives the same marks.
    """
    Keeper(archive).judge_due([feed_id])
    with archive.engine.connect() as connection:
        own = list_marks(connection, feed=feed_id, series=sorted(series), start=start, end=end)
        common = list_marks(connection, feed=feed_id, series=[], start=start, end=end)
    found = [(mark.series, mark) for mark in own if mark.series is not None]
    return found + [(number, mark) for mark in common for number in sorted(series)]


def tabulate(marks: Sequence[tuple[int, StoredMark]]) -> pl.DataFrame:
    """The marks in the columns of `cut.MARKS`, each once, ordered."""
    rows = [
        (number, restored.start, restored.end, mark.light, mark.check)
        for number, mark in marks
        if (restored := restore(mark, mark.end).mark)
    ]
    return pl.DataFrame(rows, schema=MARKS, orient="row").unique().sort(list(MARKS))


def describe_reds(
    reds: Reds, most: float, marks: Sequence[tuple[int, StoredMark]], series: Mapping[int, StoredSeries]
) -> dict[str, Any]:
    """The same of a panel, where what is red goes cell by cell: `cells` counts them, `units` and `series` have any."""
    marked, times = reds.cells["series"].unique().sort().to_list(), reds.cells["time"].unique().sort()
    inside = [(number, mark) for number, mark in marks if number in set(marked)]
    cut = Cut(reds.share, reds.light, times, tuple(marked))
    return describe_cut(cut, most, inside, series) | {"cells": reds.cells.height}


def describe_cut(
    cut: Cut, most: float, marks: Sequence[tuple[int, StoredMark]], series: Mapping[int, StoredSeries]
) -> dict[str, Any]:
    """The finding's `trust`: light, share, what was cut out, and the red marks it was cut out for, longest first."""
    red = sorted(
        ((number, mark) for number, mark in marks if mark.light == Light.RED),
        key=lambda one: (one[1].start - one[1].end, one[0], one[1].start),
    )
    return {
        "light": cut.light.value,
        "red_share": cut.share,
        "most": most,
        "units": [unit.isoformat() for unit in cut.units],
        "series": [format_series_id(number) for number in cut.series],
        "red": [
            {
                "series": format_series_id(number),
                "place_name": series[number].place_name,
                "start": format_time(mark.start),
                "end": format_time(mark.end),
                "check": mark.check,
                "reason": dict(mark.reason),
            }
            for number, mark in red[:_MOST_SHOWN]
        ],
        "red_count": len(red),
    }


def require_alike(held: pl.DataFrame, series: Mapping[int, StoredSeries]) -> None:
    """Raise `StudyError` where a series is not of the same definition as the first: the reason, and which two."""
    lengths = held.group_by("series").agg(
        (pl.col("end") - pl.col("start")).median().dt.total_seconds().alias("seconds")
    )
    seconds = dict(lengths.iter_rows())
    first, *others = [offer(series[number], seconds[number]) for number in sorted(seconds)]
    for other in others:
        for check, unlike in compare(first, other):
            told = f"{first.series.place} and {other.series.place} may not be compared ({check}): {unlike.reason['en']}"
            raise StudyError(told, where="study.comparison")


def offer(one: StoredSeries, seconds: float) -> Offered:
    """A series as it is offered for comparison, with the usual length of its intervals."""
    return Offered(Series(one.feed, one.place, one.quantity, one.facet), float(seconds))
