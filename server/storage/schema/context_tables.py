"""Tables of the context plane."""

from sqlalchemy import BigInteger, Column, String, Table

from server.storage.schema.metadata import metadata

#: How often a tenant's context has changed; the row is what its writers wait for (docs/decisions/0045).
context_revisions = Table(
    "context_revisions",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
