"""The tables of a bundle on places or episodes, and the way back from them to what was compared.

`seats.csv` says which series took part as what, and which were `used`; `design_matrix.csv` has the outcome of each unit
and time on the study's scale, `times.csv` what surrounded them. For episodes the matrix is a row a day.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from passerelle.model.series import parse_series_id
from passerelle.studies.bundle.bundle import MATRIX, SEATS_FILE, TIMES_FILE
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.gathered.cut import Cut, Reds
from passerelle.studies.gathered.panels import SEATS, Filled, make_panel
from passerelle.studies.gathered.spells import Spelled, spell_days
from passerelle.trust.check import Light

_UNIT, _TIME, _OUTCOME = "unit", "time", "outcome"


def write_seats(seats: pl.DataFrame, made: Filled | Spelled) -> bytes:
    """Every series that took part, and whether it was used."""
    used = made.seats["series"].to_list() if isinstance(made, Filled) else list(made.places)
    return seats.with_columns(used=pl.col("series").is_in(used)).write_csv().encode()


def read_seats(body: bytes) -> pl.DataFrame:
    """The columns of `panels.SEATS`, and `used`."""
    return pl.read_csv(io.BytesIO(body), schema={**SEATS, "used": pl.Boolean()})


def write_tables(made: Filled | Spelled) -> dict[str, bytes]:
    """`design_matrix.csv`, and `times.csv` where units are seen at times; nothing where nothing was left."""
    if isinstance(made, Spelled):
        return {MATRIX: made.days.write_csv().encode()}
    panel = made.panel
    if panel is None:
        return {MATRIX: b"unit,time,outcome\n", TIMES_FILE: _write_times(made, np.empty((len(made.firsts), 0)))}
    rows, columns = panel.outcomes.shape
    long = pl.DataFrame(
        {
            _UNIT: np.repeat(panel.units, columns).tolist(),
            _TIME: [*made.firsts] * rows,
            _OUTCOME: panel.outcomes.ravel(),
        }
    ).with_columns(pl.col(_OUTCOME).fill_nan(None))
    return {MATRIX: long.write_csv().encode(), TIMES_FILE: _write_times(made, panel.surroundings)}


def _write_times(made: Filled, surroundings: np.ndarray[Any, np.dtype[np.float64]]) -> bytes:
    columns = {f"surrounding_{at + 1}": surroundings[:, at] for at in range(surroundings.shape[1])}
    return pl.DataFrame({_TIME: made.firsts, **columns}, schema_overrides={_TIME: pl.Date()}).write_csv().encode()


def read_filled(files: Mapping[str, bytes], trust: Mapping[str, Any], study: PlacesStudy) -> Filled:
    """The panel of a bundle without rows; what trust cut out is taken from the finding."""
    seats = read_seats(files[SEATS_FILE])
    times = pl.read_csv(io.BytesIO(files[TIMES_FILE]), schema_overrides={_TIME: pl.Date()})
    firsts: list[date] = times[_TIME].to_list()
    used = seats.filter("used").drop("used")
    long = pl.read_csv(io.BytesIO(files[MATRIX]), schema={_UNIT: pl.String(), _TIME: pl.Date(), _OUTCOME: pl.Float64()})
    outcomes = long[_OUTCOME].fill_null(np.nan).to_numpy().reshape(-1, len(firsts)) if long.height else None
    panel = None
    if outcomes is not None:
        surroundings = times.drop(_TIME).cast(pl.Float64()).to_numpy() if times.width > 1 else None
        panel = make_panel(outcomes, firsts, used, surroundings, study)
    left_out = seats.filter(~pl.col("used") & (pl.col("role") != "surrounding")).drop("used")
    return Filled(panel, tuple(firsts), used, left_out, _read_reds(trust))


def _read_reds(trust: Mapping[str, Any]) -> Reds:
    """What the finding says was cut out: which times and series had red cells, though not which of them."""
    series = pl.DataFrame({"series": [parse_series_id(one) for one in trust["series"]]}, schema={"series": pl.Int64()})
    times = pl.DataFrame({"time": [date.fromisoformat(one) for one in trust["units"]]}, schema={"time": pl.Date()})
    return Reds(trust["red_share"], Light(trust["light"]), series.join(times, how="cross"))


def read_spelled(files: Mapping[str, bytes], trust: Mapping[str, Any], study: EpisodesStudy) -> Spelled:
    """The episodes of a bundle without rows."""
    seats = read_seats(files[SEATS_FILE])
    days = pl.read_csv(io.BytesIO(files[MATRIX]), schema={"day": pl.Date(), "value": pl.Float64()})
    used, out = (seats.filter(pl.col("used") == used)["series"].to_list() for used in (True, False))
    cut = Cut(
        trust["red_share"],
        Light(trust["light"]),
        pl.Series([date.fromisoformat(one) for one in trust["units"]], dtype=pl.Date()),
        tuple(parse_series_id(one) for one in trust["series"]),
    )
    return spell_days(days, used, out, cut, study)
