"""Episodes are looked up by what their source calls them, and by when they occurred, whoever may see them."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.create_index("ix_episodes_source_id", "episodes", ["tenant_id", "source", "source_id"])
    op.create_index("ix_episodes_occurred_at", "episodes", ["tenant_id", "source", "occurred_at"])
