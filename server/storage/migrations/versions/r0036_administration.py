"""Roles, invites and sessions of the administration; passkeys that open it.

Who was an administrator is an owner: of the default tenant over the gateway, of another one over that tenant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "admin_roles",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("subject_id", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("reaches_gateway", sa.Boolean, nullable=False),
        sa.Column("given_by", sa.Text, nullable=False),
        sa.Column("given_at", sa.BigInteger, nullable=False),
    )
    op.execute(
        sa.text(
            "INSERT INTO admin_roles (tenant_id, subject_id, role, reaches_gateway, given_by, given_at) "
            "SELECT tenant_id, subject_id, 'owner', tenant_id = 'default', '', created_at FROM subjects WHERE is_admin"
        )
    )
    op.drop_column("subjects", "is_admin")
    op.create_table(
        "admin_invites",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("subject_id", sa.String(64), primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "admin_sessions",
        sa.Column("session_hash", sa.String(64), primary_key=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("proven_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
        sa.Index("ix_admin_sessions_subject", "tenant_id", "subject_id"),
    )
    op.add_column("passkeys", sa.Column("counts", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("passkeys", "counts")
    op.drop_table("admin_sessions")
    op.drop_table("admin_invites")
    op.add_column("subjects", sa.Column("is_admin", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(
        sa.text(
            "UPDATE subjects SET is_admin = true WHERE EXISTS (SELECT 1 FROM admin_roles "
            "WHERE admin_roles.tenant_id = subjects.tenant_id AND admin_roles.subject_id = subjects.subject_id AND role = 'owner')"
        )
    )
    op.drop_table("admin_roles")
