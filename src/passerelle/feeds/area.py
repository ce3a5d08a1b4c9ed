"""Official areas: districts, communes, neighbourhoods, read from a city's GeoJSON files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passerelle.model.errors import InvalidValueError


@dataclass(frozen=True)
class Area:
    """One area of an official division: its code there, its name and its GeoJSON geometry."""

    division: str
    code: str
    name: str
    geometry: Mapping[str, Any]


def read_areas(path: Path, division: str, *, code: str, name: str) -> tuple[Area, ...]:
    """The features of a GeoJSON file as areas, in the file's order.

    `code` and `name` are the properties that hold an area's code and name; a name that is a list
    of names is joined by commas.
    """
    try:
        features = json.loads(path.read_bytes())["features"]
        return tuple(_read_feature(feature, division, code, name) for feature in features)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidValueError(
            f"{path.name}: a GeoJSON FeatureCollection with properties {code!r} and {name!r} is needed; "
            f"reading it gave {type(error).__name__}: {error}",
            where=path.name,
        ) from error


def _read_feature(feature: Mapping[str, Any], division: str, code: str, name: str) -> Area:
    properties = feature["properties"]
    names = properties[name]
    return Area(
        division=division,
        code=str(properties[code]),
        name=", ".join(names) if isinstance(names, list) else str(names),
        geometry=feature["geometry"],
    )
