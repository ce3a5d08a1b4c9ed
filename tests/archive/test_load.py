"""Files of observations: CSV, Parquet and Arrow, checked row by row in bounded memory."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest

from passerelle.archive import Archive, open_archive, tables
from passerelle.lake.contract import Selection
from passerelle.model.errors import InvalidValueError, UnknownNameError
from passerelle.model.place import Place
from passerelle.model.series import Series
from passerelle.registry.places import get_place
from passerelle.registry.refused import list_refused
from passerelle.registry.replies import ReplyState, get_reply

START = datetime(2021, 3, 1, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RIVOLI = Series("open", "rivoli", "bicycle_count")


def make_frame(count: int, place: str = "rivoli") -> pl.DataFrame:
    starts = [START + at * HOUR for at in range(count)]
    columns = {
        "place": [place] * count,
        "quantity": ["bicycle_count"] * count,
        "start": starts,
        "end": [start + HOUR for start in starts],
        "value": [float(at) for at in range(count)],
    }
    return pl.DataFrame(columns, schema_overrides={name: pl.Datetime("us", "UTC") for name in ("start", "end")})


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S%:z")


def write_arrow(frame: pl.DataFrame, path: Path) -> None:
    table = frame.to_arrow()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, 100)


def write_arrow_file(frame: pl.DataFrame, path: Path) -> None:
    table = frame.to_arrow()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, 100)


WRITERS = {
    "rows.csv": write_csv,
    "rows.parquet": lambda frame, path: frame.write_parquet(path),
    "rows.arrow": write_arrow,
    "framed.arrow": write_arrow_file,
}


@pytest.mark.parametrize("name", WRITERS)
def test_each_kind_of_file_is_loaded(archive: Archive, tmp_path: Path, name: str) -> None:
    """1,000 rows of a place nobody described are admitted, named, known since now, and traced to the kept file."""
    WRITERS[name](make_frame(1000), tmp_path / name)
    seen: list[tuple[int, int]] = []
    admission = archive.load_file(tmp_path / name, "open", lambda done, size: seen.append((done, size)))
    assert (admission.rows, admission.refused, admission.places, admission.series) == (1000, 0, 1, 1)
    rows = archive.lake.read(Selection(series=[RIVOLI.number]))
    assert rows["value"].to_pylist() == [float(at) for at in range(1000)]
    assert set(rows["source"].to_pylist()) == {admission.reply_id}
    assert seen[-1][0] == seen[-1][1] > 0
    with archive.engine.connect() as connection:
        stored = get_reply(connection, admission.reply_id)
        assert get_place(connection, "rivoli").kind == "unknown"
    assert archive.files.read(stored.sha256, stored.bytes) == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("by", ["number", "id"])
def test_series_by_number_or_id(archive: Archive, tmp_path: Path, by: str) -> None:
    """A file may name registered series of its feed; an unknown one and another feed's are refused."""
    other = Series("derived", "rivoli", "bicycle_count")
    archive.register([Place("rivoli", "counter", "Rivoli")], [RIVOLI, other])
    numbers = [RIVOLI.number, other.number, 33]
    series = numbers if by == "number" else [RIVOLI.id, other.id, "0000000000011"]
    frame = make_frame(3).drop("place", "quantity").with_columns(pl.Series("series", series))
    frame.write_parquet(tmp_path / "rows.parquet")
    admission = archive.load_file(tmp_path / "rows.parquet", "open")
    assert (admission.rows, admission.refused) == (1, 2)
    with archive.engine.connect() as connection:
        reasons = [row.reason for row in list_refused(connection, feed="open")]
    assert reasons == [f"{other.number} is a series of another feed than open", "33 is not a series of feed open"]


def test_rows_are_refused_one_by_one(archive: Archive, tmp_path: Path) -> None:
    """What can't be read, lies out of bounds or comes twice is refused with its row; the rest is admitted."""
    lines = [
        "place,quantity,start,end,value,reason",
        "a,bicycle_count,2021-03-01T10:00:00Z,2021-03-01T11:00:00Z,5,",
        "a,bicycle_count,2021-03-01 10:00,2021-03-01T11:00:00Z,5,",
        "a,bicycle_count,2021-03-01T11:00:00,2021-03-01T12:00:00Z,5,",
        "a,bicycle_count,2021-03-01T11:00:00+01:00,2021-03-01T11:00:00Z,n/a,",
        "a,bicycle_count,2021-03-01T12:00:00Z,2021-03-01T13:00:00Z,-5,",
        "a,bicycle_count,2021-03-01T10:00:00Z,2021-03-01T11:00:00Z,5,",
        "a,unicorns,2021-03-01T10:00:00Z,2021-03-01T11:00:00Z,5,",
        ",bicycle_count,2021-03-01T10:00:00Z,2021-03-01T11:00:00Z,5,",
        "a,bicycle_count,2021-03-01T13:00:00+00:00,2021-03-01T14:00:00Z,,broken",
        '"b","bicycle_count","2021-03-01T14:00:00+01:00","2021-03-01T15:00:00+01:00","7",',
    ]
    # A byte order mark and Windows' line ends change nothing.
    (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    admission = archive.load_file(tmp_path / "rows.csv", "open")
    with archive.engine.connect() as connection:
        refused = [(row.row, row.reason) for row in list_refused(connection, feed="open")]
    unreadable = "times must be RFC 3339 with a zone, and the value a number"
    assert [row for row, _ in refused] == [2, 3, 4, 5, 6, 7, 8]
    assert [reason for _, reason in refused[:3]] == [unreadable] * 3
    assert refused[4] == (6, "repeats row 1")
    assert admission.rows == 3
    assert set(archive.lake.read(Selection())["value"].to_pylist()) == {5.0, 7.0}


def test_blocks_are_checked_alike(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of 100 rows a file gives the same, row numbers included."""
    monkeypatch.setattr(tables, "BLOCK_ROWS", 100)
    frame = make_frame(1000).with_columns(value=pl.when(pl.col("value") == 777).then(-1.0).otherwise("value"))
    frame.write_parquet(tmp_path / "rows.parquet")
    admission = archive.load_file(tmp_path / "rows.parquet", "open")
    assert (admission.rows, admission.refused, admission.series) == (999, 1, 1)
    with archive.engine.connect() as connection:
        assert [row.row for row in list_refused(connection, feed="open")] == [778]


def test_the_same_file_again_is_a_check(archive: Archive, tmp_path: Path) -> None:
    """An unchanged file isn't read twice and answers what it did."""
    write_csv(make_frame(10), tmp_path / "rows.csv")
    first = archive.load_file(tmp_path / "rows.csv", "open")
    assert archive.load_file(tmp_path / "rows.csv", "open") == first
    assert archive.lake.history(Selection()).num_rows == 10


def test_a_file_that_breaks_off_loads_nothing(archive: Archive, tmp_path: Path) -> None:
    """An Arrow stream cut in half is unreadable as a whole, says so, and its bytes are kept."""
    write_arrow(make_frame(1000), tmp_path / "whole.arrow")
    body = (tmp_path / "whole.arrow").read_bytes()
    (tmp_path / "half.arrow").write_bytes(body[: len(body) // 2])
    admission = archive.load_file(tmp_path / "half.arrow", "open")
    assert admission.state is ReplyState.UNREADABLE
    assert "breaks off after row" in str(admission.reason)
    assert archive.lake.history(Selection()).num_rows == 0


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("rows.xlsx", b"", ".csv, .parquet, .arrow"),
        ("rows.csv", b"a,b\n1,2\n", "has the columns"),
        ("rows.csv", b"place,quantity,start,end,value,phone\n", "phone"),
        ("rows.csv", b"", "can't be read"),
        ("rows.parquet", b"<html></html>", "can't be read"),
        ("rows.arrow", b"<html></html>", "can't be read"),
    ],
)
def test_other_files_are_refused_before_they_are_kept(
    archive: Archive, tmp_path: Path, name: str, body: bytes, said: str
) -> None:
    """A file with other columns, which may name people, leaves nothing in the folder."""
    (tmp_path / name).write_bytes(body)
    with pytest.raises(InvalidValueError, match=said):
        archive.load_file(tmp_path / name, "open")
    assert list(archive.files.list_hashes()) == []


def test_a_file_goes_to_a_feed(archive: Archive, tmp_path: Path) -> None:
    """A file for a feed that the city doesn't have is refused."""
    write_csv(make_frame(1), tmp_path / "rows.csv")
    with pytest.raises(UnknownNameError, match="nowhere"):
        archive.load_file(tmp_path / "rows.csv", "nowhere")


def test_a_file_held_at_a_crash_is_loaded_at_the_next_start(folder: Path, tmp_path: Path) -> None:
    """A file whose bytes were kept and whose rows were not yet loaded is loaded when the folder is opened."""
    make_frame(100).write_parquet(tmp_path / "rows.parquet")
    with closing(open_archive(folder)) as archive:
        archive.admit = stop  # type: ignore[method-assign]  the process ends here
        with pytest.raises(KeyboardInterrupt):
            archive.load_file(tmp_path / "rows.parquet", "open")
    with closing(open_archive(folder)) as archive:
        assert archive.lake.read(Selection()).num_rows == 100


def stop(*_: object) -> None:
    raise KeyboardInterrupt
