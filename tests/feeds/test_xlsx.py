"""Workbooks: kinds of cells, blank cells, which sheet is the first, and archives that are none."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from passerelle.feeds import _zip
from passerelle.feeds._xlsx import read_sheet
from passerelle.feeds.feed import Reply
from passerelle.model.errors import ReplyError

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
WORKBOOK = f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet name="a" sheetId="1" r:id="rId7"/></sheets></workbook>'
RELATIONS = (
    f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Target="styles.xml"/>'
    '<Relationship Id="rId7" Target="worksheets/other.xml"/></Relationships>'
)
SHARED = f"<sst {MAIN}><si><t>place</t></si><si><r><t>va</t></r><r><t>lue</t></r><rPh><t>no</t></rPh></si></sst>"


def workbook(rows: str, **changes: str | None) -> Reply:
    """A workbook whose sheet holds the XML `rows`; `changes` replace its parts, None leaves one out."""
    parts: Mapping[str, str | None] = {
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/sharedStrings.xml": SHARED,
        "xl/worksheets/other.xml": f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>",
    } | changes
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            if text is not None:
                archive.writestr(name, text)
    return Reply(buffer.getvalue(), datetime(2026, 1, 1, tzinfo=UTC))


HEADER = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="C2"><v>79</v></c>', "79"),
        ('<c r="C2"><v>29.887499999999999</v></c>', "29.8875"),
        ('<c r="C2"><v>1.0000000000000001E-5</v></c>', "0.00001"),
        ('<c r="C2"><v>-0.5</v></c>', "-0.5"),
        ('<c r="C2" t="inlineStr"><is><t>typed</t></is></c>', "typed"),
        ('<c r="C2" t="str"><f>A1</f><v>computed</v></c>', "computed"),
        ('<c r="C2" t="e"><v>#N/A</v></c>', "#N/A"),
        ('<c r="C2" t="b"><v>1</v></c>', "1"),
        ('<c r="C2" s="4"/>', ""),
        ("", ""),
    ],
)
def test_a_cell_is_its_text(cell: str, text: str) -> None:
    """Numbers as the shortest decimal of their double, other kinds as they are; a blank or absent cell is empty."""
    sheet = read_sheet(workbook(f'{HEADER}<row r="2"><c r="A2" t="s"><v>0</v></c>{cell}</row>'), ["value", "place"])
    assert sheet.select("row", "value", "place").rows() == [(1, text, "place")]


def test_the_first_scheme_that_is_there_is_read() -> None:
    """Of two sets of columns the sheet's own is read; a sheet with neither is refused with what it has."""
    sheet = read_sheet(workbook(HEADER), ["other"], ["place"])
    assert (sheet.columns, sheet.height) == (["row", "raw", "place"], 0)
    with pytest.raises(ReplyError, match=r"expected \['other'\], got \['place', 'value'\]"):
        read_sheet(workbook(HEADER), ["other"])
    with pytest.raises(ReplyError, match=r"got \[\]"):
        read_sheet(workbook(""), ["place"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"xl/workbook.xml": None}, "no workbook"),
        ({"xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"/>'}, "no sheet"),
        ({"xl/worksheets/other.xml": None}, "it has no 'xl/worksheets/other.xml'"),
        ({"xl/worksheets/other.xml": "<worksheet"}, "no whole XML"),
        ({"xl/sharedStrings.xml": None}, "cell A1 of type 's' holds '0'"),
        ({"xl/worksheets/other.xml": f"<!DOCTYPE a><worksheet {MAIN}/>"}, "document type"),
    ],
)
def test_a_broken_workbook_says_what_is_broken(changes: dict[str, str | None], says: str) -> None:
    """A part that lacks or isn't XML is a `ReplyError` that names it."""
    with pytest.raises(ReplyError, match=says):
        read_sheet(workbook(HEADER, **changes), ["place"])


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ('<c r="1A"><v>1</v></c>', "called '1A'"),
        ('<c r="A2" t="s"><v>-1</v></c>', "holds '-1'"),
        ('<c r="A2"><v>one</v></c>', "holds 'one'"),
    ],
)
def test_a_cell_of_no_meaning_refuses_the_sheet(cell: str, says: str) -> None:
    """A cell whose place, text or number isn't what its type says can't come from a whole workbook."""
    with pytest.raises(ReplyError, match=says):
        read_sheet(workbook(f'{HEADER}<row r="2">{cell}</row>'), ["place"])


def test_an_archive_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that unpacks to more than is allowed, or holds more files, is refused before it is unpacked whole."""
    big = workbook(" " * 5_000_000)
    monkeypatch.setattr(_zip, "LARGEST", 1_000_000)
    with pytest.raises(ReplyError, match="unpacks to more than 1000000 bytes"):
        _zip.read_zip(big)
    monkeypatch.setattr(_zip, "MOST", 3)
    with pytest.raises(ReplyError, match="has 4 files; at most 3"):
        _zip.read_zip(big)
