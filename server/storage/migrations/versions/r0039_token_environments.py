"""Which environment a token is of."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

_TABLES = ("access_tokens", "refresh_tokens", "static_tokens")


def upgrade() -> None:
    # Tokens that are there are of the environment of their store. As a default it is said of all of them without writing any anew.
    stamped = op.get_bind().scalar(sa.text("SELECT value FROM store_facts WHERE name = 'environment'")) or ""
    for table in _TABLES:
        op.add_column(table, sa.Column("environment", sa.Text, nullable=False, server_default=stamped))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "environment")
