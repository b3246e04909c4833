"""The table of workflows that tenants define."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from server.storage.schema.metadata import metadata

#: Every version, since a run ends with the one that it began with.
workflow_definitions = Table(
    "workflow_definitions",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    #: JSON, as it was checked
    Column("source", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    #: JSON: steps that were agreed to with the digest of what they do, expressions that may find nothing
    Column("agreed", Text, nullable=False),
    Column("listed", Text, nullable=False),
    Column("accepted_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
