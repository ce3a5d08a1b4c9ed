"""The forms this version reads, by name: an explicit list, nothing registers itself."""

from __future__ import annotations

from passerelle.feeds import (
    autolib_events,
    autolib_stations,
    bwdf,
    caiso_oasis,
    cap,
    comptage_velo,
    comptages_routiers,
    dans_ma_rue,
    datasf_311,
    eco2mix,
    eia930,
    eia_v2,
    entsoe,
    gbfs,
    geodair,
    gtfs,
    gtfs_rt,
    mapped,
    ocpi,
    odre_eco2mix,
    sfpark,
    sgip_moer,
    wyndham_bins,
)
from passerelle.feeds.feed import Form

FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        autolib_events.FORM,
        autolib_stations.FORM,
        bwdf.FORM,
        caiso_oasis.FORM,
        cap.FORM,
        comptage_velo.FORM,
        comptages_routiers.FORM,
        dans_ma_rue.FORM,
        datasf_311.FORM,
        eco2mix.FORM,
        eia930.FORM,
        eia_v2.FORM,
        entsoe.FORM,
        gbfs.FORM,
        geodair.FORM,
        gtfs.FORM,
        gtfs_rt.FORM,
        mapped.FORM,
        ocpi.FORM,
        odre_eco2mix.FORM,
        sfpark.FORM,
        sgip_moer.FORM,
        wyndham_bins.FORM,
    )
}
