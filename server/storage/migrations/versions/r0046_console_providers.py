"""Sessions of the console may have been opened by an identity provider."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.add_column("admin_sessions", sa.Column("identity_provider", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("admin_sessions", "identity_provider")
