"""From what a person chose to a whole declaration, with the reason for everything they did not choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from passerelle.archive.archive import Archive
from passerelle.feeds._rows import slug
from passerelle.lab.estimators.did import FEWEST_TIMES
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import Quantity, Statistic, get_quantity
from passerelle.registry.changes import list_changes
from passerelle.registry.places import get_place
from passerelle.studies.declared.declaration import Declaration, parse_declaration
from passerelle.studies.drafted.draft import CUSTOMARY, Draft
from passerelle.studies.drafted.outcomes import ReadCoverage
from passerelle.studies.drafted.pool import Candidate, list_pool, tell_candidate
from passerelle.studies.drafted.toml_text import write_toml
from passerelle.studies.gathered.calendar import whole
from passerelle.studies.told.words import Words, explain, texts

_NAMED = 2
"""Places named in a sentence, at most; more are counted."""

_LONGEST_ID = 50
_TOGETHER = {
    Statistic.COUNT: "sum",
    Statistic.SUM: "sum",
    Statistic.MEAN: "mean",
    Statistic.MEDIAN: "mean",
    Statistic.STATE: "mean",
    Statistic.MAX: "max",
    Statistic.MIN: "min",
}
"""How values of a time make one number, by the quantity's own statistic."""


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
    before: date
    comparison: Sequence[str]
    every: str
    scale: str


def propose(archive: Archive, draft: Draft, read_coverage: ReadCoverage) -> Proposal:
    """The whole declaration of the draft, which is read as a file's would be."""
    before, pool = list_pool(archive, draft.pooled, read_coverage)
    quantity = get_quantity(draft.outcome.quantity)
    proposed = [one.place for one in pool if one.proposed]
    chosen = _Chosen(
        draft,
        quantity,
        before,
        proposed if draft.comparison is None else draft.comparison,
        draft.every or _choose_every(quantity, before, draft),
        draft.scale or ("log" if quantity.lower >= 0 else "level"),
    )
    _require_candidates(chosen, pool)
    with archive.engine.connect() as connection:
        document = _compose(connection, chosen, archive)
    try:
        declaration = parse_declaration(document)
    except msgspec.ValidationError as error:
        raise InvalidValueError(str(error), where="draft") from error
    told = [tell_candidate(one, draft.pooled) for one in pool]
    return Proposal(document, declaration, told, _reason(chosen))


def _require_candidates(chosen: _Chosen, pool: Sequence[Candidate]) -> None:
    known = {one.place for one in pool}
    if lost := [one for one in chosen.comparison if one not in known]:
        raise InvalidValueError(
            f"{', '.join(lost[:5])} can't be compared with: the outcome isn't measured there, or it is treated",
            where="comparison",
        )


def _choose_every(quantity: Quantity, before: date, draft: Draft) -> str:
    if quantity.interval in ("P1Y", "P1M"):
        return {"P1Y": "year", "P1M": "month"}[quantity.interval]
    sides = ((before, draft.start - timedelta(days=1)), (draft.first_after, draft.until))
    return "week" if min(_count_weeks(*side) for side in sides) >= FEWEST_TIMES else "day"


def _count_weeks(first: date, last: date) -> int:
    """The whole weeks among the days."""
    start, _ = whole(first + timedelta(days=6), first, "week")
    end, _ = whole(last + timedelta(days=1), last, "week")
    return max(0, (end - start).days // 7)


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
        "every": chosen.every,
        "wanted": draft.wanted.value,
        "smallest_effect": draft.smallest_effect,
        "scale": chosen.scale,
        "level": draft.level,
        "least_seen": draft.least_seen,
        "publish_on": draft.publish_on,
        "outcome": {
            "feed": outcome.feed,
            "quantity": outcome.quantity,
            "facet": outcome.facet or None,
            "over_time": _TOGETHER[chosen.quantity.statistic],
            "over_places": None if _TOGETHER[chosen.quantity.statistic] == "sum" else "mean",
            "title": words["title"],
            "subject": words["subject"],
            "after": words["after"],
        },
        "treated": {"label": words["treated"], "places": list(draft.places)},
        "comparison": {"label": words["compared"], "phrase": words["phrase"], "why": words["why"], **group},
        "spillover": {"metres": draft.reach_metres, "why": words["reach"]} if chosen.comparison else None,
        "windows": {
            "before": [chosen.before, draft.start - timedelta(days=1)],
            "after": [draft.first_after, draft.until],
        },
    }


def _words(connection: Connection, chosen: _Chosen) -> dict[str, dict[str, str]]:
    """The words of the study, in both languages; an officer may write better ones into the file."""
    draft, quantity, told = chosen.draft, chosen.quantity, texts()["draft"]["words"]
    names = [get_place(connection, one).name for one in draft.places[:_NAMED]]
    several = explain(told["several"], {"count": str(len(draft.places))})
    places: str | Mapping[str, str] = ", ".join(names) if len(draft.places) <= _NAMED else several
    count = len(chosen.comparison)
    facet = f" ({draft.outcome.facet})" if draft.outcome.facet else ""
    title = {"en": quantity.title_en + facet, "fr": quantity.title_fr + facet}
    together = {"sum": "total", "mean": "mean"}.get(_TOGETHER[quantity.statistic], "extreme")
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
        "first": chosen.before.isoformat(),
        "last": draft.until.isoformat(),
        "needed": FEWEST_TIMES,
        "least": draft.least_seen,
        "reach": draft.reach_metres,
    }
    rows: list[tuple[str, object, str, bool]] = [
        ("design", "places", "places" if chosen.comparison else "none", True),
        ("before", chosen.before.isoformat(), "before", draft.before is None),
        ("every", chosen.every, chosen.every, draft.every is None),
        ("scale", chosen.scale, chosen.scale, draft.scale is None),
        ("method", draft.method, "method", draft.method == "auto"),
        ("level", draft.level, "interval", draft.level == CUSTOMARY),
        ("least_seen", draft.least_seen, "least_seen", True),
        ("reach_metres", draft.reach_metres, "spillover", bool(chosen.comparison)),
    ]
    return [
        {"key": key, "value": value, "text": explain(told[text], numbers)} for key, value, text, shown in rows if shown
    ]
