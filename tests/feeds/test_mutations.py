"""Replies mutated at random: a form refuses each, or says of what was not touched exactly what it said before.

A new form joins by a line of `samples.py`. `make torture` runs ROUNDS times what is run here, always from another seed.
"""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.transit.gtfs_realtime_pb2 import FeedMessage
from tests.feeds.samples import SAMPLES, VEHICLES, Sample, pack

from passerelle.feeds import FORMS
from passerelle.feeds._text import read_bytes
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.model.errors import ReplyError

MUTATIONS = 5_000
"""Of all forms together, in one round."""

RECEIVED = datetime(2018, 3, 1, 12, tzinfo=UTC)


ODD_BYTES = [b"", b"-", b'"', b"'", b"\n", b"\r\n", b",", b";", b"\t", b"\x00", b"\xff", b"\xc3", b"\xef\xbb\xbf"]
ODD_BYTES += [b"NaN", b"inf", b"1e309", b"-1", b"1e-400", b"9" * 400, b"24:15:00", b"<!DOCTYPE a>", b"<", b"&#0;"]
ODD_BYTES += [b"12018-01-01", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59Z", b"2021-03-28 02:30", b"{", b"]"]
ODD_VALUES = [None, True, False, 0, -1, 1.5, 1e308, 10**30, -(2**63), "", "-", "NaN", "é\u0000", "x" * 300, [], {}]
ODD_VALUES += [[[]], [None], {"a": None}, "24:15:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "\ud800"]


@dataclass(frozen=True)
class Document:
    """A reply taken apart: its records, how to take one apart further, and how to put records together again."""

    records: list[Any]
    build: Callable[[list[Any]], bytes]
    change: Callable[[Any, random.Random], Any]


def open_document(body: bytes, member: str = "") -> Document:
    """The reply's records: lines of text, the members of the longest list, the most numerous elements of one parent."""
    if body.startswith(b"PAR1"):
        return Document([body], lambda records: b"".join(records), change_bytes)
    if body.startswith(b"PK"):
        return open_zip(body, member)
    # Lines of JSON; in an array a comma would stand between the two.
    if b"}\n{" in body:
        return Document(body.splitlines(), lambda records: b"\n".join([*records, b""]), change_line)
    if body.lstrip().startswith((b"{", b"[")):
        return open_json(body, member)
    if body.lstrip().startswith(b"<"):
        return open_xml(body, member)
    if body.startswith(b"\n") and not body.isascii():
        return open_protobuf(body)
    header, *lines = body.rstrip(b"\n").split(b"\n")
    return Document(lines, lambda records: b"\n".join([header, *records, b""]), change_line)


def open_zip(body: bytes, member: str) -> Document:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    inner = open_document(parts[member or next(iter(parts))])

    def build(records: list[Any]) -> bytes:
        return pack(parts | {member or next(iter(parts)): inner.build(records)})

    return Document(inner.records, build, inner.change)


def open_json(body: bytes, member: str) -> Document:
    tree = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    named = [path for path in lists(tree, ()) if not member or path[-1:] == (member,)]
    path = max(named, key=lambda found: len(step(tree, found)), default=None)

    def build(records: list[Any]) -> bytes:
        if path is None:
            return json.dumps(records[0]).encode()
        if not path:
            return json.dumps(records).encode()
        whole = copy.deepcopy(tree)
        step(whole, path[:-1])[path[-1]] = records
        return json.dumps(whole).encode()

    return Document([tree] if path is None else step(tree, path), build, change_tree)


def lists(tree: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The paths of the lists of objects, or of lists, in a tree."""
    inner = list(tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ())
    own = [path] if isinstance(tree, list) and tree and isinstance(tree[0], dict | list) else []
    return own + [found for name, part in inner for found in lists(part, (*path, name))]


def step(tree: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        tree = tree[name]
    return tree


def open_xml(body: bytes, member: str) -> Document:
    root = ElementTree.fromstring(body)  # noqa: S314  our own sample
    parents = list(root.iter())
    named = [Counter(child.tag for child in one if child.tag.endswith(member)) for one in parents]
    _, at, tag = max((number, at, tag) for at, tags in enumerate(named) for tag, number in tags.items())

    def build(records: list[Any]) -> bytes:
        whole = copy.deepcopy(root)
        parent = list(whole.iter())[at]
        first = next(index for index, child in enumerate(parent) if child.tag == tag)
        for child in parent.findall(tag):
            parent.remove(child)
        for index, record in enumerate(records):
            parent.insert(first + index, record)
        return ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)

    return Document(parents[at].findall(tag), build, change_element)


def open_protobuf(body: bytes) -> Document:
    tree = json_format.MessageToDict(FeedMessage.FromString(body), preserving_proto_field_name=True)

    def build(records: list[Any]) -> bytes:
        # What JSON can't say in protobuf's types is no reply that could come; an empty one stands for it.
        try:
            message: Message = json_format.ParseDict(
                tree | {"entity": records}, FeedMessage(), ignore_unknown_fields=True
            )
            return message.SerializePartialToString()
        except (json_format.ParseError, SystemError, TypeError, ValueError):
            return b""

    return Document(tree["entity"], build, change_tree)


def change_bytes(record: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at, gone = chance.randrange(len(record) + 1), chance.choice([0, 0, 1, 1, 3, 20])
        come = chance.choice([*ODD_BYTES, chance.randbytes(1), chance.randbytes(3), record[at : at + 5]])
        record = record[:at] + come + record[at + gone :]
    return record


def change_line(record: bytes, chance: random.Random) -> bytes:
    mark = max(b",;\t", key=lambda byte: record.count(bytes([byte])))
    fields = record.split(bytes([mark]))
    return (
        bytes([mark]).join(change_list(fields, chance.choice(ODD_BYTES), chance))
        if chance.random() < 0.6
        else change_bytes(record, chance)
    )


def change_list(fields: list[Any], odd: Any, chance: random.Random) -> list[Any]:
    """The fields with one deleted, doubled, exchanged for another, inserted, or of another type."""
    fields = list(fields)
    at, other = chance.randrange(len(fields)), chance.randrange(len(fields))
    match chance.randrange(5):
        case 0:
            del fields[at]
        case 1:
            fields.insert(at, fields[at])
        case 2:
            fields[at], fields[other] = fields[other], fields[at]
        case 3:
            fields.insert(at, odd)
        case _:
            fields[at] = odd
    return fields


def change_tree(record: Any, chance: random.Random) -> Any:
    """The tree with one of its objects or lists changed, or another value in its place."""
    record = copy.deepcopy(record)
    inner = [record]
    for one in inner:
        parts = one.values() if isinstance(one, dict) else one
        inner += [part for part in parts if isinstance(part, dict | list) and part]
    chosen = chance.choice(inner)
    odd = chance.choice(ODD_VALUES)
    if not chosen:
        return odd
    if isinstance(chosen, list):
        chosen[:] = change_list(chosen, odd, chance)
    else:
        name, other = chance.choice(list(chosen)), chance.choice(list(chosen))
        match chance.randrange(5):
            case 0:
                del chosen[name]
            case 1:
                chosen[name], chosen[other] = chosen[other], chosen[name]
            case 2:
                chosen[str(odd)[:20]] = chosen.pop(name)
            case 3 if isinstance(chosen[name], int | float):
                chosen[name] = chance.choice([str(chosen[name]), -chosen[name], chosen[name] * 1000, [chosen[name]]])
            case _:
                chosen[name] = odd
    return record


def change_element(record: ElementTree.Element, chance: random.Random) -> ElementTree.Element:
    """The element with one of its descendants renamed, emptied, doubled, removed, or with another text."""
    record = copy.deepcopy(record)
    chosen = chance.choice(list(record.iter()))
    match chance.randrange(5):
        case 0 if len(chosen):
            chosen.remove(chosen[chance.randrange(len(chosen))])
        case 1 if len(chosen):
            chosen.append(copy.deepcopy(chosen[chance.randrange(len(chosen))]))
        case 2:
            chosen.tag += "x"
        case 3:
            chosen.set("odd", "1")
        case _:
            # What no XML can hold is left to the changes of bytes.
            odd = chance.choice(ODD_BYTES).decode("utf-8", "replace")
            chosen.text = "".join(character for character in odd if character >= " ")
    return record


Said = tuple[Counter[tuple[Any, ...]], dict[str, tuple[Any, ...]]]


def say(parsed: Parsed) -> Said:
    """What a parsed reply says, without the numbers of its rows: observations, and places by their id."""
    rows = Counter(tuple(row.values()) for row in parsed.observations.drop_columns(["row"]).to_pylist())
    places = {place.id: (place.kind, place.name, json.dumps(place.geometry), *place.areas) for place in parsed.places}
    return rows, places


class Mutant:
    """A sample, read as its form reads it, and what its reply says without each of its records."""

    def __init__(self, sample: Sample, feed: Feed, received: Reply) -> None:
        whole = open_document(received.body, sample.member)
        self.sample, self.feed = sample, feed
        self.reply = replace(received, body=whole.build(whole.records[: sample.records]))
        self.document = open_document(self.reply.body, sample.member)
        self._without: dict[int, Said] = {}

    def read(self, body: bytes) -> Said | None:
        """What the reply says, as it comes through the door; None where it is refused."""
        form = FORMS[self.feed.form]
        try:
            kept = body if form.scrub is None else form.scrub(body)
            assert form.scrub is None or form.scrub(kept) == kept, f"the scrub goes on: {body[:2000]!r}"
            return say(form.parse(replace(self.reply, body=kept), self.feed))
        except ReplyError:
            return None

    def read_without(self, at: int) -> Said:
        """What the reply says when the record at `at` isn't there; nothing, where it is refused then."""
        if at not in self._without:
            rest = [*self.document.records[:at], *self.document.records[at + 1 :]]
            self._without[at] = self.read(self.document.build(rest)) or (Counter(), {})
        return self._without[at]

    def list_own(self, at: int) -> set[str]:
        """The places that the record at `at` describes."""
        alone = self.read(self.document.build([self.document.records[at]]))
        return set(alone[1]) if alone else set()

    def mutate(self, chance: random.Random) -> tuple[int | None, bytes]:
        """The record that was touched, None where it may be any, and the mutated reply."""
        records, build = self.document.records, self.document.build
        at, other = chance.randrange(len(records)), chance.randrange(len(records))
        match chance.randrange(8):
            case 0:
                return None, change_bytes(self.reply.body, chance)
            case 1:
                return None, self.reply.body[: chance.randrange(len(self.reply.body))]
            case 2:
                return at, build([*records[:at], *records[at + 1 :]])
            case 3:
                return at, build([*records[:other], records[at], *records[other:]])
            case 4:
                moved = [*records[:at], *records[at + 1 :]]
                return at, build([*moved[:other], records[at], *moved[other:]])
            case _:
                return at, build([*records[:at], self.document.change(records[at], chance), *records[at + 1 :]])

    def judge(self, chance: random.Random) -> str | None:
        """What is wrong with how the form read a mutated reply; None where nothing is."""
        at, body = self.mutate(chance)
        said = self.read(body)
        if at is None or said is None:
            return None
        rows, places = self.read_without(at)
        lost = rows - said[0]
        if lost.total() > self.sample.moved:
            return f"record {at} was touched and others lost {list(lost)[:3]} in {body[:2000]!r}"
        other = {place for place, told in places.items() if said[1].get(place, told) != told}
        if other:
            # A place that the touched record describes too may be told in its words: which are right nobody can tell.
            other -= self.list_own(at)
        return f"record {at} was touched and places {other} changed in {body[:2000]!r}" if other else None


@pytest.fixture
def mutant(
    request: pytest.FixtureRequest, feeds: dict[str, Feed], sample: Callable[[str], bytes], checkout: Path
) -> Mutant:
    """The parametrized sample, few of its records kept."""
    one: Sample = request.param
    if not one.path and not one.body:
        return Mutant(one, feeds[one.feed], Reply(sample(one.feed), RECEIVED, name="recorded_2018-02-23.csv"))
    if one.path.startswith("../shared"):
        request.getfixturevalue("shared_data")
    like, form = feeds[one.feed or "bike-counters"], FORMS[one.form]
    feed = replace(
        like,
        form=form.name,
        quantities=form.quantities,
        cadence_seconds=like.cadence_seconds or 3600,
        parameters={**like.parameters, **one.parameters},
    )
    body = one.body or read_bytes(Reply((checkout / one.path).read_bytes(), RECEIVED))
    return Mutant(one, feed, Reply(body, RECEIVED, name=Path(one.path).name))


def share(mutant: Mutant) -> int:
    """How often the sample is mutated in a round: its part of its form's part."""
    return MUTATIONS // len(FORMS) // sum(sample.form == mutant.sample.form for sample in SAMPLES)


def run(mutant: Mutant, numbers: range) -> None:
    wrong = {}
    for number in numbers:
        found = mutant.judge(random.Random(f"{mutant.sample} {number}"))
        if found:
            wrong[number] = found
    assert not wrong, f"{len(wrong)} mutations, the first numbered {min(wrong)}: {wrong[min(wrong)]}"


def test_every_form_is_mutated() -> None:
    """Each form has a sample."""
    assert {sample.form for sample in SAMPLES} == set(FORMS)


@pytest.mark.parametrize("mutant", SAMPLES, indirect=True, ids=lambda sample: sample.form)
def test_a_mutated_reply_is_refused_or_unharmed_elsewhere(mutant: Mutant) -> None:
    """No mutation is another error than `ReplyError`, changes what other records say, or is scrubbed on and on."""
    assert mutant.read(mutant.reply.body)
    run(mutant, range(share(mutant)))


@pytest.mark.parametrize("mutant", [replace(VEHICLES, moved=0)], indirect=True)
def test_harm_that_spreads_is_found(mutant: Mutant) -> None:
    """A vehicle more or less changes how many there are in all: where that isn't allowed for, it is reported."""
    with pytest.raises(AssertionError, match="was touched and others lost"):
        run(mutant, range(100))


@pytest.mark.torture
@pytest.mark.parametrize("mutant", SAMPLES, indirect=True, ids=lambda sample: sample.form)
def test_a_million_mutations_are_refused_or_unharmed_elsewhere(mutant: Mutant, rounds: int) -> None:
    """The same of a million mutations, in as many rounds as `make torture` has."""
    run(mutant, range(share(mutant), (1 + rounds) * share(mutant)))
