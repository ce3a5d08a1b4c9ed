"""Duplicates: an interval that stands more than once in one reply.

Repeated with one value it counts double in any sum made outside this node: amber. With unlike values nothing says
which holds (the lake keeps the last as current): red.
"""

from __future__ import annotations

import math

from passerelle.trust.check import Check, FeedMark, FeedRecord, Light, Mark, Text
from passerelle.trust.words import local, say, to_microseconds


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """A mark over each repeated interval, on its series."""
    found = []
    for delivery in feed.deliveries:
        for repeat in delivery.repeats:
            values = {None if value is None or math.isnan(value) else value for value in repeat.values}
            words: dict[str, Text | float] = {
                "start": local(to_microseconds(repeat.start), feed.zone),
                "count": len(repeat.values),
            }
            if len(values) == 1:
                light = Light.AMBER
                reason = say(
                    "The value of {start} stands {count} times in one reply.",
                    "La valeur du {start} figure {count} fois dans une même réponse.",
                    **words,
                )
            else:
                light = Light.RED
                reason = say(
                    "The value of {start} stands {count} times in one reply, and not always the same: nothing says "
                    "which holds.",
                    "La valeur du {start} figure {count} fois dans une même réponse, et pas toujours la même : rien "
                    "ne dit laquelle vaut.",
                    **words,
                )
            evidence = {"reply": delivery.reply, "values": list(repeat.values)}
            mark = Mark(repeat.start, repeat.end, light, reason, evidence)
            found.append(FeedMark(mark, (repeat.series,)))
    return found


CHECK = Check(
    name="duplicates",
    title={"en": "Duplicates", "fr": "Doublons"},
    meaning={
        "en": "The same moment of the same series stands more than once in one reply of the publisher.",
        "fr": "Le même moment d'une même série figure plusieurs fois dans une réponse de l'éditeur.",
    },
    judge_feed=judge_feed,
)
