"""Before the pilot: what a study could show, from the history before its change and from nothing after it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.cli import main
from passerelle.client import connect
from passerelle.feeds.feed import Reply
from passerelle.lab.question import Assignment
from passerelle.model.errors import StudyError
from passerelle.studies.declared.declaration import Declaration, read_declaration
from passerelle.studies.declared.declaring import register_changes
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.declared.terms import Windows
from passerelle.studies.pilot import find_cut, foresee

from .test_panel_run import other

PROP99 = Path(__file__).parent / "declared" / "prop99.toml"
NAMES = ("California", "Nevada", "Utah", "Montana", "Texas", "Ohio", "Iowa", "Maine")
NAMES += ("Idaho", "Kansas", "Georgia", "Alabama", "Indiana", "Vermont", "Wyoming", "Virginia")
HALF = tuple(f"state:{name.lower()}" for name in NAMES[:8])


def write(after: float | None) -> bytes:
    """Sales of 16 states from 1970 on, all 99, 100 or 101; from 1989 on `after`, or no year at all."""
    rows = [
        f"{name};{year};{99 + sha256(f'{name} {year}'.encode()).digest()[0] % 3 if year < 1989 else after};0"
        for name in NAMES
        for year in range(1970, 1989 if after is None else 1996)
    ]
    return "\n".join(["State;Year;PacksPerCapita;treated", *rows, ""]).encode()


def hold(folder: Path, after: float | None = None) -> Archive:
    """An archive that holds the 16 states."""
    create_folder(folder, "reference")
    found = open_archive(folder)
    kept = found.keep("prop99", Reply(write(after), datetime.now(UTC), name="california_prop99_long.csv"))
    found.admit(kept.reply_id)
    return found


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """The 16 states until 1988: the change of 1989 has not happened yet."""
    found = hold(tmp_path / "folder")
    yield found
    found.close()


def declare(places: tuple[str, ...] = HALF, years: int = 3, **changes: Any) -> Declaration:
    """A trial of `years` years among states that lots were drawn for, after five years before."""
    found = read_declaration(PROP99)
    assert isinstance(found.study, PlacesStudy)
    windows = Windows((date(1984, 1, 1), date(1988, 12, 31)), (date(1989, 1, 1), date(1988 + years, 12, 31)))
    study = msgspec.structs.replace(
        found.study,
        windows=windows,
        method="auto",
        alternatives=(),
        assignment=Assignment.CLUSTERS,
        treated=msgspec.structs.replace(found.study.treated, places=places),
        **changes,
    )
    return Declaration(found.change, study)


def test_what_is_far_beyond_the_noise_is_shown(archive: Archive) -> None:
    """Means of numbers from 99 to 101 lie within 1 of 100, so that differences of two groups and two windows lie within
    4 of the effect. 50 packs less are shown but where the interval misses them; a few packs fewer are not, since
    an interval within 50 packs of nothing says that there is no effect that matters."""
    told = foresee(archive, declare(smallest_effect=50.0), 40)
    assert told["can_show"] is True
    assert [one["power"] for one in told["effects"]][1:] == [1, 1, 1]
    assert [one["effect"] for one in told["effects"]] == [-50, -100, -150, -250]
    assert told["tried"]["mde"] == pytest.approx(-50, abs=8)
    # 1970 to 1988; five years before fit beside three after: (19 - 3) / 2 = 8 would.
    assert told["history"] == {"from": "1970-01-01", "until": "1989-01-01", "times": 19}
    assert (told["tried"]["times_before"], told["tried"]["times_after"]) == (5, 3)
    assert told["places"] == {"treated": 8, "comparison": 8}
    assert "8 places and 3 years after" in told["sentence"]["en"]


def test_what_is_far_below_the_noise_is_missed(archive: Archive) -> None:
    """A thousandth of a pack is lost among differences of whole packs."""
    told = foresee(archive, declare(smallest_effect=0.001), 40)
    assert told["can_show"] is False
    assert told["tried"]["mde"] is not None
    assert "misses an effect of −0.00100 packs a head" in told["sentence"]["en"]
    assert "manque un effet de −0,00100" in told["sentence"]["fr"]


def test_a_test_that_can_show_nothing_says_what_would_settle_it(archive: Archive) -> None:
    """Lots among 16 states for one: no p value is below 1/16, more than 5 %. For two, 1/120 is."""
    told = foresee(archive, declare(HALF[:1], smallest_effect=50.0), 40)
    assert (told["can_show"], told["tried"]["mde"], told["tried"]["power"]) == (False, None, 0)
    assert told["sentence"] == {
        "en": "This test cannot show anything in 3 years with 1 place: no effect, however large, would be shown four "
        "times out of five.",
        "fr": "Ce test ne peut rien montrer en 3 ans avec 1 lieu : aucun effet, si grand soit-il, ne serait montré "
        "quatre fois sur cinq.",
    }
    assert {one["treated"] for one in told["alternatives"]} == {2, 4}
    assert "This would settle it: 2 places and 3 years" in told["alternatives"][0]["sentence"]["en"]


def test_a_history_that_is_too_short_says_so(archive: Archive) -> None:
    """18 years after want 20 of history; there are 19."""
    told = foresee(archive, declare(years=18))
    assert (told["can_show"], told["tried"], told["studies"]) == (None, None, 0)
    assert "too short to try it on (19 years). It takes 20 years or more" in told["sentence"]["en"]


@pytest.mark.parametrize("after", [100.0, 1_000_000.0])
def test_nothing_from_the_change_on_is_read(archive: Archive, tmp_path: Path, after: float) -> None:
    """Whatever came of the change, and whether anything did, the answer is the same to the last digit."""
    later = hold(tmp_path / "later", after)
    declaration = declare(smallest_effect=1.0)
    assert foresee(later, declaration, 20) == foresee(archive, declaration, 20)
    later.close()


def test_the_first_day_not_read() -> None:
    """The day of the change, or of a place that had it sooner, or on which places may have reacted."""
    study = declare().study
    assert isinstance(study, PlacesStudy)
    sooner = msgspec.structs.replace(study.treated, first_days={HALF[0]: date(1987, 3, 1)})
    assert find_cut(study, date(1989, 1, 1)) == date(1989, 1, 1)
    assert find_cut(study, date(1988, 7, 1)) == date(1988, 7, 1)
    assert find_cut(msgspec.structs.replace(study, treated=sooner), date(1989, 1, 1)) == date(1987, 3, 1)
    assert find_cut(msgspec.structs.replace(study, anticipation=31), date(1989, 1, 1)) == date(1988, 12, 1)


def test_the_calendar_of_what_interferes(archive: Archive) -> None:
    """One within the window after on a treated and, by name, no other place; not one that came later or elsewhere."""
    others = {"tax": ("1990-03-01", HALF[0]), "late": ("1995-01-01", HALF[0]), "far": ("1990-01-01", "x")}
    others["old"] = ("1980-05-01", "state:virginia")
    register_changes(archive, [other(name, *told) for name, told in others.items()])
    told = foresee(archive, declare(smallest_effect=50.0), 20)
    assert [
        (one["id"], one["from"], one["until"], one["treated"], one["comparison"], one["windows"])
        for one in told["interfering"]
    ] == [
        ("old", "1980-05-01", None, [], ["state:virginia"], ["before", "after"]),
        ("tax", "1990-03-01", None, ["state:california"], [], ["after"]),
    ]
    # 1981 to 1988 hold a study of eight years beside what came in 1980.
    assert told["tried"]["undisturbed"] is True


def test_other_designs_are_refused(archive: Archive, checkout: Path) -> None:
    """The line says which design is allowed."""
    for name, design in (("curfew-18h-2021", "parts"), ("rail-strikes-2018", "episodes")):
        with pytest.raises(StudyError, match=f"design 'places', this study's is '{design}'"):
            foresee(archive, read_declaration(checkout / "cities" / "paris" / f"{name}.toml"))


def test_the_command_and_the_client_say_the_same(tmp_path: Path) -> None:
    """The tables of a person, the JSON of a program; and nothing is declared by either."""
    archive = hold(tmp_path / "folder")
    register_changes(archive, [other("tax", "1990-03-01", HALF[0])])
    archive.close()
    text = PROP99.read_text(encoding="utf-8").replace("2000-12-31", "1991-12-31")
    file = tmp_path / "pilot.toml"
    file.write_text(text, encoding="utf-8")
    words = ["study", "power", str(file), "--folder", str(tmp_path / "folder"), "--studies", "20"]
    shown = CliRunner().invoke(main, words)
    assert shown.exit_code == 0, shown.output
    assert re.search(r"A tax .*1990-03-01 +still +after +state:california", shown.stdout)
    answer = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    with connect(tmp_path / "folder") as city:
        assert city.power(msgspec.to_builtins(tomllib.loads(text)), studies=20) == answer
        assert list(city.list_all("studies")) == []
