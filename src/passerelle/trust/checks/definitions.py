"""Definitions: two series about to be compared must measure the same thing in the same way.

Compared are the quantities' declared unit, statistic and kind, and the length of the intervals the values stand for:
the declared one, else the measured one where both are known and differ by more than a tenth. Two means over unlike
intervals have unlike spread, and a maximum is above a mean by definition, so that a difference between the two
would be one of definition.

Source: the table of quantities (`docs/quantities.md`), after ISO 19156's observed property and procedure.
"""

from __future__ import annotations

from passerelle.model.quantity import Statistic
from passerelle.trust.check import Check, Offered, Unlike
from passerelle.trust.words import duration, say

_WORDS = {
    Statistic.MEAN: {"en": "the mean", "fr": "la moyenne"},
    Statistic.SUM: {"en": "the sum", "fr": "la somme"},
    Statistic.MAX: {"en": "the maximum", "fr": "le maximum"},
    Statistic.MIN: {"en": "the minimum", "fr": "le minimum"},
    Statistic.COUNT: {"en": "a count", "fr": "un comptage"},
    Statistic.STATE: {"en": "a state at one moment", "fr": "un état à un instant"},
    Statistic.MEDIAN: {"en": "the median", "fr": "la médiane"},
}
_TOLERANCE = 0.1
"""Days of clock change are 1/24 longer or shorter, and recordings jitter by less than this."""


def compare(treated: Offered, comparison: Offered) -> list[Unlike]:
    """One reason for each of statistic, unit, kind and interval that differs."""
    ours, theirs = treated.quantity, comparison.quantity
    evidence = {
        name: {"treated": getattr(ours, name), "comparison": getattr(theirs, name)}
        for name in ("name", "unit", "statistic", "kind", "interval")
    }
    found = []
    if ours.statistic is not theirs.statistic:
        found.append(
            say(
                "One is {ours} and the other {theirs} of what was measured: their difference is one of definition.",
                "L'un est {ours} et l'autre {theirs} de ce qui a été mesuré : leur écart tient à la définition.",
                ours=_WORDS[ours.statistic],
                theirs=_WORDS[theirs.statistic],
            )
        )
    for name, en, fr in (("unit", "in units of", "en"), ("kind", "a", "de nature")):
        if getattr(ours, name) != getattr(theirs, name):
            found.append(
                say(
                    f"One is {en} {{ours}} and the other {en} {{theirs}}.",
                    f"L'un est {fr} {{ours}} et l'autre {fr} {{theirs}}.",
                    ours=getattr(ours, name),
                    theirs=getattr(theirs, name),
                )
            )
    lengths = (treated.interval_seconds, comparison.interval_seconds)
    if ours.statistic is not Statistic.STATE and min(lengths) > 0 and max(lengths) > (1 + _TOLERANCE) * min(lengths):
        found.append(
            say(
                "One value stands for {ours} and the other for {theirs}: bring both to the longer one first.",
                "Une valeur vaut pour {ours} et l'autre pour {theirs} : ramenez d'abord les deux à la plus longue.",
                ours=duration(lengths[0]),
                theirs=duration(lengths[1]),
            )
        )
    return [Unlike(reason, evidence) for reason in found]


CHECK = Check(
    name="definitions",
    title={"en": "Same definition", "fr": "Même définition"},
    meaning={
        "en": "Two series may be compared only if both measure the same thing in the same way: same unit, same "
        "statistic (a daily maximum is not a daily mean) and same length of time per value.",
        "fr": "Deux séries ne se comparent que si elles mesurent la même chose de la même façon : même unité, même "
        "statistique (un maximum journalier n'est pas une moyenne journalière) et même durée par valeur.",
    },
    compare=compare,
)
