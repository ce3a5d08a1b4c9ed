"""ODRÉ éCO2mix: a recorded day, the wrappings of Opendatasoft, and natures that replace one another."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from passerelle.archive import create_folder, open_archive
from passerelle.feeds.feed import Parsed, Reply
from passerelle.lake.contract import Selection
from passerelle.model.errors import ReplyError
from passerelle.model.series import Series

Parse = Callable[..., Parsed]
FEED = "eco2mix-national"


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> bytes:
    """France from 2 o'clock on 21 September 2023, 24 hours, as Explore 1 gave it."""
    return (shared_data / "replies" / "odre_eco2mix" / "national_tr_2023-09-21.json").read_bytes()


@pytest.fixture(scope="module")
def fields(recorded: bytes) -> list[dict[str, Any]]:
    """The recorded rows by time."""
    rows = [record["fields"] for record in json.loads(recorded)["records"]]
    return sorted(rows, key=lambda row: row["date_heure"])


def wrap(rows: list[dict[str, Any]]) -> bytes:
    """Rows as Explore 2.1 gives them: what is null in one row is there as null."""
    names = {name: None for row in rows for name in row}
    return json.dumps({"total_count": len(rows), "results": [names | row for row in rows]}).encode()


def test_a_recorded_day_is_read(parse: Parse, recorded: bytes) -> None:
    """97 rows ("nhits") with 16 values each; at 02:45 `jq` shows 35,683 MW of load and 13 g/kWh."""
    parsed = parse(FEED, recorded)
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (97 * 16, 0)
    assert [(place.id, place.kind, place.name) for place in parsed.places] == [("eco2mix:france", "country", "France")]
    frame = pl.DataFrame(parsed.observations)
    at = frame.filter(pl.col("start") == datetime(2023, 9, 21, 0, 45, tzinfo=UTC))
    values = {(quantity, facet): value for quantity, facet, value in at.select("quantity", "facet", "value").rows()}
    assert values["electricity_demand", ""] == 35683
    assert values["electricity_demand_forecast", "day_ahead"] == 36500
    assert values["electricity_carbon_intensity", ""] == 13
    assert values["electricity_generation", "pumped_storage"] == -1420
    assert values["electricity_net_import", ""] == -11204
    assert set(frame.select(pl.col("end") - pl.col("start")).to_series()) == {timedelta(minutes=15)}


def test_load_is_the_sum_of_sources_and_imports(parse: Parse, recorded: bytes) -> None:
    """Within 3 MW in each of the 97 quarter-hours, pumps and charging batteries counted as negative."""
    frame = pl.DataFrame(parse(FEED, recorded).observations)
    supply = frame.filter(pl.col("quantity").is_in(["electricity_generation", "electricity_net_import"]))
    balance = (
        frame.filter(pl.col("quantity") == "electricity_demand")
        .join(supply.group_by("start").agg(supplied=pl.col("value").sum()), on="start")
        .select((pl.col("value") - pl.col("supplied")).abs())
        .to_series()
    )
    assert (balance.len(), balance.max()) == (97, 3.0)
    pumps = frame.filter(pl.col("facet").is_in(["pumped_storage", "battery_charge"]))["value"]
    assert (pumps.max(), pumps.min()) == (0.0, -1426.0)


def test_each_wrapping_says_the_same(parse: Parse, recorded: bytes, fields: list[dict[str, Any]]) -> None:
    """An answer of Explore 2.1 and an export hold the rows of an answer of Explore 1."""
    expected = pl.DataFrame(parse(FEED, recorded).observations).drop("row").sort("start", "quantity", "facet")
    for body in (wrap(fields), json.dumps(json.loads(wrap(fields))["results"])):
        assert (
            pl.DataFrame(parse(FEED, body).observations).drop("row").sort("start", "quantity", "facet").equals(expected)
        )


@pytest.mark.parametrize("body", ['{"total_count":0,"results":[]}', "[]", '{"nhits":0,"parameters":{},"records":[]}'])
def test_an_empty_answer_is_no_observation(parse: Parse, body: str) -> None:
    """No row with status 200 is an answer: nothing was measured there."""
    parsed = parse(FEED, body)
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 0, 0)


@pytest.mark.parametrize("word", [None, "-", "ND", ""])
def test_a_word_for_none_is_no_observation(parse: Parse, fields: list[dict[str, Any]], word: str | None) -> None:
    """Null, `-` and `ND` give neither a value nor a refused row; numbers as strings are numbers."""
    parsed = parse(FEED, wrap([fields[0] | {"eolien": word, "solaire": "12", "taux_co2": "25.5"}]))
    values = {row["facet"] or row["quantity"]: row["value"] for row in parsed.observations.to_pylist()}
    assert "wind" not in values
    assert (values["solar"], values["electricity_carbon_intensity"], parsed.refused.num_rows) == (12.0, 25.5, 0)


REGION = {
    "code_insee_region": "11",
    "libelle_region": "Île-de-France",
    "nature": "Données temps réel",
    "date": "2023-09-21",
    "heure": "02:00",
    "date_heure": "2023-09-21T00:00:00+00:00",
    "consommation": 5912,
    "thermique": 120,
    "nucleaire": None,
    "eolien": "35",
    "solaire": 0,
    "hydraulique": 4,
    "pompage": "0",
    "bioenergies": 140,
    "ech_physiques": 5613,
    "stockage_batterie": "0",
    "destockage_batterie": "0",
    "tco_thermique": 2.03,
}


def test_a_region_and_a_metropolis_are_places(parse: Parse) -> None:
    """The region's place is the one its yearly files name; a metropolis has its load only."""
    parsed = parse("eco2mix-regional", wrap([REGION]))
    assert [(place.id, place.kind) for place in parsed.places] == [("eco2mix:ile-de-france", "region")]
    # All columns with a number: eleven of the scheme less the null one.
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (10, 0)
    greater = {"libelle_metropole": "Métropole du Grand Paris", "consommation": 4400.5}
    greater |= {"nature": "Données temps réel", "date_heure": "2023-09-21T00:00:00+00:00"}
    parsed = parse("eco2mix-metropolitan", wrap([greater]))
    assert [(place.id, place.kind) for place in parsed.places] == [
        ("eco2mix:metropole-du-grand-paris", "metropolitan_area")
    ]
    assert parsed.observations["value"].to_pylist() == [4400.5]


def test_natures_are_versions_of_one_series(fields: list[dict[str, Any]], tmp_path: Path) -> None:
    """Real-time, consolidated and definitive values come one after another: three versions, the last is current."""
    first, second = fields[:2]
    assert (first["date_heure"], first["consommation"], second["consommation"]) == (
        "2023-09-21T02:00:00+02:00",
        36868,
        37195,
    )
    nothing = dict.fromkeys(second) | {name: second[name] for name in ("perimetre", "date_heure", "date", "heure")}
    replies = [wrap([first, second])]
    for nature, load in (("Données consolidées", 36900), ("Données définitives", 36950)):
        replies.append(wrap([first | {"nature": nature, "consommation": load}, nothing | {"nature": nature}]))
    held = [datetime(2023, month, 22, tzinfo=UTC) for month in (9, 10, 12)]
    create_folder(tmp_path / "paris", "paris")
    with closing(open_archive(tmp_path / "paris")) as archive:
        for body, received in zip(replies, held, strict=True):
            admission = archive.admit(archive.keep(FEED, Reply(body, received, "application/json")).reply_id)
            assert admission.refused == 0
        number = Series(FEED, "eco2mix:france", "electricity_demand").number
        history = archive.lake.history(Selection(series=[number])).to_pylist()
        current = archive.lake.read(Selection(series=[number])).to_pylist()
        in_november = archive.lake.read(Selection(series=[number], as_known_at=held[1])).to_pylist()
    start = datetime(2023, 9, 21, tzinfo=UTC)
    assert [(row["value"], row["known_since"], row["end"] - start) for row in history if row["start"] == start] == [
        (36868.0, held[0], timedelta(minutes=15)),
        (36900.0, held[1], timedelta(minutes=30)),
        (36950.0, held[2], timedelta(minutes=30)),
    ]
    # The quarter-hour from 02:15 is within the half-hour's value: withdrawn, not measured twice.
    quarter = [(row["value"], row["known_since"]) for row in history if row["start"] > start]
    assert quarter == [(37195.0, held[0]), (None, held[1])]
    assert [row["value"] for row in current] == [36950.0]
    assert [row["value"] for row in in_november] == [36900.0]


def test_an_hour_that_spring_skips_is_refused(parse: Parse, fields: list[dict[str, Any]]) -> None:
    """02:00 of 31 March 2024 isn't in Paris: its row comes with the instant of 03:00, which has its own."""
    at_three = fields[0] | {"date": "2024-03-31", "heure": "03:00", "date_heure": "2024-03-31T01:00:00+00:00"}
    parsed = parse(FEED, wrap([at_three | {"heure": "02:00", "consommation": 1}, at_three]))
    assert parsed.refused["row"].to_pylist() == [1]
    assert "is 2024-03-31 03:00 there, not 2024-03-31 02:00" in parsed.refused["reason"][0].as_py()
    assert parsed.observations.num_rows == 16


def test_the_hour_that_autumn_repeats_is_read_twice(parse: Parse, fields: list[dict[str, Any]]) -> None:
    """With its offset, 02:00 of 29 October 2023 is two instants."""
    rows = [
        fields[0] | {"date": "2023-10-29", "heure": "02:00", "date_heure": f"2023-10-29T02:00:00+0{offset}:00"}
        for offset in (2, 1)
    ]
    parsed = parse(FEED, wrap(rows))
    assert parsed.refused.num_rows == 0
    assert set(parsed.observations["start"].to_pylist()) == {
        datetime(2023, 10, 29, hour, tzinfo=UTC) for hour in (0, 1)
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"nature": "Données provisoires"}, "of nature 'Données provisoires'"),
        ({"perimetre": "<b>"}, "area '<b>'"),
        ({"date_heure": "2023-09-21T02:00:00"}, "is not the beginning of a quarter-hour with its offset"),
        ({"date_heure": "2023-09-21T02:05:00+02:00"}, "is not the beginning of a quarter-hour with its offset"),
        ({"date_heure": None}, "is not the beginning of a quarter-hour with its offset"),
        ({"heure": "03:00"}, "not 2023-09-21 03:00"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(
    parse: Parse, fields: list[dict[str, Any]], change: dict[str, Any], says: str
) -> None:
    """The row is refused with its text, and the row beside it is read."""
    parsed = parse(FEED, wrap([fields[0] | change, fields[1]]))
    ((row, reason, raw),) = [tuple(one.values()) for one in parsed.refused.to_pylist()]
    assert (row, set(parsed.observations["row"].to_pylist())) == (1, {2})
    assert says in reason
    assert json.loads(raw)["consommation"] == 36868


def test_a_value_that_cannot_be_read_is_refused_alone(parse: Parse, fields: list[dict[str, Any]]) -> None:
    """Words, lists and a half-hour's value between two half-hours are refused one by one."""
    body = wrap([fields[0] | {"gaz": "much", "solaire": [1]}, fields[1] | {"nature": "Données définitives"}])
    parsed = parse(FEED, body)
    reasons = parsed.refused["reason"].to_pylist()
    assert {"gaz is 'much', not a number", "solaire is '[1]', not a number"} <= set(reasons)
    assert (
        sum("is given at 2023-09-21T02:15:00+02:00, not at the beginning of 30" in reason for reason in reasons) == 14
    )
    assert parsed.observations.num_rows == 16 - 2 + 2


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"error_code":"ODSQLError","message":"no field"}', "results or records are needed, got .'error_code'"),
        ('{"results":{"a":1}}', "results is no list"),
        ('[{"a":1}]', "rows say no area"),
        ('[{"perimetre":"France"}]', "columns .*'consommation'.* are needed"),
        ("<!DOCTYPE html><html></html>", "markup"),
        ('[{"perimetre":"France"', "no JSON"),
        ("", "empty"),
    ],
)
def test_what_is_no_answer_is_refused(parse: Parse, body: str, says: str) -> None:
    """Errors, pages, cut answers and other datasets are a `ReplyError`."""
    with pytest.raises(ReplyError, match=says):
        parse(FEED, body)


def test_a_renamed_column_is_named(parse: Parse, fields: list[dict[str, Any]]) -> None:
    """Explore 2.1 names every column in every row, so that one that is gone was renamed."""
    body = wrap(fields[:3]).replace(b'"eolien"', b'"eolien_total"')
    with pytest.raises(ReplyError, match=r"columns \['eolien'\] are needed"):
        parse(FEED, body)
