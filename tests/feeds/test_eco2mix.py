"""éCO2mix: powers by source, balance of load, sign of exchanges, and the hours the clocks change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed

HEADER = (
    "Périmètre\tNature\tDate\tHeures\tConsommation\tThermique\tNucléaire\tEolien\tSolaire\tHydraulique\tPompage\t"
    "Bioénergies\tEch. physiques\n"
)
FILES = [
    "eco2mix_idf/eCO2mix_RTE_Ile-de-France_Annuel-Definitif_2017.xls.gz",
    "eco2mix_idf/eCO2mix_RTE_Ile-de-France_Annuel-Definitif_2018.xls.gz",
    "eco2mix_idf/eCO2mix_RTE_Ile-de-France_En-cours-Consolide_FIXED_ERRCOLS.xls.gz",
]


def line(
    day: str, clock: str, values: str = "6615\t296\t-\t16\t0\t9\t-\t135\t6159", nature: str = "définitives"
) -> str:
    return f"Ile-de-France\tDonnées {nature}\t{day}\t{clock}\t{values}\t\n"


@pytest.fixture(scope="module")
def recorded(parse: Callable[..., Parsed]) -> pl.DataFrame:
    """The observations of all three files, one column for each quantity and facet."""
    rows = pl.concat(
        pl.DataFrame(parse("eco2mix", find_data_file(file).read_bytes(), name=file).observations) for file in FILES
    )
    named = rows.with_columns(name=pl.concat_str("quantity", "facet", separator=" ").str.strip_chars())
    return named.pivot("name", index="start", values="value")


def test_a_line_is_seven_powers(parse: Callable[..., Parsed]) -> None:
    """Load, five sources and exchanges over half an hour; `-` says that there is no such source."""
    body = (HEADER + line("2017-01-01", "00:00", "11999\t534\t-\t0\t0\t8\t-\t158\t11298")).encode("latin-1")
    parsed = parse("eco2mix", body)
    values = {(row["quantity"], row["facet"]): row["value"] for row in parsed.observations.to_pylist()}
    assert values == {
        ("electricity_demand", ""): 11999,
        ("electricity_generation", "thermal"): 534,
        ("electricity_generation", "wind"): 0,
        ("electricity_generation", "solar"): 0,
        ("electricity_generation", "hydro"): 8,
        ("electricity_generation", "bioenergy"): 158,
        ("electricity_net_import", ""): 11298,
    }
    assert {(row["start"], row["end"]) for row in parsed.observations.to_pylist()} == {
        (datetime(2016, 12, 31, 23, tzinfo=UTC), datetime(2016, 12, 31, 23, 30, tzinfo=UTC))
    }
    assert [place.id for place in parsed.places] == ["eco2mix:ile-de-france"]


def test_both_ways_of_writing_dates_are_read(parse: Callable[..., Parsed]) -> None:
    """31/3/19 in one recorded file is 2019-03-31 in the others."""
    iso = parse("eco2mix", HEADER + line("2019-03-31", "12:00"))
    short = parse("eco2mix", HEADER + line("31/3/19", "12:00"))
    assert iso.observations.equals(short.observations)


def test_spring_copies_are_refused(parse: Callable[..., Parsed]) -> None:
    """02:00 and 02:30 don't exist on 26 March 2017: refused once a line, and the half-hours around them touch."""
    clocks = ("01:30", "02:00", "02:30", "03:00")
    parsed = parse("eco2mix", HEADER + "".join(line("2017-03-26", clock) for clock in clocks))
    assert [(row["row"], row["reason"]) for row in parsed.refused.to_pylist()] == [
        (2, "2017-03-26 02:00 doesn't exist: the clock skips it"),
        (3, "2017-03-26 02:30 doesn't exist: the clock skips it"),
    ]
    spans = sorted({(row["start"], row["end"]) for row in parsed.observations.to_pylist()})
    assert spans[0][1] == spans[1][0] == datetime(2017, 3, 26, 1, tzinfo=UTC)


def test_the_refused_lines_are_copies(recorded: pl.DataFrame) -> None:
    """What is refused loses nothing: in each file 02:00 repeats 03:00 (6615 MW in 2017), which is kept."""
    for year, day, load in ((2017, 26, 6615), (2018, 25, 7917)):
        kept = recorded.filter(pl.col("start") == datetime(year, 3, day, 1, tzinfo=UTC))
        assert kept["electricity_demand"].to_list() == [load]


def test_autumn_is_read_once(parse: Callable[..., Parsed]) -> None:
    """02:00 and 02:30 of 29 October 2017 are the first occurrence; the hour from 01:00 UTC stays a gap."""
    clocks = ("01:30", "02:00", "02:30", "03:00")
    parsed = parse("eco2mix", HEADER + "".join(line("2017-10-29", clock) for clock in clocks))
    starts = sorted({row["start"] for row in parsed.observations.to_pylist()})
    assert starts == [
        datetime(2017, 10, 28, 23, 30, tzinfo=UTC),
        datetime(2017, 10, 29, 0, 0, tzinfo=UTC),
        datetime(2017, 10, 29, 0, 30, tzinfo=UTC),
        datetime(2017, 10, 29, 2, 0, tzinfo=UTC),
    ]
    assert parsed.refused.num_rows == 0


def test_the_recordings_have_one_gap_of_an_hour_each_autumn(recorded: pl.DataFrame) -> None:
    """From January 2017 to May 2020 every half-hour is there but 01:00 and 01:30 UTC of three autumn Sundays."""
    starts = recorded["start"].sort()
    gaps = [
        (before, after)
        for before, after in zip(starts[:-1].to_list(), starts[1:].to_list(), strict=True)
        if after - before != timedelta(minutes=30)
    ]
    assert [(before.isoformat()[:16], (after - before)) for before, after in gaps] == [
        ("2017-10-29T00:30", timedelta(minutes=90)),
        ("2018-10-28T00:30", timedelta(minutes=90)),
        ("2019-10-27T00:30", timedelta(minutes=90)),
    ]


def test_load_is_sources_plus_imports(recorded: pl.DataFrame) -> None:
    """Conservation fixes the signs: load = sources + net import, within 3 MW of rounding, on every half-hour."""
    sources = pl.sum_horizontal(name for name in recorded.columns if name.startswith("electricity_generation"))
    off = recorded.select((pl.col("electricity_demand") - sources - pl.col("electricity_net_import")).abs().max())
    assert off.item() <= 3
    assert recorded["electricity_net_import"].min() > 0


def test_another_reading_of_the_files_agrees(recorded: pl.DataFrame, shared_data: Path) -> None:
    """The collection's own tidy table has the same load and imports at every local half-hour that exists once."""
    tidy = pl.read_csv(shared_data / "sectors/elec_idf_eco2mix/idf_eco2mix_2017_2020_tidy.csv", try_parse_dates=True)
    local = pl.col("start").dt.convert_time_zone("Europe/Paris").dt.replace_time_zone(None)
    both = recorded.with_columns(local_time_paris=local).join(tidy, on="local_time_paris")
    # 365 + 365 + 517 days of 48 slots, less two refused in each of four springs.
    assert both.height == recorded.height == 1_247 * 48 - 8
    for ours, theirs in (("electricity_demand", "load_mw"), ("electricity_net_import", "net_import_mw")):
        assert both.filter(pl.col(ours).ne_missing(pl.col(theirs))).height == 0


def test_the_disclaimer_and_blank_quarters_say_nothing(parse: Callable[..., Parsed]) -> None:
    """Neither the last line nor a quarter-hour without values is read or refused."""
    blank = line("2017-01-01", "00:15", "\t\t\t\t\t\t\t\t")
    end = "RTE ne pourra être tenu responsable de l'usage qui pourrait être fait des données mises à disposition.\n"
    for disclaimer in (end, f'"{end.strip()}"' + "\t" * 12 + "\n"):
        parsed = parse("eco2mix", HEADER + line("2017-01-01", "00:00") + blank + disclaimer)
        assert (parsed.observations.num_rows, parsed.refused.num_rows) == (7, 0)


def test_real_time_values_are_quarter_hours(parse: Callable[..., Parsed]) -> None:
    """A file of real-time data has a value each quarter of an hour, standing for that quarter."""
    parsed = parse("eco2mix", HEADER + line("2020-07-21", "23:45", nature="temps réel"))
    (row, *_) = parsed.observations.to_pylist()
    assert row["end"] - row["start"] == timedelta(minutes=15)


def test_a_header_with_one_column_more_shifts_nothing(parse: Callable[..., Parsed]) -> None:
    """Lines end with a tab and the header doesn't: one name more would fit them, each value a column off."""
    parsed = parse("eco2mix", HEADER.replace("Eolien", "Eolien en mer\tEolien") + line("2017-01-01", "00:00"))
    assert parsed.observations.num_rows == 0
    assert "may have slipped" in parsed.refused["reason"][0].as_py()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line("2017-01-01", "00:15"), "'2017-01-01 00:15' is not the beginning of 30 minutes"),
        (line("2017-01-01", "24:00"), "'2017-01-01 24:00' is not the beginning of 30 minutes"),
        (line("2017-02-29", "00:00"), "'2017-02-29 00:00' is not the beginning of 30 minutes"),
        (line("2017-01-01", "00:00", nature="rêvées"), "area 'Ile-de-France' of nature 'Données rêvées'"),
        (line("2017-01-01", "00:00", "ND\t\t\t\t\t\t\t\t-"), "Consommation is 'ND', not a number"),
    ],
)
def test_what_cannot_be_read_is_refused(bad: str, reason: str, parse: Callable[..., Parsed]) -> None:
    """Times, natures and values that aren't the form's refuse their line and are quoted."""
    parsed = parse("eco2mix", HEADER + bad)
    assert (parsed.observations.num_rows, parsed.refused["reason"].to_pylist()) == (0, [reason])
