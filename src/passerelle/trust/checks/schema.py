"""Schema: the names in a feed's replies, and how much they hold, against the replies before.

A reply is compared with those of the `_RECENT` before it that are of its kind: the smaller of the two sets of names
shares `_ALIKE` of itself with the other (a feed may ask for several documents in turn).

- A name that all of them had and this one hasn't, or one that none of them had, is news: amber for `_NEWS` from its
  receipt, with the difference. A name that comes and goes, or moved, is not told.
- A reply without a row where they had some is red from its receipt to the next reply; one with less than half of
  their median, of at least `_FEWEST`, is amber so long.

Source: the house's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from passerelle.trust.check import Check, Delivery, FeedMark, FeedRecord, Light, Mark
from passerelle.trust.words import say

_NEWS = timedelta(days=7)
_FEWEST = 5
_ALIKE = 0.6
_RECENT = 50


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """Marks on all of the feed: changed names, and replies that hold little or nothing."""
    found = []
    for index, delivery in enumerate(feed.deliveries):
        past = [one for one in feed.deliveries[max(index - _RECENT, 0) : index] if _are_alike(one, delivery)]
        if not past:
            continue
        later = feed.deliveries[index + 1].received if index + 1 < len(feed.deliveries) else feed.now
        found += [_changed(past, delivery), _small(past, delivery, later)]
    return [FeedMark(mark) for mark in found if mark is not None]


def _are_alike(one: Delivery, other: Delivery) -> bool:
    if not one.names or not other.names:
        return one.names == other.names
    shared = len(set(one.names) & set(other.names))
    return shared >= _ALIKE * min(len(set(one.names)), len(set(other.names)))


def _changed(past: Sequence[Delivery], delivery: Delivery) -> Mark | None:
    always = set[str].intersection(*(set(one.names) for one in past))
    ever = {name for one in past for name in one.names}
    gone = [name for name in past[-1].names if name in always - set(delivery.names)]
    new = [name for name in delivery.names if name not in ever]
    if not gone and not new:
        return None
    none = {"en": "none", "fr": "aucun"}
    reason = say(
        "The names in the publisher's replies have changed: gone {gone}; new {new}.",
        "Les noms dans les réponses de l'éditeur ont changé : disparus {gone} ; nouveaux {new}.",
        gone=", ".join(gone) or none,
        new=", ".join(new) or none,
    )
    evidence = {"gone": gone, "new": new, "before": past[-1].reply, "after": delivery.reply}
    return Mark(delivery.received, delivery.received + _NEWS, Light.AMBER, reason, evidence)


def _small(past: Sequence[Delivery], delivery: Delivery, later: datetime) -> Mark | None:
    rows = [one.rows for one in past if one.rows]
    if not rows or later <= delivery.received:
        return None
    usual = float(np.median(rows))
    if delivery.rows and (len(rows) < _FEWEST or delivery.rows >= usual / 2):
        return None
    reason = say(
        "A reply held {rows} rows, where {usual} are usual.",
        "Une réponse contenait {rows} lignes, là où {usual} sont habituelles.",
        rows=delivery.rows,
        usual=usual,
    )
    evidence = {"reply": delivery.reply, "rows": delivery.rows, "usual_rows": usual}
    return Mark(delivery.received, later, Light.AMBER if delivery.rows else Light.RED, reason, evidence)


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
