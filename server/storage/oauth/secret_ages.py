"""Since when secrets and keys have been what they are; nothing of what they are. Tables: vault_secrets, vault_keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select, true

from server.storage.database import Database
from server.storage.schema.connection_tables import vault_keys, vault_secrets

#: names of secrets that people put in and have to renew themselves (oauth/vault/named_secrets.py, identity_provider_secrets.py)
_PREFIXES = ("named/", "identity_provider/")


@dataclass(frozen=True, slots=True)
class SecretAge:
    """`since_us`: when the version in use was put in, microseconds since the epoch."""

    kind: Literal["secret", "data key"]
    tenant_id: str
    name: str
    since_us: int


class SqlSecretAges:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, tenant_id: str | None) -> Sequence[SecretAge]:
        """Return named secrets and active data keys of a tenant, or of all; those of connections renew themselves."""
        s, k = vault_secrets.c, vault_keys.c
        secrets = select(s.tenant_id, s.name, func.max(s.created_at).label("since")).group_by(s.tenant_id, s.name)
        named = s.name.startswith(_PREFIXES[0], autoescape=True) | s.name.startswith(_PREFIXES[1], autoescape=True)
        keys = select(k.tenant_id, k.dek_id, k.created_at).where(k.is_active == true())
        if tenant_id is not None:
            secrets, keys = secrets.where(s.tenant_id == tenant_id), keys.where(k.tenant_id == tenant_id)
        async with self._database.read() as connection:
            found = [
                SecretAge(kind="secret", tenant_id=row.tenant_id, name=row.name.removeprefix("named/"), since_us=row.since)
                for row in await connection.execute(secrets.where(named))
            ]
            return found + [
                SecretAge(kind="data key", tenant_id=row.tenant_id, name=row.dek_id, since_us=row.created_at)
                for row in await connection.execute(keys)
            ]
