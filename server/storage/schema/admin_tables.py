"""Tables of the administration: who has which role, how they come in, where they are signed in."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from server.storage.schema.metadata import metadata

#: The one truth of who administers; the row goes with the role.
admin_roles = Table(
    "admin_roles",
    metadata,
    Column("tenant_id", String(64), nullable=False),
    Column("subject_id", String(64), nullable=False),
    #: owner, operator or auditor
    Column("role", String(16), nullable=False),
    Column("reaches_gateway", Boolean, nullable=False),
    Column("given_by", Text, nullable=False),
    Column("given_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "subject_id"),
)

#: One a person: a new one ends the one before.
admin_invites = Table(
    "admin_invites",
    metadata,
    Column("tenant_id", String(64), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("made_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("tenant_id", "subject_id"),
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("session_hash", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject_id", String(64), nullable=False),
    #: the passkey that opened it, or proved last who is there; the session ends with it
    Column("credential_id", LargeBinary, nullable=False),
    #: or the identity provider that did; "": a passkey
    Column("identity_provider", String(64), nullable=False, server_default=""),
    Column("browser_hash", String(64), nullable=False),
    Column("proven_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Index("ix_admin_sessions_subject", "tenant_id", "subject_id"),
)

#: Figures for whoever has the link, without a session; only the SHA-256 of its token is kept.
share_links = Table(
    "share_links",
    metadata,
    Column("link_id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    #: whose figures; empty: of all tenants
    Column("tenant_id", String(64), nullable=False, index=True),
    Column("title", Text, nullable=False),
    #: names of metrics, parted by blanks
    Column("metrics", Text, nullable=False),
    #: how long before now they begin, as addresses say it
    Column("range", String(16), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
