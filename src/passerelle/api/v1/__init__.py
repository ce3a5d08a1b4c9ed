"""The resources under `/api/v1`, one a module."""

from passerelle.api.v1 import (
    changes,
    city,
    events,
    feeds,
    findings,
    jobs,
    observations,
    places,
    problems,
    quantities,
    series,
    studies,
)

__all__ = ["ROUTES"]

ROUTES = (
    city.read_city,
    quantities.list_all,
    quantities.read_one,
    places.list_all,
    places.read_one,
    places.list_official,
    feeds.list_all,
    feeds.read_one,
    feeds.list_of_feed,
    feeds.list_refused_rows,
    feeds.read_trust,
    series.list_all,
    series.read_one,
    series.register_one,
    observations.list_of_series,
    observations.post_all,
    events.listen,
    changes.list_all,
    changes.read_one,
    studies.list_all,
    studies.read_one,
    findings.list_all,
    findings.read_one,
    findings.read_bundle,
    jobs.list_all,
    jobs.run_one,
    problems.list_all,
    problems.read_one,
)
