"""`/health` and `/metrics`: for whoever runs the node."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from passerelle.api.metrics import Metrics
from passerelle.api.node import Node
from passerelle.lake.contract import Size
from passerelle.registry.replies import list_held

_BACKLOG_ROWS = 5_000_000


class Health(msgspec.Struct, frozen=True):
    """Whether the node does all it should; `reasons` says what is wrong in one sentence each."""

    status: Literal["ok", "degraded"]
    reasons: list[str]
    city: str
    version: str


@get("/health", tags=["operation"], sync_to_thread=True)
def read_health(node: NamedDependency[Node]) -> Health:
    """The node's state. 200 while it answers, degraded or not."""
    reasons = _find_faults(node, node.archive.lake.size())
    return Health("degraded" if reasons else "ok", reasons, node.archive.city.id, node.version)


def _find_faults(node: Node, size: Size) -> list[str]:
    disk = node.archive.disk.look()
    with node.archive.engine.connect() as connection:
        held = len(list_held(connection))
    faults = {
        f"The disk has {disk.free_bytes // 2**20} MiB free, which is too few.": disk.alarm,
        f"{size.pending_rows} rows wait to be filed.": size.pending_rows > _BACKLOG_ROWS,
        f"{held} replies are kept but not yet admitted.": held > 0,
        f"Lights of {', '.join(sorted(node.trust.failed))} can't be brought up to date; the log says why.": bool(
            node.trust.failed
        ),
        "Publishers are not asked any more; the log says why.": node.ingest.has_failed,
    }
    return [reason for reason, found in faults.items() if found]


@get("/metrics", tags=["operation"], media_type="text/plain", sync_to_thread=True)
def read_metrics(metrics: NamedDependency[Metrics]) -> Response[bytes]:
    """Counters and sizes for Prometheus."""
    return Response(metrics.write(), media_type="text/plain; version=0.0.4; charset=utf-8")
