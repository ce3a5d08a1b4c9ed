"""What Prometheus reads at `/metrics`: requests as they are answered, and the archive's sizes when it asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from passerelle.api.node import Node
from passerelle.registry.asks import list_asks
from passerelle.registry.replies import count_replies

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The node's counters, apart from any other node's in the process."""

    def __init__(self, node: Node) -> None:
        # A second series for each counter, its time of birth, would double what is read and tell nobody anything.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "passerelle_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "passerelle_request_seconds", "Time to answer.", ("route",), buckets=_BOUNDS, registry=self._registry
        )
        self._observations = Counter(
            "passerelle_observations_appended", "Observations acknowledged.", ("feed",), registry=self._registry
        )
        self._registry.register(_Sizes(node))
        # Looking a child up by its labels takes longer than counting; there are some hundred children at most.
        self._find_counter = cache(lambda method, route, status: self._requests.labels(method, route, str(status)))
        self._find_histogram = cache(self._seconds.labels)
        self._find_rows = cache(self._observations.labels)

    def count_observations(self, feed: str, rows: int) -> None:
        """Count rows that were acknowledged."""
        self._find_rows(feed).inc(rows)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is a template, so that there are as many as there are operations."""
        self._find_counter(method, route, status).inc()
        self._find_histogram(route).observe(seconds)

    def write(self) -> bytes:
        """All metrics in Prometheus' text form."""
        return generate_latest(self._registry)


class _Sizes(Collector):
    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        size = self._node.archive.lake.size()
        with self._node.archive.engine.connect() as connection:
            replies, refused = count_replies(connection)
        disk = self._node.archive.disk.look()
        for name, told, value in (
            ("passerelle_lake_current_rows", "Current values.", size.current_rows),
            ("passerelle_lake_superseded_rows", "Earlier versions of values.", size.superseded_rows),
            ("passerelle_lake_pending_rows", "Rows not yet in columnar files: the backlog.", size.pending_rows),
            ("passerelle_lake_files", "Columnar files.", size.files),
            ("passerelle_lake_bytes", "Bytes of the lake.", size.bytes),
            ("passerelle_replies", "Replies kept.", replies),
            ("passerelle_refused_rows", "Rows that were not admitted.", refused),
            ("passerelle_disk_free_bytes", "Bytes free on the folder's disk.", disk.free_bytes),
            ("passerelle_disk_alarm", "1 while the disk has too few free bytes.", int(disk.alarm)),
        ):
            yield GaugeMetricFamily(name, told, value=value)
        yield from self._collect_asks()

    def _collect_asks(self) -> Iterator[Metric]:
        with self._node.archive.engine.connect() as connection:
            asks = list_asks(connection)
        failures = GaugeMetricFamily("passerelle_feed_failures", "Failed asks in a row.", labels=("feed",))
        answered = GaugeMetricFamily(
            "passerelle_feed_answered_seconds", "When a readable answer last came, since 1970.", labels=("feed",)
        )
        for feed, ask in asks.items():
            failures.add_metric((feed,), ask.failures)
            if ask.answered is not None:
                answered.add_metric((feed,), ask.answered.timestamp())
        yield failures
        yield answered
