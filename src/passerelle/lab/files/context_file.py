"""A TOML file of what a panel doesn't show, for the checks: other changes, sensors, distances, definitions, looks.

```toml
near = 500.0                     # as far as the change may reach, in the unit of the distances
other_p = [0.2, 0.03]            # p values of the study's other outcomes
distances = { B = 120, C = 900 } # of every unit without the change to the nearest place that has it

[[other]]                        # `other = []` says that there are none; without it nobody knows
name = "works on the bridge"
units = ["A", "B"]
start = "2021-03-01"
end = "2021-06-01"               # left out while it goes on

[[sensor]]                       # a sensor changed, moved or mended; `sensor = []` says none was
unit = "A"
at = "2021-03-08"

[picked]                         # units had the change because of their outcome at these times
start = "2020-01-01"
end = "2021-01-01"

[looks]                          # shares of the times planned
planned = [0.5, 1.0]
taken = [0.5]

[definitions.treated]            # and [definitions.comparison]
quantity = "NO2"
unit = "ug/m3"
statistic = "mean"
interval = "a day"
```
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from passerelle.lab.context import Context, Definition, Looks, OtherChange, Picked, SensorMark
from passerelle.lab.files.panel_file import PanelFile, nearest
from passerelle.lab.panel import Flags, Floats
from passerelle.model.errors import InvalidValueError, UnknownNameError

Time = str | int | float


class _Other(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    units: list[str]
    start: Time
    end: Time | None = None


class _Sensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unit: str
    at: Time


class _Picked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    start: Time
    end: Time


class _Definitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    treated: Definition
    comparison: Definition


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    other: list[_Other] | None = None
    sensor: list[_Sensor] | None = None
    distances: dict[str, float] | None = None
    near: float | None = None
    definitions: _Definitions | None = None
    picked: _Picked | None = None
    looks: Looks | None = None
    other_p: tuple[float, ...] = ()


def read_context(path: Path, file: PanelFile) -> Context:
    """What the file says of the panel in `file`; an error names the key and what was allowed."""
    try:
        told = msgspec.toml.decode(path.read_bytes(), type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"{path.name}: {error}", where=path.name) from error
    return Context(
        distances=None if told.distances is None else _distances(told.distances, file),
        near=told.near,
        others=None if told.other is None else tuple(_other(one, file) for one in told.other),
        definitions=None if told.definitions is None else (told.definitions.treated, told.definitions.comparison),
        sensors=None if told.sensor is None else tuple(_sensor(one, file) for one in told.sensor),
        picked=None if told.picked is None else _picked(told.picked, file),
        looks=told.looks,
        other_p=told.other_p,
    )


def _other(told: _Other, file: PanelFile) -> OtherChange:
    end = math.inf if told.end is None else _time(told.end, file, "other.end")
    return OtherChange(told.name, _units(told.units, file, "other.units"), _time(told.start, file, "other.start"), end)


def _sensor(told: _Sensor, file: PanelFile) -> SensorMark:
    unit = int(np.flatnonzero(_units([told.unit], file, "sensor.unit"))[0])
    return SensorMark(unit, _time(told.at, file, "sensor.at"))


def _picked(told: _Picked, file: PanelFile) -> Picked:
    return Picked(_time(told.start, file, "picked.start"), _time(told.end, file, "picked.end"))


def _time(told: Time, file: PanelFile, where: str) -> float:
    return file.clock.place(str(told), where, beyond=True)


def _units(names: Sequence[str], file: PanelFile, where: str) -> Flags:
    units = file.panel.units
    for name in names:
        if name not in units:
            raise UnknownNameError("unit", name, nearest(name, units), where=where)
    return np.isin(units, list(names))


def _distances(told: dict[str, float], file: PanelFile) -> Floats:
    """Each unit's distance; treated units need none."""
    _units(list(told), file, "distances")
    found = np.array([told.get(unit, math.nan) for unit in file.panel.units])
    missing = np.flatnonzero(np.isnan(found) & ~file.panel.treated)
    if len(missing):
        names = ", ".join(file.panel.units[row] for row in missing[:5])
        raise InvalidValueError(f"{len(missing)} units without the change have no distance: {names}", where="distances")
    return np.where(file.panel.treated, 0.0, found)
