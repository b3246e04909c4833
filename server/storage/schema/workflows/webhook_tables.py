"""Tables of webhooks: who may send, and what came."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from server.storage.schema.metadata import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("scheme", String(16), nullable=False),
    #: names in the vault, parted by spaces
    Column("secrets", Text, nullable=False),
    Column("workflow", String(64), nullable=False),
    #: whom its runs act for, and within which scopes; empty: they call nothing
    Column("acts_for", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    #: JSON of what the scheme `hmac` is told; null for another
    Column("particulars", Text),
    Column("body_kept_days", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

#: What came, each event once.
webhook_inbox = Table(
    "webhook_inbox",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("delivery_id", String(32), primary_key=True),
    Column("source", String(64), nullable=False),
    #: as its sender calls it
    Column("event_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event_mark", String(64), nullable=False),
    #: null where the id is under the signature
    Column("content_mark", String(64)),
    #: whom the run acts for that it starts, now and when it is replayed
    Column("workflow", String(64), nullable=False),
    Column("acts_for", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("replays", Integer, nullable=False),
    Column("media_type", String(100), nullable=False),
    #: null when its time is over
    Column("body", LargeBinary),
    Column("body_bytes", Integer, nullable=False),
    Column("body_until", BigInteger, nullable=False),
    UniqueConstraint("tenant_id", "source", "event_mark", name="uq_webhook_inbox_event"),
    UniqueConstraint("tenant_id", "source", "content_mark", name="uq_webhook_inbox_content"),
    Index("ix_webhook_inbox_received", "tenant_id", "received_at"),
    # How much of a tenant is kept is read from here alone, with each delivery.
    Index("ix_webhook_inbox_kept", "tenant_id", "body_bytes"),
    Index("ix_webhook_inbox_until", "body_until"),
)

#: What was signed without a time, for longer than the inbox remembers it: a copy of it counts no second time.
webhook_seen = Table(
    "webhook_seen",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("source", String(64), primary_key=True),
    #: SHA-256 of what was signed
    Column("mark", String(64), primary_key=True),
    #: what it was when it came first
    Column("delivery_id", String(32), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_webhook_seen_age", "tenant_id", "source", "received_at"),
)
