"""The finding of a study of places or episodes: its judged result as a portable JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from passerelle.lab.analysis import Analysis
from passerelle.lab.result import Event
from passerelle.model.series import format_series_id
from passerelle.studies.declared.declaration import PanelDesign
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.gathered.facts import Facts
from passerelle.studies.gathered.panels import COMPARISON, TREATED, Filled
from passerelle.studies.gathered.spells import Spelled
from passerelle.studies.judging import Alternative, Judged, place_placebos, placebo_effects
from passerelle.studies.told.finding import identify
from passerelle.studies.told.nothing_left import judge_nothing
from passerelle.studies.told.panel_chart import draw_episodes, draw_places
from passerelle.studies.told.sentence import (
    count_word,
    get_effect_unit,
    name_quantity,
    write_reasons,
    write_sentence,
)
from passerelle.studies.told.told import (
    Unit,
    show,
    tell_assumptions,
    tell_checks,
    tell_declared,
    tell_effect,
    tell_estimate,
    tell_method,
)
from passerelle.studies.told.words import Titles, texts


def write_panel_finding(
    sealed: Mapping[str, Any],
    study: PanelDesign,
    judged: Judged,
    facts: Facts,
    *,
    data: Sequence[Mapping[str, Any]],
    trust: Mapping[str, Any],
    rows_sha256: str,
    city: str,
    time_zone: str,
    computed_at: datetime,
) -> dict[str, Any]:
    """The unsigned document. All but `computed_at` follows from declaration, data and facts."""
    unit = get_effect_unit(study)
    content = {
        **tell_declared(sealed, study),
        "design": study.design,
        **_judge(study, judged, unit, _entitle(judged, facts)),
        "city": city,
        "time_zone": time_zone,
        **_draw(study, judged, facts, unit),
        "definitions": facts["definitions"],
        "interfering": list(facts["others"]),
        "data": list(data),
        "trust": dict(trust),
        "rows_sha256": rows_sha256,
        "units": dict(count_word(study)),
        "n": _count(study, judged),
    }
    return identify(study.id, content, computed_at)


def _judge(study: PanelDesign, judged: Judged, unit: Unit, titles: Titles) -> dict[str, Any]:
    """What follows from the numbers: verdict, effect, checks, other methods; nulls where nothing was left."""
    analysis = judged.analysis
    if analysis is None:
        absent: dict[str, Any] = {"choice": None, "inference": None, "events": [], "alternatives": []}
        return {**judge_nothing(study), **absent}
    result, judgement = analysis.result, analysis.judgement
    return {
        "verdict": judgement.verdict.value,
        "blocked_by": list(judgement.blocked_by),
        "reasons": write_reasons(judgement, result, study, titles),
        "effect": tell_effect(result, unit),
        "estimate": tell_estimate(result, unit),
        "sentence": write_sentence(judgement, result, study),
        "method": tell_method(result.method),
        "choice": {"code": analysis.choice.reason, "text": dict(texts()["choice"][analysis.choice.reason])},
        "inference": {"code": result.inference, "text": dict(texts()["inference"][result.inference])},
        "assumptions": tell_assumptions(result.assumptions),
        "checks": tell_checks(result.checks, unit, titles),
        "events": [_tell_event(one, unit) for one in result.events],
        "alternatives": [_tell_alternative(one, unit) for one in judged.alternatives],
    }


def _entitle(judged: Judged, facts: Facts) -> Titles:
    """How people call the changes, quantities and places that a check may name."""
    found: dict[str, dict[str, str]] = {one["id"]: one["title"] for one in facts["others"]}
    found |= {one["quantity"]: name_quantity(one["quantity"]) for one in facts["definitions"].values()}
    if isinstance(judged.made, Filled):
        found |= {
            place: {"en": name, "fr": name} for place, name in judged.made.seats.select("place", "name").iter_rows()
        }
    return found


def _tell_event(event: Event, unit: Unit) -> dict[str, Any]:
    return {
        "since": event.since,
        "value": show(event.effect, unit),
        "low": show(event.interval[0], unit),
        "high": show(event.interval[1], unit),
    }


def _tell_alternative(one: Alternative, unit: Unit) -> dict[str, Any]:
    """Another method's effect and interval, or why it has none."""
    return {
        "method": tell_method(one.method),
        "effect": None if one.result is None else tell_effect(one.result, unit),
        "estimate": None if one.result is None else tell_estimate(one.result, unit),
        "refused": one.refused,
    }


def _draw(study: PanelDesign, judged: Judged, facts: Facts, unit: Unit) -> dict[str, Any]:
    """The chart, the placebos, and who was compared with how much weight."""
    analysis, made = judged.analysis, judged.made
    if isinstance(study, PlacesStudy) and isinstance(made, Filled):
        return {
            "chart": draw_places(study, made, analysis, facts["change_on"]),
            "placebos": []
            if analysis is None
            else [
                {"place": analysis.panel.units[row], "value": show(effect, unit)}
                for row, effect in place_placebos(analysis)
            ],
            "weights": _weigh(made, analysis),
            "places": _list_places(made),
        }
    if isinstance(study, EpisodesStudy) and isinstance(made, Spelled):
        effects = placebo_effects(made)
        return {
            "chart": draw_episodes(study, made, analysis, facts["change_on"]),
            "placebos": [
                {"at": day.isoformat(), "value": show(float(effect), unit)}
                for (day, _), effect in zip(made.placebos, effects, strict=True)
            ],
            "weights": [],
            "places": None,
            "episodes": [_tell_pair(pair, made, unit) for pair in made.pairs],
        }
    raise TypeError(f"{type(study).__name__} was made into {type(made).__name__}")


def _tell_pair(pair: Any, made: Spelled, unit: Unit) -> dict[str, Any]:
    (first, last), within, around = pair
    assert made.panel is not None or len(made.pairs) < 2  # noqa: S101
    row = made.pairs.index(pair)
    change = None if made.panel is None else float(made.panel.outcomes[row, 1] - made.panel.outcomes[row, 0])
    return {
        "start": first.isoformat(),
        "end": last.isoformat(),
        "value": None if change is None else show(change, unit),
        "days": len(within),
        "around": [day.isoformat() for day in around],
    }


def _weigh(filled: Filled, analysis: Analysis | None) -> list[dict[str, Any]]:
    """Comparison places with their weights, the largest first, where the method weighs them."""
    if analysis is None:
        return []
    found = sorted(analysis.result.weights.items(), key=lambda one: (-abs(one[1]), one[0]))
    named = {place: (place, name) for place, name in filled.seats.select("place", "name").iter_rows()}
    return [
        {"place": place, "name": named.get(place, (place, place))[1], "weight": weight}
        for place, weight in found
        if weight != 0
    ]


def _list_places(filled: Filled) -> dict[str, list[dict[str, Any]]]:
    """The places of each group, and those left out; `distance` in metres from where the change was made."""
    groups = {
        TREATED: filled.seats.filter(pl.col("role") == TREATED),
        COMPARISON: filled.seats.filter(pl.col("role") == COMPARISON),
        "left_out": filled.left_out,
    }
    return {
        name: [
            {
                "place": row["place"],
                "name": row["name"],
                "series": format_series_id(row["series"]),
                "first": None if row["first"] is None else row["first"].isoformat(),
                "distance": row["distance"],
            }
            for row in frame.iter_rows(named=True)
        ]
        for name, frame in groups.items()
    }


def _count(study: PanelDesign, judged: Judged) -> dict[str, int]:
    """How many times before and after, or episodes; how many units with and without the change; series used or not."""
    made, analysis = judged.made, judged.analysis
    if isinstance(made, Spelled):
        used, out, before, after = len(made.places), len(made.left_out), 0, len(made.pairs)
    else:
        assert isinstance(study, PlacesStudy)  # noqa: S101
        used, out = made.seats.height, made.left_out.height
        after = sum(day >= study.windows.after[0] for day in made.firsts)
        before = len(made.firsts) - after
    treated = 0 if analysis is None else analysis.result.n_treated
    units = 0 if analysis is None else analysis.result.n_units
    told = {"before": before, "after": after, "series": used, "series_left_out": out}
    return told | {"treated": treated, "compared": units - treated}
