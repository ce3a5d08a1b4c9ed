"""Declarations as bodies hold them: the tables of a TOML file as JSON, or the file's own text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from passerelle.api.problem import RequestError, say
from passerelle.model.errors import PasserelleError
from passerelle.studies.declared.declaration import Declaration, parse_declaration


class DeclarationIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change and its study, as a file of `cities/<city>/` holds them: `declaration` or, as text, `toml`."""

    declaration: dict[str, Any] | None = None
    toml: Annotated[str, msgspec.Meta(max_length=500_000)] | None = None


def read_body(data: DeclarationIn) -> Declaration:
    """The declaration of a body; a 422 says which key is wrong."""
    if (data.declaration is None) == (data.toml is None):
        told = "`declaration` or `toml`, one of them, is allowed"
        raise RequestError(
            "refused", f"{'neither' if data.toml is None else 'both'} came; {told}", [say("body", "", told)]
        )
    if data.declaration is not None:
        return read_document(data.declaration)
    try:
        return read_document(tomllib.loads(data.toml or ""))
    except tomllib.TOMLDecodeError as error:
        raise RequestError("refused", f"toml is not TOML: {error}", [say("toml", "", str(error))]) from error


def read_document(document: Mapping[str, Any]) -> Declaration:
    """The declaration of a document; a 422 says which key is wrong."""
    try:
        return parse_declaration(document)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        raise RequestError("refused", str(error), [say(where.rstrip("`") or "declaration", "", message)]) from error
    except PasserelleError as error:
        raise refuse(error) from error


def refuse(error: PasserelleError) -> RequestError:
    """An error in what a body says, as the 422 it is."""
    return RequestError("refused", str(error), [say(error.where, "", str(error))] if error.where else [])
