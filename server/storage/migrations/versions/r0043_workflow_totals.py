"""How many bytes runs of workflows have on record."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.create_table(
        "workflow_totals",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("acts_for", sa.Text, primary_key=True),
        sa.Column("kept_bytes", sa.BigInteger, nullable=False),
    )
    size = "length(CAST({} AS BLOB))" if op.get_bind().dialect.name == "sqlite" else "octet_length({})"
    given, result, step, signal = (size.format(column) for column in ("r.given", "r.result", "s.result", "s.value"))
    its_run = "JOIN workflow_runs r ON r.tenant_id = s.tenant_id AND r.run_id = s.run_id"
    op.execute(
        f"""
        INSERT INTO workflow_totals (tenant_id, acts_for, kept_bytes)
        SELECT tenant_id, acts_for, sum(size) FROM (
            SELECT r.tenant_id, r.acts_for, {given} + coalesce({result}, 0) AS size FROM workflow_runs r
            UNION ALL SELECT r.tenant_id, r.acts_for, coalesce({step}, 0) FROM workflow_steps s {its_run}
            UNION ALL SELECT r.tenant_id, r.acts_for, {signal} FROM workflow_signals s {its_run}
        ) AS kept GROUP BY tenant_id, acts_for
        """  # noqa: S608  of constants
    )


def downgrade() -> None:
    op.drop_table("workflow_totals")
