"""Tables of subjects, their browser sessions, passkeys and identity providers."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, String, Table, Text, false, text

from server.storage.schema.metadata import metadata

subjects = Table(
    "subjects",
    metadata,
    Column("tenant_id", String(64), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("email", String(254), nullable=False),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("disabled", Boolean, nullable=False),
    #: JSON list of scopes; NULL: all
    Column("allowed_scopes", Text),
    #: slug of the identity provider that vouches; empty: signs in here
    Column("identity_provider", String(64), nullable=False, server_default=""),
    #: Argon2id in PHC form; NULL: no password
    Column("password_hash", Text),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "subject_id"),
    Index("ix_subjects_email", "tenant_id", "email", "subject_id"),
)
# Only local subjects are found by their e-mail, so only among them it must name one.
Index(
    "uq_subjects_local_email",
    subjects.c.tenant_id,
    subjects.c.email,
    unique=True,
    # For SQLite alone, as everywhere here: to name PostgreSQL's would load that dialect, too. Its index is made by the migration.
    sqlite_where=text("identity_provider = ''"),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("session_hash", String(64), nullable=False),
    Column("tenant_id", String(64), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("browser_hash", String(64), nullable=False),
    Column("binding", String(64), nullable=False),
    #: space separated, in the order they were used
    Column("methods", Text, nullable=False),
    Column("authenticated_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("session_hash", "tenant_id"),
    Index("ix_browser_sessions_subject", "tenant_id", "subject_id"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("aaguid", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    #: it opens the administration: enrolled from an invite, never from a session that a password may have begun
    Column("counts", Boolean, nullable=False, server_default=false()),
    Index("ix_passkeys_subject", "tenant_id", "subject_id"),
)

passkey_challenges = Table(
    "passkey_challenges",
    metadata,
    Column("challenge_hash", String(64), primary_key=True),
    Column("browser_hash", String(64), nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

identity_providers = Table(
    "identity_providers",
    metadata,
    Column("tenant_id", String(64), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    #: JSON: client authentication, scopes, algorithms, admitted domains; the client secret is in the vault
    Column("settings", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant_id", "slug"),
)

identity_links = Table(
    "identity_links",
    metadata,
    Column("tenant_id", String(64), nullable=False),
    Column("issuer", String(512), nullable=False),
    Column("external_sub", String(255), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("linked_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "issuer", "external_sub"),
)

federated_sign_ins = Table(
    "federated_sign_ins",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("browser_hash", String(64), nullable=False, index=True),
    Column("tenant_id", String(64), nullable=False),
    Column("slug", String(64), nullable=False),
    Column("nonce", Text, nullable=False),
    Column("code_verifier", Text, nullable=False),
    #: JSON: fields of the sign-in page
    Column("onward", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
