"""What `test_mutations.py` mutates: for each form at least one short reply, in which every record stands for itself."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tests.feeds.mappings import BINS, EIA930, GEODAIR, ODRE

from passerelle.feeds.area import Area


@dataclass(frozen=True)
class Sample:
    """A form's reply to mutate: a city's feed and its first recording, or a path or bytes and what the form must know.

    `member` names what holds the records (a zip's file, a list's key) or each of them (an element's tag), where the
    longest list isn't it; the first `records` of them are kept. `moved` is how many things that other records say
    may change with one record, in forms that count records or read one beside the next; elsewhere none may.
    """

    form: str
    feed: str = ""
    path: str = ""
    body: bytes = b""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    member: str = ""
    records: int = 8
    moved: int = 0


def pack_table(*columns: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({column: [9, 8, 7] for column in columns}), buffer, write_page_checksum=True)
    return buffer.getvalue()


def pack(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


TIMETABLE = {
    "agency.txt": "agency_timezone\nEurope/Paris\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n"
    + "".join(f"{stop},Stop {stop},48.8,2.3\n" for stop in "abcdefgh"),
    "routes.txt": "route_id,route_type\nm,1\nn,3\n",
    "trips.txt": "route_id,service_id,trip_id\nm,s,t1\nm,s,t2\nn,s,t3\nn,s,t4\n",
    "stop_times.txt": "trip_id,departure_time,stop_id,stop_sequence\n"
    "t1,08:00:00,a,1\nt1,08:10:00,b,2\nt2,09:00:00,c,1\nt2,09:10:00,d,2\n"
    "t3,24:00:00,e,1\nt3,24:10:00,f,2\nt4,00:00:00,g,1\nt4,00:10:00,h,2\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "s,1,0,0,0,0,0,0,20180305,20180305\n",
    "calendar_dates.txt": "service_id,date,exception_type\ns,20180306,1\ns,20180312,2\n",
    "frequencies.txt": "trip_id,start_time,end_time,headway_secs\nt4,06:00:00,07:00:00,1800\n",
}
"""Four trips of a departure and a last call each, on two days."""

_POINT = {"type": "Point", "coordinates": [2.35, 48.85]}
DISTRICTS = {f"751{number:02}": Area("d", f"751{number:02}", f"District {number}", _POINT) for number in range(1, 21)}
CHARGING = [
    {
        "country_code": "FR",
        "party_id": "X",
        "id": f"L{at}",
        "name": f"Location {at}",
        "coordinates": {"latitude": f"48.{at}", "longitude": "2.35"},
        "evses": [{"uid": "1", "status": "AVAILABLE", "last_updated": "2024-01-01T00:00:00Z"}] * at,
        "energy_mix": {"energy_sources": [{"source": "SOLAR", "percentage": 100}]},
        "last_updated": "2024-01-01T00:00:00Z",
    }
    for at in range(5)
]

_AREA = "<area><areaDesc>Area {0}</areaDesc><polygon>48,{0} 48,{0}.5 48.5,{0} 48,{0}</polygon></area>"
ALERT = (
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><sent>2024-01-01T00:00:00Z</sent><status>Actual</status>'
    "<msgType>Alert</msgType><scope>Public</scope><info><event>Flood</event><severity>Minor</severity>"
    f"<expires>2024-01-02T00:00:00Z</expires>{''.join(_AREA.format(at) for at in range(1, 6))}</info></alert>"
)

TRANSIT = "../shared/data/mobility/transit"

ARCHIVED = {"system": "s", "holds_seconds": 3600}
CHANGES = ("sid", "t", "bikes", "ebikes", "docks", "bikes_disabled", "docks_disabled", "flags")
REPORTS = ("sid", "t_updated", "bikes", "mechanical", "ebike", "docks", "capacity")
INSTRUMENTS = {
    "network": "x",
    "readings": dict.fromkeys(("p227", "p235", "PUMP_1"), "water_pipe_flow"),
    "holds": 300,
}

GUIDES = ("stops", "trips", "calendar", "frequencies")

# A vehicle counts for its route and in all.
VEHICLES = Sample("gtfs_rt", path=f"{TRANSIT}/gtfs_rt_ct-vehicle-positions.pb", parameters={"network": "x"}, moved=4)

SAMPLES = [
    Sample("airparif", path="../shared/data/sectors/air_paris_carfree_2016/Tour Eiffel.csv"),
    Sample("autolib_events", feed="autolib-events"),
    Sample("autolib_stations", feed="autolib-stations"),
    Sample("baywheels_archive", body=pack_table(*CHANGES), parameters=ARCHIVED),
    Sample("baywheels_archive", path="../shared/data/mobility/baywheels_sf/stations.csv", parameters=ARCHIVED),
    # A point counts among its station's points and chargers and, where none is refused, its station among all.
    Sample("belib", feed="charging-points", moved=5),
    Sample(
        "belib",
        feed="charging-points",
        path="../shared/data/mobility/belib_paris/prises_electriques_vehicules_tps_reel.csv",
        moved=18,
    ),
    # Of the two rows that say 02:00 in October the first is the earlier: ten districts' values of both.
    Sample(
        "bwdf",
        feed="bwdf",
        path="tests/feeds/recorded/bwdf/InflowData_cut.xlsx",
        member="xl/worksheets/sheet1.xml",
        records=25,
        moved=20,
    ),
    Sample(
        "caiso_oasis",
        feed="caiso-load-forecast",
        path="../shared/data/replies/caiso_oasis/SLD_FCST_7DA_20250219.zip",
    ),
    Sample("cap", body=ALERT.encode(), member="area"),
    Sample("comptage_velo", feed="bike-counters"),
    Sample(
        "dans_ma_rue",
        path="tests/feeds/recorded/dans_ma_rue/dans-ma-rue_9rows_scrubbed.csv",
        parameters={"areas": DISTRICTS},
        records=9,
        moved=2,
    ),
    Sample("comptages_routiers", feed="road-counts"),
    Sample("comptages_routiers", feed="road-counts", path="data/paris_traffic/referentiel_3arcs_2020.csv"),
    # A case counts in a day's opened, another's closed and a median; moved elsewhere, in three more.
    Sample("datasf_311", feed="sf311-sample-a", moved=6),
    Sample("datasf_311", feed="sf311-sample-b", moved=6),
    Sample("eco2mix", feed="eco2mix"),
    Sample("eia930", feed="eia930-pge"),
    Sample("eia930", feed="eia930-ciso"),
    Sample(
        "eia_v2",
        path="../shared/data/replies/eia_api_v2/US_NW_BPAT-consumption.json",
        parameters={"respondents": {"BPAT": "Bonneville Power Administration"}},
    ),
    # A period whose points are not in order, each once, is refused whole.
    Sample(
        "entsoe",
        path="../shared/data/replies/entsoe_xml/DK-DK1_consumption.xml",
        parameters={"zones": {"10YDK-1--------W": "Denmark west"}},
        member="Point",
        moved=7,
    ),
    Sample(
        "entsoe",
        path="../shared/data/replies/entsoe_xml/ES_day_ahead_price.xml",
        parameters={"zones": {"10YES-REE------0": "Spain"}},
        member="TimeSeries",
    ),
    Sample("epanet", path="../shared/data/sectors/water_ltown_battledim/2019_Flows.csv", parameters=INSTRUMENTS),
    Sample(
        "entsoe_csv",
        path="../shared/data/sectors/elec_fr_entsoe_load/fr_load_2021.csv",
        parameters={"zone": "FR", "zone_name": "France"},
    ),
    Sample("gbfs", feed="velib-status", path="tests/feeds/recorded/gbfs/velib_station_status.json"),
    Sample("gbfs", feed="velib-stations", path="tests/feeds/recorded/gbfs/velib_station_information.json"),
    Sample("gbfs", feed="baywheels-status", path="../shared/data/replies/gbfs_v3.1-RC3/station_status.json"),
    Sample("geodair", feed="geodair-no2-mean"),
    Sample("gtfs", body=pack(TIMETABLE), parameters={"network": "x"}, member="stop_times.txt"),
    # Any row of these may be what all departures hang on.
    *(
        Sample("gtfs", body=pack(TIMETABLE), parameters={"network": "x"}, member=f"{name}.txt", moved=99)
        for name in GUIDES
    ),
    # Two arrivals and two departures at each stop of a trip may be those of the trip after it.
    Sample("gtfs_rt", path=f"{TRANSIT}/gtfs_rt_bart-trip-updates.pb", parameters={"network": "x"}, moved=80),
    VEHICLES,
    Sample("gtfs_rt", path=f"{TRANSIT}/gtfs_rt_bart-alerts.pb", parameters={"network": "x"}, moved=1),
    Sample("mapped", path="data/eia930_pge/CISO-PGAE_2020_2023.csv", parameters=EIA930),
    Sample("mapped", path="data/geodair_no2/pollution_paris_no2_daily_clean.csv", parameters=GEODAIR),
    Sample("mapped", path="../shared/data/replies/odre_eco2mix/national_tr_2023-09-21.json", parameters=ODRE),
    Sample("ocpi", body=json.dumps(CHARGING).encode(), parameters={"holds_seconds": 600}),
    Sample("mqtt_json", path="tests/feeds/recorded/mqtt_json/messages.jsonl", parameters=BINS),
    Sample(
        "odre_eco2mix",
        feed="eco2mix-national",
        path="../shared/data/replies/odre_eco2mix/national_tr_2023-09-21.json",
    ),
    Sample(
        "opendatasoft",
        path="../shared/data/replies/odre_eco2mix/national_tr_2023-09-21.json",
        parameters={
            "time": {"columns": ["date_heure"], "format": "rfc3339", "marks": "start", "length": "PT15M"},
            "places": [{"id": "country:fr", "kind": "country", "name": "France"}],
            "value": [{"column": "consommation", "quantity": "electricity_demand"}],
        },
    ),
    Sample(
        "purpleair",
        path="../shared/data/sectors/air_lowcost_calibration/purpleair_aqs_daily90_2021_2023.csv",
    ),
    Sample(
        "purpleair",
        body=b'{"time_stamp":1657577251,"fields":["sensor_index","name","pm2.5_atm","longitude","latitude"],"data":['
        + b",".join(b'[%d,"x",%d.5,2.35,48.85]' % (index, index) for index in range(1, 9))
        + b"]}",
        member="data",
    ),
    Sample("sfpark", feed="sfpark-garages"),
    Sample("sgip_moer", feed="sgip-moer-pge"),
    Sample("velib_archive", body=pack_table(*REPORTS), parameters=ARCHIVED),
    Sample("velib_archive", path="../shared/data/mobility/velib_paris/velib_stations_2022.csv", parameters=ARCHIVED),
    # A vehicle counts for its line and in all.
    Sample(
        "siri",
        path="../shared/data/replies/siri/siri.xml",
        parameters={"network": "x"},
        member="VehicleActivity",
        moved=2,
    ),
    Sample("wyndham_bins", feed="wyndham-bins"),
]
