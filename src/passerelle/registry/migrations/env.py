"""Runs the migrations on the connection that `registry.database` hands over."""

from __future__ import annotations

from alembic import context

from passerelle.registry import (  # noqa: F401
    asks,
    changes,
    deliveries,
    events,
    findings,
    officers,
    places,
    refused,
    replies,
    series,
    studies,
    tokens,
    trust,
)
from passerelle.registry.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
