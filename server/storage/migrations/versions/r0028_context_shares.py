"""What each person has asserted is counted; what is there already is nobody's share."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "context_person_totals",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("added_by", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.Column("content_bytes", sa.BigInteger, nullable=False),
    )
    for table in ("episodes", "claims"):
        op.add_column(table, sa.Column("added_by", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    for table in ("claims", "episodes"):
        op.drop_column(table, "added_by")
    op.drop_table("context_person_totals")
