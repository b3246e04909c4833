"""Unfinished requests, device codes and connect flows are counted by tenant and holder."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
_COUNTED = ("authorization_requests", "device_codes", "connect_flows")


def upgrade() -> None:
    op.add_column("authorization_requests", sa.Column("client_id", sa.String(512), nullable=False, server_default=""))
    for table in _COUNTED:
        op.create_index(f"ix_{table}_tenant", table, ["tenant_id", "expires_at"])


def downgrade() -> None:
    for table in _COUNTED:
        op.drop_index(f"ix_{table}_tenant", table)
    op.drop_column("authorization_requests", "client_id")
