"""The real cases judged as panels and as episodes: the effects that other programs find, and what stops each verdict.

Beside each stands what a careless reading of the same recordings would have said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
import statsmodels.api as sm
from diff_diff import SyntheticDiD

from passerelle.studies.bundle.bundle import FINDING, ROWS_FILE, unpack_bundle

from .conftest import Case, run_case

AUTOLIB = "data/autolib/autolib_daily_events_postal_code_2018-01-01_2018-05-08.csv"
SUNSET = "data/baywheels_sunset/departures_2022-11-28_2023-04-30.csv.gz"
PARIS_NO2 = "data/geodair_no2/pollution_paris_no2_daily_clean.csv"
OTHERS_NO2 = "data/geodair_no2/no2_donors_paris_daily_clean.csv"
PROP99 = "data/prop99/california_prop99_long.csv"

# The days of the study, by its exclusions.
STRIKE_DAYS = """
    SELECT "Postal code" AS code, date AS day, isodow(date) AS weekday, BlueCars_taken_sum AS taken FROM events
    WHERE day BETWEEN '2018-01-08' AND '2018-05-06' AND day NOT IN ('2018-01-25', '2018-03-22', '2018-03-25')
    AND day NOT BETWEEN '2018-02-17' AND '2018-03-04' AND day NOT BETWEEN '2018-03-31' AND '2018-04-02'
    AND day NOT BETWEEN '2018-04-06' AND '2018-04-07' AND day NOT BETWEEN '2018-04-14' AND '2018-05-01'
"""
STRIKES = "('2018-04-03', '2018-04-04', '2018-04-08', '2018-04-09', '2018-04-13', '2018-05-03', '2018-05-04')"


@pytest.fixture(scope="module")
def strikes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """The rail strikes of 2018 and Autolib'."""
    case = run_case(tmp_path_factory.mktemp("strikes") / "folder", "paris", "rail-strikes-2018-autolib")
    yield case
    case.archive.close()


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """The low-emission zone of 2021 and nitrogen dioxide."""
    case = run_case(tmp_path_factory.mktemp("zone") / "folder", "paris", "low-emission-zone-2021-no2")
    yield case
    case.archive.close()


@pytest.fixture(scope="module")
def sunset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """New bike-share stations of 2023 and the older ones near them."""
    study = "sunset-bike-stations-2023-departures"
    case = run_case(tmp_path_factory.mktemp("sunset") / "folder", "san-francisco", study)
    yield case
    case.archive.close()


@pytest.fixture(scope="module")
def tobacco(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Proposition 99 and cigarettes."""
    case = run_case(tmp_path_factory.mktemp("tobacco") / "folder", "reference", "proposition-99-cigarettes")
    yield case
    case.archive.close()


def test_strikes_are_the_units(strikes: Case, checkout: Path) -> None:
    """DuckDB finds the same four differences; four strikes give no interval, so that nothing can be told."""
    found = (
        duckdb.read_csv(str(checkout / AUTOLIB))
        .query(
            "events",
            f"""
        WITH days AS ({STRIKE_DAYS}),
        -- 75112 is a slip for 75012; trust took it out.
        whole AS (SELECT code FROM days WHERE code <> 75112 GROUP BY code
            HAVING count(*) = (SELECT count(DISTINCT day) FROM days)),
        sums AS (SELECT day, weekday, ln(sum(taken)) AS y FROM days JOIN whole USING (code) GROUP BY ALL),
        strikes (first, last) AS (VALUES (DATE '2018-04-03', DATE '2018-04-04'), ('2018-04-08', '2018-04-09'),
            ('2018-04-13', '2018-04-13'), ('2018-05-03', '2018-05-04')),
        around AS (SELECT first, inside.day, any_value(inside.y) - avg(beside.y) AS y FROM strikes
            JOIN sums AS inside ON inside.day BETWEEN first AND last
            JOIN sums AS beside ON beside.weekday = inside.weekday AND beside.day NOT IN {STRIKES}
                AND beside.day BETWEEN first - 35 AND last + 35
            GROUP BY first, inside.day)
        SELECT avg(y) FROM around GROUP BY first ORDER BY first
        """,  # noqa: S608  constants of this file
        )
        .fetchall()
    )
    effects = [effect for (effect,) in found]
    assert [one["value"] for one in strikes.finding["episodes"]] == pytest.approx(
        [100 * math.expm1(x) for x in effects]
    )
    assert strikes.finding["estimate"]["effect"] == pytest.approx(np.mean(effects), rel=1e-9)
    assert strikes.finding["verdict"] == "cannot_tell_yet"
    assert strikes.finding["blocked_by"] == ["too_few_units"]
    assert strikes.finding["effect"]["low"] is None
    (check,) = (one for one in strikes.finding["checks"] if one["name"] == "too_few_units")
    assert (check["numbers"]["count"], check["numbers"]["needed"]) == (4, 6)
    assert strikes.finding["n"]["series"] == 96
    assert strikes.finding["choice"]["code"] == "episodes_declared"


def test_postal_codes_as_units_would_have_been_sure(checkout: Path) -> None:
    """Careless: on the same days a regression that takes 104 codes for 104 observations is sure to one in 100,000."""
    table = (
        duckdb.read_csv(str(checkout / AUTOLIB))
        .query(
            "events",
            f"""
        SELECT code, weekday, ln(taken) AS y, (day IN {STRIKES})::INT AS strike FROM ({STRIKE_DAYS})
        WHERE taken > 0 AND day >= '2018-03-05' ORDER BY code, day
        """,  # noqa: S608  constants of this file
        )
        .pl()
    )
    design = np.column_stack(
        [
            table["strike"],
            *(table["code"] == code for code in table["code"].unique().sort()),
            *(table["weekday"] == day for day in range(2, 8)),
        ]
    ).astype(float)
    fit = sm.OLS(table["y"].to_numpy(), design).fit()
    assert 100 * math.expm1(fit.params[0]) == pytest.approx(7.4, abs=0.05)
    assert fit.pvalues[0] < 1e-5


def test_unlike_definitions_block_the_zone(zone: Case) -> None:
    """Daily means against daily maxima, and four other measures at the treated stations: each alone is enough."""
    assert zone.finding["verdict"] == "cannot_tell_yet"
    assert zone.finding["blocked_by"] == ["definitions", "overlap"]
    statistics = {side: zone.finding["definitions"][side]["statistic"] for side in ("treated", "comparison")}
    assert statistics == {"treated": "mean", "comparison": "max"}
    assert zone.finding["n"]["treated"] == 2
    assert {one["id"] for one in zone.finding["interfering"]} >= {"regional-lockdown-2021", "clean-buses-2021"}
    assert "careless" in zone.finding["sentence"]["en"]
    told = {one["code"]: one["text"] for one in zone.finding["reasons"]}
    assert "nitrogen dioxide, daily mean; comparison: nitrogen dioxide, daily maximum" in told["definitions"]["en"]
    assert "dioxyde d'azote, moyenne journalière ; comparaison : dioxyde d'azote" in told["definitions"]["fr"]
    assert not [one["id"] for one in zone.finding["interfering"] if one["id"] in "".join(told["overlap"].values())]
    # What trust cut out of the two stations are the zeros: 62 days of January to March 2021 among them.
    assert any("2020-12-31" in one["start"] and "2021-03-03" in one["end"] for one in zone.finding["trust"]["red"])


def test_a_careless_reading_of_the_zone_says_anything(checkout: Path) -> None:
    """Mean after less mean before, less the same of the 13 stations: the answer follows from what nobody asks about."""
    connection = duckdb.connect()
    for name, path in (("paris", PARIS_NO2), ("others", OTHERS_NO2)):
        connection.execute(f"CREATE TABLE {name} AS SELECT date AS day, * FROM read_csv('{checkout / path}')")  # noqa: S608

    def contrast(first: str, last: str, stations: str, least: float) -> float:
        # The stations' mean of each day, then the mean of the days.
        change = """
            SELECT avg(y) FILTER (day >= '2021-06-01') - avg(y) FILTER (day < '2021-06-01')
            FROM (SELECT day, avg(no2_ug_m3) AS y FROM {} WHERE day BETWEEN $first AND $last AND {} GROUP BY day)
        """
        chosen = f"station_id IN ({stations}) AND no2_ug_m3 >= {least}"
        dates = {"first": first, "last": last}
        (treated,) = connection.execute(change.format("paris", chosen), dates).fetchone() or (None,)
        (compared,) = connection.execute(change.format("others", "true"), dates).fetchone() or (None,)
        return float(treated - compared)

    champs, halles = "'FR04031'", "'FR04055'"
    everything = ("2017-08-17", "2025-04-30")
    assert contrast(*everything, f"{champs}, {halles}", 0.1) == pytest.approx(-4.0, abs=0.05)
    assert contrast(*everything, f"{champs}, {halles}", 0.0) == pytest.approx(-2.3, abs=0.05)
    assert contrast(*everything, champs, 0.0) == pytest.approx(-1.3, abs=0.05)
    assert contrast(*everything, halles, 0.1) == pytest.approx(7.2, abs=0.05)
    assert contrast("2019-06-01", "2023-05-31", f"{champs}, {halles}", 0.0) == pytest.approx(2.9, abs=0.05)


def test_the_sunset_as_sql_finds_it(sunset: Case, checkout: Path) -> None:
    """Mean of ln(departures a week) by DuckDB: nine older stations against 103, the winter against the spring."""
    found = (
        duckdb.read_csv(str(checkout / SUNSET))
        .query(
            "days",
            """
        WITH weeks AS (
            SELECT sid, metres <= 1500 AS near, date_trunc('week', day) AS week, sum(departures) AS n FROM days
            WHERE metres NOT BETWEEN 1501 AND 3000 AND (day < '2023-01-30' OR day >= '2023-03-13') GROUP BY ALL
        ), kept AS (
            -- One station stood still for 17 days and is out by trust.
            SELECT * FROM weeks WHERE sid <> 494
        )
        SELECT near, count(DISTINCT sid),
            avg(ln(n)) FILTER (week >= '2023-03-13') - avg(ln(n)) FILTER (week < '2023-01-30')
        FROM kept GROUP BY near ORDER BY near
        """,
        )
        .fetchall()
    )
    (_, far, spring), (_, near, both) = found
    assert (near, far) == (9, 103)
    assert sunset.finding["estimate"]["effect"] == pytest.approx(both - spring, rel=1e-9)
    assert (sunset.finding["verdict"], sunset.finding["blocked_by"]) == ("cannot_tell_yet", ["interval_too_wide"])
    # Careless: compared with nothing, they rose by half, as did the others by two fifths.
    assert 100 * math.expm1(both) == pytest.approx(51, abs=1)
    assert 100 * math.expm1(spring) == pytest.approx(44, abs=1)


def test_the_sunset_s_rows_stay_here(sunset: Case) -> None:
    """The bundle holds what the study made of the rows and not the rows."""
    files = unpack_bundle(sunset.bundle)
    assert ROWS_FILE not in files
    assert FINDING in files


def test_proposition_99_as_diff_diff_finds_it(tobacco: Case, checkout: Path) -> None:
    """diff-diff's synthetic difference in differences gives the same effect on the same table."""
    table = duckdb.read_csv(str(checkout / PROP99), sep=";").df()
    table["law"] = (table["State"] == "California").astype(int)
    theirs = SyntheticDiD(variance_method="placebo", n_bootstrap=20, seed=0).fit(
        table,
        outcome="PacksPerCapita",
        treatment="law",
        unit="State",
        time="Year",
        post_periods=list(range(1989, 2001)),
    )
    assert tobacco.finding["estimate"]["effect"] == pytest.approx(theirs.att, abs=0.01)
    assert tobacco.finding["effect"]["value"] == pytest.approx(-15.604, abs=0.01)
