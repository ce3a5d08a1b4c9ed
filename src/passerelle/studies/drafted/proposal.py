"""From what a person chose to a whole declaration, with the reason for everything they did not choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.feeds._rows import slug
from passerelle.lab.estimators.did import FEWEST_TIMES
from passerelle.model.errors import InvalidValueError, StudyError
from passerelle.model.quantity import Quantity, get_quantity
from passerelle.registry.changes import list_changes
from passerelle.registry.places import get_place
from passerelle.studies.declared.declaration import Declaration, parse_declaration
from passerelle.studies.drafted.draft import CUSTOMARY, Draft
from passerelle.studies.drafted.levels import TOGETHER
from passerelle.studies.drafted.outcomes import ReadCoverage
from passerelle.studies.drafted.pool import Candidate, Pool, list_pool, tell_candidate
from passerelle.studies.drafted.toml_text import write_toml
from passerelle.studies.told.words import Words, explain, texts

_NAMED = 2
"""Places named in a sentence, at most; more are counted."""

_LONGEST_ID = 50


@dataclass(frozen=True, slots=True)
class Proposal:
    """A declaration as a file holds it, and as it is read; the candidates, and why each default is what it is."""

    document: dict[str, Any]
    declaration: Declaration
    pool: list[dict[str, Any]]
    reasons: list[dict[str, Any]]

    @property
    def toml(self) -> str:
        """The file's text."""
        return write_toml(self.document)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The draft with what followed from the archive."""

    draft: Draft
    quantity: Quantity
    pool: Pool
    comparison: Sequence[str]
    smallest: float


def propose(archive: Archive, draft: Draft, read_coverage: ReadCoverage) -> Proposal:
    """The whole declaration of the draft, which is read as a file's would be."""
    pool = list_pool(archive, draft.pooled, read_coverage)
    quantity = get_quantity(draft.outcome.quantity)
    proposed = [one.place for one in pool.candidates if one.proposed]
    comparison = proposed if draft.comparison is None else draft.comparison
    chosen = _Chosen(draft, quantity, pool, comparison, _size(pool, draft.smallest_percent))
    _require_candidates(chosen, pool.candidates)
    with archive.engine.connect() as connection:
        document = _compose(connection, chosen, archive)
    try:
        declaration = parse_declaration(document)
    except msgspec.ValidationError as error:
        raise InvalidValueError(str(error), where="draft") from error
    told = [tell_candidate(one, draft.pooled) for one in pool.candidates]
    return Proposal(document, declaration, told, _reason(chosen))


def _size(pool: Pool, percent: float) -> float:
    """The smallest effect on the scale: in percent, or in the outcome's unit, to two figures."""
    if pool.scale == "log":
        return percent
    if not pool.size:
        raise StudyError(
            "the outcome was zero throughout before the change: no share of it is an effect", where="outcome"
        )
    return float(f"{percent / 100 * pool.size:.2g}")


def _require_candidates(chosen: _Chosen, pool: Sequence[Candidate]) -> None:
    known = {one.place for one in pool}
    if lost := [one for one in chosen.comparison if one not in known]:
        raise InvalidValueError(
            f"{', '.join(lost[:5])} can't be compared with: the outcome isn't measured there, or it is treated",
            where="comparison",
        )


def _compose(connection: Connection, chosen: _Chosen, archive: Archive) -> dict[str, Any]:
    draft = chosen.draft
    name = draft.id or _name(connection, draft)
    zone, told = archive.city.time_zone, draft.told
    midnight = datetime.combine(draft.start, time(), zone)
    end = None if draft.end is None else datetime.combine(draft.end + timedelta(days=1), time(), zone)
    where = msgspec.to_builtins(told.where)
    if told.where.geometry is None and not told.where.places:
        where["places"] = list(draft.places)
    change = {
        "id": name,
        "sector": chosen.quantity.sector.value,
        "start": midnight,
        "end": end,
        "ramp": draft.ramp,
        "by": told.by,
        "title": told.title.both,
        "what": told.what.both,
        "where": {key: value for key, value in where.items() if value},
        "link": [msgspec.to_builtins(one) for one in told.link],
    }
    return _prune({"change": change, "study": _compose_study(connection, chosen, name)})


def _prune(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without the keys that have no value: what isn't declared isn't said."""
    return {name: _prune(one) if isinstance(one, Mapping) else one for name, one in document.items() if one is not None}


def _compose_study(connection: Connection, chosen: _Chosen, name: str) -> dict[str, Any]:
    draft, outcome, words = chosen.draft, chosen.draft.outcome, _words(connection, chosen)
    group: dict[str, Any] = {"places": list(chosen.comparison)} if chosen.comparison else {"none": True}
    return {
        "id": f"{name}-{slug(outcome.quantity)}"[:63],
        "change": name,
        "design": "places",
        "method": draft.method,
        "unit": "place",
        "every": chosen.pool.every,
        "wanted": draft.wanted.value,
        "smallest_effect": chosen.smallest,
        "scale": chosen.pool.scale,
        "level": draft.level,
        "least_seen": draft.least_seen,
        "publish_on": draft.publish_on,
        "unit_word": _word(chosen),
        "outcome": {
            "feed": outcome.feed,
            "quantity": outcome.quantity,
            "facet": outcome.facet or None,
            "over_time": TOGETHER[chosen.quantity.statistic].value,
            "over_places": None if TOGETHER[chosen.quantity.statistic].value == "sum" else "mean",
            "title": words["title"],
            "subject": words["subject"],
            "after": words["after"],
        },
        "treated": {"label": words["treated"], "places": list(draft.places)},
        "comparison": {"label": words["compared"], "phrase": words["phrase"], "why": words["why"], **group},
        "spillover": {"metres": draft.reach_metres, "why": words["reach"]} if chosen.comparison else None,
        "windows": {
            "before": [chosen.pool.before, draft.start - timedelta(days=1)],
            "after": [draft.pooled.first_after, draft.until],
        },
    }


def _word(chosen: _Chosen) -> dict[str, str] | None:
    """How an effect's unit is said where effects are in it; of what is counted the unit is the time."""
    if chosen.pool.scale == "log" or not chosen.quantity.unit.startswith(("{", "1")):
        return None
    per: dict[str, str] = texts()["draft"]["per"][chosen.pool.every]
    return dict(per)


def _words(connection: Connection, chosen: _Chosen) -> dict[str, dict[str, str]]:
    """The words of the study, in both languages; an officer may write better ones into the file."""
    draft, quantity, told = chosen.draft, chosen.quantity, texts()["draft"]["words"]
    names = [get_place(connection, one).name for one in draft.places[:_NAMED]]
    several = explain(told["several"], {"count": str(len(draft.places))})
    places: str | Mapping[str, str] = ", ".join(names) if len(draft.places) <= _NAMED else several
    count = len(chosen.comparison)
    facet = f" ({draft.outcome.facet})" if draft.outcome.facet else ""
    title = {"en": quantity.title_en + facet, "fr": quantity.title_fr + facet}
    together = {"sum": "total", "mean": "mean"}.get(TOGETHER[quantity.statistic].value, "extreme")
    phrase = "phrase_own" if not count else "phrase_one" if count == 1 else "phrase"
    why = "why_own" if not count else "why" if draft.comparison is None else "why_chosen"
    return {
        "title": title,
        "subject": explain(told[together], {"title": title, "places": places}),
        "after": explain(told["after"], {"title": draft.told.title.both}),
        "treated": explain(told["treated"], {"places": places}),
        "compared": explain(told["compared" if count else "themselves"], {"count": str(count)}),
        "phrase": explain(told[phrase], {"count": str(count)}),
        "why": explain(told[why], {"reach": draft.reach_metres}),
        "reach": explain(told["reach"], {}),
    }


def _name(connection: Connection, draft: Draft) -> str:
    """An id that no change has yet: the title's words and the year."""
    title = slug(draft.told.title.en)[:_LONGEST_ID].strip("-") or "change"
    wanted = title if title.endswith(str(draft.start.year)) else f"{title}-{draft.start.year}"
    taken = {one["id"] for one in list_changes(connection, q=wanted, limit=1000)}
    number = 1
    while wanted + (f"-{number}" if number > 1 else "") in taken:
        number += 1
    return wanted + (f"-{number}" if number > 1 else "")


def _reason(chosen: _Chosen) -> list[dict[str, Any]]:
    """Why each thing that the person did not choose is what it is: `key`, `value` and `text`."""
    draft, told = chosen.draft, texts()["draft"]["reason"]
    numbers: Words = {
        "first": chosen.pool.before.isoformat(),
        "last": draft.until.isoformat(),
        "needed": FEWEST_TIMES,
        "least": draft.least_seen,
        "reach": draft.reach_metres,
        "percent": draft.smallest_percent / 100,
        "size": f"{chosen.smallest:g}",
    }
    rows: list[tuple[str, object, str, bool]] = [
        ("design", "places", "places" if chosen.comparison else "none", True),
        ("before", chosen.pool.before.isoformat(), "before", draft.before is None),
        ("every", chosen.pool.every, chosen.pool.every, draft.every is None),
        ("scale", chosen.pool.scale, chosen.pool.scale, draft.scale is None),
        ("smallest_effect", chosen.smallest, "smallest", chosen.pool.scale == "level"),
        ("method", draft.method, "method", draft.method == "auto"),
        ("level", draft.level, "interval", draft.level == CUSTOMARY),
        ("least_seen", draft.least_seen, "least_seen", True),
        ("reach_metres", draft.reach_metres, "spillover", bool(chosen.comparison)),
    ]
    return [
        {"key": key, "value": value, "text": explain(told[text], numbers)} for key, value, text, shown in rows if shown
    ]
