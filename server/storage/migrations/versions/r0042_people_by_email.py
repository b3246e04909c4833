"""People are listed in the order of their addresses, a page at a time."""

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.create_index("ix_subjects_email", "subjects", ["tenant_id", "email", "subject_id"])


def downgrade() -> None:
    op.drop_index("ix_subjects_email", "subjects")
