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
