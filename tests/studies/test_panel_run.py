"""Studies of places and episodes run from recordings to bundles that anybody can compute again."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import duckdb
import msgspec
import pytest

from passerelle.archive import Archive, create_folder, open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Reply
from passerelle.registry.findings import get_bundle
from passerelle.studies.bundle.release import release_bundle
from passerelle.studies.bundle.verify import verify_bundle
from passerelle.studies.declared.change import Change
from passerelle.studies.declared.declaration import Declaration, read_declaration
from passerelle.studies.declared.declaring import declare, register_changes
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.run import run_study

from .bundle.test_release import redeclare
from .bundle.test_verify import pack, sign

DECLARED = Path(__file__).parent / "declared"
SALES = "data/prop99/california_prop99_long.csv"
COUNTS = "data/paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet"


class Panelled:
    """An archive with one study run: its finding, and the files of its bundle."""

    def __init__(self, folder: Path, city: str, declaration: Declaration) -> None:
        create_folder(folder, city)
        self.archive: Archive = open_archive(folder)
        self.declaration = declaration
        for bundle in self.archive.city.bundles:
            if bundle.feed == declaration.study.outcome.feed:
                body = find_data_file(bundle.path).read_bytes()
                kept = self.archive.keep(bundle.feed, Reply(body, datetime.now(UTC), name=Path(bundle.path).name))
                self.archive.admit(kept.reply_id)
        declare(self.archive, declaration)
        self.finding = run_study(self.archive, declaration.study.id)
        with self.archive.engine.connect() as connection:
            self.bundle = get_bundle(connection, self.finding["id"])
        self.files = unpack(self.bundle)


def unpack(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panelled]:
    """Proposition 99 by difference in differences."""
    declaration = read_declaration(DECLARED / "prop99.toml")
    made = Panelled(tmp_path_factory.mktemp("sales") / "folder", "reference", declaration)
    yield made
    made.archive.close()


@pytest.fixture(scope="module")
def tuesdays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panelled]:
    """Six spells of a Tuesday and a Wednesday of autumn 2020, a fortnight apart, at the counters of Paris."""
    declared = read_declaration(DECLARED / "episodes.toml")
    assert isinstance(declared.study, EpisodesStudy)
    first = [date(2020, 9, 8) + timedelta(days=14 * at) for at in range(6)]
    study = msgspec.structs.replace(
        declared.study,
        outcome=msgspec.structs.replace(
            declared.study.outcome,
            feed="bike-counters",
            quantity="bicycle_count",
            facet="",
            hours=(8, 20),
            zero_day_is_outage=True,
        ),
        treated=msgspec.structs.replace(
            declared.study.treated, episodes=tuple((one, one + timedelta(days=1)) for one in first)
        ),
        comparison=msgspec.structs.replace(declared.study.comparison, days=7, apart=0),
        placebo=None,
    )
    made = Panelled(tmp_path_factory.mktemp("tuesdays") / "folder", "paris", Declaration(declared.change, study))
    yield made
    made.archive.close()


def test_the_published_effect(sales: Panelled, checkout: Path) -> None:
    """-27.349 packs a head (Arkhangelsky et al. 2021, table 1), and what DuckDB says of the file, to 1e-9."""
    found = duckdb.sql(
        f"""
        with mean as (
            select treated_state, Year >= 1989 as later, avg(PacksPerCapita) as packs
            from (select *, State = 'California' as treated_state from read_csv('{checkout / SALES}', delim = ';'))
            group by all
        )
        select sum(packs * case when treated_state = later then 1 else -1 end) from mean
        """  # noqa: S608
    ).fetchone()
    assert found is not None
    assert sales.finding["estimate"]["effect"] == pytest.approx(found[0], rel=1e-9)
    assert sales.finding["effect"]["value"] == pytest.approx(-27.349, abs=5e-4)
    assert sales.finding["n"] == {
        "before": 19,
        "after": 12,
        "series": 39,
        "series_left_out": 0,
        "treated": 1,
        "compared": 38,
    }


def test_effects_are_told_in_their_unit(sales: Panelled) -> None:
    """Packs, not percent, in both languages."""
    effect = sales.finding["effect"]
    assert (effect["scale"], effect["unit"]) == ("level", {"en": "packs a head", "fr": "paquets par tête"})
    assert "−27.3 packs a head" in sales.finding["sentence"]["en"]
    assert "−27,3\u00a0paquets par tête" in sales.finding["sentence"]["fr"]


def test_alternatives_stand_beside(sales: Panelled) -> None:
    """Two-way fixed effects of one start and a complete panel are the same number (Wooldridge 2021, section 3)."""
    (other,) = sales.finding["alternatives"]
    assert other["method"]["name"] == "twfe"
    assert other["estimate"]["effect"] == pytest.approx(sales.finding["estimate"]["effect"])


def test_the_matrix_is_the_file(sales: Panelled, checkout: Path, tmp_path: Path) -> None:
    """39 states x 31 years, each with the number of the publisher's file; nothing more, nothing less."""
    matrix = tmp_path / "matrix.csv"
    matrix.write_bytes(sales.files["design_matrix.csv"])
    found = duckdb.sql(
        f"""
        select count(*), max(abs(outcome - PacksPerCapita))
        from read_csv('{matrix}') full join read_csv('{checkout / SALES}', delim = ';')
        on unit = 'state:' || replace(lower(State), ' ', '-') and year(time) = Year
        """  # noqa: S608
    ).fetchone()
    assert found == (39 * 31, 0)


def test_the_episodes_are_those_of_the_file(tuesdays: Panelled, checkout: Path) -> None:
    """DuckDB from the publisher's file: logarithms of all counters' sums from 8 to 20 h, each Tuesday and Wednesday of
    a spell less the mean of the one a week before and the one a week after; the mean of these twelve."""
    used = [one["place_name"] for one in tuesdays.finding["data"]]
    bikes = duckdb.read_parquet(str(checkout / COUNTS)).filter(
        f"counter_name in ({', '.join(quote(name) for name in used)})"
    )
    found = bikes.query(
        "bikes",
        """
        WITH hours AS (
            SELECT bike_count, (date AT TIME ZONE 'UTC') AT TIME ZONE 'Europe/Paris' AS clock FROM bikes
        ), daily AS (
            SELECT clock::DATE AS day, ln(sum(bike_count)) AS outcome FROM hours
            WHERE hour(clock) BETWEEN 8 AND 19 GROUP BY day
        )
        SELECT avg(daily.outcome - (earlier.outcome + later.outcome) / 2), count(*)
        FROM daily JOIN daily AS earlier ON earlier.day = daily.day - 7 JOIN daily AS later ON later.day = daily.day + 7
        WHERE (daily.day - DATE '2020-09-08') % 14 IN (0, 1) AND daily.day BETWEEN '2020-09-08' AND '2020-11-18'
        """,
    ).fetchone()
    assert found is not None
    assert found[1] == 12
    assert tuesdays.finding["estimate"]["effect"] == pytest.approx(found[0], rel=1e-9)
    assert (tuesdays.finding["n"]["after"], tuesdays.finding["n"]["treated"]) == (6, 6)


def quote(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


@pytest.mark.parametrize("design", ["sales", "tuesdays"])
def test_a_bundle_verifies(design: str, request: pytest.FixtureRequest) -> None:
    """With the city's key, from the rows; the same finding when it is run again."""
    made: Panelled = request.getfixturevalue(design)
    found = verify_bundle(made.bundle, made.finding["signature"]["public_key"])
    assert (found.problems, found.recomputed_from) == ((), "rows.csv")
    assert run_study(made.archive, made.declaration.study.id) == made.finding


@pytest.mark.parametrize("design", ["sales", "tuesdays"])
def test_a_lie_is_found_out(design: str, request: pytest.FixtureRequest) -> None:
    """Signed by the city's own key: another effect, another verdict, another table."""
    made: Panelled = request.getfixturevalue(design)
    estimate = {**made.finding["estimate"], "effect": made.finding["estimate"]["effect"] + 1e-6}
    for lie in ({"estimate": estimate}, {"verdict": "worked"}, {"blocked_by": ["trust"]}):
        forged = sign(made.files, {**made.finding, **lie}, made.archive.key)
        assert verify_bundle(forged).problems != ()
    matrix = made.files["design_matrix.csv"].replace(b"2020-09-08,9", b"2020-09-08,8").replace(b",123,", b",99,")
    altered = pack({**made.files, "design_matrix.csv": matrix + b" "})
    assert "design_matrix.csv is not what was signed" in verify_bundle(altered).problems


@pytest.mark.parametrize("design", ["sales", "tuesdays"])
def test_without_rows_the_matrix_says_the_same(design: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Under a licence that lets only what is derived leave, the bundle has no rows and verifies from the matrix."""
    made: Panelled = request.getfixturevalue(design)
    folder = redeclare(made, tmp_path / "derived", "derived")  # type: ignore[arg-type]
    archive = open_archive(folder)
    bundle = release_bundle(archive, made.finding["id"])
    archive.close()
    assert "rows.csv" not in unpack(bundle)
    found = verify_bundle(bundle)
    assert (found.problems, found.recomputed_from) == ((), "design_matrix.csv")


@pytest.mark.parametrize("design", ["sales", "tuesdays"])
def test_pictures_are_drawn_in_both_languages(design: str, request: pytest.FixtureRequest) -> None:
    """Each is XML with a title and a description; every treated point of the chart is in the path's."""
    made: Panelled = request.getfixturevalue(design)
    names = [name for name in made.files if name.endswith(".svg")]
    assert {"plots/path.en.svg", "plots/path.fr.svg"} <= set(names)
    for name in names:
        root = ET.fromstring(made.files[name].decode())  # noqa: S314  written here
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.find("{*}title") is not None
        assert root.find("{*}desc") is not None


def test_no_line_joins_days_that_do_not_follow_each_other(tuesdays: Panelled) -> None:
    """Each day is a point. Lines join a Tuesday and its Wednesday: 7 such pairs around, 6 expected, 6 seen."""
    chart = tuesdays.finding["chart"]
    root = ET.fromstring(tuesdays.files["plots/path.en.svg"].decode())  # noqa: S314  written here
    shown = [
        value for side in ("treated", "comparison", "counterfactual") for value in chart[side] if value is not None
    ]
    assert len(root.findall("{*}circle")) == len(shown) > 0
    assert [path.get("d", "").count("L") for path in root.findall("{*}path")] == [7, 6, 6]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_needs_nothing_else(sales: Panelled, language: str) -> None:
    """Sentence, checks and licence are in it, in its language, and it loads nothing."""
    page = sales.files[f"page.{language}.html"].decode()
    text = html.unescape(re.sub("<[^>]+>", " ", page))
    assert f'<html lang="{language}">' in page
    assert re.findall(r"(?:src|href)=", page) == []
    assert sales.finding["sentence"][language] in text
    assert all(check["detail"][language] in text for check in sales.finding["checks"])
    assert "Abadie, Diamond and Hainmueller (2010)" in text


def test_other_changes_are_listed_and_known_to_the_checks(tmp_path: Path) -> None:
    """One on the treated place within the windows is told with its dates; one after them, or on no place, is not."""
    declaration = read_declaration(DECLARED / "prop99.toml")
    made = Panelled(tmp_path / "folder", "reference", declaration)
    others = {
        "tax": ("1995-01-01", "state:california"),
        "late": ("2005-01-01", "state:california"),
        "far": ("1995-01-01", "x"),
    }
    register_changes(made.archive, [other(name, *told) for name, told in others.items()])
    finding = run_study(made.archive, declaration.study.id)
    made.archive.close()
    assert [(one["id"], one["places"]) for one in finding["interfering"]] == [("tax", ["state:california"])]
    (overlap,) = (one for one in finding["checks"] if one["name"] == "overlap")
    assert overlap["outcome"] == "failed"
    assert "overlap" in finding["blocked_by"]
    # By its title in each language, and never by its id.
    (reason,) = (one["text"] for one in finding["reasons"] if one["code"] == "overlap")
    assert overlap["detail"] == reason
    assert (reason["en"].endswith(": A tax (tax)."), reason["fr"].endswith(" : Une taxe (tax).")) == (True, True)


def other(name: str, start: str, place: str) -> Change:
    words = {"en": f"A tax ({name})", "fr": f"Une taxe ({name})"}
    document = {
        "id": name,
        "sector": "citizens",
        "title": words,
        "what": words,
        "where": {"name": words, "places": [place]},
        "start": f"{start}T00:00:00Z",
        "by": "somebody",
        "link": [{"title": "source", "url": "https://example.org/"}],
    }
    return msgspec.convert(document, Change)


def test_nothing_left_is_no_verdict(tmp_path: Path) -> None:
    """Windows of which the recording has no year on one side: no error, and no effect that anybody could read."""
    declaration = read_declaration(DECLARED / "prop99.toml")
    windows = msgspec.structs.replace(declaration.study.windows, after=(date(2001, 1, 1), date(2005, 12, 31)))  # type: ignore[union-attr]
    made = Panelled(
        tmp_path / "folder",
        "reference",
        Declaration(declaration.change, msgspec.structs.replace(declaration.study, windows=windows)),
    )
    made.archive.close()
    assert (made.finding["verdict"], made.finding["blocked_by"]) == ("cannot_tell_yet", ["nothing_left"])
    assert (made.finding["effect"], made.finding["estimate"]) == (None, None)
    assert verify_bundle(made.bundle).problems == ()


def test_the_facts_go_with_the_bundle(sales: Panelled) -> None:
    """What the checks knew besides the numbers: when the change came, how often was looked, what is measured."""
    facts: dict[str, Any] = json.loads(sales.files["facts.json"])
    assert (facts["change_on"], facts["looks"]) == ("1989-01-01", {"planned": [1.0], "taken": [1.0]})
    assert facts["definitions"]["treated"]["statistic"] == "sum"
