"""The message to whoever owns a feed that is red: what is seen, since when, and the last row that was good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passerelle.feeds.feed import Feed
from passerelle.model.interval import parse_time
from passerelle.model.quantity import Quantity
from passerelle.trust.check import Text
from passerelle.trust.words import local, say, to_microseconds, unit

_MOST_REASONS = 8
_UNKNOWN = "unknown"
"""What a declaration says where nobody knows."""

_LANGUAGES = ("en", "fr")

_SUBJECT = {
    "en": "Your feed “{title}”: data that can't be used",
    "fr": "Votre flux « {title} » : des données inutilisables",
}
_BODY = {
    "en": """To: {owner}

Hello,

We use your data “{title}”{where} for {city}. {scope} can't be trusted at present. What we see:

{reasons}

{last_good}

Times are local ({zone}). Did you know of this, and when may it be mended?

We keep every reply of yours since we first received it and can send you the rows.

With thanks
""",
    "fr": """À : {owner}

Bonjour,

Nous utilisons vos données « {title} »{where} pour {city}. {scope} actuellement pas fiables. Ce que nous voyons :

{reasons}

{last_good}

Les heures sont locales ({zone}). En aviez-vous connaissance, et quand cela pourra-t-il être réparé ?

Nous gardons chacune de vos réponses depuis que nous l'avons reçue et pouvons vous envoyer les lignes.

Avec nos remerciements
""",
}
_SERIES = {"en": "The series “{series}”", "fr": "Les valeurs de « {series} » ne sont"}
_MANY = {"en": "{count} of its {all} series", "fr": "{count} de ses {all} séries ne sont"}
_GOOD = {
    "en": "The last good value is {value}{unit}, of {time}.",
    "fr": "La dernière valeur fiable est {value}{unit}, du {time}.",
}
_NONE_GOOD = {"en": "We hold no good value before it.", "fr": "Nous n'avons aucune valeur fiable auparavant."}
_LAST_OF_ALL = {
    "en": "The last good value is of {time}.",
    "fr": "La dernière valeur fiable est du {time}.",
}


@dataclass(frozen=True, slots=True)
class Message:
    """Subject and body in each language."""

    subject: Text
    body: Text


def write_about_series(
    feed: Feed,
    city: str,
    title: Text,
    quantity: Quantity,
    reasons: Sequence[Text],
    last_good: Mapping[str, Any] | None,
) -> Message:
    """What to send about one series."""
    scope = {language: _SERIES[language].format(series=title[language]) for language in _LANGUAGES}
    good: Text = _NONE_GOOD
    if last_good is not None:
        value, time = last_good["value"], _local(feed, parse_time(last_good["start"]))
        told = _LAST_OF_ALL if value is None else _GOOD
        good = say(**told, time=time, value=value or 0.0, unit=unit(quantity))
    return _write(feed, city, scope, reasons, good)


def write_about_feed(
    feed: Feed, city: str, red: int, all_series: int, reasons: Sequence[Text], last_good: datetime | None
) -> Message:
    """What to send about a feed; `last_good` is the start of the last good row of any of its series that are red."""
    scope = {language: _MANY[language].format(count=red, all=all_series) for language in _LANGUAGES}
    good: Text = _NONE_GOOD
    if last_good is not None:
        good = say(**_LAST_OF_ALL, time=_local(feed, last_good))
    return _write(feed, city, scope, reasons, good)


def _write(feed: Feed, city: str, scope: Text, reasons: Sequence[Text], good: Text) -> Message:
    subject, body = {}, {}
    where = feed.url or feed.documentation
    for language in _LANGUAGES:
        listed = dict.fromkeys(reason[language] for reason in reasons)
        words = {
            "owner": feed.publisher if feed.owner == _UNKNOWN else feed.owner,
            "title": feed.title[language],
            "where": "" if where == _UNKNOWN else f" ({where})",
            "city": city,
            "scope": scope[language],
            "reasons": "\n".join(f"- {reason}" for reason in list(listed)[:_MOST_REASONS]),
            "last_good": good[language],
            "zone": feed.time_zone.key,
        }
        subject[language] = _SUBJECT[language].format(**words)
        body[language] = _BODY[language].format(**words)
    return Message(subject, body)


def _local(feed: Feed, moment: datetime) -> Text:
    return local(to_microseconds(moment), feed.time_zone)
