"""Tables of documents: what was uploaded, its text, where its passages begin and end, and what waits to be read."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from server.storage.schema.metadata import metadata

documents = Table(
    "documents",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    #: ends in sixteen zero bits: its chunks have the numbers after it
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    #: empty: everybody of the tenant
    Column("audience", Text, nullable=False),
    #: who uploaded it: whose share of the quota it takes
    Column("added_by", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    #: queued, parsing, ready, failed
    Column("status", String(16), nullable=False),
    #: JSON {code, message, hint}
    Column("error", Text),
    #: offsets of chunks and quotes count its characters
    Column("text", Text),
    Column("metadata", JSON, nullable=False),
    Column("url", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ready_at", BigInteger),
    Column("chars", BigInteger, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    #: JSON list of texts
    Column("notes", Text, nullable=False),
    #: the tenant's revision in which it became searchable
    Column("changed_in", BigInteger),
    #: of the process that reads it, and until when it is believed to live
    Column("claim", BigInteger),
    Column("claimed_until", BigInteger),
    Column("attempts", Integer, nullable=False),
    UniqueConstraint("tenant_id", "audience", "sha256", name="uq_documents_content"),
    Index("ix_documents_name", "tenant_id", "audience", "name"),
    Index("ix_documents_changed", "tenant_id", "changed_in"),
    Index("ix_documents_status", "status", "created_at"),
)

#: The bytes as they came, until they are read.
document_contents = Table(
    "document_contents",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

#: A quote is the slice of the document's text; `n` counts from 1.
chunks = Table(
    "chunks",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("heading", Text, nullable=False),
)

#: Documents that indexes elsewhere may still have: numbers, and no word of theirs.
documents_gone = Table(
    "documents_gone",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("chunks", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("gone_at", BigInteger, nullable=False),
    Index("ix_documents_gone_revision", "tenant_id", "revision"),
)
