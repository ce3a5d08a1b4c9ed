"""Words as people type them, against the words of places, quantities and sectors: capitals, accents and slips forgiven.

A search is tried as it is written. Only where that finds nothing, each word also stands for the known words that are
nearest to it: one slip away for words of three to five letters, two for longer ones, none for shorter ones. A slip is
a letter too many, too few or another one, or two neighbours swapped; the end of the known word may be missing. Source
of the limits: the `AUTO` fuzziness of Elasticsearch
(https://www.elastic.co/docs/reference/elasticsearch/rest-apis/common-options).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, or_, select

from passerelle.model.quantity import Sector, list_quantities
from passerelle.registry.fold import fold
from passerelle.registry.places import PLACES
from passerelle.registry.series import SERIES

MOST_NEAR = 30
"""Known words that one mistyped word may stand for."""

_MOST_TEXTS = 50_000
"""Names of places, and facets, whose words are compared with a mistyped one: some tenths of a second."""

_WORD = re.compile(r"[a-z0-9]+")
_SECTOR_WORDS = {
    Sector.MOBILITY: "mobility mobilite transport",
    Sector.ENERGY: "energy energie",
    Sector.WATER: "water eau",
    Sector.WASTE: "waste dechets",
    Sector.AIR: "air quality qualite de l'air",
    Sector.CITIZENS: "citizens citoyens habitants",
}
"""What the quantities of a sector are called together, folded."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One word of a search: any of `spellings`, each to be found inside a text."""

    spellings: tuple[str, ...]

    def is_in(self, text: str) -> bool:
        """Whether the folded `text` holds a spelling."""
        return any(one in text for one in self.spellings)


@dataclass(frozen=True, slots=True)
class Search:
    """The words that all have to be found; `feeds` holds the folded words of each feed, by its id."""

    words: tuple[Wanted, ...]
    feeds: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, feeds: Mapping[str, str] | None = None) -> Search:
        """The words of `text` as they are written."""
        return cls(tuple(Wanted((word,)) for word in fold(text).split()), feeds or {})

    def forgive(self, connection: Connection) -> Search:
        """Each word, and each part of one with a hyphen, with the known ones that are nearest to it."""
        known = _list_known(connection, self.feeds)
        parts = [part for word in self.words for part in _WORD.findall(word.spellings[0]) or word.spellings]
        return Search(tuple(Wanted((part, *find_nearest(part, known))) for part in parts), self.feeds)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What holds of series, joined with their places, that have every word."""
        return [self._says(word) for word in self.words]

    def _says(self, word: Wanted) -> ColumnElement[bool]:
        titled = [name for name, text in QUANTITY_WORDS.items() if word.is_in(text)]
        named = [feed for feed, text in self.feeds.items() if word.is_in(text)]
        texts = [column.contains(one, autoescape=True) for one in word.spellings for column in _FOLDED]
        return or_(*texts, SERIES.c.quantity.in_(titled), SERIES.c.feed.in_(named))


_FOLDED = (PLACES.c.folded, SERIES.c.folded)

QUANTITY_WORDS = {
    one.name: fold(f"{one.name} {one.title_en} {one.title_fr} {_SECTOR_WORDS[one.sector]}") for one in list_quantities()
}
"""What each quantity can be found by, folded."""


def find_nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that are the fewest slips away from `word`, as many as its length allows; at most `MOST_NEAR`.

    >>> find_nearest("bycicle", ["bicycles", "popsicle", "particle"])
    ['bicycles']
    """
    most = 0 if len(word) < 3 else 1 if len(word) < 6 else 2
    found: dict[int, list[str]] = {}
    letters = set(word)
    for other in known if most else ():
        # A slip changes at most one letter of the word into another.
        if len(other) >= len(word) - most and len(letters - set(other)) <= most:
            slips = count_slips(word, other, most)
            if slips <= most:
                found.setdefault(slips, []).append(other)
    return sorted(found[min(found)])[:MOST_NEAR] if found else []


def count_slips(word: str, other: str, most: int) -> int:
    """The slips between `word` and the beginning of `other`; `most + 1` stands for any more.

    Distance of optimal string alignment, least over the beginnings of `other`.

    >>> count_slips("electicity", "electricity", 2), count_slips("vlelo", "velo", 2), count_slips("hoetl", "hotel", 2)
    (1, 1, 1)
    """
    other = other[: len(word) + most]
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        earlier, before, row = before, row, [i]
        for j, known in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != known))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == known:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-2 * most - 1 :])


def _list_known(connection: Connection, feeds: Mapping[str, str]) -> set[str]:
    texts: list[Collection[str]] = [QUANTITY_WORDS.values(), feeds.values()]
    for column in _FOLDED:
        texts.append(connection.execute(select(column).distinct().limit(_MOST_TEXTS)).scalars().all())
    return {word for group in texts for text in group for word in _WORD.findall(text) if len(word) > 1}
