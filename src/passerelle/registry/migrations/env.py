"""Runs the migrations on the connection that `registry.database` hands over."""

from __future__ import annotations

from alembic import context

from passerelle.registry import changes, events, findings, places, refused, replies, series, studies, tokens  # noqa: F401
from passerelle.registry.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
