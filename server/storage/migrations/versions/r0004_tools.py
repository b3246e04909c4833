"""Tables of tools."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Filled by the schema of tools."""


def downgrade() -> None:
    """Nothing yet."""
