"""Refused rows: rows of a reply that can't be right, such as a request that was closed before it was opened.

With r the share of a reply's rows that were refused when it was admitted, all of the feed over the reply's span is
red where r reaches a tenth, and amber where r is above one in a thousand and twice the median of the replies before.
The reasons, their counts and the first row of each are the evidence.

Source: the house's choice. A thousandth is what a reader may overlook; a tenth is what blocks a window.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from passerelle.archive.rows import say_kind
from passerelle.trust.check import Check, Delivery, FeedMark, FeedRecord, Light, Mark
from passerelle.trust.words import say

_OVERLOOKED, _TOO_MANY = 0.001, 0.1
_MOMENT = timedelta(seconds=1)


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """A mark over the span of each reply of which more rows than usual were refused."""
    found = []
    shares: list[float] = []
    for delivery in feed.deliveries:
        count = sum(one.count for one in delivery.refused)
        share = count / max(delivery.rows, 1)
        usual = float(np.median(shares)) if shares else 0.0
        shares.append(share)
        if share >= _TOO_MANY or share > max(_OVERLOOKED, 2 * usual):
            found.append(FeedMark(_mark(delivery, count, share, usual)))
    return found


def _mark(delivery: Delivery, count: int, share: float, usual: float) -> Mark:
    reasons = sorted(delivery.refused, key=lambda one: -one.count)
    reason = say(
        "{count} of {rows} rows of a reply can't be right, most of them because: {most}.",
        "{count} des {rows} lignes d'une réponse ne peuvent être justes, la plupart parce que : {most}.",
        count=count,
        rows=delivery.rows,
        most=say_kind(reasons[0].reason),
    )
    evidence = {
        "reply": delivery.reply,
        "share": share,
        "usual_share": usual,
        "reasons": [{"reason": one.reason, "count": one.count, "example": one.example} for one in reasons[:5]],
    }
    light = Light.RED if share >= _TOO_MANY else Light.AMBER
    start, end = delivery.first, delivery.last
    if start is None or end is None:
        start, end = delivery.received, delivery.received + _MOMENT
    return Mark(start, end, light, reason, evidence)


CHECK = Check(
    name="refused",
    title={"en": "Rows that can't be right", "fr": "Lignes impossibles"},
    meaning={
        "en": "Rows of a reply contradict themselves or can't be read, such as a request closed before it was opened. "
        "They are kept apart, and how many there are is told.",
        "fr": "Des lignes d'une réponse se contredisent ou sont illisibles, comme un signalement clos avant d'être "
        "ouvert. Elles sont mises à part, et leur nombre est signalé.",
    },
    judge_feed=judge_feed,
)
