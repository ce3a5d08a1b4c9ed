"""What reads answer: selections, times, buckets, latest values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from passerelle.lake.contract import AGGREGATE, COVERAGE, POOLED, Lake, Selection
from passerelle.lake.testing.fixtures import LakeFixtures
from passerelle.lake.testing.rows import EPOCH, PARIS, SAN_FRANCISCO, at, origin_of, rows_of, said, said_since
from passerelle.model.errors import InvalidValueError
from passerelle.model.observation import VERSION
from passerelle.model.quantity import Statistic


class ReadingTests(LakeFixtures):
    """Rows out."""

    def test_empty_lake(self, lake: Lake) -> None:
        """An empty lake answers every question with no rows, in the right schema."""
        assert lake.read(Selection()).equals(VERSION.empty_table())
        assert lake.history(Selection()).equals(VERSION.empty_table())
        assert lake.latest().equals(VERSION.empty_table())
        assert lake.latest(Selection([5])).num_rows == 0
        assert lake.coverage().equals(COVERAGE.empty_table())
        buckets = lake.aggregate(Selection(), "P1D", Statistic.MEAN, zone=PARIS)
        assert buckets.equals(AGGREGATE.empty_table())
        lake.flush()
        lake.compact()
        assert lake.size().current_rows == 0

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

        def starts(selection: Selection, limit: int | None = None) -> list[tuple[int, int]]:
            return [row[:2] for row in said(lake.read(selection, limit))]

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
        assert lake.latest(Selection(range(390, 500)))["series"].to_pylist() == list(range(390, 401))

    def test_latest(self, lake: Lake, put: Callable[..., None]) -> None:
        """`latest` is the current version with the greatest start, whatever order rows came in."""
        put(1, (1, 30, 3.0), (1, 0, 1.0), (2, 0, 7.0))
        assert said(lake.latest()) == [(1, 30, 3.0), (2, 0, 7.0)]
        put(2, (1, 15, 2.0))
        put(3, (1, 30, 3.5))
        put(2, (1, 30, 3.2))
        assert said_since(lake.latest(Selection([1]))) == [(3.5, 3)]
        put(4, (1, 30, "withdrawn"), (1, 15, "withdrawn"))
        assert said(lake.latest(Selection([1]))) == [(1, 0, 1.0)]
        put(5, (1, 0, "withdrawn"))
        assert said(lake.latest()) == [(2, 0, 7.0)]
        put(6, (1, 15, 2.5))
        assert said(lake.latest(Selection([1, 99]))) == [(1, 15, 2.5)]
        put(7, (2, 0, 7.0), (2, 0, 8.0), (2, 0, 7.0))
        assert said_since(lake.latest(Selection([2]))) == [(7.0, 7)]

    def test_last_before_a_moment(self, lake: Lake, put: Callable[..., None]) -> None:
        """`latest` of a selection is the last of what `read` gives for it, be it as it was or as it was known."""
        put(1, (1, 0, 1.0), (1, 15, 2.0), (2, 0, 7.0))
        put(5, (1, 30, 3.0), (1, 15, "withdrawn"))
        put(6, (1, 15, 2.0))
        put(7, (1, 0, 1.5))
        assert said(lake.latest(Selection(end=at(30)))) == [(1, 15, 2.0), (2, 0, 7.0)]
        assert said(lake.latest(Selection([1], end=at(16), as_known_at=at(5)))) == [(1, 0, 1.0)]
        assert said(lake.latest(Selection(start=at(1), as_known_at=at(4)))) == [(1, 15, 2.0)]
        assert said(lake.latest(Selection([1], as_known_at=at(0)))) == []
        assert said(lake.latest(Selection(as_known_at=at(5)))) == [(1, 30, 3.0), (2, 0, 7.0)]

    def test_local_days(self, lake: Lake) -> None:
        """A day begins at local midnight, so that it has 23 or 25 hours when clocks change (Havana's at midnight)."""
        havana = ZoneInfo("America/Havana")
        days = {
            1: (PARIS, datetime(2021, 3, 28, tzinfo=PARIS), 23),
            2: (PARIS, datetime(2021, 10, 31, tzinfo=PARIS), 25),
            3: (PARIS, datetime(2021, 6, 1, tzinfo=PARIS), 24),
            4: (SAN_FRANCISCO, datetime(2021, 3, 14, tzinfo=SAN_FRANCISCO), 23),
            5: (SAN_FRANCISCO, datetime(2021, 11, 7, tzinfo=SAN_FRANCISCO), 25),
            6: (havana, datetime(2021, 11, 7, tzinfo=havana), 25),
        }
        for series, (zone, midnight, hours) in days.items():
            # In UTC, since an ambiguous local time (Havana's midnight) equals no time of another zone.
            begin = midnight.astimezone(UTC)
            first = (begin - EPOCH) // timedelta(minutes=1)
            hourly = [(series, first + 60 * hour, 1.0) for hour in range(-30, 60)]
            lake.append(rows_of(*hourly), origin_of(f"{series}", 1))
            table = lake.aggregate(Selection([series]), "P1D", Statistic.SUM, zone=zone).to_pylist()
            day = [(row["value"], row["count"]) for row in table if row["bucket"] == begin]
            assert day == [(hours, hours)]

    def test_buckets(self, lake: Lake, put: Callable[..., None]) -> None:
        """Thursday 13 May 2021, 11:52 in Paris, lies in the buckets that the calendar says."""
        minute = (datetime(2021, 5, 13, 9, 52, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)
        put(1, (1, minute, 4.0))
        starts = {
            "PT15M": "2021-05-13T09:45:00+00:00",
            "PT30M": "2021-05-13T09:30:00+00:00",
            "PT1H": "2021-05-13T09:00:00+00:00",
            "P1D": "2021-05-12T22:00:00+00:00",
            "P1W": "2021-05-09T22:00:00+00:00",
            "P1M": "2021-04-30T22:00:00+00:00",
            "P1Y": "2020-12-31T23:00:00+00:00",
        }
        for bucket, start in starts.items():
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

    def test_statistics(self, lake: Lake, put: Callable[..., None]) -> None:
        """Values 1 and 3 of one series and 7 of another pool as arithmetic says, apart and together."""
        put(1, (1, 0, 1.0), (1, 15, 3.0), (2, 30, 7.0))
        pools = {
            Statistic.MEAN: ([2.0, 7.0], 11 / 3),
            Statistic.SUM: ([4.0, 7.0], 11.0),
            Statistic.MIN: ([1.0, 7.0], 1.0),
            Statistic.MAX: ([3.0, 7.0], 7.0),
            Statistic.COUNT: ([2.0, 1.0], 3.0),
        }
        assert pools.keys() == POOLED
        for statistic, (values, pooled) in pools.items():
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

        def hours(moment: datetime | None) -> list[float]:
            selection = Selection(as_known_at=moment)
            table = lake.aggregate(selection, "PT1H", Statistic.SUM, zone=PARIS)
            return [row["value"] for row in table.to_pylist()]

        assert (hours(at(0)), hours(at(1)), hours(at(2)), hours(None)) == ([], [4.0], [5.0], [5.0])

    def test_aggregate_refuses(self, lake: Lake) -> None:
        """Unknown buckets and statistics that don't pool are refused by name."""
        with pytest.raises(InvalidValueError, match="PT7M"):
            lake.aggregate(Selection(), "PT7M", Statistic.MEAN, zone=PARIS)
        for statistic in set(Statistic) - POOLED:
            with pytest.raises(InvalidValueError, match=statistic.value):
                lake.aggregate(Selection(), "P1D", statistic, zone=PARIS)
