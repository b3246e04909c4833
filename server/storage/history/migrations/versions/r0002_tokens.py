"""What the token endpoint was asked, by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_BUCKETS = 12


def upgrade() -> None:
    op.create_table(
        "token_hours",
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("grant_type", sa.String(64), primary_key=True),
        sa.Column("outcome", sa.String(64), primary_key=True),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("sum_ms", sa.Float, nullable=False),
        sa.Column("max_ms", sa.Float, nullable=False),
        *(sa.Column(f"b{place}", sa.BigInteger, nullable=False) for place in range(_BUCKETS)),
        sqlite_with_rowid=False,
    )
