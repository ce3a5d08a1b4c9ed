"""The XML of replies: names, and documents made to cost more than they weigh."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.feeds._xml import DEEPEST, MOST, read_xml
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

NOW = datetime(2026, 1, 1, tzinfo=UTC)

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><l>&d;&d;&d;</l>"""
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


def reply(body: bytes) -> Reply:
    return Reply(body, NOW)


def test_names_of_the_roots_namespace_come_without_it() -> None:
    """Every version of a standard gives the same names, and a stranger's element of that name another."""
    for version in (b"7:0", b"7:3"):
        body = b'<a xmlns="urn:x:%s" xmlns:o="urn:o" o:k="1" k="2"><b>&lt;&#233;</b><o:b>no</o:b></a>' % version
        namespace, root = read_xml(reply(body))
        assert (namespace, root.tag, root.attrib) == ("urn:x:" + version.decode(), "a", {"{urn:o}k": "1", "k": "2"})
        assert [(child.tag, child.text) for child in root] == [("b", "<é"), ("{urn:o}b", "no")]


def test_names_without_a_namespace_are_read() -> None:
    """A document without a namespace is one too, packed or not."""
    for body in (b"<a><b/></a>", gzip.compress(b"<a><b/></a>")):
        namespace, root = read_xml(reply(body))
        assert (namespace, root.tag, [child.tag for child in root]) == ("", "a", ["b"])


@pytest.mark.parametrize("name", ["entsoe_xml/FI_production.xml", "entsoe_xml/ES_day_ahead_price.xml"])
def test_a_recorded_reply_has_the_elements_counted_outside(name: str, shared_data: Path) -> None:
    """As many points as lines with `<Point>`."""
    body = (shared_data / "replies" / name).read_bytes()
    _, root = read_xml(reply(body))
    assert len(list(root.iter("Point"))) == body.count(b"<Point>") > 100


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (LAUGHS, "document type, 'l'"),
        (OUTSIDE, "document type, 'a'"),
        (b"<!DOCTYPE html><html></html>", "document type, 'html'"),
        (b"<a><b></a>", "mismatched tag"),
        (b"<a><b></b>", "no element found"),
        (b"<a/><b/>", "junk after"),
        (b"<a>&nbsp;</a>", "undefined entity"),
        (b'{"a": 1}', "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "no whole XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "no whole XML"),
        (b"<a>\xff</a>", "not well-formed"),
        (b"", "empty"),
        (b"<a>" * (DEEPEST + 1), "elements in one another"),
        (b"<a>" + b"<b/>" * MOST + b"</a>", f"{MOST} in all"),
        (b'<a xmlns="%s"/>' % (b"u" * 2000), "namespace has more than 1024"),
    ],
)
def test_what_is_no_plain_xml_is_refused(body: bytes, says: str) -> None:
    """Entities that multiply or read files, HTML, JSON, other charsets, cut, deep and vast documents."""
    with pytest.raises(ReplyError, match=says):
        read_xml(reply(body))


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_harmed_xml_is_read_or_refused(come: bytes, where: int) -> None:
    """Whatever bytes come, the answer is a tree or a `ReplyError`."""
    whole = b'<?xml version="1.0" encoding="utf-8"?><a xmlns="urn:x"><b k="1">text</b></a>'
    try:
        _, root = read_xml(reply(whole[:where] + come + whole[where + 3 :]))
    except ReplyError:
        return
    assert root.tag
