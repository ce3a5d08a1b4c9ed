"""The first tables.

Revision 0001, of layout 1.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of an empty registry."""
    _create_changes()
    _create_events()
    _create_findings()
    _create_places()
    _create_replies()
    _create_studies()
    _create_tokens()
    _create_bundles()
    _create_place_areas()
    _create_refused_pages()
    _create_refused_reasons()
    _create_series()


def _create_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("start", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_start_id"), "changes", ["start", "id"], unique=False)


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("feed", sa.String(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_feed_id"), "events", ["feed", "id"], unique=False)
    op.create_index(op.f("ix_events_kind_id"), "events", ["kind", "id"], unique=False)


def _create_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_findings")),
        sa.UniqueConstraint("id", name=op.f("uq_findings_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_findings_change_number"), "findings", ["change", "number"], unique=False)
    op.create_index(op.f("ix_findings_verdict_number"), "findings", ["verdict", "number"], unique=False)


def _create_places() -> None:
    op.create_table(
        "places",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("geometry", sa.Text(), nullable=True),
        sa.Column("cell", sa.String(), nullable=True),
        sa.Column("areas", sa.Text(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("west", sa.Float(), nullable=True),
        sa.Column("south", sa.Float(), nullable=True),
        sa.Column("east", sa.Float(), nullable=True),
        sa.Column("north", sa.Float(), nullable=True),
        sa.Column("folded", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
    )
    op.create_index(op.f("ix_places_kind"), "places", ["kind"], unique=False)
    op.create_index(op.f("ix_places_west_south_east_north"), "places", ["west", "south", "east", "north"], unique=False)


def _create_replies() -> None:
    op.create_table(
        "replies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("stored_bytes", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_replies_feed_id"), "replies", ["feed", "id"], unique=False)
    op.create_index(op.f("ix_replies_sha256"), "replies", ["sha256"], unique=False)
    op.create_index(op.f("ix_replies_state"), "replies", ["state"], unique=False)


def _create_studies() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
    )
    op.create_index(op.f("ix_studies_change_id"), "studies", ["change", "id"], unique=False)


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("feed", sa.String(), nullable=True),
        sa.Column("source", sa.Integer(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        sqlite_autoincrement=True,
    )


def _create_bundles() -> None:
    op.create_table(
        "bundles",
        sa.Column("finding", sa.String(), nullable=False),
        sa.Column("bundle", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["finding"],
            ["findings.id"],
        ),
        sa.PrimaryKeyConstraint("finding", name=op.f("pk_bundles")),
    )


def _create_place_areas() -> None:
    op.create_table(
        "place_areas",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("division", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["places.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("place", "division", name=op.f("pk_place_areas")),
    )
    op.create_index(op.f("ix_place_areas_code_place"), "place_areas", ["code", "place"], unique=False)


def _create_refused_pages() -> None:
    op.create_table(
        "refused_pages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("page", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reply"],
            ["replies.id"],
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_pages")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_refused_pages_reply_id"), "refused_pages", ["reply", "id"], unique=False)


def _create_refused_reasons() -> None:
    op.create_table(
        "refused_reasons",
        sa.Column("reply", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reply"],
            ["replies.id"],
        ),
        sa.PrimaryKeyConstraint("reply", "reason", name=op.f("pk_refused_reasons")),
    )


def _create_series() -> None:
    op.create_table(
        "series",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("facet", sa.String(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("folded", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["place"],
            ["places.id"],
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_series")),
    )
    op.create_index(op.f("ix_series_feed"), "series", ["feed"], unique=False)
    op.create_index(op.f("ix_series_place_sector"), "series", ["place", "sector"], unique=False)
    op.create_index(op.f("ix_series_quantity"), "series", ["quantity"], unique=False)
    op.create_index(op.f("ix_series_sector"), "series", ["sector"], unique=False)
