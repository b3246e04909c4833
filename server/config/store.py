"""Settings: where things are kept, and the key that seals secrets."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import Count, Number, Secret, Text

_DRIVERS = ("sqlite+aiosqlite:///", "postgresql+psycopg://")


@dataclass(frozen=True, slots=True)
class DatabaseUrl(Secret):
    """The URL of a store, with its password in it; kept with the driver that we bring.

    Several hosts (`h1:5432,h2:5432`) are tried in their order until one takes writes (libpq, `target_session_attrs`).
    """

    says: str = "`postgresql://user:password@host/name`; several hosts with commas"

    def checked(self, value: object) -> object:
        url = str(Secret.checked(self, value))
        scheme, separator, rest = url.partition("://")
        if separator and scheme in ("postgresql", "postgres"):
            return f"postgresql+psycopg://{_of_several_hosts(rest)}"
        if not url.startswith(_DRIVERS):
            raise ValueError(f"{scheme!r} is not a kind of store we know; give postgresql://user:password@host/name")
        return url


def _of_several_hosts(url: str) -> str:
    """Return a URL that names several hosts as the driver takes it, and has it go to the one that takes writes."""
    authority, _slash, rest = url.partition("/")
    login, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return url
    each = [host.rpartition(":") if ":" in host.rpartition("]")[2] else (host, "", "5432") for host in hosts.split(",")]
    name, _mark, query = rest.partition("?")
    said = [part for part in query.split("&") if part]
    if not any(part.startswith("target_session_attrs=") for part in said):
        said.append("target_session_attrs=read-write")
    said += [f"host={','.join(host.strip('[]') for host, _colon, _port in each)}", f"port={','.join(port for _h, _c, port in each)}"]
    return f"{login}{at}/{name}?{'&'.join(said)}"


@dataclass(frozen=True, slots=True)
class RedisUrl(Secret):
    """The URL of a Redis, with its user and password in it."""

    says: str = "`redis://user:password@host:6379/0`, `rediss://` for TLS, `unix:///path`"

    def checked(self, value: object) -> object:
        url = str(Secret.checked(self, value))
        scheme, separator, rest = url.partition("://")
        if not separator or scheme not in ("redis", "rediss", "unix") or not rest:
            raise ValueError(f"{scheme[:20]!r} is no Redis; give redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path")
        return url


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """The database, whose it is, and the key over its secrets."""

    title: ClassVar[str] = "Where things are kept"

    database_url: str = setting(
        "ASCEND_DATABASE_URL",
        DatabaseUrl(),
        "",
        "a PostgreSQL (13 or newer), for several gateways on one store",
        unset="SQLite in the data directory",
    )
    database_pool_size: int = setting(
        "ASCEND_DATABASE_POOL_SIZE",
        Count(500),
        16,
        "connections to PostgreSQL that the requests of one process share; fourteen others are for transactions, snapshots and news",
        guide="operations.md#several-gateways-on-one-postgresql",
    )
    database_statement_timeout_s: float = setting(
        "ASCEND_DATABASE_STATEMENT_TIMEOUT_S",
        Number("seconds", may_be_zero=True),
        120.0,
        "how long one statement on PostgreSQL may take; 0: without end",
    )
    database_lock_timeout_s: float = setting(
        "ASCEND_DATABASE_LOCK_TIMEOUT_S",
        Number("seconds", may_be_zero=True),
        10.0,
        "how long a statement on PostgreSQL waits for others' locks; 0: without end",
    )
    database_idle_timeout_s: float = setting(
        "ASCEND_DATABASE_IDLE_TIMEOUT_S",
        Number("seconds", may_be_zero=True),
        300.0,
        "after what time without a statement PostgreSQL undoes an open transaction; 0: never",
    )
    history_url: str = setting(
        "ASCEND_HISTORY_URL",
        DatabaseUrl(),
        "",
        "another PostgreSQL for what has happened: calls and what sums them up",
        unset="`history.sqlite3` in the data directory, or the PostgreSQL of the store",
    )
    redis_url: str = setting(
        "ASCEND_REDIS_URL",
        RedisUrl(),
        "",
        "a Redis or Valkey (6.2 or newer), where several gateways share rate limits, kept answers and breakers",
        unset="each process has its own",
        guide="operations.md#redis",
    )
    backup_to: str = setting(
        "ASCEND_BACKUP_TO",
        Text("a folder, or `s3://bucket/prefix`"),
        "",
        "where `ascend backup create` puts backups; keys for a bucket as AWS's own clients read them",
        unset="`backups` in the data directory",
        guide="backups.md",
    )
    environment: str = setting(
        "ASCEND_ENV", Text(), "development", "which environment a store belongs to; another one's is refused (in the file: `environment`)"
    )
    quota_scale: float = setting(
        "ASCEND_QUOTA_SCALE",
        Number(),
        1.0,
        "multiplies every quota on what is kept for persons, clients and tenants",
        guide="operations.md#quotas",
    )
    vault_kek: str | None = setting(
        "ASCEND_VAULT_KEK",
        Secret("a key, or `command:…`"),
        None,
        "the key-encryption key, or a command that prints it",
        unset="a file beside the store",
        guide="connections.md#the-vault",
    )


def sqlite_url(path: Path) -> str:
    """Return the engine URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"
