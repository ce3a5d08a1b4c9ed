"""What may leave this node: asked wherever data do."""

from __future__ import annotations

from enum import StrEnum

from passerelle.feeds.feed import Feed, Redistribute
from passerelle.model.errors import RedistributionError


class Leaving(StrEnum):
    """In which form data would leave: the feed's rows, or what a study derives from them."""

    ROWS = "rows"
    DERIVED = "derived"


_ALLOWED = {
    Redistribute.YES: frozenset({Leaving.ROWS, Leaving.DERIVED}),
    Redistribute.DERIVED: frozenset({Leaving.DERIVED}),
    Redistribute.NO: frozenset[Leaving](),
}


def may_leave(feed: Feed, form: Leaving) -> bool:
    """Whether the feed's licence lets its data leave in that form."""
    return form in _ALLOWED[feed.redistribute]


def check_redistribution(feed: Feed, form: Leaving) -> None:
    """Raise `RedistributionError`, which names the licence, where the data may not leave in that form."""
    if may_leave(feed, form):
        return
    allowed = " and ".join(sorted(_ALLOWED[feed.redistribute])) or "nothing"
    raise RedistributionError(
        f"{form} of feed {feed.id!r} may not leave this node: its licence, {feed.licence.name} "
        f"({feed.licence.url or 'no address'}), is declared redistribute = {feed.redistribute.value}; "
        f"allowed is {allowed}",
        where=feed.id,
    )
