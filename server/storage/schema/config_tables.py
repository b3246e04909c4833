"""The table of the gateway's configuration: one for the whole installation, not a tenant's."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from server.storage.schema.metadata import metadata

config_versions = Table(
    "config_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    #: JSON, checked before it was put here; it names secrets, and holds none
    Column("document", Text, nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
)
