"""Schema: the names in a feed's replies, and how much they hold, against the reply before.

- A name that vanishes, or one that appears, is news: amber for `_NEWS` from the reply that first had it so, with the
  difference. A name that only moved is not told.
- A reply without a row where those before had some is red from its receipt to the next one with rows; one with less
  than half of the median of at least `_FEWEST` replies before is amber so long.

Replies whose form has no names are judged by their rows alone. Source: the house's choice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from passerelle.trust.check import Check, Delivery, FeedMark, FeedRecord, Light, Mark
from passerelle.trust.words import say

_NEWS = timedelta(days=7)
_FEWEST = 5
_RECENT = 50


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """Marks on all of the feed: changed names, and replies that hold little or nothing."""
    deliveries = list(feed.deliveries)
    changed = [
        FeedMark(_changed(before, after))
        for before, after in pairwise(one for one in deliveries if one.names)
        if set(before.names) != set(after.names)
    ]
    return changed + [FeedMark(mark) for mark in _small(deliveries, feed.now)]


def _changed(before: Delivery, after: Delivery) -> Mark:
    gone = [name for name in before.names if name not in after.names]
    new = [name for name in after.names if name not in before.names]
    none = {"en": "none", "fr": "aucun"}
    reason = say(
        "The names in the publisher's replies have changed: gone {gone}; new {new}.",
        "Les noms dans les réponses de l'éditeur ont changé : disparus {gone} ; nouveaux {new}.",
        gone=", ".join(gone) or none,
        new=", ".join(new) or none,
    )
    evidence = {"gone": gone, "new": new, "before": before.reply, "after": after.reply}
    return Mark(after.received, after.received + _NEWS, Light.AMBER, reason, evidence)


def _small(deliveries: list[Delivery], now: datetime) -> list[Mark]:
    marks = []
    for index, delivery in enumerate(deliveries):
        past = [one.rows for one in deliveries[max(index - _RECENT, 0) : index] if one.rows]
        usual = float(np.median(past)) if past else 0.0
        empty = not delivery.rows and bool(past)
        if not empty and (len(past) < _FEWEST or delivery.rows >= usual / 2):
            continue
        end = deliveries[index + 1].received if index + 1 < len(deliveries) else now
        if end <= delivery.received:
            continue
        reason = say(
            "A reply held {rows} rows, where {usual} are usual.",
            "Une réponse contenait {rows} lignes, là où {usual} sont habituelles.",
            rows=delivery.rows,
            usual=usual,
        )
        evidence = {"reply": delivery.reply, "rows": delivery.rows, "usual_rows": usual}
        marks.append(Mark(delivery.received, end, Light.RED if empty else Light.AMBER, reason, evidence))
    return marks


CHECK = Check(
    name="schema",
    title={"en": "Changed replies", "fr": "Réponses modifiées"},
    meaning={
        "en": "The publisher's replies have other columns or keys than before, or hold much less: what vanished and "
        "what is new is shown.",
        "fr": "Les réponses de l'éditeur ont d'autres colonnes ou clés qu'avant, ou contiennent bien moins : ce qui "
        "a disparu et ce qui est nouveau est montré.",
    },
    judge_feed=judge_feed,
)
