"""Tables of durable work that are ours; the engine keeps runs and steps in tables of its own."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from server.storage.schema.metadata import metadata

#: Runs that are accepted and not yet with the engine: written in the transaction of whatever asks for them, drained after its commit.
workflow_outbox = Table(
    "workflow_outbox",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("workflow", String(64), primary_key=True),
    #: with the two before: the id of the run
    Column("key", String(200), primary_key=True),
    #: JSON object
    Column("given", Text, nullable=False),
    #: the subject and the scopes of its calls; empty: the gateway itself, which calls nothing
    Column("acts_for", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    #: manual, schedule, webhook, workflow
    Column("started_by", String(16), nullable=False),
    #: not before; null: at once
    Column("start_at", BigInteger),
    Column("created_at", BigInteger, nullable=False, index=True),
)
