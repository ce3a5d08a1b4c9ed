"""What was declared stays: an amendment is beside it, with its time, its reason and both hashes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.model.errors import InvalidValueError, StudyError, UnknownNameError
from passerelle.registry.changes import get_change, list_changes
from passerelle.studies.bundle.canonical import digest
from passerelle.studies.declared.change import Text
from passerelle.studies.declared.declaration import Declaration, read_change, read_changes, read_declaration
from passerelle.studies.declared.declaring import amend, declare, list_sealed, read_sealed, register_changes
from passerelle.studies.declared.terms import Exclusion, Windows

HOLIDAY = Exclusion(date(2021, 1, 20), date(2021, 1, 20), Text("a holiday", "un jour férié"))
AHEAD = Windows((date(2100, 1, 1), date(2100, 1, 31)), (date(2100, 2, 1), date(2100, 2, 28)))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An empty archive of Paris."""
    create_folder(tmp_path / "folder", "paris")
    found = open_archive(tmp_path / "folder")
    yield found
    found.close()


@pytest.fixture
def curfew(checkout: Path) -> Declaration:
    """The declaration of the curfew of 2021."""
    return read_declaration(checkout / "cities/paris/curfew-18h-2021.toml")


def reworded(declaration: Declaration, **changes: object) -> Declaration:
    return Declaration(declaration.change, msgspec.structs.replace(declaration.study, **changes))


def test_an_amendment_keeps_both_declarations(archive: Archive, curfew: Declaration) -> None:
    """The study in force is the new one; the old one is under `replaced`, and each hash is of its own words."""
    first = declare(archive, curfew)
    later = amend(archive, reworded(curfew, exclude=(*curfew.study.exclude, HOLIDAY)), "a holiday was forgotten")
    (amendment,) = later["amendments"]
    assert later["declared_at"] == first["declared_at"]
    assert amendment["reason"] == "a holiday was forgotten"
    assert amendment["replaced"] == {"hash": first["hash"], "declaration": first["declaration"]}
    assert digest(later["declaration"]) == later["hash"] == amendment["hash"] != first["hash"]
    assert len(later["declaration"]["exclude"]) == len(first["declaration"]["exclude"]) + 1
    with archive.engine.connect() as connection:
        assert read_sealed(connection, curfew.study.id) == later
        assert list_sealed(connection) == [later]


def test_an_amendment_after_the_data_says_so(archive: Archive, curfew: Declaration) -> None:
    """Declared for 2100 nobody could have seen the outcome; moved to 2021, anybody could."""
    assert not declare(archive, reworded(curfew, windows=AHEAD))["retrospective"]
    still = amend(archive, reworded(curfew, windows=AHEAD, smallest_effect=5.0), "less matters too")
    assert (still["retrospective"], still["amendments"][0]["data_seen"]) == (False, False)
    seen = amend(archive, curfew, "other windows")
    assert (seen["retrospective"], [one["data_seen"] for one in seen["amendments"]]) == (True, [False, True])
    back = amend(archive, reworded(curfew, windows=AHEAD), "as it was")
    assert (back["retrospective"], back["amendments"][-1]["data_seen"]) == (True, True)


def test_words_in_force_are_declared_again_in_peace(archive: Archive, curfew: Declaration) -> None:
    """After an amendment the new words are the declared ones, and the first ones are refused."""
    declare(archive, curfew)
    amended = amend(archive, reworded(curfew, smallest_effect=5.0), "less matters too")
    assert declare(archive, reworded(curfew, smallest_effect=5.0)) == amended
    with pytest.raises(InvalidValueError, match="another id"):
        declare(archive, reworded(curfew, smallest_effect=7.0))


def test_what_can_not_be_amended(archive: Archive, curfew: Declaration) -> None:
    """No study yet, no reason, no other word, another change."""
    with pytest.raises(UnknownNameError):
        amend(archive, curfew, "too early")
    declare(archive, curfew)
    with pytest.raises(InvalidValueError, match="reason"):
        amend(archive, reworded(curfew, smallest_effect=5.0), " ")
    with pytest.raises(InvalidValueError, match="already"):
        amend(archive, curfew, "nothing")
    moved = Declaration(msgspec.structs.replace(curfew.change, by="somebody else"), curfew.study)
    with pytest.raises(StudyError, match="only its study"):
        amend(archive, moved, "another author")


def test_a_study_is_dated_by_the_clock(archive: Archive, curfew: Declaration) -> None:
    """`declared_at` is now, to the second."""
    before = datetime.now(UTC).replace(microsecond=0)
    told = datetime.fromisoformat(declare(archive, curfew)["declared_at"])
    assert before <= told <= datetime.now(UTC)


def test_changes_that_nobody_studies_are_kept(archive: Archive, checkout: Path) -> None:
    """Each file of changes/ is one change, under the id that its name is, and is in the registry as often as put."""
    changes = read_changes("paris")
    assert [one.id for one in changes] == sorted(path.stem for path in (checkout / "cities/paris/changes").iterdir())
    for _ in range(2):
        register_changes(archive, changes)
    with archive.engine.connect() as connection:
        assert len(list_changes(connection)) == len(changes)
        assert get_change(connection, "rue-de-rivoli-2020")["where"]["places"] == ["geodair:FR04055"]


def test_a_file_of_changes_holds_no_study(checkout: Path) -> None:
    """A study in such a file would be passed over: it is refused, and the file is named."""
    with pytest.raises(InvalidValueError, match=r"curfew-18h-2021\.toml.*`study`"):
        read_change(checkout / "cities/paris/curfew-18h-2021.toml")
