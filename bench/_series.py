"""The archived series of `data/` as panels of places and local days, and which windows calibration may judge.

Files are read through the feeds' own `parse`. A place's day is the mean of its hours (NO2: the day's maximum as it is
published), its natural logarithm the outcome. A day of zero, or with hours missing (water: more than a sixth of them),
is absent, and a place with an absent day in a window isn't in that study.

The lab's thresholds were tuned on synthetic cities, on none of these series. A rule that is tuned on real ones
looks at what is not judged: the first third of the days, or the other places.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from passerelle.feeds.city import find_city_file, find_data_file, read_city
from passerelle.feeds.feed import Reply
from passerelle.feeds.forms import FORMS
from passerelle.lab.panel import Flags, Panel, panel

Span = tuple[str, str, str]
"""First day, last day, and why they are left out."""


@dataclass(frozen=True)
class Source:
    """The recorded files of one feed, and which of its values are taken."""

    city: str
    feed: str
    files: tuple[str, ...]
    quantity: str
    facet: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of series, its days left out, what of it is judged, and how many clusters each design treats.

    `few` is for designs of few treated, `many` for the others; none where places can't be compared.
    """

    name: str
    what: str
    sources: tuple[Source, ...]
    excluded: tuple[Span, ...]
    judged: str
    few: int = 0
    many: int = 0
    waves: int = 2
    seen: float = 1.0
    """The least share of a day's hours that must be there."""
    place: str = "(.*)"
    """The part of a publisher's place that names the place; it is seen where all of its parts are."""


COVID_FRANCE = ("2020-03-01", "2021-06-30", "Covid-19 measures, to the end of the curfews")
COVID_CALIFORNIA = ("2020-03-01", "2021-06-15", "Covid-19 measures, to California's reopening")
LATER = "the last two thirds of the days"
ODD = "every second place"

KINDS = (
    Kind(
        "NO2",
        "daily maxima of NO2 at 13 stations in French cities",
        (Source("paris", "geodair-no2-max", ("geodair_no2/no2_donors_paris_daily_clean.csv",), "no2_daily_max"),),
        (COVID_FRANCE,),
        LATER,
        few=2,
        many=5,
    ),
    Kind(
        "garages",
        "cars entering 13 SFpark garages",
        (
            Source(
                "san-francisco",
                "sfpark-garages",
                ("sfpark/sfpark_garages_daily.csv.gz",),
                "parking_entries",
                "transient",
            ),
        ),
        (
            ("2011-04-24", "2011-04-24", "Easter"),
            ("2011-05-15", "2011-05-15", "Bay to Breakers"),
            ("2011-12-20", "2012-01-02", "Christmas and New Year"),
            ("2012-02-05", "2012-02-05", "Super Bowl"),
            ("2012-04-08", "2012-04-08", "Easter"),
            ("2012-05-20", "2012-05-20", "Bay to Breakers"),
            ("2012-12-20", "2013-05-31", "Christmas and New Year, then meters on Sundays"),
        ),
        LATER,
        few=2,
        many=5,
    ),
    Kind(
        "water",
        "inflow of ten water districts in Italy",
        (Source("reference", "bwdf", ("bwdf/InflowData.xlsx",), "water_inflow"),),
        (("2021-01-01", "2021-06-30", "Covid-19 restrictions by regions"),),
        LATER,
        few=2,
        many=5,
        seen=5 / 6,
    ),
    Kind(
        "car sharing",
        "Autolib' cars taken, by postal code",
        (
            Source(
                "paris",
                "autolib-events",
                ("autolib/autolib_daily_events_postal_code_2018-01-01_2018-05-08.csv",),
                "carshare_pickups",
                "bluecar",
            ),
        ),
        (
            ("2018-02-24", "2018-02-27", "broken and missing days"),
            ("2018-03-22", "2018-05-08", "rail strikes, from the first day of strike on"),
        ),
        ODD,
        few=1,
        many=10,
    ),
    Kind(
        "bicycles",
        "bicycles at the sites of Paris' counters",
        (
            Source(
                "paris",
                "bike-counters",
                ("paris_bike_counters/bike_counts_hourly_2020-09-01_2021-08-09.parquet",),
                "bicycle_count",
            ),
        ),
        (
            ("2020-10-17", "2021-01-17", "curfew, holidays, lockdown, Christmas, the 18:00 curfew"),
            ("2021-02-13", "2021-02-28", "winter holidays"),
            ("2021-03-20", "2021-06-20", "lockdowns, curfews, spring holidays"),
            ("2021-07-06", "2021-08-31", "summer holidays"),
        ),
        ODD,
        few=2,
        many=5,
        place="counter:([0-9]+)-",
    ),
    Kind(
        "electricity",
        "demand of Île-de-France, PG&E's area and California",
        (
            Source(
                "paris",
                "eco2mix",
                (
                    "eco2mix_idf/eCO2mix_RTE_Ile-de-France_Annuel-Definitif_2017.xls.gz",
                    "eco2mix_idf/eCO2mix_RTE_Ile-de-France_Annuel-Definitif_2018.xls.gz",
                    "eco2mix_idf/eCO2mix_RTE_Ile-de-France_En-cours-Consolide_FIXED_ERRCOLS.xls.gz",
                ),
                "electricity_demand",
            ),
            Source("san-francisco", "eia930-pge", ("eia930_pge/CISO-PGAE_2020_2023.csv",), "electricity_demand"),
            Source("san-francisco", "eia930-ciso", ("eia930_ciso/CISO_2015_2020_raw.csv",), "electricity_demand"),
        ),
        (COVID_CALIFORNIA, ("2021-06-16", "2021-06-30", "Covid-19 measures in France")),
        LATER,
    ),
)


def read_kind(kind: Kind) -> tuple[Panel, Flags]:
    """The panel of the places that are judged, and which of its days no window may touch; days count from 1970."""
    days = pl.concat([_read(source, kind) for source in kind.sources])
    first, last = (date.fromisoformat(str(days["day"].sort()[end])) for end in (0, -1))
    places = sorted(days["place"].unique().to_list())
    if kind.judged == ODD:
        places = places[1::2]
    grid = pl.DataFrame({"day": pl.date_range(first, last, eager=True)})
    wide = grid.join(days.pivot("place", index="day", values="value"), on="day", how="left").sort("day")
    values = wide.select(places).to_numpy().T.astype(float)
    outcomes = np.log(np.where(values > 0, values, np.nan))
    times = (wide["day"] - date(1970, 1, 1)).dt.total_days().to_numpy().astype(float)
    touched = np.zeros(len(times), dtype=bool)
    for start, end, _ in kind.excluded:
        touched |= (wide["day"] >= date.fromisoformat(start)).to_numpy() & (
            wide["day"] <= date.fromisoformat(end)
        ).to_numpy()
    if kind.judged == LATER:
        touched |= np.arange(len(times)) < len(times) // 3
    return panel(tuple(places), times, outcomes, np.full(len(places), np.inf)), touched


def _read(source: Source, kind: Kind) -> pl.DataFrame:
    """`place`, `day` and `value` of local days of which enough is there."""
    city = read_city(find_city_file(source.city))
    feed = next(one for one in city.feeds if one.id == source.feed)
    parse = FORMS[feed.form].parse
    replies = [
        Reply(find_data_file(name).read_bytes(), datetime.now(UTC), name=name.rpartition("/")[2])
        for name in source.files
    ]
    rows = pl.concat(
        [
            pl.DataFrame(parse(one, feed).observations).select("place", "quantity", "facet", "start", "end", "value")
            for one in replies
        ]
    ).filter((pl.col("quantity") == source.quantity) & (pl.col("facet") == source.facet))
    start, end = (pl.col(name).dt.convert_time_zone(str(feed.time_zone)) for name in ("start", "end"))
    day = pl.col("start").dt.truncate("1d")
    whole = (
        rows.unique(["place", "start"], keep="last", maintain_order=True)
        .with_columns(start=start, end=end)
        .group_by("place", day=day)
        .agg(pl.col("value").mean(), seen=(pl.col("end") - pl.col("start")).sum())
        .filter(pl.col("seen") >= kind.seen * (pl.col("day").dt.offset_by("1d") - pl.col("day")))
    )
    place = pl.col("place").str.extract(kind.place)
    return (
        whole.group_by(pl.col("day").dt.date(), place=place)
        .agg(pl.col("value").mean(), parts=pl.len())
        .filter(pl.col("parts") == pl.col("parts").max().over("place"))
        .select("place", "day", "value")
    )
