"""Tables of the AI gateway's configuration: one for the whole installation, not a tenant's."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from server.storage.schema.metadata import metadata

ai_configs = Table(
    "ai_configs",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    #: JSON, checked before it was put here; it holds no secret
    Column("document", Text, nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
)

#: How far each rollout is.
ai_rollout_steps = Table(
    "ai_rollout_steps",
    metadata,
    Column("name", String(200), primary_key=True),
    #: JSON of what it is a rollout of
    Column("rollout_of", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("reached_at", BigInteger, nullable=False),
)

ai_experiment_holds = Table(
    "ai_experiment_holds",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("why", Text, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("held_at", BigInteger, nullable=False),
)
