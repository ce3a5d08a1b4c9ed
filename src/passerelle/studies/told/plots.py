"""The pictures of a finding, drawn from its JSON alone: the path, the placebos, the event study, the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from passerelle.studies.told.svg import EXPECTED, MAIN, OTHER, Label, Plot, round_ticks, widen, write_tick
from passerelle.studies.told.words import format_number, texts

Finding = Mapping[str, Any]
Values = Sequence[float | None]
_Point = tuple[float, float | None]
_Line = tuple[Values, str, str, str]
"""Values, colour, name, dashes."""

_MOST_BARS = 15
_ROW_HEIGHT = 20


def draw_plots(finding: Finding, language: str) -> dict[str, str]:
    """The SVG documents by name: those of `path`, `placebos`, `events` and `weights` that there is something of."""
    drawn = {
        "path": _draw_path(finding, language),
        "placebos": _draw_placebos(finding, language),
        "events": _draw_events(finding, language),
        "weights": _draw_weights(finding, language),
    }
    return {name: body for name, body in drawn.items() if body is not None}


def _say(name: str, language: str) -> str:
    return str(texts()["plot"][name][language])


def _draw_path(finding: Finding, language: str) -> str | None:
    chart = finding["chart"]
    if not chart["times"] or all(value is None for value in chart["treated"]):
        return None
    days = [float(date.fromisoformat(day).toordinal()) for day in chart["times"]]
    labels = {side: chart["labels"][side][language] for side in ("treated", "comparison")}
    low, high = chart["counterfactual_low"], chart["counterfactual_high"]
    values = [*chart["treated"], *chart["comparison"], *chart["counterfactual"]]
    plot = Plot(
        f"{_say('path', language)}{texts()['readme'][language]['colon']}{finding['outcome'][language]}",
        _say("path_said", language).format(**labels),
        (days[0], days[-1]),
        widen(values),
        _label_days(days, language),
        chart["unit"][language],
    )
    lines = [(chart["comparison"], OTHER, labels["comparison"], "")]
    if any(value is not None for value in chart["counterfactual"]):
        lines.append((chart["counterfactual"], EXPECTED, _say("expected", language), "6 3"))
    lines.append((chart["treated"], MAIN, labels["treated"], ""))
    if "around" in chart["windows"]:
        _draw_apart(plot, days, (low, high), lines)
        return plot.write(language)
    plot.band(list(zip(days, low, high, strict=True)))
    for drawn, colour, name, dash in lines:
        plot.line(list(zip(days, drawn, strict=True)), colour, name, dash)
    at = date.fromisoformat(chart["change_at"]).toordinal()
    plot.upright(min(max(at, days[0]), days[-1]), _say("change", language))
    return plot.write(language)


def _draw_apart(plot: Plot, days: Sequence[float], reach: tuple[Values, Values], lines: Sequence[_Line]) -> None:
    """Days of episodes, each a point with its own interval; a line joins two only where one follows the other."""
    for day, low, high in zip(days, *reach, strict=True):
        if low is not None and high is not None:
            plot.span(day, low, high, EXPECTED)
    for drawn, colour, name, dash in lines:
        points = list(zip(days, drawn, strict=True))
        broken = [one for pair in pairwise(points) for one in _part(*pair)] + points[-1:]
        plot.line(broken, colour, name, dash)
        for day, value in points:
            if value is not None:
                plot.dot(day, value, colour, 2.5)


def _part(point: _Point, following: _Point) -> list[_Point]:
    """The point, and a hole after it unless the next day is the following one's."""
    return [point] if following[0] - point[0] <= 1 else [point, (point[0], None)]


def _label_days(days: Sequence[float], language: str) -> list[Label]:
    """Five days at even distances; years alone where the times are years."""
    chosen = sorted({round(at * (len(days) - 1) / 4) for at in range(5)})
    shown = [date.fromordinal(int(days[at])) for at in chosen]
    yearly = len(days) > 1 and min(b - a for a, b in pairwise(days)) >= 365
    forms = {"en": "%Y-%m-%d", "fr": "%d/%m/%Y"}
    return [(float(day.toordinal()), str(day.year) if yearly else day.strftime(forms[language])) for day in shown]


def _draw_placebos(finding: Finding, language: str) -> str | None:
    effect = finding["effect"]
    values = sorted(one["value"] for one in finding["placebos"] if one["value"] is not None)
    if effect is None or not values:
        return None
    unit = effect["unit"][language]
    shown = f"{format_number(effect['value'], language, 1)} {unit}"
    span = widen([*values, effect["value"]], zero=True)
    plot = Plot(
        _say("placebos", language),
        _say("placebos_said", language).format(count=len(values), effect=shown),
        span,
        (0.0, float(len(values) + 1)),
        [(tick, write_tick(tick, language)) for tick in round_ticks(*span)],
        unit,
    )
    for at, value in enumerate(values):
        plot.dot(value, at + 1, OTHER)
    plot.line([], OTHER, _say("placebo", language))
    plot.upright(effect["value"], _say("real", language))
    return plot.write(language, rows=False)


def _draw_events(finding: Finding, language: str) -> str | None:
    events = [one for one in finding.get("events", ()) if one["value"] is not None]
    if not events:
        return None
    spans = [one[name] for one in events for name in ("value", "low", "high")]
    times = [one["since"] for one in events]
    x = (min(times) - 1, max(times) + 1)
    plot = Plot(
        f"{_say('events', language)} ({finding['effect']['unit'][language]})",
        _say("events_said", language),
        x,
        widen(spans, zero=True),
        [(tick, write_tick(tick, language)) for tick in round_ticks(*x, 8) if tick == int(tick)],
        _say("since", language),
    )
    plot.level(0.0)
    for one in events:
        if one["low"] is not None or one["high"] is not None:
            plot.span(one["since"], one["low"], one["high"], MAIN)
        plot.dot(one["since"], one["value"], MAIN if one["since"] >= 0 else OTHER)
    return plot.write(language)


def _draw_weights(finding: Finding, language: str) -> str | None:
    weights = finding.get("weights", ())[:_MOST_BARS]
    if not weights:
        return None
    count = len(weights)
    span = widen([one["weight"] for one in weights], zero=True)
    plot = Plot(
        _say("weights", language),
        _say("weights_said", language),
        (min(0.0, span[0]) if min(one["weight"] for one in weights) < 0 else 0.0, span[1]),
        (0.0, float(count + 1)),
        [(tick, write_tick(tick, language)) for tick in round_ticks(0.0, span[1])],
        _say("weight", language),
        left=240,
        height=112 + _ROW_HEIGHT * (count + 1),
    )
    for at, one in enumerate(weights):
        plot.bar(count - at, one["weight"], MAIN)
        plot.text(plot.x[0], count - at, one["name"][:34])
    return plot.write(language, rows=False)
