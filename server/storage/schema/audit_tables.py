"""Tables of the audit trail (operations contract, "Tables")."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, text

from server.storage.schema.metadata import metadata

#: Who did what, each row sealed together with the one before it.
kv_audit = Table(
    "kv_audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, index=True),
    #: empty: the gateway as a whole
    Column("tenant_id", String(64), nullable=False),
    Column("actor", Text, nullable=False),
    Column("surface", String(16), nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    #: JSON: what was asked for, in short texts
    Column("details", Text, nullable=False),
    Column("trace_id", String(32), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_kv_audit_tenant", "tenant_id", "seq"),
    Index("ix_kv_audit_trace_id", "trace_id", sqlite_where=text("trace_id <> ''")),
)

#: One row: where the trail ends, and where it begins since its oldest rows were removed. Its writers wait for it.
audit_ends = Table(
    "audit_ends",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_hash", String(64), nullable=False),
    #: the last row that was removed; the trail goes on from its hash
    Column("swept_seq", BigInteger, nullable=False),
    Column("swept_hash", String(64), nullable=False),
)
