"""Tables of the machines that administer. Of service principals the keys stand with their client."""

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, String, Table, Text

from server.storage.schema.metadata import metadata

service_principals = Table(
    "service_principals",
    metadata,
    Column("tenant_id", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    #: also the client_id
    Column("machine_id", String(64), nullable=False, unique=True),
    #: owner, operator or auditor
    Column("role", String(16), nullable=False),
    Column("reaches_gateway", Boolean, nullable=False),
    #: networks, with spaces; empty: from everywhere
    Column("cidrs", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "name"),
)

trust_policies = Table(
    "trust_policies",
    metadata,
    Column("tenant_id", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("machine_id", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("reaches_gateway", Boolean, nullable=False),
    Column("issuer", String(512), nullable=False, index=True),
    Column("jwks_uri", String(512), nullable=False),
    Column("audience", Text, nullable=False),
    #: JSON: claim -> its exact value
    Column("claims", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "name"),
)
