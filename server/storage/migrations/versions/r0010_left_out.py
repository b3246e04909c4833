"""A person may leave scopes out of their consent: the grant and the memory of the consent say which."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("grants", sa.Column("left_out", sa.Text, nullable=False, server_default=""))
    op.add_column("consents", sa.Column("left_out", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("consents", "left_out")
    op.drop_column("grants", "left_out")
