"""Could refute: an effect of a size that places without the change show too.

As many comparison clusters as had the change are drawn as if they had had it, and compared with the rest of the
comparison: each by itself where one had it, else 199 draws. Ranked is the effect beside how well the two sides ran
together before (the root mean square of their gap, its mean taken out): a place that never ran with the others has
large effects at any date. Where one time was seen before, that tells nothing, and the effect alone is ranked. Where
fewer than twice as many were left without the change, lots are drawn among all.

Assumes that without the change any of these places might have been the one (exchangeable). p is no finer than
1 / (placebos + 1), so that fewer than nineteen can refute and confirm nothing.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import Case, Claim, not_claimed
from passerelle.lab.checks.placebo_dates import FEWEST_FOR_FIVE_PERCENT
from passerelle.lab.inference.aligned import Aligned
from passerelle.lab.panel import Flags, Floats
from passerelle.lab.result import Check, Outcome

NAME = "placebo_places"
_RANKS = ("exchange_by_fit",)
_DRAWS = 199
_MOST = 0.1
"""Twice the level at which the effect was found: the two tests differ a little, and an effect near its limit
must not be refuted by which of them was asked second."""


def check_placebo_places(case: Case) -> Check:
    """Failed where more than one in ten placebo places, the real one counted, shows as large an effect."""
    if case.claim is not Claim.EFFECT:
        return not_claimed(NAME)
    if case.refit is not None:
        return _tell_ranks(case)
    aligned = case.aligned
    if aligned is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_comparison")
    real, placebos = rank_places(aligned, case.question.seed)
    larger = int((placebos >= real).sum())
    numbers = {"count": float(len(placebos)), "larger": float(larger), "share": (larger + 1) / (len(placebos) + 1)}
    numbers |= {"needed": float(FEWEST_FOR_FIVE_PERCENT), "real": real, "most": _MOST}
    if len(placebos) < FEWEST_FOR_FIVE_PERCENT:
        return Check(
            NAME, Outcome.FAILED if larger else Outcome.NOT_APPLICABLE, "larger" if larger else "too_few", numbers
        )
    if numbers["share"] > _MOST:
        return Check(NAME, Outcome.FAILED, "common", numbers)
    return Check(NAME, Outcome.PASSED, "rare", numbers)


def _tell_ranks(case: Case) -> Check:
    """A synthetic method whose inference is the rank among placebo places: its p value is this check's."""
    result = case.result
    numbers = {"share": result.p_value, "smallest": result.smallest_p}
    if result.inference not in _RANKS:
        return Check(NAME, Outcome.NOT_APPLICABLE, "other_inference", numbers)
    if result.p_value > 1 - result.level:
        return Check(NAME, Outcome.FAILED, "ranked_low", numbers)
    return Check(NAME, Outcome.PASSED, "ranked_high", numbers)


def rank_places(aligned: Aligned, seed: int) -> tuple[float, Floats]:
    """The effect over the gap before, of the treated clusters and of each placebo."""
    treated, comparison = aligned.by_cluster()
    count, left = len(treated), len(comparison)
    values = np.vstack([treated, comparison])
    chosen = _draw(count, left, seed)
    scores = _score(values, np.vstack([np.arange(len(values)) < count, chosen]), aligned, left >= 2 * count)
    return float(scores[0]), scores[1:]


def _draw(count: int, left: int, seed: int) -> Flags:
    """Which clusters each placebo takes, the treated first: from the comparison, or from all where few are left."""
    among = np.arange(count, count + left) if left >= 2 * count else np.arange(count + left)
    if count == 1 and len(among) == left:
        return np.asarray(among[:, None] == np.arange(count + left))
    generator = np.random.default_rng(seed)
    chosen = np.zeros((_DRAWS, count + left), dtype=bool)
    for row in chosen:
        row[generator.choice(among, count, replace=False)] = True
    return chosen


def _score(values: Floats, chosen: Flags, aligned: Aligned, only_comparison: bool) -> Floats:
    """For each row of `chosen`: the size of the rise of the gap from before to after, over its size before."""
    rest = ~chosen
    if only_comparison:
        rest[1:, : int(chosen[0].sum())] = False
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.0)
    # A column that nobody of one side was seen at tells nothing of that gap.
    gap = _means(chosen, filled, seen) - _means(rest, filled, seen)
    before, after = gap[:, aligned.before], gap[:, aligned.after]
    centre = np.nanmean(before, axis=1)
    size = np.sqrt(np.nanmean((before - centre[:, None]) ** 2, axis=1))
    rise = np.abs(np.nanmean(after, axis=1) - centre)
    if before.shape[1] < 2:
        return np.asarray(rise)
    return np.asarray(np.divide(rise, size, out=np.full(len(rise), np.inf), where=size > 0))


def _means(chosen: Flags, filled: Floats, seen: Flags) -> Floats:
    weights = chosen.astype(float)
    total = weights @ filled
    if seen.all():
        return np.asarray(total / weights.sum(axis=1, keepdims=True))
    count = weights @ seen.astype(float)
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))
