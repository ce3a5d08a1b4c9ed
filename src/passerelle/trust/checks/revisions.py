"""Revisions: how far values move after they were first published, and for how long they do.

Of the observations of the last `_LOOK_BACK` days, p is the share that has a second version; of those, m is the median
and h the 90th percentile of |last - first| / |first|, and d the 90th percentile of the time from an observation's end
to its last version. Where p is at least a tenth and h at least a hundredth, values younger than d are provisional:
amber.

Assumes that future revisions resemble past ones. Withdrawals count as a movement of 100 %.
"""

from __future__ import annotations

import numpy as np

from passerelle.trust.check import Check, Light, Mark, Record
from passerelle.trust.rhythm import DAY
from passerelle.trust.words import duration, say, to_microseconds, to_time

_LOOK_BACK = 400 * DAY
_FEWEST = 20
_SHARE, _MOVEMENT = 0.1, 0.01


def judge(record: Record) -> list[Mark]:
    """An amber mark over the values that may still move, or none where they hardly do."""
    versions = record.versions
    if versions is None or not len(record.start):
        return []
    now = to_microseconds(record.now)
    recent = versions.start >= now - _LOOK_BACK
    start, known, value = versions.start[recent], versions.known_since[recent], versions.value[recent]
    first = np.flatnonzero(np.diff(start, prepend=-1) != 0)
    last = np.append(first[1:], len(start)) - 1
    if len(first) < _FEWEST:
        return []
    share = len(first) / max(int((record.start >= now - _LOOK_BACK).sum()), len(first))
    moved = np.abs(value[last] - value[first]) / np.maximum(np.abs(value[first]), 1e-9)
    # A value withdrawn is gone entirely.
    moved = np.where(np.isnan(moved), 1.0, moved)
    middle, high = np.quantile(moved, [0.5, 0.9])
    usual = int(np.median(np.diff(record.start))) if len(record.start) > 1 else 0
    settles = int(np.quantile(known[last] - start[first] - usual, 0.9))
    newest = int(record.end[-1])
    if share < _SHARE or high < _MOVEMENT or newest <= now - settles:
        return []
    reason = say(
        "Values of the last {settles} are provisional: {share} % of this series' values are revised, half of them by "
        "more than {middle} %, one in ten by more than {high} %.",
        "Les valeurs de ces derniers {settles} sont provisoires : {share} % des valeurs de cette série sont révisées, "
        "la moitié de plus de {middle} %, une sur dix de plus de {high} %.",
        settles=duration(settles / 1e6),
        share=round(100 * share),
        middle=float(100 * middle),
        high=float(100 * high),
    )
    evidence = {
        "revised_share": share,
        "median_movement": float(middle),
        "high_movement": float(high),
        "settles_after_seconds": settles / 1e6,
        "observations_revised": len(first),
    }
    begin = max(now - settles, int(record.start[0]))
    return [Mark(to_time(begin), to_time(max(newest, begin + 1)), Light.AMBER, reason, evidence)]


CHECK = Check(
    name="revisions",
    title={"en": "Revisions", "fr": "Révisions"},
    meaning={
        "en": "The publisher often corrects values after it first published them. How far they move and for how long "
        "is measured; values younger than that are provisional.",
        "fr": "L'éditeur corrige souvent ses valeurs après leur première publication. L'ampleur et la durée de ces "
        "corrections sont mesurées ; les valeurs plus récentes sont provisoires.",
    },
    judge=judge,
)
