"""Any table in CSV, JSON or Parquet, read as the mapping in the feed's `parameters` says.

The mapping names the columns of time, place and values, and what each value is; `docs/feeds.md`
describes it, `passerelle feed new` writes one from a sample. A table with personal data can't be
read this way: what must be dropped at its door needs a form of its own with a `scrub`.
"""

from __future__ import annotations

from passerelle.feeds._ask import ask_address
from passerelle.feeds._table import parse_mapped
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply
from passerelle.feeds.mapping import read_mapping
from passerelle.model.quantity import list_quantities


def parse(reply: Reply, feed: Feed) -> Parsed:
    """One value per row and column mapped, at the row's place or the one the mapping names."""
    return parse_mapped(reply, feed, read_mapping(feed))


def check(feed: Feed) -> None:
    """Nothing; `InvalidValueError` where the feed's parameters are no mapping of its quantities."""
    read_mapping(feed)


FORM = Form(
    name="mapped",
    title="Any table with a mapping (CSV, JSON, Parquet)",
    standard="the mapping of docs/feeds.md",
    grade=Grade.PROVEN,
    quantities=tuple(quantity.name for quantity in list_quantities()),
    request=ask_address,
    parse=parse,
    check=check,
)
