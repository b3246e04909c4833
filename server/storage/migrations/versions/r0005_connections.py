"""Tables of connections."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Filled by the schema of connections."""


def downgrade() -> None:
    """Nothing yet."""
