"""The columns an observation has: as a feed parses it, and as the lake holds it.

An observation is a value of a series over `[start, end)` in UTC. A row without a value is a
withdrawal and says why in `reason`; a row with a value has no reason.
"""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

OBSERVATION = pa.schema(
    [
        pa.field("series", pa.int64(), nullable=False),
        pa.field("start", TIME, nullable=False),
        pa.field("end", TIME, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("reason", pa.string()),
    ]
)
"""What goes into the lake; the lake adds `known_since` and `source` for the whole batch."""

VERSION = pa.schema(
    [
        *OBSERVATION,
        pa.field("known_since", TIME, nullable=False),
        pa.field("source", pa.int64(), nullable=False),
    ]
)
"""What comes out of the lake: an observation with when this node knew it and from which source."""

PARSED = pa.schema(
    [
        pa.field("place", pa.string(), nullable=False),
        pa.field("quantity", pa.string(), nullable=False),
        pa.field("facet", pa.string(), nullable=False),
        pa.field("start", TIME, nullable=False),
        pa.field("end", TIME, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("reason", pa.string()),
        pa.field("row", pa.int64(), nullable=False),
    ]
)
"""What a feed parses: series by their words, and the row of the reply each value stood in (from 1)."""

REFUSED = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw", pa.string(), nullable=False),
    ]
)
"""A row that was not admitted: which, why, and its text as it came, after `scrub`."""
