"""`passerelle feed new` and `feed add`: from a sample to a feed of a folder."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from passerelle.cli import main
from passerelle.feeds._xlsx import read_sheet
from passerelle.feeds.feed import Reply

QUIET = ("--yes", "--no-personal-data")


def run(*words: str, answers: str = "") -> Any:
    """The outcome of a call, with what a person types."""
    return CliRunner().invoke(main, ["feed", *words], input=answers)


@pytest.fixture
def prop99(shared_data: Path) -> Path:
    """39 states and 31 years."""
    return shared_data / "sectors/policy_synthetic_control_refs/california_prop99_long.csv"


@pytest.fixture
def prop99_wide(shared_data: Path) -> Path:
    """The same with a column a state."""
    return shared_data / "sectors/policy_synthetic_control_refs/california_prop99_wide.csv"


@pytest.fixture
def bins(shared_data: Path) -> Path:
    """Wyndham's fill levels."""
    return shared_data / "sectors/waste_wyndham_bins/wyndham_smartbin_fill.csv"


@pytest.fixture
def bins_json(bins: Path, tmp_path: Path) -> Path:
    """The first 300 of them as a JSON list, numbers being strings."""
    with bins.open(encoding="utf-8") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(300), strict=False)]
    path = tmp_path / "bins.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


@pytest.fixture
def districts(shared_data: Path, tmp_path: Path) -> Path:
    """BWDF's inflows, the workbook's cells written as CSV."""
    columns = ["Date-time CET-CEST (DD/MM/YYYY HH:mm)", *(f"DMA {number} (L/s)" for number in range(1, 11))]
    body = (shared_data / "sectors/water_bwdf/InflowData.xlsx").read_bytes()
    path = tmp_path / "inflow.csv"
    path.write_text(read_sheet(Reply(body, datetime.now(UTC)), columns).drop("row", "raw").write_csv())
    return path


@pytest.fixture
def counters(checkout: Path) -> Path:
    """Paris' bicycle counters in Parquet."""
    return checkout / "data/paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet"


@pytest.fixture
def nested(shared_data: Path) -> Path:
    """ODRÉ's reply, in which the list of records lies in the document."""
    return shared_data / "replies/odre_eco2mix/national_tr_2023-09-21.json"


FRANCE = ("--one-place", "France", "--place-kind", "country")
DISTRICTS = ("--columns-are-places", "--place-kind", "district", "--value", "*=water_inflow", "--absent", "NaN")

# No quantity is for cigarettes: electricity stands in for them, what is tried here being the reading.
SAMPLES = [
    ("prop99", 39 * 31, 39, ("--zone", "America/New_York", "--value", "PacksPerCapita=electricity_demand")),
    ("prop99_wide", 39 * 31, 39, ("--zone", "UTC", *DISTRICTS[:3], "--value", "*=electricity_demand")),
    # `wc -l` 21,660 less the header; 33 bins by the card.
    ("bins", 21_659, 33, ("--zone", "Australia/Melbourne", "--value", "Fullness=bin_fill")),
    ("bins_json", 300, None, ("--zone", "Australia/Melbourne", "--value", "Fullness=bin_fill")),
    # awk -F, 'NR > 1 { for (i = 2; i <= 11; i++) n += $i != "NaN" } END { print n }' on the CSV.
    ("districts", 186_619, 10, ("--zone", "Europe/Rome", "--marks", "start", "--twice", "in_order", *DISTRICTS)),
    ("counters", 422_243, 52, ("--zone", "UTC", "--marks", "start", "--value", "bike_count=bicycle_count")),
    (
        "nested",
        97,
        1,
        ("--zone", "UTC", "--marks", "start", *FRANCE, "--value", "fields.consommation=electricity_demand"),
    ),
]


@pytest.mark.parametrize(("sample", "observations", "places", "options"), SAMPLES, ids=[one[0] for one in SAMPLES])
def test_an_entry_reads_its_sample_whole(
    sample: str,
    observations: int,
    places: int | None,
    options: tuple[str, ...],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """CSV, Parquet, a JSON list and one inside a document, unattended: every row becomes an observation."""
    path = request.getfixturevalue(sample)
    result = run("new", str(path), "--json", "--out", str(tmp_path / "entry.toml"), *QUIET, *options)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["observations"], answer["refused"]) == (observations, 0)
    assert places in (None, answer["places"])
    assert (tmp_path / "entry.toml").read_text(encoding="utf-8") == answer["entry"]


def test_from_a_sample_to_rows_in_a_folder(bins_json: Path, tmp_path: Path) -> None:
    """What each command says comes next works: new, add, import."""
    folder, entry = str(tmp_path / "city"), str(tmp_path / "entry.toml")
    assert CliRunner().invoke(main, ["init", folder, "--city", "paris"]).exit_code == 0
    options = ("--id", "bins", "--zone", "Australia/Melbourne", "--value", "Fullness=bin_fill", "--out", entry)
    made = run("new", str(bins_json), *QUIET, *options)
    assert f"next: passerelle feed add {entry} --folder" in made.stderr
    added = run("add", entry, "--folder", folder)
    assert added.exit_code == 0, added.output
    assert f"passerelle import FILE --feed ID --folder {folder}" in added.stdout
    words = ["import", str(bins_json), "--feed", "bins", "--folder", folder, "--json"]
    imported = json.loads(CliRunner().invoke(main, words).stdout)
    assert (imported["state"], imported["refused"]) == ("admitted", 0)
    again = run("add", entry, "--folder", folder)
    assert again.exit_code == 1
    assert "an id stands twice" in again.stderr


def test_what_cannot_be_guessed_is_asked(bins: Path) -> None:
    """A person answers; quantities are looked for by words, none is invented, nothing leaves a column out."""
    answers = ["y", "Bin ID", "bin", "", "bananas", "bin fill", "bin_fill", "", "", "", "", "", "bins", "Bins"]
    answers += ["Wyndham", "Australia/Melbourne", "86400", "Corbeilles", "", "", "", "CC BY 4.0", "", "", ""]
    result = run("new", str(bins), answers="\n".join([*answers, ""]))
    assert result.exit_code == 0, result.stderr
    assert "No quantity has these words. One is added with its source" in result.stderr
    assert "bin_fill_threshold  1, state  Fill level from which" in result.stderr
    assert 'title = { en = "Bins", fr = "Corbeilles" }' in result.stdout
    assert 'place = { id = "Bin ID", prefix = "bin", kind = "bin" }' in result.stdout
    assert "cadence_seconds = 86400" in result.stdout
    assert result.stdout.count("[[feed.parameters.value]]") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "--no-personal-data says that there is none"),
        (("--no-personal-data",), "nothing says what is measured; give --value COLUMN=QUANTITY for some of"),
        (("--no-personal-data", "--value", "Fullness=bin_fill"), "give --zone"),
        (("--no-personal-data", "--value", "Fullness=litres"), "Unknown quantity 'litres'"),
        (("--no-personal-data", "--value", "fullness=bin_fill"), "Unknown column of numbers 'fullness'"),
        (("--no-personal-data", "--value", "Fullness"), "--value is 'Fullness'; COLUMN=... is allowed"),
        (
            ("--no-personal-data", "--value", "Fullness=bin_fill", "--marks", "end", "--zone", "UTC"),
            "time.marks: 'end'",
        ),
        (("--no-personal-data", "--value", "Fullness=bin_fill", "--zone", "Mars"), "'Mars' is not an IANA time zone"),
    ],
)
def test_unattended_says_which_option_is_missing(options: tuple[str, ...], says: str, bins: Path) -> None:
    """One line that names the option, and exit code 1."""
    result = run("new", str(bins), "--yes", *options)
    assert result.exit_code == 1
    assert says in result.stderr


def test_day_and_month_are_not_guessed(tmp_path: Path) -> None:
    """01/02/2021 may be either: both are offered, and an option decides."""
    sample = tmp_path / "sample.csv"
    sample.write_text("date,area,fill\n01/02/2021,a,3\n02/02/2021,a,4\n", encoding="utf-8")
    words = ("new", str(sample), *QUIET, "--zone", "Europe/Paris", "--value", "fill=bin_fill", "--place", "area")
    assert "give --format (%d/%m/%Y, %m/%d/%Y)" in run(*words).stderr
    assert run(*words, "--format", "%d/%m/%Y", "--json").exit_code == 0


def test_rows_that_cannot_be_read_need_a_yes(tmp_path: Path) -> None:
    """A word among numbers: an option says that it is none, or allows the refusal."""
    sample = tmp_path / "sample.csv"
    sample.write_text("date,area,fill\n2021-02-13,a,3\n2021-02-14,a,broken\n", encoding="utf-8")
    words = ("new", str(sample), *QUIET, "--zone", "Europe/Paris", "--value", "fill=bin_fill", "--place", "area")
    assert "row 2: 'fill' is 'broken', not a number" in run(*words).stderr
    assert json.loads(run(*words, "--absent", "broken", "--json").stdout)["refused"] == 0
    assert json.loads(run(*words, "--allow-refused", "--json").stdout)["refused"] == 1


@pytest.mark.parametrize("body", ["", "<html>", '{"error": "quota"}', "only one column\n1\n"])
def test_what_is_no_table_is_told(body: str, tmp_path: Path) -> None:
    """One line, no traceback."""
    sample = tmp_path / "sample.csv"
    sample.write_text(body, encoding="utf-8")
    result = run("new", str(sample), *QUIET)
    assert result.exit_code == 1
    assert result.stderr.startswith("passerelle: ")
