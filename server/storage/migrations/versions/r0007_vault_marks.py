"""The tenants' marks: a sealed sum over the secrets of each."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "vault_marks",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("dek_id", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("vault_marks")
