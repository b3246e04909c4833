"""Tables that every subject needs: what this store is, its tenants, and what changed."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from server.storage.schema.metadata import metadata

#: facts about the store itself: `environment`, signing and sealing keys of this installation
store_facts = Table(
    "store_facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("title", Text, nullable=False),
    #: JSON: sign-in policy, baseline scopes, confirmation policy
    Column("settings", Text, nullable=False, server_default="{}"),
    Column("created_at", BigInteger, nullable=False),
)

#: The change feed: written in the transaction that changes something, read by every process.
changes = Table(
    "changes",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    #: operations, tokens, tenants, connections
    Column("topic", String(32), nullable=False),
    #: empty where the change is shared by all tenants
    Column("tenant_id", String(64), nullable=False),
    Column("item", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False, index=True),
    #: PostgreSQL fills in the transaction that writes the row (see the revision that added it); SQLite has no use for it
    Column("transaction_id", BigInteger, nullable=False, server_default="0", index=True),
)

#: What one process does for all.
leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    #: 0: given back
    Column("until", BigInteger, nullable=False),
)
