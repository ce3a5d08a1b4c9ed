"""Amendments of declared studies.

Revision 0004, of layout 1.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table; no study of an older folder was ever amended."""
    op.create_table(
        "study_amendments",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["studies.id"]),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_study_amendments")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_study_amendments_study_number"), "study_amendments", ["study", "number"], unique=False)
