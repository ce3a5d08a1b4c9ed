"""The two real cases, run from the archive, give what other programs find in the same recordings."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import polars as pl
import pytest
from diff_diff import DifferenceInDifferences

from passerelle.archive import create_folder, open_archive
from passerelle.model.errors import InvalidValueError, RedistributionError, StudyError, UnknownNameError
from passerelle.registry.changes import get_change
from passerelle.registry.findings import get_finding, latest_finding_of
from passerelle.registry.studies import get_study
from passerelle.studies.declared.declaration import Declaration
from passerelle.studies.declared.declaring import declare
from passerelle.studies.run import run_study

from .conftest import Case

BIKES = "data/paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet"
GARAGES = "data/sfpark/sfpark_garages_daily.csv.gz"


def test_paris_as_diff_diff_finds_it(paris: Case, checkout: Path) -> None:
    """DuckDB sums the file by local hour and diff-diff estimates with the weekdays: the same effect."""
    days = (
        duckdb.read_parquet(str(checkout / BIKES))
        .query(
            "bikes",
            """
        WITH hours AS (
            SELECT counter_id, bike_count, (date AT TIME ZONE 'UTC') AT TIME ZONE 'Europe/Paris' AS clock
            FROM bikes
        ), used AS (
            SELECT * FROM hours WHERE isodow(clock) <= 5 AND (
                clock::DATE BETWEEN '2020-12-15' AND '2020-12-18' OR clock::DATE BETWEEN '2021-01-04' AND '2021-01-15'
                OR clock::DATE BETWEEN '2021-01-18' AND '2021-02-05')
            -- Montparnasse was dead from 26 January, Vaugirard began in December.
            AND counter_id NOT LIKE '100049407-%' AND counter_id NOT LIKE '300014702-%'
        )
        SELECT clock::DATE AS day, isodow(clock) AS weekday,
            ln(sum(bike_count) FILTER (hour(clock) IN (18, 19))) AS evening,
            ln(sum(bike_count) FILTER (hour(clock) IN (11, 12, 13))) AS midday
        FROM used GROUP BY ALL ORDER BY day
        """,
        )
        .pl()
    )
    assert days.height == 29
    dummies = [pl.when(weekday=one).then(1.0).otherwise(0.0).alias(f"w{one}") for one in range(2, 6)]
    late = pl.col("day") >= date(2021, 1, 18)
    # Weekdays may move the difference, so each has a dummy for the treated group as well as for both.
    both = [
        days.select(*dummies, y=group, treated=pl.lit(treated), post=late.cast(pl.Int64))
        for group, treated in (("evening", 1), ("midday", 0))
    ]
    long = pl.concat(both).with_columns(
        *((pl.col(f"w{one}") * pl.col("treated")).alias(f"t{one}") for one in range(2, 6))
    )
    names = [f"{kind}{one}" for kind in "wt" for one in range(2, 6)]
    theirs = DifferenceInDifferences().fit(
        long.to_pandas(), outcome="y", treatment="treated", post="post", covariates=names
    )
    assert paris.finding["estimate"]["effect"] == pytest.approx(theirs.att, rel=1e-9)
    assert paris.finding["effect"]["value"] == pytest.approx(100 * (math.exp(theirs.att) - 1), rel=1e-9)
    assert (paris.finding["verdict"], paris.finding["n"]["before"], paris.finding["n"]["after"]) == ("fell", 14, 15)


def test_san_francisco_as_sql_finds_it(san_francisco: Case, checkout: Path) -> None:
    """The mean of ln(Sunday / Saturday) after less the mean before, by DuckDB from the file."""
    found = (
        duckdb.read_csv(str(checkout / GARAGES))
        .query(
            "garages",
            """
        WITH days AS (
            SELECT date AS day, sum(entries) AS cars FROM garages WHERE "Usage Type" = 'Transient' GROUP BY ALL
        ), weeks AS (
            SELECT sunday.day, ln(sunday.cars / saturday.cars) AS share
            FROM days sunday JOIN days saturday ON saturday.day = sunday.day - 1 WHERE isodow(sunday.day) = 7
            -- Easter, Super Bowl, Bay to Breakers.
            AND sunday.day NOT IN ('2012-04-08', '2013-03-31', '2012-02-05', '2013-02-03', '2012-05-20', '2013-05-19')
        )
        SELECT avg(share) FILTER (day BETWEEN '2013-01-27' AND '2013-05-26')
             - avg(share) FILTER (day BETWEEN '2012-01-29' AND '2012-05-27'),
            count(*) FILTER (day BETWEEN '2012-01-29' AND '2012-05-27'),
            count(*) FILTER (day BETWEEN '2013-01-27' AND '2013-05-26')
        FROM weeks
        """,
        )
        .fetchone()
    )
    assert found is not None
    effect, before, after = found
    finding = san_francisco.finding
    assert finding["estimate"]["effect"] == pytest.approx(effect, rel=1e-9)
    assert (finding["n"]["before"], finding["n"]["after"]) == (before, after)
    assert (finding["verdict"], finding["blocked_by"]) == ("cannot_tell_yet", ["interval_too_wide"])


def test_a_second_run_is_the_same_finding(paris: Case) -> None:
    """Nothing changed since, so that no digit, no time and no id does."""
    assert run_study(paris.archive, paris.declaration.study.id) == paris.finding


def test_the_registry_holds_change_study_and_finding(san_francisco: Case) -> None:
    """What the API lists: the change's latest finding is the one that was run."""
    case = san_francisco
    with case.archive.engine.connect() as connection:
        assert get_change(connection, case.declaration.change.id) == case.declaration.change.document
        assert get_study(connection, case.declaration.study.id) == case.finding["declaration"]
        assert get_finding(connection, case.finding["id"]) == case.finding
        assert latest_finding_of(connection, case.declaration.change.id) == case.finding


def test_a_declared_study_can_not_be_edited(san_francisco: Case) -> None:
    """Declared again in the same words it keeps its first time; in other words it is refused."""
    case = san_francisco
    assert declare(case.archive, case.declaration) == case.finding["declaration"]
    looser = msgspec.structs.replace(case.declaration.study, smallest_effect=20.0)
    with pytest.raises(InvalidValueError, match="declared before in other words"):
        declare(case.archive, Declaration(case.declaration.change, looser))


def test_a_second_study_does_not_rewrite_the_change(san_francisco: Case) -> None:
    """A study of its own under the same change but with another start is refused, and the first finding stays."""
    case = san_francisco
    moved = msgspec.structs.replace(case.declaration.change, start=case.declaration.change.start + timedelta(days=30))
    second = msgspec.structs.replace(case.declaration.study, id="another-study")
    with pytest.raises(StudyError, match="another start"):
        declare(case.archive, Declaration(moved, second))
    with case.archive.engine.connect() as connection, pytest.raises(UnknownNameError):
        get_study(connection, "another-study")
    assert run_study(case.archive, case.declaration.study.id) == case.finding


def test_what_was_read_is_listed(san_francisco: Case) -> None:
    """Thirteen garages, each with the one reply its rows came from."""
    data = san_francisco.finding["data"]
    assert len(data) == 13
    assert all(one["replies"] == [1] and one["place"].startswith("garage:") for one in data)
    first = datetime.fromisoformat(data[0]["first"])
    # The first day of the file, at midnight in California.
    assert first == datetime(2011, 4, 1, 7, tzinfo=UTC)
    assert first + timedelta(days=int(data[0]["rows"]) - 1) > datetime(2013, 5, 30, tzinfo=UTC)


def test_an_unknown_study(san_francisco: Case) -> None:
    """A study that nobody declared can't be run."""
    with pytest.raises(UnknownNameError, match="no-such-study"):
        run_study(san_francisco.archive, "no-such-study")


def test_an_empty_archive_is_an_error(tmp_path: Path, san_francisco: Case) -> None:
    """A study whose series never came says so, and finds nothing."""
    create_folder(tmp_path / "empty", "san-francisco")
    archive = open_archive(tmp_path / "empty")
    declare(archive, san_francisco.declaration)
    with pytest.raises(StudyError, match="holds no series of parking_entries"):
        run_study(archive, san_francisco.declaration.study.id)
    archive.close()


def test_what_may_not_leave_makes_no_finding(tmp_path: Path, checkout: Path, san_francisco: Case) -> None:
    """A feed whose licence lets nothing out can't be studied: a finding is made to leave."""
    text = (checkout / "cities/san-francisco.toml").read_text(encoding="utf-8")
    city = tmp_path / "city.toml"
    before, after = text.split('id = "sfpark-garages"')
    city.write_text(f'{before}id = "sfpark-garages"{after.replace("yes", "no", 1)}', encoding="utf-8")
    create_folder(tmp_path / "closed", city)
    archive = open_archive(tmp_path / "closed")
    declare(archive, san_francisco.declaration)
    with pytest.raises(RedistributionError, match="nothing made from sfpark-garages may leave"):
        run_study(archive, san_francisco.declaration.study.id)
    archive.close()
