"""A finding as a reference: an entry that BibTeX reads."""

from __future__ import annotations

from passerelle.studies.told.citation import write_bibtex


def test_a_finding_is_cited_with_what_tells_it_from_others() -> None:
    """Signs that TeX reads as commands are escaped; the address is that of the case file."""
    finding = {
        "id": "lane-cycling-1a2b",
        "computed_at": "2026-03-09T10:00:00Z",
        "outcome": {"en": "Bicycles & scooters"},
        "sentence": {"en": "It rose by 10%."},
        "declaration": {"hash": "ffee"},
    }
    change = {"id": "lane", "title": {"en": "Lane_1"}}
    entry = write_bibtex(finding, change, city={"en": "Paris"}, site="http://127.0.0.1:8101")
    assert (
        entry
        == """@misc{lane-cycling-1a2b,
  author = {{Passerelle, Paris}},
  title = {{Lane\\_1: Bicycles \\& scooters}},
  year = {2026},
  month = {3},
  day = {9},
  note = {It rose by 10\\%. Finding lane-cycling-1a2b; declaration ffee},
  url = {http://127.0.0.1:8101/changes/lane},
}
"""
    )
