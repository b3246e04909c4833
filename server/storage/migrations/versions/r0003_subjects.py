"""Tables of subjects."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Filled by the schema of subjects."""


def downgrade() -> None:
    """Nothing yet."""
