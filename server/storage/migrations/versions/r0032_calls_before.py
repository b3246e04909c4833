"""Calls have a history of their own, which takes over what stands here."""

from alembic import op

revision = "0032"
down_revision = "0031"


def _rename(old: str, new: str) -> None:
    op.drop_index(f"ix_{old}_tenant_time", old)
    op.rename_table(old, new)
    if op.get_bind().dialect.name == "postgresql":
        # Names of constraints and sequences are the schema's, and the history's table needs them.
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")
        op.execute(f"ALTER SEQUENCE IF EXISTS {old}_seq_seq RENAME TO {new}_seq_seq")
    op.create_index(f"ix_{new}_tenant_time", new, ["tenant", "time"])


def upgrade() -> None:
    _rename("call_records", "call_records_before")


def downgrade() -> None:
    _rename("call_records_before", "call_records")
