"""A study as it is declared before it runs, in one of three designs, and as it is sealed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from passerelle.feeds.city import find_city_file
from passerelle.model.errors import InvalidValueError, PasserelleError
from passerelle.model.interval import format_time
from passerelle.studies.bundle.canonical import digest
from passerelle.studies.declared.change import Change
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.declared.places import PlacesStudy

Study = PartsStudy | PlacesStudy | EpisodesStudy
"""A declared way to judge a change."""

PanelDesign = PlacesStudy | EpisodesStudy
"""A study that is judged as a panel."""

_PARTS = "parts"
_DESIGNS: dict[str, type[Study]] = {_PARTS: PartsStudy, "places": PlacesStudy, "episodes": EpisodesStudy}


@dataclass(frozen=True, slots=True)
class Declaration:
    """A change and the study of it, as one file of `cities/<city>/` declares them."""

    change: Change
    study: Study

    def __post_init__(self) -> None:
        if self.study.change != self.change.id:
            raise InvalidValueError(
                f"study {self.study.id!r} is of change {self.study.change!r}, its file's is {self.change.id!r}",
                where="study.change",
            )
        self._require_phased_in()

    def _require_phased_in(self) -> None:
        """Two parts are compared over whole windows, which the time of phasing in must not lie in."""
        if self.change.ramp is None or not isinstance(self.study, PartsStudy):
            return
        start, end = self.change.start.date(), self.change.ramp
        for first, last in (self.study.windows.before, self.study.windows.after):
            if first <= end and start <= last:
                raise InvalidValueError(
                    f"the window {first} to {last} meets the phasing in, {start} to {end}", where="study.windows"
                )

    @property
    def document(self) -> dict[str, Any]:
        """The study as declared, in JSON types: what its hash is over."""
        # By way of JSON, so that it equals what comes back from the registry or a file.
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.study))
        # What was not declared isn't said, so that a key added later leaves the hashes before it as they were.
        return {name: value for name, value in found.items() if value is not None}

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of `document`."""
        return digest(self.document)


def read_study(document: Mapping[str, Any]) -> Study:
    """The study that a declared document holds; its `design` is `parts` unless it says another."""
    try:
        return _convert(document)
    except msgspec.ValidationError as error:
        raise InvalidValueError(f"the declared study can't be read: {error}", where="declaration") from error


def parse_declaration(document: Mapping[str, Any]) -> Declaration:
    """The change and study of a document as a TOML file holds it; `msgspec.ValidationError` names the key."""
    found = msgspec.convert(document, _File)
    try:
        return Declaration(found.change, _convert(found.study))
    except msgspec.ValidationError as error:
        message, at, where = str(error).partition(" - at `$")
        raise msgspec.ValidationError(
            f"{message} - at `$.study{where}" if at else f"{message} - at `$.study`"
        ) from error


def read_declaration(path: Path) -> Declaration:
    """The change and study of a TOML file; an error names the file, the key and what was allowed."""
    try:
        return parse_declaration(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, PasserelleError) as error:
        raise InvalidValueError(f"{path.name}: {error}", where=path.name) from error


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    change: Change
    study: dict[str, Any]


def _convert(document: Mapping[str, Any]) -> Study:
    design = document.get("design", _PARTS)
    if design not in _DESIGNS:
        raise InvalidValueError(f"no design is called {design!r}; {', '.join(_DESIGNS)} are", where="study.design")
    told = {name: value for name, value in document.items() if name != "design" or value != _PARTS}
    return msgspec.convert(told, _DESIGNS[design])


def feeds_of(study: Study) -> tuple[str, ...]:
    """The feeds that the study reads, the outcome's first, each once."""
    found = [study.outcome.feed]
    if isinstance(study, PlacesStudy):
        found += [group.feed for group in (study.treated, study.comparison) if group.feed is not None]
        found += [one.feed for one in study.surroundings]
    return tuple(dict.fromkeys(found))


def first_day_after(study: Study) -> date:
    """The first local day on which the outcome shows what became of the change."""
    return study.first_day if isinstance(study, EpisodesStudy) else study.windows.after[0]


def read_declarations(city_id: str) -> list[Declaration]:
    """Every declaration of the city, ordered by file name; none where the city has no folder of them."""
    folder = find_city_file(city_id).with_suffix("")
    return [read_declaration(path) for path in sorted(folder.glob("*.toml"))]


def read_changes(city_id: str) -> list[Change]:
    """Every change of the city that has no study of its own, ordered by file name: others are judged beside them."""
    folder = find_city_file(city_id).with_suffix("") / "changes"
    return [read_change(path) for path in sorted(folder.glob("*.toml"))]


def read_change(path: Path) -> Change:
    """The change of a TOML file that holds nothing else; an error names the file, the key and what was allowed."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _ChangeFile).change
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, PasserelleError) as error:
        raise InvalidValueError(f"{path.name}: {error}", where=path.name) from error


class _ChangeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    change: Change


def seal(declaration: Declaration, declared_at: datetime) -> dict[str, Any]:
    """The study's document for the registry: what was declared, its hash, when, and whether the data were there.

    A study declared once its window after the change had begun is retrospective: whoever declared it could have
    seen the outcome.
    """
    return {
        "id": declaration.study.id,
        "change": declaration.change.id,
        "method": declaration.study.method,
        "declared_at": format_time(declared_at.replace(microsecond=0)),
        "retrospective": declared_at.date() >= first_day_after(declaration.study),
        "hash": declaration.hash,
        "declaration": declaration.document,
    }
