"""A feed's entry in a city file, written from a mapping and what only a person knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from passerelle.feeds.feed import Redistribute
from passerelle.feeds.mapping import TableMapping


@dataclass(frozen=True, slots=True)
class Declaration:
    """What no sample says of a feed; `unknown` is a word for what nobody knows."""

    id: str
    title: str
    title_fr: str
    publisher: str
    owner: str
    url: str
    documentation: str
    licence: str
    licence_url: str
    attribution: str
    redistribute: Redistribute
    time_zone: str
    cadence_seconds: int | None


def write_entry(declared: Declaration, form: str, mapping: Mapping[str, Any]) -> str:
    """The `[[feed]]` entry as TOML, with the parameters of a mapping."""
    licence = {"name": declared.licence, "url": declared.licence_url, "attribution": declared.attribution}
    fields = {
        "id": declared.id,
        "form": form,
        "title": {"en": declared.title, "fr": declared.title_fr},
        "publisher": declared.publisher,
        "owner": declared.owner,
        "url": declared.url,
        "documentation": declared.documentation,
        "licence": licence,
        "redistribute": declared.redistribute.value,
        "time_zone": declared.time_zone,
        "cadence_seconds": declared.cadence_seconds,
        "quantities": sorted({value["quantity"] for value in mapping["value"]}),
    }
    lines = ["[[feed]]", *(f"{key} = {_write(value)}" for key, value in fields.items() if value is not None)]
    lines += ["", "[feed.parameters]"]
    for key, part in mapping.items():
        if not (isinstance(part, list) and part and isinstance(part[0], dict)):
            lines.append(f"{key} = {_write(part)}")
    for key, part in mapping.items():
        if isinstance(part, list) and part and isinstance(part[0], dict):
            for one in part:
                lines += [
                    "",
                    f"[[feed.parameters.{key}]]",
                    *(f"{name} = {_write(value)}" for name, value in one.items()),
                ]
    return "\n".join(lines) + "\n"


def prune(mapping: TableMapping) -> dict[str, Any]:
    """The mapping as plain tables, without what is as it would be anyway."""
    whole: dict[str, Any] = msgspec.to_builtins(mapping)
    bare: dict[str, Any] = {}
    for field in msgspec.structs.fields(mapping):
        part = getattr(mapping, field.name)
        if isinstance(part, msgspec.Struct):
            bare[field.name] = _differ(part)
        elif isinstance(part, list) and part and isinstance(part[0], msgspec.Struct):
            bare[field.name] = [_differ(one) for one in part]
        elif part not in (field.default, []) and part is not None:
            bare[field.name] = whole[field.name]
    return bare


def _differ(part: msgspec.Struct) -> dict[str, Any]:
    defaults = {field.encode_name: field.default for field in msgspec.structs.fields(part)}
    return {
        key: value for key, value in msgspec.to_builtins(part).items() if value != defaults.get(key, msgspec.NODEFAULT)
    }


def _write(value: object) -> str:
    """A TOML value; JSON's strings, numbers and lists are TOML's but for DEL."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_write(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_write(part) for part in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
