"""What trust has found of feeds and series.

Revision 0003, of layout 1.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables; an older folder's feeds were not judged yet, and a node judges them when it starts."""
    _create_trust()
    _create_deliveries()


def _create_trust() -> None:
    op.create_table(
        "trust_marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("series", sa.BigInteger(), nullable=True),
        sa.Column("check", sa.String(), nullable=False),
        sa.Column("whole_feed", sa.Boolean(), nullable=False),
        sa.Column("light", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("ongoing", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("said", sa.BigInteger(), nullable=False),
        sa.Column("unsaid", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_marks")),
    )
    op.create_table(
        "trust_lights",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("series", sa.BigInteger(), nullable=True),
        sa.Column("light", sa.String(), nullable=False),
        sa.Column("red_share", sa.Float(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("said", sa.BigInteger(), nullable=False),
        sa.Column("unsaid", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_lights")),
    )
    for table in ("trust_marks", "trust_lights"):
        for column in ("feed", "series"):
            op.create_index(op.f(f"ix_{table}_{column}_unsaid"), table, [column, "unsaid"], unique=False)
    op.create_table(
        "trust_feeds",
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=False),
        sa.Column("reply", sa.Integer(), nullable=False),
        sa.Column("checks", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_trust_feeds")),
    )


def _create_deliveries() -> None:
    op.create_table(
        "delivered_names",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_delivered_names")),
    )
    op.create_table(
        "deliveries",
        sa.Column("reply", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("names", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["names"], ["delivered_names.digest"]),
        sa.PrimaryKeyConstraint("reply", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_feed_reply"), "deliveries", ["feed", "reply"], unique=False)
    op.create_table(
        "sites",
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "place", "digest", name=op.f("pk_sites")),
    )
