"""The words of reasons in English and French: durations, numbers and local times as each language writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from passerelle.model.quantity import Quantity
from passerelle.trust.check import Text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_UNITS = (
    (365.25 * 86400, ("year", "an"), ("years", "ans")),
    (86400, ("day", "jour"), ("days", "jours")),
    (3600, ("hour", "heure"), ("hours", "heures")),
    (60, ("minute", "minute"), ("minutes", "minutes")),
    (1, ("second", "seconde"), ("seconds", "secondes")),
)
_LANGUAGES = ("en", "fr")
_NO_BREAK = "\N{NO-BREAK SPACE}"
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}

SIGNS = {
    "ug/m3": "µg/m³",
    "m3/h": "m³/h",
    "MW.h": "MWh",
    "kW.h": "kWh",
    "g/(kW.h)": "g/kWh",
    "kg/(kW.h)": "kg/kWh",
    "Cel": "°C",
    "EUR/(MW.h)": "€/MWh",
}
"""UCUM codes of quantities that aren't written so by people."""


def say(en: str, fr: str, **words: Text | str | float) -> Text:
    """Both sentences with `words` filled in: a number as its language writes it, a text in both as it is.

    >>> say("{n} in {t}", "{n} en {t}", n=12.5, t=duration(7200))
    {'en': '12.5 in 2 hours', 'fr': '12,5 en 2 heures'}
    """
    return {
        language: sentence.format_map({name: _word(word, language) for name, word in words.items()})
        for language, sentence in zip(_LANGUAGES, (en, fr), strict=True)
    }


def _word(word: Text | str | float, language: str) -> str:
    if isinstance(word, str):
        return word
    if isinstance(word, (int, float)):
        shown = f"{word:,.3g}" if abs(word) < 100 and word != int(word) else f"{word:,.1f}".removesuffix(".0")
        # French parts thousands by a no-break space and writes a decimal comma.
        return shown if language == "en" else shown.replace(",", _NO_BREAK).replace(".", ",")
    return word[language]


def duration(seconds: float) -> Text:
    """A length of time in the largest unit that it holds at least one and a half of, rounded.

    >>> duration(90000)["en"], duration(3 * 86400)["fr"]
    ('25 hours', '3 jours')
    """
    size, one, many = next((unit for unit in _UNITS if seconds >= 1.5 * unit[0]), _UNITS[-1])
    count = round(seconds / size)
    return {language: f"{count} {word}" for language, word in zip(_LANGUAGES, one if count == 1 else many, strict=True)}


def unit(quantity: Quantity) -> Text:
    """The unit as people read it, to put behind a number; nothing for what is counted or has none.

    >>> from passerelle.model.quantity import get_quantity
    >>> unit(get_quantity("no2_daily_mean"))["en"], unit(get_quantity("bicycle_count"))["en"]
    (' µg/m³', '')
    """
    if quantity.unit.startswith(("{", "1")):
        return {"en": "", "fr": ""}
    sign = SIGNS.get(quantity.unit, quantity.unit)
    return {"en": sign if sign == "%" else f" {sign}", "fr": f"{_NO_BREAK}{sign}"}


def local(microseconds: int, zone: ZoneInfo) -> Text:
    """The wall-clock time in `zone`, to the minute, without the time at midnight.

    >>> local(0, ZoneInfo("Europe/Paris"))
    {'en': '1 January 1970, 01:00', 'fr': '1er janvier 1970 à 01:00'}
    """
    clock = to_time(microseconds).astimezone(zone)
    date = day(microseconds, zone)
    if (clock.hour, clock.minute) == (0, 0):
        return date
    return {"en": f"{date['en']}, {clock:%H:%M}", "fr": f"{date['fr']} à {clock:%H:%M}"}


def day(microseconds: int, zone: ZoneInfo) -> Text:
    """The date in `zone`; in French the first of a month is “1er”.

    >>> day(86_400_000_000, ZoneInfo("Europe/Paris"))["fr"]
    '2 janvier 1970'
    """
    date = to_time(microseconds).astimezone(zone)
    first = "1er" if date.day == 1 else date.day
    month = {language: months.split()[date.month - 1] for language, months in _MONTHS.items()}
    return {"en": f"{date.day} {month['en']} {date.year}", "fr": f"{first} {month['fr']} {date.year}"}


def to_time(microseconds: int) -> datetime:
    """The UTC instant that stands so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=int(microseconds))


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of `moment`."""
    return (moment - EPOCH) // timedelta(microseconds=1)
