"""Replies that went wrong on the way: every form refuses or reads them alike."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.feeds.city import Bundle, find_data_file
from passerelle.feeds.feed import Parsed
from passerelle.model.errors import ReplyError

TEXTS = [
    "autolib-events",
    "autolib-stations",
    "eco2mix",
    "geodair-no2-mean",
    "geodair-no2-max",
    "sf311-sample-a",
    "sf311-sample-b",
    "eia930-pge",
    "eia930-ciso",
    "sgip-moer-pge",
    "sfpark-garages",
    "wyndham-bins",
]
COUNTING = ["sf311-sample-a", "sf311-sample-b"]
ALL = [*TEXTS, "bike-counters", "road-counts"]
HTML = b"<!DOCTYPE html><html><head><title>503</title></head><body>Service unavailable</body></html>"

Parse = Callable[..., Parsed]
Sample = Callable[[str], bytes]


@pytest.mark.parametrize("feed", ALL)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \r\n\n", "empty"),
        (HTML, "markup|PAR1"),
        (b"\n  " + HTML, "markup|PAR1"),
        (b'{"error": "quota"}', "columns|PAR1"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(b"x" * 5000)[:30], "broken gzip"),
        (b"\x1f\x8b" + bytes(50), "broken gzip"),
        (b"PAR1" + bytes(40) + b"PAR1", "columns|Parquet"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16|PAR1"),
    ],
)
def test_what_is_no_reply_is_refused(feed: str, body: bytes, says: str, parse: Parse) -> None:
    """Empty answers, HTML with status 200, other formats and broken gzip are a `ReplyError` that says so."""
    with pytest.raises(ReplyError, match=says):
        parse(feed, body)


@pytest.mark.parametrize("feed", ALL)
def test_an_ordinary_sample_is_read(feed: str, parse: Parse, sample: Sample) -> None:
    """The samples the other tests harm give observations and no refused row."""
    parsed = parse(feed, sample(feed))
    assert parsed.observations.num_rows > 0
    assert parsed.refused.num_rows == 0


@pytest.mark.parametrize("feed", TEXTS)
def test_packed_marked_and_rewritten_replies_say_the_same(feed: str, parse: Parse, sample: Sample) -> None:
    """Gzip, a byte order mark and Windows line ends change nothing."""
    body = sample(feed)
    expected = parse(feed, body)
    text = body.decode("latin-1" if feed == "eco2mix" else "utf-8")
    for changed in (gzip.compress(body), b"\xef\xbb\xbf" + text.encode(), text.replace("\n", "\r\n").encode()):
        assert parse(feed, changed).observations.equals(expected.observations)


@pytest.mark.parametrize("feed", TEXTS)
def test_a_header_alone_is_no_observation(feed: str, parse: Parse, sample: Sample) -> None:
    """A reply with its header and no line is read as nothing, without an error."""
    parsed = parse(feed, sample(feed).split(b"\n")[0] + b"\n")
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 0, 0)


@pytest.mark.parametrize("feed", TEXTS)
@pytest.mark.parametrize("part", [0.1, 0.35, 0.6, 0.9, 1.0])
def test_a_reply_cut_within_a_line_is_refused(feed: str, part: float, parse: Parse, sample: Sample) -> None:
    """Wherever it breaks off but at a line end, the reply is a `ReplyError` that says so, and nothing of it is read."""
    body = sample(feed)
    header = body.index(b"\n") + 1
    cut = body[: header + int(part * (len(body) - header))].rstrip(b"\t\r\n")[:-1]
    cut = cut.rstrip(b"\n")
    with pytest.raises(ReplyError, match="the last line breaks off"):
        parse(feed, cut)


def test_every_recorded_text_ends_in_a_line_end(bundles: list[Bundle]) -> None:
    """Or in RTE's remark, in one file: what a reader may demand of a reply, its publishers have kept to."""
    remarks = 0
    for bundle in bundles:
        body = find_data_file(bundle.path).read_bytes()
        text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        if bundle.feed in TEXTS and not text.endswith(b"\n"):
            assert text.rpartition(b"\n")[2].startswith(b'"RTE ne pourra')
            remarks += 1
    assert remarks == 1


@pytest.mark.parametrize("feed", sorted(set(TEXTS) - {"eco2mix"}))
def test_latin_1_where_utf_8_is_due_is_refused(feed: str, parse: Parse, sample: Sample) -> None:
    """A byte that is no UTF-8 refuses the reply and is named; éCO2mix, whose charset is Latin-1, has its own test."""
    with pytest.raises(ReplyError, match="0xe9"):
        parse(feed, sample(feed) + "é".encode("latin-1"))


@pytest.mark.parametrize(
    ("feed", "column"),
    [
        ("autolib-events", "Postal code"),
        ("autolib-events", "Slots_taken_sum"),
        ("autolib-stations", "Geo point"),
        ("autolib-stations", "Charge Slots"),
        ("eco2mix", "Heures"),
        ("eco2mix", "Ech. physiques"),
        ("geodair-no2-mean", "no2_ug_m3"),
        ("geodair-no2-max", "station_influence"),
        ("eia930-pge", "raw demand (MW)"),
        ("eia930-pge", "date_time"),
        ("eia930-ciso", "raw demand (MW)"),
        ("sfpark-garages", "exits"),
        ("sfpark-garages", "facility"),
        ("wyndham-bins", "Fullness"),
    ],
)
def test_a_renamed_column_is_named(feed: str, column: str, parse: Parse, sample: Sample) -> None:
    """A reply without a column it must have is refused with the columns expected and those that came."""
    header, _, lines = sample(feed).partition(b"\n")
    renamed = header.replace(column.encode(), b"renamed")
    with pytest.raises(ReplyError, match=rf"\['{re.escape(column)}'\].*expected.*got.*renamed"):
        parse(feed, renamed + b"\n" + lines)


@pytest.mark.parametrize("feed", COUNTING)
def test_a_renamed_column_of_requests_is_refused_without_a_quotation(feed: str, parse: Parse, sample: Sample) -> None:
    """A reply of requests in an unknown scheme is refused, and the reason quotes nothing of it."""
    with pytest.raises(ReplyError, match="expected") as caught:
        parse(feed, sample(feed).replace(b"Category", b"renamed", 1))
    assert "renamed" not in str(caught.value)


@pytest.mark.parametrize("feed", TEXTS)
def test_numbers_as_strings_are_numbers(feed: str, parse: Parse, sample: Sample) -> None:
    """A publisher that begins to quote every value says the same as before."""
    body = sample(feed).decode("latin-1" if feed == "eco2mix" else "utf-8")
    mark = "\t" if feed == "eco2mix" else ","
    value = re.compile(rf'(?:^|(?<={mark}))(?!")[^"{mark}\n]+(?={mark}|$)', re.MULTILINE)
    quoted = value.sub(lambda found: f'"{found[0]}"', body)
    assert quoted != body
    assert parse(feed, quoted).observations.equals(parse(feed, body).observations)


@pytest.mark.parametrize("feed", sorted(set(TEXTS) - set(COUNTING)))
def test_a_repeated_line_is_read_twice(feed: str, parse: Parse, sample: Sample) -> None:
    """A feed doesn't judge duplicates: both rows come out with their own number, the archive decides."""
    body = sample(feed)
    once, last = parse(feed, body), body.rstrip(b"\n").rpartition(b"\n")[2] + b"\n"
    alone = parse(feed, body.partition(b"\n")[0] + b"\n" + last)
    twice = parse(feed, body + last)
    assert twice.observations.num_rows == once.observations.num_rows + alone.observations.num_rows
    assert twice.refused.num_rows == 0


def edits(length: int) -> st.SearchStrategy[list[tuple[int, int, bytes]]]:
    """A few replacements: where, how many bytes go, which bytes come."""
    bytes_in = st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"\n", b",", b"\t", b"\r", b"0", b"-", b"."]))
    return st.lists(
        st.tuples(st.integers(0, length - 1), st.integers(0, 3), bytes_in),
        min_size=1,
        max_size=4,
    )


def harm(body: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for where, gone, come in sorted(changes, reverse=True):
        body = body[:where] + come + body[where + gone :]
    return body


def said(parsed: Parsed) -> Counter[tuple[object, ...]]:
    table = parsed.observations.drop_columns(["row"])
    return Counter(tuple(row.values()) for row in table.to_pylist())


@pytest.mark.parametrize("feed", sorted(set(TEXTS) - set(COUNTING)))
@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_harm_stays_where_it_was_done(feed: str, data: st.DataObject, parse: Parse, sample: Sample) -> None:
    """Bytes changed at random give a `ReplyError` or a parsed reply whose untouched lines say what they said."""
    body = sample(feed)
    harmed = harm(body, data.draw(edits(len(body))))
    header, *lines = body.split(b"\n")
    came = Counter(harmed.split(b"\n")[1:-1])
    untouched = [line for line in lines if line and came[line]]
    try:
        parsed = parse(feed, harmed)
    except ReplyError:
        return
    refused = {row["raw"] for row in parsed.refused.to_pylist()}
    charset = "latin-1" if feed == "eco2mix" else "utf-8"
    kept = [line for line in untouched if line.decode(charset) not in refused]
    expected = said(parse(feed, b"\n".join([header, *kept, b""])))
    assert expected <= said(parsed)


@pytest.mark.parametrize("feed", COUNTING)
@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_harmed_requests_are_counted_or_refused(feed: str, data: st.DataObject, parse: Parse, sample: Sample) -> None:
    """Every line that still has its line end is counted as opened or stands among the refused, none vanishes."""
    body = sample(feed)
    harmed = harm(body, data.draw(edits(len(body))))
    try:
        parsed = parse(feed, harmed)
    except ReplyError:
        return
    lines = [line for line in harmed.removeprefix(b"\xef\xbb\xbf").split(b"\n")[1:] if line.strip()]
    opened = sum(row["value"] for row in parsed.observations.to_pylist() if row["quantity"] == "reports_opened")
    assert opened + parsed.refused.num_rows == len(lines)


@settings(max_examples=30, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_harmed_parquet_is_refused_or_unharmed(data: st.DataObject, parse: Parse, sample: Sample) -> None:
    """With page checksums, bytes changed at random never change a count that comes out."""
    body = sample("bike-counters")
    expected = said(parse("bike-counters", body))
    try:
        parsed = parse("bike-counters", harm(body, data.draw(edits(len(body)))))
    except ReplyError:
        return
    assert said(parsed) <= expected
