"""What a lake keeps: over closing, filing, compaction, backup and many threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from passerelle.lake.contract import Lake, Selection
from passerelle.lake.testing.fixtures import LakeFixtures
from passerelle.lake.testing.rows import at, origin_of, rows_of, said, said_since


class KeepingTests(LakeFixtures):
    """Rows held."""

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
        """Rows and revisions of many threads are each there once, while others read, file and compact."""
        twice: list[tuple[int, int]] = []
        writing = threading.Event()

        def write(series: int) -> None:
            for number in range(20):
                revised = (series, 15 * max(number - 1, 0), 100.0 + number)
                batch = rows_of((series, 15 * number, float(number)), revised)
                lake.append(batch, origin_of(f"{series} {number}", number))

        def read() -> None:
            while not writing.is_set():
                table = lake.read(Selection())
                counts = Counter(zip(table["series"].to_pylist(), table["start"].to_pylist(), strict=True))
                twice.extend(key for key, count in counts.items() if count > 1)

        def repeat(work: Callable[[], None]) -> None:
            while not writing.is_set():
                work()

        writers = [threading.Thread(target=write, args=(series,)) for series in range(1, 5)]
        others = [threading.Thread(target=read)]
        others += [threading.Thread(target=repeat, args=(work,)) for work in (lake.flush, lake.compact)]
        for thread in [*writers, *others]:
            thread.start()
        for thread in writers:
            thread.join()
        writing.set()
        for thread in others:
            thread.join()
        assert twice == []
        values = [101.0 + number for number in range(19)] + [19.0]
        assert said(lake.read(Selection())) == [
            (series, 15 * number, value) for series in range(1, 5) for number, value in enumerate(values)
        ]
        # Two versions of each but the last start; the first had three: 0, 100 and 101.
        assert lake.history(Selection()).num_rows == 4 * (2 * 20 - 1 + 1)
