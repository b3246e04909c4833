"""Documents with their chunks, and the revisions of each tenant's context."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "context_revisions",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("document_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ready_at", sa.BigInteger),
        sa.Column("chars", sa.BigInteger, nullable=False),
        sa.Column("pages", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("changed_in", sa.BigInteger),
        sa.Column("claim", sa.BigInteger),
        sa.Column("claimed_until", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.UniqueConstraint("tenant_id", "audience", "sha256", name="uq_documents_content"),
    )
    op.create_index("ix_documents_name", "documents", ["tenant_id", "audience", "name"])
    op.create_index("ix_documents_changed", "documents", ["tenant_id", "changed_in"])
    op.create_index("ix_documents_status", "documents", ["status", "created_at"])
    op.create_table(
        "document_contents",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("document_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "chunks",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("document_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("heading", sa.Text, nullable=False),
    )
    op.create_table(
        "documents_gone",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("document_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("gone_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_documents_gone_revision", "documents_gone", ["tenant_id", "revision"])


def downgrade() -> None:
    for table in ("documents_gone", "chunks", "document_contents", "documents", "context_revisions"):
        op.drop_table(table)
