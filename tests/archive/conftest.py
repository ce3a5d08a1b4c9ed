"""A small city with a form of its own, whose replies say exactly what a test wants them to say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds.feed import Feed, Form, Grade, Parsed, Reply, Request
from passerelle.feeds.forms import FORMS
from passerelle.model.errors import ReplyError
from passerelle.model.interval import parse_time
from passerelle.model.observation import PARSED, REFUSED
from passerelle.model.place import Place, point

HELD = datetime(2021, 3, 1, 12, 0, tzinfo=UTC)
HEADER = "place|quantity|start|value|reason|person"

CITY = """
id = "testville"
country = "FR"
time_zone = "Europe/Paris"
languages = ["fr"]
bbox = [1.98, 48.63, 2.65, 49.03]
centre = [2.3488, 48.8534]
port = 8199
sectors = ["mobility", "air"]
name = {en = "Testville", fr = "Testville"}

[[division]]
id = "arrondissement"
file = "geo/paris_arrondissements.geojson"
code = "insee"
name = "label"
title = {en = "Districts", fr = "Arrondissements"}
"""

FEED = """
[[feed]]
id = "%s"
form = "lines"
title = {en = "Lines", fr = "Lignes"}
publisher = "tests"
owner = "tests"
url = ""
documentation = "unknown"
licence = {name = "Terms of %s", url = "https://licence.invalid/", attribution = "tests"}
redistribute = "%s"
quantities = ["bicycle_count", "no2_daily_mean"]
"""


def scrub(body: bytes) -> bytes:
    """Drop the last column, which names people."""
    if not body.startswith(HEADER.encode()):
        raise ReplyError("a header is needed")
    header, _, lines = body.partition(b"\n")
    return header + b"\n" + re.sub(rb"\|[^|\n]*$", b"|", lines, flags=re.MULTILINE)


def parse(reply: Reply, feed: Feed) -> Parsed:  # noqa: ARG001  the signature every form has
    """One observation a line; hourly counts, daily means; every place lies in the 4th arrondissement."""
    header, *lines = reply.body.decode().splitlines()
    if header != HEADER:
        raise ReplyError(f"the header is {header!r}")
    rows, refused = [], []
    for number, line in enumerate(lines, 1):
        place, quantity, start, value, reason, _ = line.split("|")
        if value == "defect":
            raise KeyError(value)
        if value == "?":
            refused.append({"row": number, "reason": "value '?' is not a number", "raw": line})
            continue
        begin = parse_time(start)
        length = timedelta(days=1) if quantity == "no2_daily_mean" else timedelta(hours=1)
        number_or_none = None if value == "" else float(value)
        rows.append((place, quantity, "", begin, begin + length, number_or_none, reason or None, number))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(PARSED)
    places = tuple(
        Place(name, "counter", f"Compteur {name}", point(2.3522, 48.8566)) for name in dict.fromkeys(columns[0])
    )
    return Parsed(places, pa.table(columns, schema=PARSED), pa.Table.from_pylist(refused, schema=REFUSED))


LINES = Form(
    name="lines",
    title="Lines of tests",
    standard="none",
    grade=Grade.FIXTURE,
    quantities=("bicycle_count", "no2_daily_mean"),
    request=lambda feed: Request(feed.url),
    parse=parse,
    scrub=scrub,
)


@pytest.fixture(autouse=True)
def _lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form `lines` is known, and gone after each test."""
    monkeypatch.setitem(FORMS, "lines", LINES)


@pytest.fixture(scope="session")
def city_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city of three feeds in the form `lines`: `open`, `derived` and `closed`, named for what may leave of them."""
    path = tmp_path_factory.mktemp("testville") / "city.toml"
    feeds = [FEED % (name, name, value) for name, value in (("open", "yes"), ("derived", "derived"), ("closed", "no"))]
    path.write_text(CITY + "".join(feeds), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def made_folder(city_file: Path) -> Path:
    """The city's folder, made and opened once: copying it is quicker than making another."""
    path = city_file.parent / "city"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMS, "lines", LINES)
        create_folder(path, city_file)
        open_archive(path).close()
    return path


@pytest.fixture
def folder(made_folder: Path, tmp_path: Path) -> Path:
    """The city's folder with nothing in it yet."""
    return Path(shutil.copytree(made_folder, tmp_path / "city"))


@pytest.fixture
def archive(folder: Path) -> Iterator[Archive]:
    """The folder's archive, open."""
    archive = open_archive(folder)
    yield archive
    archive.close()


@pytest.fixture
def reply() -> Callable[..., Reply]:
    """A reply of `place|quantity|start|value|reason` lines, held on 1 March 2021 at noon or `received`."""

    def make(*lines: str, received: datetime = HELD, name: str = "") -> Reply:
        body = "\n".join([HEADER, *(f"{line}|Ada Lovelace" for line in lines)]) + "\n"
        return Reply(body.encode(), received, "text/plain", name)

    return make


@pytest.fixture
def admit(archive: Archive, reply: Callable[..., Reply]) -> Callable[..., object]:
    """Keep and admit a reply of the feed `open`."""

    def make(*lines: str, received: datetime = HELD) -> object:
        return archive.admit(archive.keep("open", reply(*lines, received=received)).reply_id)

    return make
