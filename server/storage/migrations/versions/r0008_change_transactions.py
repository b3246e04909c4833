"""The change feed: which transaction made a change, because PostgreSQL's numbers are not in the order of commits."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("changes", sa.Column("transaction_id", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_changes_transaction_id", "changes", ["transaction_id"])
    if op.get_bind().dialect.name == "postgresql":
        # By default, so that a gateway of the release before, still running beside this one, cannot leave it out.
        op.execute("ALTER TABLE changes ALTER COLUMN transaction_id SET DEFAULT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")


def downgrade() -> None:
    op.drop_index("ix_changes_transaction_id", "changes")
    op.drop_column("changes", "transaction_id")
