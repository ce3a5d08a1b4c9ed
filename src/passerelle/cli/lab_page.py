"""An answer of the lab as a page in a terminal."""

from __future__ import annotations

import math
from typing import Any

import click

from passerelle.cli.output import show_fields, show_table
from passerelle.studies.told.words import LANGUAGES, format_effect, format_number, format_percent, texts

_NO_UNIT = dict.fromkeys(LANGUAGES, "")
_MOST_EVENTS = 24
_WEIGHT_SHOWN = 0.005


def show_answer(answer: dict[str, Any], language: str) -> None:
    """Print the verdict, the effect with its interval, what it was compared with, the checks, events and weights."""
    words = texts()["answer"]
    label = words["page"][language]
    click.echo(answer["sentence"][language])
    click.echo(answer["comparison"])
    click.echo()
    method = texts()["method"][answer["method"]]
    fields = {
        label["verdict"]: words["verdict"][answer["verdict"]][language],
        label["effect"]: f"{_effect(answer['effect'], language)}  (se {_size(answer['se'], language)})",
        label["interval"]: _interval(answer, language),
        label["p"]: format_number(answer["p_value"], language, 4),
        label["counts"]: f"{answer['n_units']} ({label['treated']}: {answer['n_treated']}), {answer['n_times']}",
        label["method"]: f"{answer['method']}: {method[language]}. {method['reference']}",
        label["why"]: answer["choice"]["text"][language],
        label["inference"]: answer["inference"]["text"][language],
    }
    for title, texts_of in (
        (label["blocked"], [f"{one['code']}: {one['text'][language]}" for one in answer["reasons"]]),
        (label["assumes"], [one["text"][language] for one in answer["assumptions"]]),
        (label["note"], [one[language] for one in answer["notes"]]),
    ):
        fields |= {f"{title} {number}".removesuffix(" 1"): text for number, text in enumerate(texts_of, 1)}
    show_fields(fields)
    _show_checks(answer, language, label)
    _show_events(answer, language, label)
    _show_weights(answer, language, label)


def _effect(value: float | None, language: str) -> str:
    return "∞" if value is None else format_effect(value, language, _NO_UNIT)


def _size(value: float | None, language: str) -> str:
    return _effect(value, language).removeprefix("+")


def _interval(answer: dict[str, Any], language: str) -> str:
    low, high = answer["interval"]
    ends = (-math.inf if low is None else low, math.inf if high is None else high)
    level = format_percent(100 * answer["level"], language, signed=False)
    return f"{' ; '.join(format_effect(end, language, _NO_UNIT) for end in ends)}  ({level})"


def _show_checks(answer: dict[str, Any], language: str, label: dict[str, str]) -> None:
    if answer["checks"]:
        outcomes = texts()["answer"]["outcome"]
        click.echo()
        show_table(
            (label["check"], label["outcome"], label["detail"]),
            (
                (one["title"][language], outcomes[one["outcome"]][language], one["text"][language])
                for one in answer["checks"]
            ),
        )


def _show_events(answer: dict[str, Any], language: str, label: dict[str, str]) -> None:
    events = sorted(answer["events"], key=lambda one: abs(one["since"] + 0.5))[:_MOST_EVENTS]
    if events:
        click.echo()
        show_table(
            (label["since"], label["effect"], "se", label["interval"]),
            (
                (
                    f"{one['since']:+g}",
                    _effect(one["effect"], language),
                    _size(one["se"], language),
                    _interval({**one, "level": answer["level"]}, language),
                )
                for one in sorted(events, key=lambda one: one["since"])
            ),
        )


def _show_weights(answer: dict[str, Any], language: str, label: dict[str, str]) -> None:
    weights = sorted(answer["weights"].items(), key=lambda one: -abs(one[1]))
    shown = [(unit, format_number(weight, language, 3)) for unit, weight in weights if abs(weight) >= _WEIGHT_SHOWN]
    if shown:
        click.echo()
        show_table((label["unit"], label["weights"]), shown)
