"""Smart bins: one reading a local day, days that repeat, and a list of bins that leaves one out."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passerelle.archive import create_folder, open_archive
from passerelle.feeds.city import find_data_file
from passerelle.feeds.feed import Parsed, Reply

HEADER = "Bin ID,Fullness,fullnessThreshold,timestamp,reason\n"
LIST = "serial_number,description,stream,suburb,lon,lat\n"

Parse = Callable[..., Parsed]


def test_a_reading_is_a_local_day(parse: Parse) -> None:
    """13 August 2018 began in Melbourne at 14:00 UTC of the 12th (UTC+10), a day of January at 13:00 (UTC+11)."""
    parsed = parse("wyndham-bins", HEADER + "1511190,4,8,13-08-2018,NOT_READY\n1511190,10,6,02-01-2019,FULLNESS\n")
    rows = parsed.observations.to_pylist()
    assert [(row["place"], row["quantity"], row["value"]) for row in rows] == [
        ("bin:1511190", "bin_fill", 4.0),
        ("bin:1511190", "bin_fill_threshold", 8.0),
        ("bin:1511190", "bin_fill", 10.0),
        ("bin:1511190", "bin_fill_threshold", 6.0),
    ]
    assert rows[0]["start"] == datetime(2018, 8, 12, 14, tzinfo=UTC)
    assert (rows[2]["start"], rows[2]["end"]) == (
        datetime(2019, 1, 1, 13, tzinfo=UTC),
        datetime(2019, 1, 2, 13, tzinfo=UTC),
    )


def test_a_list_of_bins_is_places_only(parse: Parse) -> None:
    """The other file gives where bins stand and for what; its faulty lines are refused with what they said."""
    parsed = parse(
        "wyndham-bins",
        LIST
        + "1510830,Bendigo Bank G Werribee,general,Werribee,144.6601949611,-37.9018111375\n"
        + "1511192,General Practice R Werribee,recycling,Werribee,144.66128,-37.900181\n"
        + "1511193,Wedge St,compost,Werribee,144.65,-37.90\n"
        + "1511194,Wedge St,general,Werribee,-37.90,144.65\n",
    )
    assert [(place.id, place.kind, place.centre) for place in parsed.places] == [
        ("bin:1510830", "general_waste_bin", (144.6601949611, -37.9018111375)),
        ("bin:1511192", "recycling_bin", (144.66128, -37.900181)),
    ]
    assert parsed.observations.num_rows == 0
    assert [row["row"] for row in parsed.refused.to_pylist()] == [3, 4]
    assert "stream 'compost'" in parsed.refused["reason"][0].as_py()


@pytest.mark.parametrize(
    "line", ["1511190,4,8,2018-08-13,NOT_READY\n", "1511190,4,8,31-02-2018,NOT_READY\n", "a b,4,8,13-08-2018,X\n"]
)
def test_a_reading_of_no_day_or_bin_is_refused(line: str, parse: Parse) -> None:
    """A day that isn't day-month-year, or a bin that isn't a number, refuses the reading."""
    parsed = parse("wyndham-bins", HEADER + line)
    assert (parsed.observations.num_rows, parsed.refused.num_rows) == (0, 1)
    assert "not day-month-year" in parsed.refused["reason"][0].as_py()


def test_days_told_twice_reach_the_archive(tmp_path: Path) -> None:
    """Nothing is dropped in silence: of 21,659 readings the 768 repeated stand among the refused, two as conflicts.

    By awk on the file, 766 of them have the fill of the first row of their bin and day and 2 have another;
    no threshold differs.
    """
    create_folder(tmp_path / "reference", "reference")
    archive = open_archive(tmp_path / "reference")
    body = find_data_file("wyndham_bins/wyndham_smartbin_fill.csv.gz").read_bytes()
    kept = archive.keep("wyndham-bins", Reply(body, datetime.now(UTC), name="wyndham_smartbin_fill.csv.gz"))
    admission = archive.admit(kept.reply_id)
    archive.close()
    assert (admission.rows, admission.refused) == (2 * (21_659 - 768), 2 * 768)


def test_levels_are_those_counted_outside(parse: Parse) -> None:
    """As many readings of each level as `cut -d, -f2 | sort | uniq -c` counts in the file."""
    body = gzip.decompress(find_data_file("wyndham_bins/wyndham_smartbin_fill.csv.gz").read_bytes())
    rows = parse("wyndham-bins", body).observations.to_pylist()
    counts: dict[float, int] = {}
    for row in rows:
        if row["quantity"] == "bin_fill":
            counts[row["value"]] = counts.get(row["value"], 0) + 1
    assert counts == {0: 11_268, 2: 1_867, 4: 2_520, 6: 2_548, 8: 2_654, 10: 802}
