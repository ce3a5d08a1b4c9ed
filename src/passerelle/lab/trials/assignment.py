"""Who gets a change, by lots that anybody can draw again.

A seed is a text. Before lots are drawn its SHA-256 is published; afterwards the seed is, and both can be checked. The
lot of a name is the SHA-256 of `seed:name` in UTF-8, written in hexadecimal; in each stratum the smallest lots are
drawn. `printf %s "$seed:$name" | sha256sum` is all it takes to verify one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Floats, Indices, Panel
from passerelle.model.errors import InvalidValueError, StudyError

EARTH_RADIUS_M = 6_371_008.8
"""The mean radius: IUGG, Moritz 2000, doi:10.1007/s001900050278."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What was drawn among, the stratum it stood in, its lot, and whether it was drawn."""

    name: str
    stratum: int
    lot: str
    drawn: bool


def commit(seed: str) -> str:
    """What is published before the lots are drawn, so that the seed can't be changed afterwards.

    >>> commit("Pont des Arts")[:16]
    'cf346ba9ca5bf55a'
    """
    return hashlib.sha256(seed.encode()).hexdigest()


def verify(seed: str, commitment: str) -> None:
    """Nothing where `seed` is the one that was committed to."""
    if not hmac.compare_digest(commit(seed), commitment.lower()):
        raise StudyError(f"the seed's SHA-256 is {commit(seed)}, not {commitment}", where="seed")


def draw(names: Sequence[str], strata: Indices, treated: int, seed: str) -> tuple[Ticket, ...]:
    """A ticket for each name, `treated` of each stratum drawn."""
    lots = [commit(f"{seed}:{name}") for name in names]
    tickets = []
    for one, (name, stratum) in enumerate(zip(names, strata.tolist(), strict=True)):
        others = sorted(lots[row] for row in np.flatnonzero(strata == stratum))
        if treated >= len(others):
            raise InvalidValueError(
                f"{treated} of the {len(others)} in a stratum are to be drawn; fewer must", where="treat"
            )
        tickets.append(Ticket(name, stratum, lots[one], lots[one] in others[:treated]))
    return tuple(tickets)


def match(history: Floats, size: int) -> Indices:
    """Strata of `size` rows that were most alike: the row left with the highest mean, and those nearest to it.

    Near is the root mean square of the difference at the times when both were seen. What is left over at the end, less
    than `size` rows, joins the last stratum.
    """
    if not 2 <= size <= len(history):
        raise InvalidValueError(f"strata of {size} can't be made of {len(history)}", where="strata_size")
    means = np.nanmean(history, axis=1)
    left = list(np.argsort(-means, kind="stable"))
    strata = np.zeros(len(history), dtype=np.intp)
    number = 0
    while left:
        apart = np.sqrt(np.nanmean((history[left] - history[left[0]]) ** 2, axis=1))
        chosen = [left[row] for row in np.argsort(apart, kind="stable")[:size]]
        if len(left) - size < size:
            chosen = left
        strata[chosen] = number
        left = [row for row in left if row not in chosen]
        number += 1
    return strata


def group_near(latitudes: Floats, longitudes: Floats, apart: float) -> Indices:
    """Clusters such that places of different clusters are more than `apart` metres from each other.

    What is done in one then can't spill over to another within that distance.
    """
    from scipy.sparse import csgraph

    latitude, longitude = np.radians(latitudes), np.radians(longitudes)
    half = (
        np.sin(np.subtract.outer(latitude, latitude) / 2) ** 2
        + np.multiply.outer(np.cos(latitude), np.cos(latitude))
        * np.sin(np.subtract.outer(longitude, longitude) / 2) ** 2
    )
    near = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half)) <= apart
    return np.asarray(csgraph.connected_components(near, directed=False)[1], dtype=np.intp)


def name_clusters(panel: Panel) -> tuple[list[str], Floats]:
    """Each cluster's name, that of its first unit, and the mean of its units at each time; NaN where none was seen."""
    names, first = np.unique(panel.clusters, return_index=True)
    histories = np.empty((len(names), len(panel.times)))
    for row, cluster in enumerate(names):
        rows = panel.outcomes[panel.clusters == cluster]
        seen = ~np.isnan(rows)
        totals, counts = np.where(seen, rows, 0.0).sum(axis=0), seen.sum(axis=0)
        histories[row] = np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return [panel.units[row] for row in first], histories
