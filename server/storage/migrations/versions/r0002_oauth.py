"""Tables of oauth."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Filled by the schema of oauth."""


def downgrade() -> None:
    """Nothing yet."""
