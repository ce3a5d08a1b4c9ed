"""Interrupted time series: the treated units' mean against its own course before.

Estimand: the change of level at the start, with a straight trend, seasons and surroundings held fixed. `events` give
the effect at the start and at the last time where the trend may change as well.

Assumptions: without the change the level would have gone on along its trend and seasons (`own_course`); nothing else
came at the same time (`nothing_else_then`). No comparison stands behind the first, so that this is the weakest of
designs; a comparison, where there is any, is worth more than any number of times.
Reference: Lopez Bernal, Cummins and Gasparrini 2017, doi:10.1093/ije/dyw098, whose two pairs of harmonics a season has.

Inference: the series is averaged over blocks counted from the change outwards, about `BLOCKS` in all, and the blocks
are fitted with AR(1) errors of unknown correlation (`autoregressive.py`). Blocks look at the slow part of the errors
alone, which decides how sure a level can be; a day-to-day AR(1) misses it where noise hides it. What was tried out, on
60 to 400 times and eight kinds of errors, beside Newey-West and others: bench/lab_its.md. Below `FEWEST_TIMES` nothing
was tried out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from passerelle.lab.inference.autoregressive import Fit, fit_autoregressive
from passerelle.lab.inference.contrast import Interval
from passerelle.lab.inference.spread import is_nothing
from passerelle.lab.panel import Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Event, Path, Result
from passerelle.model.errors import StudyError

METHOD = "its"
INFERENCE = "ar1_blocks"
ASSUMPTIONS = ("own_course", "nothing_else_then")

BLOCKS = 30
"""Blocks into which a long series is cut. Sixty were narrower, and failed with slow errors under noise."""

FEWEST_BLOCKS = 3
"""On either side of the change: fewer can't be told from one bad week."""

FEWEST_TIMES = 60
"""The shortest series the interval was tried out on."""

_ALL_HARMONICS = 7
"""A season of at most so many times has all its harmonics: weekdays are no smooth wave."""

_PAIRS = 2
_DEPENDENT = 1e-8
"""A column of which, after the others, so small a share is left adds nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Means over blocks: how many blocks each lies from the change; when; the outcome; trend, seasons and the rest."""

    positions: Floats
    times: Floats
    outcome: Floats
    matrix: Floats

    @property
    def after(self) -> Floats:
        """1 from the change on, 0 before."""
        return (self.positions >= 0).astype(float)


def estimate_its(panel: Panel, question: Question) -> Result:
    """The change of level of the treated units' mean, with its interval; no checks run yet."""
    starts = panel.starts
    if len(starts) != 1:
        raise StudyError(
            f"the change began at {len(starts)} times; an interrupted time series needs one", where="method"
        )
    start = float(starts[0])
    treated = panel.select(panel.treated)
    seen = ~np.isnan(treated.outcomes).any(axis=0)
    # A unit that reacts before the change spoils the times just before it, and no others.
    seen &= (panel.times < start - question.anticipation) | (panel.times >= start)
    treated = treated.select(np.arange(len(treated.units)), seen)
    # Counted from their mean, so that a level far from zero costs no digits.
    base = float(treated.outcomes.mean()) if treated.outcomes.size else 0.0
    blocks = cut_blocks(treated.with_outcomes(treated.outcomes - base), start, question.seasons)
    matrix = np.column_stack([blocks.after, blocks.matrix])
    events: tuple[Event, ...] = ()
    coefficients = np.linalg.lstsq(matrix, blocks.outcome)[0]
    if is_nothing(float(np.abs(blocks.outcome - matrix @ coefficients).max()), panel.outcomes[panel.treated]):
        effect = float(coefficients[0])
        found = Interval(0.0, (effect, effect), 1.0)
        path = _line(blocks, blocks.matrix @ coefficients[1:], np.full(len(matrix), np.nan))
    else:
        fit = fit_autoregressive(blocks.positions, blocks.outcome, matrix)
        level_change = np.eye(1, matrix.shape[1])[0]
        effect, se = fit.estimate(level_change)
        found = Interval(se, fit.interval(level_change, question.level), fit.p_value(level_change))
        path, events = _path(fit, blocks, question.level), _events(blocks, start, question.level)
    return Result(
        effect=effect,
        se=found.se,
        interval=found.ends,
        level=question.level,
        p_value=found.p_value,
        n_units=len(treated.units),
        n_treated=len(treated.units),
        n_times=int(seen.sum()),
        method=METHOD,
        assumptions=ASSUMPTIONS,
        inference=INFERENCE,
        path=replace(path, **{name: getattr(path, name) + base for name in ("observed", "expected", "low", "high")}),
        events=events,
    )


def cut_blocks(treated: Panel, start: float, seasons: tuple[float, ...]) -> Blocks:
    """The mean of `treated`, seen at every time, in blocks counted from `start`; less than half of one is none."""
    length = block_length(treated.times, seasons)
    block = np.floor((treated.times - start) / length)
    positions, member, counts = np.unique(block, return_inverse=True, return_counts=True)
    kept = counts >= length / 2
    sides = int((kept & (positions < 0)).sum()), int((kept & (positions >= 0)).sum())
    if min(sides) < FEWEST_BLOCKS:
        raise StudyError(
            f"{sides[0]} blocks of {length} times before and {sides[1]} after the change; "
            f"at least {FEWEST_BLOCKS} on each side are needed",
            where="times",
        )
    trend = (treated.times - start) / (treated.times[-1] - treated.times[0])
    columns = np.column_stack([trend, harmonics(treated.times, seasons), treated.surroundings])
    means = np.column_stack(
        [np.bincount(member, one) / counts for one in (treated.times, treated.outcomes.mean(axis=0), *columns.T)]
    )[kept]
    matrix = _independent(np.column_stack([np.ones(len(means)), means[:, 2:]]), np.ptp(columns, axis=0))
    after = (positions[kept] >= 0).astype(float)
    if np.linalg.norm(after - matrix @ np.linalg.lstsq(matrix, after)[0]) < _DEPENDENT * np.sqrt(len(after)):
        raise StudyError("the change can't be told from the calendar or the surroundings", where="times")
    return Blocks(positions[kept], means[:, 0], means[:, 1], matrix)


def block_length(times: Floats, seasons: tuple[float, ...]) -> int:
    """Steps in a block: about `BLOCKS` in all, and whole seasons where they are short enough, for these cancel out."""
    length = max(1, int((times[-1] - times[0] + 1) // BLOCKS))
    whole = max((int(one) for one in seasons if one == int(one) and one <= 1.5 * length), default=1)
    return max(1, round(length / whole)) * whole


def harmonics(times: Floats, seasons: tuple[float, ...]) -> Floats:
    """Sine and cosine columns, a row for each time: all of a short season's, the first two pairs of a longer one's."""
    columns = [np.empty((len(times), 0))]
    for season in seasons:
        pairs = int(season / 2) if season <= _ALL_HARMONICS else _PAIRS
        angles = 2 * np.pi * np.outer(times, np.arange(1, pairs + 1)) / season
        columns += [np.sin(angles), np.cos(angles)]
    return np.column_stack(columns)


def _independent(matrix: Floats, spreads: Floats) -> Floats:
    """The columns that say something the columns before them don't, the first being constant."""
    kept = [0]
    for column, spread in enumerate(spreads, start=1):
        before = matrix[:, kept]
        left = matrix[:, column] - before @ np.linalg.lstsq(before, matrix[:, column])[0]
        if np.linalg.norm(left) > _DEPENDENT * spread * np.sqrt(len(left)):
            kept.append(column)
    return matrix[:, kept]


def _events(blocks: Blocks, start: float, level: float) -> tuple[Event, ...]:
    """The effect at the start and at the last block where the trend changes too; none where too little is left over."""
    matrix = np.column_stack([blocks.after, blocks.after * (blocks.times - start), blocks.matrix])
    if len(matrix) - matrix.shape[1] < FEWEST_BLOCKS or np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return ()
    fit = fit_autoregressive(blocks.positions, blocks.outcome, matrix)
    found = []
    for since in (0.0, float(blocks.times[-1] - start)):
        contrast = np.zeros(matrix.shape[1])
        contrast[:2] = 1.0, since
        found.append(Event(since, *fit.estimate(contrast), fit.interval(contrast, level)))
    return tuple(found)


def _path(fit: Fit, blocks: Blocks, level: float) -> Path:
    """Block means, and the fitted course without the change."""
    from scipy import special

    bare = np.column_stack([np.zeros(len(blocks.times)), blocks.matrix])
    expected, errors = np.array([fit.estimate(row) for row in bare]).T
    return _line(blocks, expected, float(special.stdtrit(fit.degrees, (1 + level) / 2)) * errors)


def _line(blocks: Blocks, expected: Floats, reach: Floats) -> Path:
    return Path(blocks.times, blocks.outcome, expected, expected - reach, expected + reach)
