"""The numbers of forgotten facts go, once every index must have heard of them."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    # Those that are there are as old as this revision at least, and kept for as long as new ones.
    now_us = time.time_ns() // 1000
    op.add_column("fact_tombstones", sa.Column("gone_at", sa.BigInteger, nullable=False, server_default=str(now_us)))
    op.create_index("ix_fact_tombstones_gone_at", "fact_tombstones", ["gone_at"])


def downgrade() -> None:
    op.drop_index("ix_fact_tombstones_gone_at", "fact_tombstones")
    op.drop_column("fact_tombstones", "gone_at")
