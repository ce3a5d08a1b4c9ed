"""`passerelle feed new`: a feed's entry from a sample of its table, asking what the sample doesn't say."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import polars as pl

from passerelle.cli.answers import Answers
from passerelle.cli.mapping import ask_mapping
from passerelle.cli.output import with_json
from passerelle.feeds._rows import slug
from passerelle.feeds.city import parse_feeds
from passerelle.feeds.entry import Declaration, prune, write_entry
from passerelle.feeds.feed import Feed, Parsed, Redistribute, Reply
from passerelle.feeds.forms import FORMS
from passerelle.feeds.guess import Guess, guess
from passerelle.model.errors import InvalidValueError
from passerelle.model.quantity import get_quantity

_SHOWN = 3

_WORDS = {
    "id": "The feed's id, such as bike-counters.",
    "title": "What it is, in English.",
    "title-fr": "What it is, in French.",
    "publisher": "Who publishes it.",
    "owner": "Who answers for it there.",
    "url": "Where it is asked; nothing for files that are imported.",
    "documentation": "Where its columns are explained.",
    "licence": "Its licence's name.",
    "licence-url": "Where the licence is read.",
    "attribution": "What to show beside the data.",
    "redistribute": "What may leave the node: yes, derived or no.",
    "cadence": "Seconds between two answers of the publisher.",
    "zone": "The clock of its times, as IANA names it: Area/City.",
    "format": "How times are written: a strftime pattern, rfc3339, epoch_s or epoch_ms.",
    "marks": "What a time marks: start or end of an interval, or the instant of a state.",
    "length": "The interval's length in ISO 8601, such as PT1H or P1D.",
    "twice": "Rows of the hour that comes twice: first or in_order.",
    "place": "The column that names a row's place; none where there is none.",
    "place-kind": "What its places are, such as station.",
    "place-name": "The column with the places' names.",
    "one-place": "The name of the only place.",
    "position": "Longitude,latitude of the only place.",
    "facet": "The column that splits a quantity by kind.",
}
_LISTS = {
    "time": "A column of the time; twice for a date and an hour.",
    "value": "COLUMN=QUANTITY or COLUMN=QUANTITY/FACET; *=QUANTITY where the columns are places.",
    "factor": "COLUMN=NUMBER:SOURCE, the factor to the quantity's unit and who says so.",
    "absent": "A word for no value.",
}
_FLAGS = {
    "columns-are-places": "Each column of values is a place.",
    "no-personal-data": "No column holds names, addresses, free text or ids that follow a person or vehicle.",
    "allow-refused": "Write the entry though rows of the sample can't be read.",
    "yes": "Ask nothing: take what is guessed, and fail where nothing is.",
}


def _with_answers(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each question."""
    for name, told in reversed(_FLAGS.items()):
        command = click.option(f"--{name}", is_flag=True, help=told)(command)
    for name, told in reversed(_LISTS.items()):
        command = click.option(f"--{name}", multiple=True, help=told)(command)
    for name, told in reversed(_WORDS.items()):
        command = click.option(f"--{name}", help=told)(command)
    return command


@click.command("new")
@click.argument("sample", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the entry to this file.")
@_with_answers
@with_json
def new_feed(sample: Path, out: Path | None, as_json: bool, **given: Any) -> None:
    """Write a feed's entry for the table SAMPLE: CSV, JSON or Parquet.

    What the sample seems to be is shown, what it doesn't say is asked; each question can be answered by its option.
    The entry is tried on the whole sample before it is written.

    Example: passerelle feed new counts.csv --out counts.toml
    """
    answers = Answers(given, unattended=given["yes"] or as_json)
    reply = Reply(sample.read_bytes(), datetime.now(UTC), name=sample.name)
    guessed = guess(reply)
    if not as_json:
        _tell_guess(sample, guessed)
    if not answers.confirm("no_personal_data", "No names, addresses, free text, ids that follow a person or vehicle"):
        raise InvalidValueError(
            "a table with personal data needs a form that drops it before it is stored (docs/feeds.md); "
            "--no-personal-data says that there is none",
            where="--no-personal-data",
        )
    mapping = ask_mapping(guessed, answers)
    entry = write_entry(_ask_declaration(sample, answers), "mapped", prune(mapping))
    (feed,) = parse_feeds(entry, "the entry", ZoneInfo("UTC"))
    parsed = FORMS[feed.form].parse(reply, feed)
    rows = _show_rows(parsed)
    if not as_json:
        click.echo(
            f"\nread that way: {parsed.observations.num_rows} observations of {len(parsed.places)} places", err=True
        )
        click.echo(rows, err=True)
    _judge(parsed, feed, answers)
    if out is not None:
        out.write_text(entry, encoding="utf-8")
    following = f"passerelle feed add {out or 'ENTRY.toml'} --folder FOLDER"
    answer = {
        "feed": feed.id,
        "entry": entry,
        "observations": parsed.observations.num_rows,
        "places": len(parsed.places),
        "refused": parsed.refused.num_rows,
        "first": parsed.observations.slice(0, _SHOWN).to_pylist(),
        "next": following,
    }
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=str))
        return
    if out is None:
        click.echo(entry)
    click.echo(f"next: {following}", err=True)


def _tell_guess(sample: Path, guessed: Guess) -> None:
    fields = {
        "sample": f"{sample.name}, {guessed.cells.height} rows looked at",
        "file": str(guessed.file),
        "decimal": guessed.decimal,
        "time": f"{', '.join(guessed.time)} as {' or '.join(str(one) for one in guessed.formats)}"
        if guessed.time
        else None,
        "step": guessed.length,
        "place": guessed.place,
        "position": f"{guessed.longitude}, {guessed.latitude}" if guessed.longitude and guessed.latitude else None,
        "long": guessed.long and " is named by ".join(reversed(guessed.long)),
        "numbers": ", ".join(guessed.numbers),
        "words among them": ", ".join(f"{word!r} {count} times" for word, count in guessed.words.items()),
    }
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name:<{width}}  {value or 'none found'}", err=True)


def _ask_declaration(sample: Path, answers: Answers) -> Declaration:
    """What is declared of the feed; `unknown` is taken for what nobody says."""
    name = answers.ask("id", "The feed's id", slug(sample.stem))
    title = answers.ask("title", "What it is, in English", name.replace("-", " "))
    publisher = answers.ask("publisher", "Who publishes it", "unknown")
    # A time that says its offset needs no clock, but a day's length does.
    zone = answers.ask("zone", "The clock of its times, as IANA names it (Area/City)")
    cadence = answers.ask("cadence", "Seconds between two answers, nothing where none come", "")
    if cadence and not cadence.isdigit():
        raise InvalidValueError(f"--cadence is {cadence!r}; a whole number of seconds is allowed", where="--cadence")
    return Declaration(
        id=name,
        title=title,
        title_fr=answers.ask("title_fr", "What it is, in French", title),
        publisher=publisher,
        owner=answers.ask("owner", "Who answers for it there", "unknown"),
        url=answers.ask("url", "Where it is asked, nothing for imported files", ""),
        documentation=answers.ask("documentation", "Where its columns are explained", "unknown"),
        licence=answers.ask("licence", "Its licence's name", "unknown"),
        licence_url=answers.ask("licence_url", "Where the licence is read", ""),
        attribution=answers.ask("attribution", "What to show beside the data", publisher),
        redistribute=Redistribute(
            answers.ask("redistribute", "What may leave the node", "no", [one.value for one in Redistribute])
        ),
        time_zone=zone,
        cadence_seconds=int(cadence) if cadence else None,
    )


def _show_rows(parsed: Parsed) -> str:
    """The first observations as text."""
    rows = pl.DataFrame(parsed.observations.slice(0, _SHOWN)).drop("reason", "row")
    lines = [" | ".join(rows.columns), *(" | ".join(str(cell) for cell in row) for row in rows.iter_rows())]
    return "\n".join(f"  {line}" for line in lines)


def _judge(parsed: Parsed, feed: Feed, answers: Answers) -> None:
    """Raise where the entry doesn't read the sample whole, but for refused rows that a person allows."""
    if not parsed.observations.num_rows:
        first = f"; the first: {parsed.refused['reason'][0]}" if parsed.refused.num_rows else ""
        raise InvalidValueError(f"no observation is read of the sample, {parsed.refused.num_rows} rows refused{first}")
    rows = pl.DataFrame(parsed.observations)
    keys = ["place", "quantity", "facet", "start"]
    if twice := rows.height - rows.select(keys).n_unique():
        at = rows.filter(rows.select(keys).is_duplicated()).row(0, named=True)
        click.echo(
            f"{twice} observations repeat another's place and time ({at['place']}, {at['start']}) and the first will "
            "stand; --facet names a column that tells them apart",
            err=True,
        )
    for quantity in feed.quantities:
        bounds = get_quantity(quantity)
        values = rows.filter(pl.col("quantity") == quantity)["value"]
        if outside := int((~values.is_between(bounds.lower, bounds.upper)).sum()):
            click.echo(
                f"{outside} values lie outside {quantity}'s bounds {bounds.lower:g} to {bounds.upper:g}", err=True
            )
    refused = pl.DataFrame(parsed.refused)
    if refused.is_empty():
        return
    reasons = [f"row {row['row']}: {row['reason']}" for row in refused.head(_SHOWN).iter_rows(named=True)]
    told = f"{refused.height} rows can't be read: {'; '.join(reasons)}"
    if not answers.confirm("allow_refused", f"{told}. Write the entry all the same"):
        raise InvalidValueError(f"{told}. --allow-refused writes the entry all the same", where="--allow-refused")
