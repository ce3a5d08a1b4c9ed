"""CAISO OASIS: two recorded reports, archives that are none, and forecasts that are replaced."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from passerelle.archive import create_folder, open_archive
from passerelle.feeds import FORMS
from passerelle.feeds.feed import Feed, Parsed, Reply
from passerelle.lake.contract import Selection
from passerelle.model.errors import ReplyError
from passerelle.model.series import Series

LOAD, RENEWABLES = "caiso-load-forecast", "caiso-renewables-forecast"
HEADER = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,LOAD_TYPE,OPR_DT,OPR_HR,OPR_INTERVAL,MARKET_RUN_ID,TAC_AREA_NAME,LABEL,"
    "XML_DATA_ITEM,POS,MW,EXECUTION_TYPE,GROUP\n"
)
Parse = Callable[..., Parsed]


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> Callable[[str], bytes]:
    """A recorded archive by its file's name."""
    return lambda name: (shared_data / "replies" / "caiso_oasis" / name).read_bytes()


def pack(text: str, name: str = "report.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


def line(start: str, end: str, load: str, area: str = "PGE-TAC", item: str = "SYS_FCST_7DA_MW") -> str:
    return f"{start},{end},0,2025-02-19,1,0,7DA,{area},Demand Forecast 7-Day Ahead,{item},0.1,{load},7DA,1\n"


HOUR = ("2025-02-19T08:00:00-00:00", "2025-02-19T09:00:00-00:00")


def test_a_recorded_load_forecast_is_read(parse: Parse, recorded: Callable[[str], bytes]) -> None:
    """6,432 hours (`wc -l` 6,433): eight days of 33 areas, of PACE only four; the first is 1,275.14 MW of AVA."""
    parsed = parse(LOAD, recorded("SLD_FCST_7DA_20250219.zip"))
    frame = pl.DataFrame(parsed.observations)
    assert (frame.height, parsed.refused.num_rows) == (33 * 192 + 96, 0)
    assert len(parsed.places) == 34
    assert frame.filter(pl.col("place") == "caiso:pace").height == 96
    first = frame.row(0, named=True)
    assert (first["place"], first["facet"], first["value"]) == ("caiso:ava", "7_days_ahead", 1275.14)
    assert (first["start"], first["end"]) == tuple(datetime(2025, 2, 19, hour, tzinfo=UTC) for hour in (8, 9))
    assert frame.group_by("place", "start").len()["len"].max() == 1


def test_a_recorded_renewables_forecast_is_read(parse: Parse, recorded: Callable[[str], bytes]) -> None:
    """1,008 hours (`wc -l` 1,009) of wind and sun at three hubs; NP15 expects 772.69 MW of sun from 18:00 UTC."""
    parsed = parse(RENEWABLES, recorded("SLD_REN_FCST_DAM_20250204.zip"))
    frame = pl.DataFrame(parsed.observations)
    assert (frame.height, parsed.refused.num_rows) == (1_008, 0)
    assert [(place.id, place.kind) for place in parsed.places] == [
        ("caiso:np15", "trading_hub"),
        ("caiso:sp15", "trading_hub"),
        ("caiso:zp26", "trading_hub"),
    ]
    assert set(frame["facet"]) == {"solar_day_ahead", "wind_day_ahead"}
    at = (pl.col("place") == "caiso:np15") & (pl.col("facet") == "solar_day_ahead")
    start = pl.col("start") == datetime(2025, 2, 4, 18, tzinfo=UTC)
    assert frame.filter(at & start)["value"].to_list() == [772.69]
    # The sun is down in the hour before midnight, Pacific time.
    assert frame.filter(at & (pl.col("start").dt.hour() == 7))["value"].unique().to_list() == [0.0]


def test_a_forecast_is_replaced_and_remembered(tmp_path: Path) -> None:
    """What was expected of tomorrow the day before yesterday is still known, beside what is expected now."""
    held = [datetime(2025, 2, 18, hour, tzinfo=UTC) for hour in (9, 21)]
    create_folder(tmp_path / "sf", "san-francisco")
    with closing(open_archive(tmp_path / "sf")) as archive:
        for load, received in zip(("5120.5", "5180.25"), held, strict=True):
            body = pack(HEADER + line(*HOUR, load))
            admission = archive.admit(archive.keep(LOAD, Reply(body, received, "application/zip")).reply_id)
            assert (admission.rows, admission.refused) == (1, 0)
        number = Series(LOAD, "caiso:pge-tac", "electricity_demand_forecast", "7_days_ahead").number
        then = archive.lake.read(Selection(series=[number], as_known_at=held[0])).to_pylist()
        now = archive.lake.read(Selection(series=[number])).to_pylist()
    assert [(row["value"], row["known_since"]) for row in (*then, *now)] == [(5120.5, held[0]), (5180.25, held[1])]
    assert all(row["start"] > row["known_since"] for row in (*then, *now))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (line(*HOUR, "much"), "MW is 'much', not a number"),
        (line(*HOUR, ""), "MW is '', not a number"),
        (line(*HOUR, "1", area="<p>"), "area '<p>', run '7DA'"),
        (line(*HOUR, "1", item="SYS_FCST_X"), "item 'SYS_FCST_X' isn't known"),
        (line(HOUR[0], HOUR[0], "1"), "are not the ends of an interval"),
        (line(HOUR[1], HOUR[0], "1"), "are not the ends of an interval"),
        (line("2025-02-19T08:00:00", HOUR[1], "1"), "are not the ends of an interval"),
        ("1,2,3\n", "not 14 values"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(parse: Parse, wrong: str, says: str) -> None:
    """The row is refused with its text, and the row beside it is read."""
    parsed = parse(LOAD, pack(HEADER + line(*HOUR, "5120.5") + wrong))
    assert parsed.observations["value"].to_pylist() == [5120.5]
    assert [(row["row"], row["raw"]) for row in parsed.refused.to_pylist()] == [(2, wrong.strip())]
    assert says in parsed.refused["reason"][0].as_py()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"<html><body>Too many requests</body></html>", "is markup"),
        (b"no data", "no ZIP archive"),
        (pack(HEADER)[:60], "no whole ZIP archive"),
        (pack("<error>INVALID_REQUEST</error>", "INVALID_REQUEST.xml"), "INVALID_REQUEST.xml.*<error>INVALID"),
        (pack("<html></html>"), "markup"),
        (pack("a,b\n"), "the header has none of the columns"),
        (pack(HEADER.replace(",MW,", ",MWh,")), r"columns \['MW'\] are needed"),
        (pack(HEADER + line(*HOUR, "1")[:-3]), "the last line breaks off"),
    ],
)
def test_what_is_no_report_is_refused(parse: Parse, body: bytes, says: str) -> None:
    """Pages, error documents, other and cut archives are a `ReplyError`."""
    with pytest.raises(ReplyError, match=says):
        parse(LOAD, body)


def test_a_bomb_is_cut(parse: Parse) -> None:
    """300 MB of zeros in 300 kB of archive are refused beyond 256 MiB."""
    with pytest.raises(ReplyError, match="more than 268435456 bytes"):
        parse(LOAD, pack("0" * 300 * 1024 * 1024))


def test_a_report_without_rows_is_no_observation(parse: Parse) -> None:
    """A header alone is an answer: nothing was forecast."""
    parsed = parse(LOAD, pack(HEADER))
    assert (parsed.places, parsed.observations.num_rows, parsed.refused.num_rows) == ((), 0, 0)


def test_the_next_days_are_asked_for(feeds: dict[str, Feed]) -> None:
    """From a midnight of California, 8 hours after that of Greenwich in winter and 7 in summer, for eight days."""
    url = FORMS["caiso_oasis"].request(feeds[LOAD]).url
    assert url.startswith(feeds[LOAD].url + "&startdatetime=")
    start, end = (
        datetime.strptime(day, "%Y%m%dT%H:%M%z") for day in re.findall(r"datetime=(\d{8}T\d{2}:\d{2}-0000)", url)
    )
    assert start.hour in (7, 8)
    assert abs(end - start - timedelta(days=8)) <= timedelta(hours=1)
    assert start <= datetime.now(UTC) < start + timedelta(hours=25)
