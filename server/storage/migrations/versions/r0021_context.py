"""The context plane: what was said, whom it is about, and what is believed because of it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "context_totals",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.BigInteger, nullable=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
        sa.Column("entities", sa.BigInteger, nullable=False),
        sa.Column("content_bytes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "episodes",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("episode_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("uq_episodes_source", "episodes", ["tenant_id", "audience", "source", "source_id", "content_hash"], unique=True)
    op.create_table(
        "entities",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("entity_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("normal_name", sa.Text, nullable=False),
        sa.Column("merged_into", sa.BigInteger),
    )
    op.create_index("ix_entities_name", "entities", ["tenant_id", "normal_name", "kind"])
    op.create_index("ix_entities_merged_into", "entities", ["tenant_id", "merged_into"], sqlite_where=sa.text("merged_into IS NOT NULL"))
    op.create_table(
        "entity_keys",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("key_kind", sa.String(64), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("entity_id", sa.BigInteger, primary_key=True, autoincrement=False),
    )
    op.create_index("ix_entity_keys_entity", "entity_keys", ["tenant_id", "entity_id"])
    op.create_table(
        "entity_links",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("entity_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("linked_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("into_id", sa.BigInteger, nullable=False),
        sa.Column("linked_by", sa.Text, nullable=False),
        sa.Column("unlinked_at", sa.BigInteger),
    )
    op.create_index("ix_entity_links_into", "entity_links", ["tenant_id", "into_id"])
    op.create_table(
        "claims",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("claim_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("episode_id", sa.BigInteger, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("predicate", sa.Text, nullable=False),
        sa.Column("object_id", sa.BigInteger),
        sa.Column("value", sa.Text),
        sa.Column("said", sa.BigInteger, nullable=False),
        sa.Column("valid_from", sa.BigInteger),
        sa.Column("valid_to", sa.BigInteger),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger),
        sa.Column("start", sa.BigInteger),
        sa.Column("end", sa.BigInteger),
    )
    op.create_index("ix_claims_group", "claims", ["tenant_id", "subject_id", "predicate", "said"])
    op.create_index("ix_claims_episode", "claims", ["tenant_id", "episode_id"])
    op.create_index("ix_claims_object", "claims", ["tenant_id", "object_id"], sqlite_where=sa.text("object_id IS NOT NULL"))
    op.create_table(
        "facts",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("fact_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("predicate", sa.Text, nullable=False),
        sa.Column("object_id", sa.BigInteger),
        sa.Column("value", sa.Text),
        sa.Column("said", sa.BigInteger, nullable=False),
        sa.Column("valid_from", sa.BigInteger),
        sa.Column("valid_to", sa.BigInteger),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("retired_at", sa.BigInteger),
        sa.Column("claim_ids", sa.Text, nullable=False),
        sa.Column("changed_in", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_facts_group", "facts", ["tenant_id", "subject_id", "predicate", "said"])
    op.create_index("ix_facts_changed_in", "facts", ["tenant_id", "changed_in"])
    op.create_table(
        "fact_tombstones",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("fact_id", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "predicates",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("cardinality", sa.String(16), nullable=False),
    )
    op.create_table(
        "signal_evaluations",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("evaluation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("rule_version", sa.Text, nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("fact_ids", sa.Text, nullable=False),
        sa.Column("evaluated_at", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
    )
    op.create_index("ix_signal_evaluations_subject", "signal_evaluations", ["tenant_id", "subject_id", "signal"])


def downgrade() -> None:
    for name in (
        "signal_evaluations",
        "predicates",
        "fact_tombstones",
        "facts",
        "claims",
        "entity_links",
        "entity_keys",
        "entities",
        "episodes",
        "context_totals",
    ):
        op.drop_table(name)
