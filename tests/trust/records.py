"""Series made for the tests: regular times, and whatever values a test plants in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from passerelle.model.series import Series
from passerelle.trust.check import Record
from passerelle.trust.words import to_microseconds

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
BEGIN = datetime(2023, 1, 2, tzinfo=UTC)
"""A Monday, at midnight UTC."""


def at(**length: float) -> datetime:
    """`BEGIN` and so much later."""
    return BEGIN + timedelta(**length)


def record(
    value: npt.ArrayLike,
    *,
    step: int = HOUR,
    start: npt.NDArray[np.int64] | None = None,
    quantity: str = "bicycle_count",
    place: str = "p",
    cadence: int | None = None,
    **changes: Any,
) -> Record:
    """Observations of `step` microseconds from `BEGIN` on, all known a minute after they end and seen to the last."""
    values = np.asarray(value, np.float64)
    starts = to_microseconds(BEGIN) + step * np.arange(len(values)) if start is None else start
    last = BEGIN + timedelta(microseconds=int(starts[-1] + step + 60 * SECOND) - to_microseconds(BEGIN))
    given: dict[str, Any] = {
        "series": Series("feed", place, quantity),
        "zone": ZoneInfo("UTC"),
        "cadence_seconds": cadence,
        "start": starts,
        "end": starts + step,
        "value": values,
        "known_since": starts + step + 60 * SECOND,
        "seen_until": last,
        "now": last,
    }
    return Record(**(given | changes))


def rush_hours(weeks: int, *, seed: int = 1, level: float = 300.0) -> npt.NDArray[np.float64]:
    """Hourly counts of a street: two peaks on working days, one on the weekend, few by night, with Poisson noise."""
    hour = np.arange(weeks * 168) % 168
    of_day, weekend = hour % 24, hour >= 5 * 24
    peaks = np.exp(-((of_day - 8) ** 2) / 4) + np.exp(-((of_day - 18) ** 2) / 6)
    rate = level * np.where(weekend, 0.6 * np.exp(-((of_day - 15) ** 2) / 18), peaks) + level / 50
    return np.random.default_rng(seed).poisson(rate).astype(np.float64)


def load(weeks: int, *, seed: int = 1) -> npt.NDArray[np.float64]:
    """Hourly power in MW: a day's and a week's course, a year's swing, and noise with a memory of a day."""
    generator = np.random.default_rng(seed)
    hours = np.arange(weeks * 168)
    course = 9000 + 1500 * np.sin(2 * np.pi * (hours % 24 - 8) / 24) - 900 * (hours % 168 >= 120)
    noise = np.zeros(len(hours))
    shocks = generator.normal(0, 60, len(hours))
    for index in range(1, len(hours)):
        noise[index] = 0.96 * noise[index - 1] + shocks[index]
    return course + 1500 * np.cos(2 * np.pi * hours / 8766) + noise
