"""Settings: where things are kept, and the key that seals secrets."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import Number, Secret, Text

_DRIVERS = ("sqlite+aiosqlite:///", "postgresql+psycopg://")


@dataclass(frozen=True, slots=True)
class DatabaseUrl(Secret):
    """The URL of a store, with its password in it; kept with the driver that we bring."""

    says: str = "`postgresql://user:password@host/name`"

    def checked(self, value: object) -> object:
        url = str(Secret.checked(self, value))
        scheme, separator, rest = url.partition("://")
        if separator and scheme in ("postgresql", "postgres"):
            return f"postgresql+psycopg://{rest}"
        if not url.startswith(_DRIVERS):
            raise ValueError(f"{scheme!r} is not a kind of store we know; give postgresql://user:password@host/name")
        return url


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
