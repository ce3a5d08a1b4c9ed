"""Places: stations that are nowhere, known to nobody, moved, or here under two names.

- At longitude and latitude 0, where an empty field ends up, while the feed's other places are elsewhere: red.
- Farther from the feed's median place than `_FAR` times the places' median distance from it, and 50 km at least: amber.
- Without a geometry, where at least nine of ten of the feed's places have one: amber; red where its code differs by
  one character from the code of a place that has one, so that it is likely a slip of the pen.
- Another id for the same name within 30 m, of a place that came first: amber on both, with both ids. One ends where
  the other begins when ids were given anew, and series must be joined by hand.
- The same id with another name more than 100 m away: amber, from the last description of the one to the first of the
  other. How many docks or points a place has is a series of its own, whose changes are its values.

Source: the house's choice of distances; (0, 0) is known as "null island" (Natural Earth, 2011).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

import numpy as np

from passerelle.trust.check import Check, FeedMark, FeedRecord, Floats, Light, Mark, Site, Text
from passerelle.trust.words import say, to_time

_METRES_PER_DEGREE = 111_320
"""Along a meridian, and along the equator: 40,075 km / 360 (WGS 84)."""
_FAR = 20
_FAR_METRES = 50_000
_SAME_METRES, _MOVED_METRES = 30, 100
_MOST_LOCATED = 0.9
_MOMENT = timedelta(seconds=1)


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """Marks on the series of each place that is described wrongly, over the time of that description."""
    located = [site for site in feed.sites if site.place.centre is not None]
    if not located:
        return []
    position = np.array([site.place.centre for site in located])
    series: dict[str, list[int]] = {}
    for index, record in enumerate(feed.records):
        series.setdefault(record.series.place, []).append(index)
    found = [*_nowhere(located, position), *_unknown(feed, located), *_twice(located, position), *_changed(feed.sites)]
    return [
        FeedMark(mark, tuple(feed.records[index].series.number for index in series.get(place, [])))
        for place, site, light, reason, evidence in found
        if (mark := _mark(feed, series.get(place, []), site, light, reason, evidence)) is not None
    ]


_Found = tuple[str, Site, Light, Text, dict[str, object]]


def _nowhere(located: list[Site], position: Floats) -> Iterator[_Found]:
    middle = np.median(position, axis=0)
    distance = _metres(position, middle)
    limit = max(_FAR * float(np.median(distance)), _FAR_METRES)
    elsewhere = bool((np.abs(middle) > 1).any())
    null = (np.max(np.abs(position), axis=1) < 0.01) & elsewhere
    for index in np.flatnonzero(null | (distance > limit)):
        site, (longitude, latitude) = located[index], position[index]
        reason = say(
            "{name} is said to lie at longitude {longitude} and latitude {latitude}, {distance} km from the other "
            "places.",
            "{name} se trouverait à la longitude {longitude} et la latitude {latitude}, à {distance} km des autres "
            "lieux.",
            name=site.place.name,
            longitude=float(longitude),
            latitude=float(latitude),
            distance=round(distance[index] / 1000),
        )
        evidence: dict[str, object] = {"longitude": float(longitude), "latitude": float(latitude)}
        yield site.place.id, site, Light.RED if null[index] else Light.AMBER, reason, evidence


def _unknown(feed: FeedRecord, located: list[Site]) -> Iterator[_Found]:
    if len(located) < _MOST_LOCATED * len(feed.sites):
        return
    known = {site.place.id for site in located}
    for site in feed.sites:
        if site.place.id in known:
            continue
        near = sorted(other for other in known if _differs_by_one(other, site.place.id))
        if near:
            reason = say(
                "No place is known for {name}, and its code differs by one character from {near}: likely a slip of "
                "the pen.",
                "Aucun lieu n'est connu pour {name}, et son code diffère d'un caractère de {near} : sans doute une "
                "faute de frappe.",
                name=site.place.name,
                near=", ".join(near),
            )
        else:
            reason = say(
                "No place is known for {name}, unlike the others of this feed.",
                "Aucun lieu n'est connu pour {name}, contrairement aux autres de cette source.",
                name=site.place.name,
            )
        yield site.place.id, site, Light.RED if near else Light.AMBER, reason, {"id": site.place.id, "near": near}


def _differs_by_one(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _twice(located: list[Site], position: Floats) -> Iterator[_Found]:
    by_name: dict[str, list[int]] = {}
    for index, site in enumerate(located):
        by_name.setdefault(site.place.name, []).append(index)
    for indices in by_name.values():
        indices.sort(key=lambda index: located[index].first)
        for before, after in pairwise(indices):
            old, new = located[before], located[after]
            if old.place.id == new.place.id or _metres(position[[before]], position[after])[0] > _SAME_METRES:
                continue
            reason = say(
                "{name} stands here under two ids, {old} and, first seen later, {new}: join their series by hand.",
                "{name} figure sous deux identifiants, {old} puis {new} : leurs séries sont à réunir à la main.",
                name=old.place.name,
                old=old.place.id,
                new=new.place.id,
            )
            evidence: dict[str, object] = {
                "ids": [old.place.id, new.place.id],
                "first_seen": [old.first.isoformat(), new.first.isoformat()],
            }
            for site in (old, new):
                yield site.place.id, site, Light.AMBER, reason, evidence


def _changed(sites: Sequence[Site]) -> Iterator[_Found]:
    by_id: dict[str, list[Site]] = {}
    for site in sites:
        by_id.setdefault(site.place.id, []).append(site)
    for versions in by_id.values():
        for old, new in pairwise(sorted(versions, key=lambda site: site.first)):
            moment = Site(new.place, old.last, max(new.first, old.last + _MOMENT))
            if old.place.name != new.place.name and _apart(old, new) > _MOVED_METRES:
                reason = say(
                    "The id {id} was {old} and is now {new}, somewhere else: values before and after are of two "
                    "places.",
                    "L'identifiant {id} désignait {old} et désigne maintenant {new}, ailleurs : les valeurs d'avant "
                    "et d'après sont de deux lieux.",
                    id=new.place.id,
                    old=old.place.name,
                    new=new.place.name,
                )
                yield new.place.id, moment, Light.AMBER, reason, {"names": [old.place.name, new.place.name]}


def _apart(old: Site, new: Site) -> float:
    if old.place.centre is None or new.place.centre is None:
        return 0.0
    return float(_metres(np.array([old.place.centre]), np.array(new.place.centre))[0])


def _metres(positions: Floats, to: Floats) -> Floats:
    """Distances on a plane that touches the earth at `to`: close enough within a city."""
    east = (positions[:, 0] - to[0]) * np.cos(np.radians(to[1]))
    distance: Floats = _METRES_PER_DEGREE * np.hypot(east, positions[:, 1] - to[1])
    return distance


def _mark(
    feed: FeedRecord, indices: list[int], site: Site, light: Light, reason: Text, evidence: dict[str, object]
) -> Mark | None:
    """Over the place's observations, or the description's own time where it is a change or has none."""
    start, end = site.first, site.last
    if indices and site in feed.sites:
        start = min(to_time(int(feed.records[index].start[0])) for index in indices if len(feed.records[index].start))
        end = max(to_time(int(feed.records[index].end[-1])) for index in indices if len(feed.records[index].end))
    return Mark(start, end, light, reason, evidence) if start < end else None


CHECK = Check(
    name="places",
    title={"en": "Places and ids", "fr": "Lieux et identifiants"},
    meaning={
        "en": "A station lies nowhere or far from all others, its code is known to nobody, it stands here under two "
        "ids, or its id was given to another place.",
        "fr": "Une station n'est nulle part ou loin de toutes les autres, son code est inconnu, elle figure sous deux "
        "identifiants, ou son identifiant a été donné à un autre lieu.",
    },
    judge_feed=judge_feed,
)
