"""What every engine must pass: `LakeTests`, subclassed once per engine, and `LakeMachine`.

A subclass of `LakeTests` sets `open_lake`, which opens (or makes) the lake in a folder, and may
add tests but not override one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from passerelle.lake.contract import AGGREGATE, COVERAGE, POOLED, Lake, Origin, Selection
from passerelle.model.errors import IdempotencyError, InvalidValueError
from passerelle.model.observation import OBSERVATION, VERSION
from passerelle.model.quantity import Statistic

EPOCH = datetime(2021, 1, 1, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
SAN_FRANCISCO = ZoneInfo("America/Los_Angeles")

Row = tuple[int, int, float | str]
"""A series, the minute after `EPOCH` at which it starts, and its value or the reason for having none."""


def at(minute: float) -> datetime:
    """The instant `minute` minutes after `EPOCH`."""
    return EPOCH + timedelta(minutes=minute)


def rows_of(*rows: Row, length: int = 15) -> pa.Table:
    """A batch of `rows`, each `length` minutes long."""
    return pa.Table.from_pylist(
        [
            {
                "series": series,
                "start": at(minute),
                "end": at(minute + length),
                "value": None if isinstance(said, str) else said,
                "reason": said if isinstance(said, str) else None,
            }
            for series, minute, said in rows
        ],
        schema=OBSERVATION,
    )


def origin_of(key: str, known: float, *, source: int = 1, digest: bytes = b"") -> Origin:
    """An origin known since minute `known`."""
    return Origin(source=source, known_since=at(known), key=key, digest=digest or key.encode())


def said(table: pa.Table) -> list[Row]:
    """The rows of `table` as `rows_of` takes them."""
    return [
        (row["series"], (row["start"] - EPOCH) // timedelta(minutes=1), row["reason"] or row["value"])
        for row in table.to_pylist()
    ]


def said_since(table: pa.Table) -> list[tuple[float | str, int]]:
    """Of each row its value (or reason), and the minute it is known since."""
    minutes = [(moment - EPOCH) // timedelta(minutes=1) for moment in table["known_since"].to_pylist()]
    return [(row[2], minute) for row, minute in zip(said(table), minutes, strict=True)]


class LakeTests:
    """The contract's rules, each checked with rows pending and with rows filed."""

    open_lake: Callable[[Path], Lake]

    def __init_subclass__(cls) -> None:
        overridden = [name for name in vars(cls) if name.startswith("test_") and hasattr(LakeTests, name)]
        if overridden:
            raise TypeError(f"{cls.__name__} overrides {', '.join(overridden)} of LakeTests")

    @pytest.fixture
    def lake(self, tmp_path: Path) -> Iterator[Lake]:
        """An empty lake."""
        folder = tmp_path / "lake"
        folder.mkdir()
        lake = type(self).open_lake(folder)
        yield lake
        lake.close()

    @pytest.fixture(params=["pending", "filed"])
    def put(self, lake: Lake, request: pytest.FixtureRequest) -> Callable[..., None]:
        """Appends rows under a key of their own, known since the minute given."""
        count = 0

        def put(known: float, *rows: Row, length: int = 15) -> None:
            nonlocal count
            count += 1
            lake.append(rows_of(*rows, length=length), origin_of(f"batch {count}", known))
            if request.param == "filed":
                lake.flush()

        return put

    def test_append_is_read_at_once(self, lake: Lake) -> None:
        """What was appended is read with its origin, in the schema of the model, ordered by series and start."""
        receipt = lake.append(rows_of((2, 0, 3.0), (1, 15, 2.0), (1, 0, 1.0)), origin_of("a", 100, source=7))
        assert (receipt.rows, receipt.repeated) == (3, False)
        table = lake.read(Selection())
        assert table.schema.equals(VERSION)
        assert said(table) == [(1, 0, 1.0), (1, 15, 2.0), (2, 0, 3.0)]
        assert table["source"].to_pylist() == [7, 7, 7]
        assert set(table["known_since"].to_pylist()) == {at(100)}
        assert table["end"].to_pylist() == [at(15), at(30), at(15)]

    def test_empty_lake(self, lake: Lake) -> None:
        """An empty lake answers every question with no rows, in the right schema."""
        assert lake.read(Selection()).equals(VERSION.empty_table())
        assert lake.history(Selection()).equals(VERSION.empty_table())
        assert lake.latest().equals(VERSION.empty_table())
        assert lake.latest([5]).num_rows == 0
        assert lake.coverage().equals(COVERAGE.empty_table())
        buckets = lake.aggregate(Selection(), "P1D", Statistic.MEAN, zone=PARIS)
        assert buckets.equals(AGGREGATE.empty_table())
        lake.flush()
        lake.compact()
        assert lake.size().current_rows == 0

    def test_empty_batch(self, lake: Lake) -> None:
        """A batch without rows is admitted, and its key remembered."""
        assert lake.append(rows_of(), origin_of("a", 1)).rows == 0
        assert lake.append(rows_of(), origin_of("a", 1)).repeated
        lake.flush()
        assert lake.read(Selection()).num_rows == 0

    def test_key_that_came_before(self, lake: Lake) -> None:
        """A key is admitted once, also when the rows under it are others and time has passed."""
        lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1))
        assert lake.append(rows_of((1, 0, 1.0)), origin_of("a", 2)).repeated
        lake.flush()
        assert lake.append(rows_of((1, 0, 1.0)), origin_of("a", 3)).repeated
        assert said_since(lake.history(Selection())) == [(1.0, 1)]

    def test_key_with_another_digest(self, lake: Lake) -> None:
        """The same key with another body is refused, and nothing of it kept."""
        lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1))
        with pytest.raises(IdempotencyError, match="'a'"):
            lake.append(rows_of((1, 0, 2.0)), origin_of("a", 2, digest=b"other"))
        with pytest.raises(IdempotencyError, match="'a'"):
            lake.load(rows_of((1, 0, 2.0)).to_reader(), origin_of("a", 2, digest=b"other"))
        assert said(lake.read(Selection())) == [(1, 0, 1.0)]

    def test_empty_key(self, lake: Lake) -> None:
        """An empty key stands for none: it never came before."""
        for known in (1, 2):
            receipt = lake.append(rows_of((1, 0, float(known))), replace(origin_of("", known), digest=bytes([known])))
            assert not receipt.repeated
        assert said_since(lake.history(Selection())) == [(1.0, 1), (2.0, 2)]

    def test_a_b_a_is_three_versions(self, lake: Lake, put: Callable[..., None]) -> None:
        """Content never decides: a value that returns is a revision like any other."""
        put(1, (1, 0, 4.0))
        put(2, (1, 0, 5.0))
        put(3, (1, 0, 4.0))
        assert said_since(lake.history(Selection())) == [(4.0, 1), (5.0, 2), (4.0, 3)]
        assert said(lake.read(Selection())) == [(1, 0, 4.0)]

    def test_repetition_adds_nothing(self, lake: Lake, put: Callable[..., None]) -> None:
        """A row that says what the version before it said keeps that one's `known_since`; another end is a revision."""
        put(1, (1, 0, 4.0), (1, 15, 5.0))
        put(2, (1, 0, 4.0), (1, 15, 5.0))
        assert said_since(lake.history(Selection())) == [(4.0, 1), (5.0, 1)]
        put(3, (1, 0, 4.0), length=30)
        assert said_since(lake.history(Selection())) == [(4.0, 1), (4.0, 3), (5.0, 1)]
        assert lake.read(Selection(end=at(15)))["end"].to_pylist() == [at(30)]

    def test_later_row_of_a_batch_supersedes(self, lake: Lake, put: Callable[..., None]) -> None:
        """Within a batch rows are taken in order: all that differ are versions, and the last is current."""
        put(1, (1, 0, 4.0), (2, 0, 9.0), (1, 0, 4.0), (1, 0, 5.0), (1, 0, 4.0))
        assert said(lake.read(Selection())) == [(1, 0, 4.0), (2, 0, 9.0)]
        assert said(lake.read(Selection(as_known_at=at(1)))) == [(1, 0, 4.0), (2, 0, 9.0)]
        assert said_since(lake.history(Selection([1]))) == [(4.0, 1), (5.0, 1), (4.0, 1)]

    def test_order_of_equal_known_since(self, lake: Lake, put: Callable[..., None]) -> None:
        """Versions known since the same instant stand in the order they came, and the last is as known then."""
        put(5, (1, 0, 1.0))
        put(5, (1, 0, 2.0))
        put(9, (1, 0, 9.0))
        put(5, (1, 0, 3.0))
        assert said_since(lake.history(Selection())) == [(1.0, 5), (2.0, 5), (3.0, 5), (9.0, 9)]
        assert said(lake.read(Selection(as_known_at=at(5)))) == [(1, 0, 3.0)]

    def test_withdrawal(self, lake: Lake, put: Callable[..., None]) -> None:
        """A withdrawn key is in `history` only, until a value returns."""
        put(1, (1, 0, 4.0), (1, 15, 5.0))
        put(2, (1, 15, "sensor failed"))
        assert said(lake.read(Selection())) == [(1, 0, 4.0)]
        assert said(lake.read(Selection(as_known_at=at(1)))) == [(1, 0, 4.0), (1, 15, 5.0)]
        assert said(lake.latest()) == [(1, 0, 4.0)]
        assert lake.coverage().to_pylist() == [{"series": 1, "first": at(0), "last": at(0), "rows": 1}]
        assert said_since(lake.history(Selection(start=at(15)))) == [(5.0, 1), ("sensor failed", 2)]
        put(3, (1, 15, 6.0))
        assert said(lake.latest()) == [(1, 15, 6.0)]

    def test_withdrawal_of_nothing(self, lake: Lake, put: Callable[..., None]) -> None:
        """A withdrawal adds nothing where no version is before it, even if one comes later in the order."""
        put(5, (1, 0, "never came"), (2, 0, "never came"), (2, 0, "nor again"), (2, 0, 8.0))
        assert said_since(lake.history(Selection())) == [(8.0, 5)]
        put(3, (2, 0, "too early"))
        assert said_since(lake.history(Selection())) == [(8.0, 5)]
        assert said(lake.latest()) == [(2, 0, 8.0)]

    def test_late_row_takes_its_place(self, lake: Lake, put: Callable[..., None]) -> None:
        """A row with an older `known_since` is judged against the version before it and changes no later one."""
        put(10, (1, 0, 1.0))
        put(30, (1, 0, 3.0))
        put(20, (1, 0, 2.0))
        put(20, (1, 0, 2.0))
        put(15, (1, 0, 1.0))
        put(25, (1, 0, 3.0))
        put(5, (1, 0, 0.5))
        history = [(0.5, 5), (1.0, 10), (2.0, 20), (3.0, 25), (3.0, 30)]
        assert said_since(lake.history(Selection())) == history
        known = {minute: said(lake.read(Selection(as_known_at=at(minute)))) for minute in (4, 5, 12, 22, 26, 31)}
        assert known == {
            4: [],
            5: [(1, 0, 0.5)],
            12: [(1, 0, 1.0)],
            22: [(1, 0, 2.0)],
            26: [(1, 0, 3.0)],
            31: [(1, 0, 3.0)],
        }
        assert said_since(lake.latest()) == [(3.0, 30)]

    def test_as_known_at_the_very_instant(self, lake: Lake, put: Callable[..., None]) -> None:
        """A version is known from its `known_since` on, that instant included, and no microsecond earlier."""
        put(10, (1, 0, 1.0))
        put(20, (1, 0, 2.0))
        microsecond = timedelta(microseconds=1)
        assert said(lake.read(Selection(as_known_at=at(10) - microsecond))) == []
        assert said(lake.read(Selection(as_known_at=at(10)))) == [(1, 0, 1.0)]
        assert said(lake.read(Selection(as_known_at=at(20) - microsecond))) == [(1, 0, 1.0)]
        assert said(lake.read(Selection(as_known_at=at(20)))) == [(1, 0, 2.0)]
        assert said_since(lake.history(Selection(as_known_at=at(19)))) == [(1.0, 10)]

    def test_selection(self, lake: Lake, put: Callable[..., None]) -> None:
        """Series, half-open times and limits select; an empty list of series selects nothing."""
        put(1, *((series, minute, float(series)) for series in (3, 1, 2) for minute in (30, 0, 15)))
        starts = lambda selection, limit=None: [row[:2] for row in said(lake.read(selection, limit))]  # noqa: E731
        assert starts(Selection([2])) == [(2, 0), (2, 15), (2, 30)]
        assert starts(Selection([3, 1, 3], start=at(15), end=at(30))) == [(1, 15), (3, 15)]
        assert starts(Selection(start=at(30))) == [(1, 30), (2, 30), (3, 30)]
        assert starts(Selection([])) == []
        assert starts(Selection([99])) == []
        assert starts(Selection(), 4) == [(1, 0), (1, 15), (1, 30), (2, 0)]
        assert starts(Selection(), 0) == []
        assert said(lake.history(Selection([2, 3]), 4)) == [(2, 0, 2.0), (2, 15, 2.0), (2, 30, 2.0), (3, 0, 3.0)]
        assert [row["series"] for row in lake.coverage([1, 3, 99]).to_pylist()] == [1, 3]

    def test_many_series(self, lake: Lake, put: Callable[..., None]) -> None:
        """A selection may name hundreds of series."""
        put(1, *((series, 0, 1.0) for series in range(1, 401)))
        assert lake.read(Selection(range(100, 300))).num_rows == 200
        assert lake.coverage(range(1, 500)).num_rows == 400
        assert lake.latest(range(390, 500))["series"].to_pylist() == list(range(390, 401))

    def test_latest(self, lake: Lake, put: Callable[..., None]) -> None:
        """`latest` is the current version with the greatest start, whatever order rows came in."""
        put(1, (1, 30, 3.0), (1, 0, 1.0), (2, 0, 7.0))
        assert said(lake.latest()) == [(1, 30, 3.0), (2, 0, 7.0)]
        put(2, (1, 15, 2.0))
        put(3, (1, 30, 3.5))
        put(2, (1, 30, 3.2))
        assert said_since(lake.latest([1])) == [(3.5, 3)]
        put(4, (1, 30, "withdrawn"), (1, 15, "withdrawn"))
        assert said(lake.latest([1])) == [(1, 0, 1.0)]
        put(5, (1, 0, "withdrawn"))
        assert said(lake.latest()) == [(2, 0, 7.0)]
        put(6, (1, 15, 2.5))
        assert said(lake.latest([1, 99])) == [(1, 15, 2.5)]
        put(7, (2, 0, 7.0), (2, 0, 8.0), (2, 0, 7.0))
        assert said_since(lake.latest([2])) == [(7.0, 7)]

    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            (PARIS, datetime(2021, 3, 28), 23),
            (PARIS, datetime(2021, 10, 31), 25),
            (PARIS, datetime(2021, 6, 1), 24),
            (SAN_FRANCISCO, datetime(2021, 3, 14), 23),
            (SAN_FRANCISCO, datetime(2021, 11, 7), 25),
            (ZoneInfo("America/Havana"), datetime(2021, 11, 7), 25),
        ],
    )
    def test_local_days(self, lake: Lake, zone: ZoneInfo, day: datetime, hours: int) -> None:
        """A day begins at local midnight, so that it has 23 or 25 hours when clocks change (Havana's at midnight)."""
        midnight = day.replace(tzinfo=zone).astimezone(UTC)
        first = (midnight - EPOCH) // timedelta(minutes=1)
        lake.append(rows_of(*((1, first + 60 * hour, 1.0) for hour in range(-30, 60))), origin_of("a", 1))
        days = lake.aggregate(Selection(), "P1D", Statistic.SUM, zone=zone).to_pylist()
        assert [row["value"] for row in days if row["bucket"] == midnight] == [hours]
        assert [row["count"] for row in days if row["bucket"] == midnight] == [hours]

    @pytest.mark.parametrize(
        ("bucket", "start"),
        [
            ("PT15M", "2021-05-13T09:45:00+00:00"),
            ("PT30M", "2021-05-13T09:30:00+00:00"),
            ("PT1H", "2021-05-13T09:00:00+00:00"),
            ("P1D", "2021-05-12T22:00:00+00:00"),
            ("P1W", "2021-05-09T22:00:00+00:00"),
            ("P1M", "2021-04-30T22:00:00+00:00"),
            ("P1Y", "2020-12-31T23:00:00+00:00"),
        ],
    )
    def test_buckets(self, lake: Lake, put: Callable[..., None], bucket: str, start: str) -> None:
        """Thursday 13 May 2021, 11:52 in Paris, lies in the bucket that the calendar says."""
        minute = (datetime(2021, 5, 13, 9, 52, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)
        put(1, (1, minute, 4.0))
        table = lake.aggregate(Selection(), bucket, Statistic.MEAN, zone=PARIS)
        assert [moment.isoformat() for moment in table["bucket"].to_pylist()] == [start]

    def test_bucket_before_1970(self, lake: Lake) -> None:
        """Buckets before 1970 begin before their rows too."""
        minute = (datetime(1969, 12, 31, 23, 50, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)
        lake.append(rows_of((1, minute, 4.0)), origin_of("a", 1))
        hours = lake.aggregate(Selection(), "PT1H", Statistic.MEAN, zone=PARIS)
        assert hours["bucket"].to_pylist() == [datetime(1969, 12, 31, 23, tzinfo=UTC)]
        days = lake.aggregate(Selection(), "P1D", Statistic.MEAN, zone=SAN_FRANCISCO)
        assert days["bucket"].to_pylist() == [datetime(1969, 12, 31, 8, tzinfo=UTC)]

    @pytest.mark.parametrize(
        ("statistic", "values", "pooled"),
        [
            (Statistic.MEAN, [2.0, 7.0], 11 / 3),
            (Statistic.SUM, [4.0, 7.0], 11.0),
            (Statistic.MIN, [1.0, 7.0], 1.0),
            (Statistic.MAX, [3.0, 7.0], 7.0),
            (Statistic.COUNT, [2.0, 1.0], 3.0),
        ],
    )
    def test_statistics(
        self, lake: Lake, put: Callable[..., None], statistic: Statistic, values: list[float], pooled: float
    ) -> None:
        """Values 1 and 3 of one series and 7 of another pool as arithmetic says, apart and together."""
        put(1, (1, 0, 1.0), (1, 15, 3.0), (2, 30, 7.0))
        apart = lake.aggregate(Selection(), "PT1H", statistic, zone=PARIS)
        assert apart.schema.equals(AGGREGATE)
        assert (apart["series"].to_pylist(), apart["value"].to_pylist()) == ([1, 2], values)
        together = lake.aggregate(Selection(), "PT1H", statistic, zone=PARIS, by_series=False)
        assert together["series"].to_pylist() == [None]
        assert together["value"].to_pylist() == [pytest.approx(pooled)]
        assert together["count"].to_pylist() == [3]

    def test_aggregate_as_known(self, lake: Lake, put: Callable[..., None]) -> None:
        """An aggregate takes the versions of its moment, without those withdrawn by then."""
        put(1, (1, 0, 1.0), (1, 15, 3.0))
        put(2, (1, 0, 5.0), (1, 15, "withdrawn"))
        hours = lambda moment: lake.aggregate(  # noqa: E731
            Selection(as_known_at=moment), "PT1H", Statistic.SUM, zone=PARIS
        )["value"].to_pylist()
        assert (hours(at(0)), hours(at(1)), hours(at(2)), hours(None)) == ([], [4.0], [5.0], [5.0])

    def test_aggregate_refuses(self, lake: Lake) -> None:
        """Unknown buckets and statistics that don't pool are refused by name."""
        with pytest.raises(InvalidValueError, match="PT7M"):
            lake.aggregate(Selection(), "PT7M", Statistic.MEAN, zone=PARIS)
        for statistic in set(Statistic) - POOLED:
            with pytest.raises(InvalidValueError, match=statistic.value):
                lake.aggregate(Selection(), "P1D", statistic, zone=PARIS)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"series": None}, "no series"),
            ({"end": at(0)}, "start before"),
            ({"value": None}, "a value or a reason"),
            ({"reason": "why"}, "a value or a reason"),
            ({"value": float("nan")}, "finite"),
            ({"value": float("inf")}, "finite"),
        ],
    )
    def test_rows_that_are_no_observations(self, lake: Lake, change: dict[str, object], said: str) -> None:
        """A batch with one bad row is refused whole, and the row is named."""
        rows = rows_of((1, 0, 1.0), (2, 0, 2.0)).to_pylist()
        rows[1] |= change
        table = pa.Table.from_pylist(rows, schema=pa.schema([field.with_nullable(True) for field in OBSERVATION]))
        with pytest.raises(InvalidValueError, match=f"row 1 .*{said}"):
            lake.append(table, origin_of("a", 1))
        with pytest.raises(InvalidValueError, match=f"row 1 .*{said}"):
            lake.load(table.to_reader(), origin_of("a", 1))
        assert lake.read(Selection()).num_rows == 0
        assert not lake.append(rows_of((1, 0, 1.0)), origin_of("a", 1)).repeated

    def test_other_columns(self, lake: Lake) -> None:
        """A table of another schema is refused with what came and what is needed."""
        with pytest.raises(InvalidValueError, match="needed"):
            lake.append(rows_of((1, 0, 1.0)).drop_columns(["reason"]), origin_of("a", 1))

    def test_load_keeps_the_rules(self, lake: Lake, put: Callable[..., None]) -> None:
        """`load` revises, repeats, withdraws and takes late rows as `append` does."""
        put(10, (1, 0, 1.0), (1, 15, 2.0), (1, 30, 3.0), (1, 45, 4.0))
        batch = rows_of((1, 0, 1.0), (1, 15, 2.5), (1, 30, "gone"), (1, 60, 5.0), (1, 60, 5.5))
        receipt = lake.load(batch.to_reader(max_chunksize=2), origin_of("file", 20))
        assert (receipt.rows, receipt.repeated) == (5, False)
        lake.load(rows_of((1, 45, 3.5)).to_reader(), origin_of("older", 5))
        put(30, (1, 60, 5.0))
        assert said(lake.read(Selection())) == [(1, 0, 1.0), (1, 15, 2.5), (1, 45, 4.0), (1, 60, 5.0)]
        assert said_since(lake.history(Selection(start=at(15)))) == [
            (2.0, 10), (2.5, 20), (3.0, 10), ("gone", 20), (3.5, 5), (4.0, 10), (5.0, 20), (5.5, 20), (5.0, 30)
        ]  # fmt: skip
        assert said(lake.latest()) == [(1, 60, 5.0)]
        assert lake.load(batch.to_reader(), origin_of("file", 40)).repeated

    def test_load_that_breaks_off(self, lake: Lake) -> None:
        """A load whose source fails leaves nothing, and its key may come again."""

        def batches() -> Iterator[pa.RecordBatch]:
            yield from rows_of((1, 0, 1.0)).to_batches()
            raise OSError("the file ends early")

        with pytest.raises(OSError, match="ends early"):
            lake.load(pa.RecordBatchReader.from_batches(OBSERVATION, batches()), origin_of("file", 1))
        assert lake.history(Selection()).num_rows == 0
        assert not lake.load(rows_of((1, 0, 2.0)).to_reader(), origin_of("file", 2)).repeated
        assert said_since(lake.history(Selection())) == [(2.0, 2)]

    def test_reopened(self, lake: Lake, put: Callable[..., None], tmp_path: Path) -> None:
        """A lake that was closed holds the same rows, latest values and keys."""
        put(1, (1, 0, 1.0), (1, 15, 2.0), (2, 0, 9.0))
        put(2, (1, 15, "withdrawn"), (2, 0, 8.0))
        lake.load(rows_of((3, 0, 3.0)).to_reader(), origin_of("file", 3))
        lake.close()
        again = type(self).open_lake(tmp_path / "lake")
        assert said(again.read(Selection())) == [(1, 0, 1.0), (2, 0, 8.0), (3, 0, 3.0)]
        assert said(again.latest()) == [(1, 0, 1.0), (2, 0, 8.0), (3, 0, 3.0)]
        assert again.history(Selection()).num_rows == 6
        assert again.append(rows_of((1, 0, 7.0)), origin_of("batch 1", 4)).repeated
        assert again.load(rows_of((3, 0, 3.0)).to_reader(), origin_of("file", 4)).repeated
        again.append(rows_of((1, 15, 2.0)), origin_of("new", 5))
        assert said_since(again.history(Selection([1], start=at(15)))) == [(2.0, 1), ("withdrawn", 2), (2.0, 5)]
        again.close()

    def test_flush_and_compact_change_no_answer(self, lake: Lake, put: Callable[..., None]) -> None:
        """Reads are the same before and after rows are filed and files rewritten."""
        for batch in range(6):
            put(batch, *((series, 15 * start, float(batch)) for series in (1, 2) for start in range(batch, batch + 3)))
        put(3, (1, 45, "withdrawn"))
        before = [lake.history(Selection()), lake.read(Selection(as_known_at=at(3))), lake.latest(), lake.coverage()]
        lake.flush()
        lake.compact()
        after = [lake.history(Selection()), lake.read(Selection(as_known_at=at(3))), lake.latest(), lake.coverage()]
        assert after == before
        put(9, (1, 0, 99.0))
        assert said(lake.read(Selection([1], end=at(15)))) == [(1, 0, 99.0)]

    def test_size(self, lake: Lake) -> None:
        """Current and superseded rows are counted once all is filed."""
        lake.append(rows_of((1, 0, 1.0), (1, 15, 2.0)), origin_of("a", 1))
        lake.append(rows_of((1, 0, 1.5)), origin_of("b", 2))
        lake.flush()
        size = lake.size()
        assert (size.current_rows, size.superseded_rows, size.pending_rows) == (2, 1, 0)

    def test_backup(self, lake: Lake, put: Callable[..., None], tmp_path: Path) -> None:
        """A backup opens like the original as it was then, and knows the keys it had."""
        put(1, (1, 0, 1.0), (2, 0, 2.0))
        put(2, (1, 0, 1.5))
        target = tmp_path / "copy"
        target.mkdir()
        lake.backup(target)
        put(3, (1, 0, 9.0))
        copy = type(self).open_lake(target)
        assert said_since(copy.history(Selection())) == [(1.0, 1), (1.5, 2), (2.0, 1)]
        assert copy.append(rows_of((1, 0, 9.0)), origin_of("batch 1", 5)).repeated
        copy.append(rows_of((1, 0, 7.0)), origin_of("other", 5))
        copy.close()
        assert said(lake.read(Selection())) == [(1, 0, 9.0), (2, 0, 2.0)]

    def test_many_threads(self, lake: Lake) -> None:
        """Batches of many threads are each there once, while others read, file and compact."""
        failures: list[Exception] = []

        def write(series: int) -> None:
            for number in range(20):
                lake.append(rows_of((series, 15 * number, float(number))), origin_of(f"{series} {number}", number))

        def read() -> None:
            for _ in range(5):
                table = lake.read(Selection())
                keys = list(zip(table["series"].to_pylist(), table["start"].to_pylist(), strict=True))
                if len(set(keys)) != len(keys):
                    failures.append(AssertionError("a key was read twice"))
                lake.flush()

        threads = [threading.Thread(target=write, args=(series,)) for series in range(1, 7)]
        threads += [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lake.flush()
        lake.compact()
        assert failures == []
        assert said(lake.read(Selection())) == [
            (series, 15 * number, float(number)) for series in range(1, 7) for number in range(20)
        ]
