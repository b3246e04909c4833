"""The vault's store in memory: for tests. No await inside a method, so each is one step."""

from collections.abc import Sequence
from dataclasses import replace

from oauth.vault.checksum import Checksum, Entry, Marker
from oauth.vault.envelope import WrappedKey
from oauth.vault.errors import StaleKey
from oauth.vault.secrets import SealedSecret, SecretEvent


class MemorySecretStore:
    """Keeps `oauth.vault.secrets.SecretStore`."""

    def __init__(self) -> None:
        self._keys: dict[str, WrappedKey] = {}
        #: (tenant_id, name) -> versions, oldest first
        self._secrets: dict[tuple[str, str], list[SealedSecret]] = {}
        self._events: list[SecretEvent] = []

    async def keys(self, tenant_id: str | None = None) -> Sequence[WrappedKey]:
        return [key for key in self._keys.values() if tenant_id in (None, key.tenant_id)]

    async def add_key(self, key: WrappedKey) -> WrappedKey:
        for known in self._keys.values():
            if known.tenant_id == key.tenant_id and known.is_active:
                return known
        self._keys[key.dek_id] = key
        return key

    async def replace_active_key(self, key: WrappedKey) -> None:
        for known in [known for known in self._keys.values() if known.tenant_id == key.tenant_id]:
            self._keys[known.dek_id] = replace(known, is_active=False)
        self._keys[key.dek_id] = key

    async def rewrap(self, key: WrappedKey, former_kek_id: str) -> bool:
        known = self._keys.get(key.dek_id)
        if known is None or known.tenant_id != key.tenant_id or known.kek_id != former_kek_id:
            return False
        self._keys[key.dek_id] = replace(known, kek_id=key.kek_id, wrapped=key.wrapped)
        return True

    async def remove_unused_keys(self, tenant_id: str) -> int:
        used = {secret.dek_id for versions in self._secrets.values() for secret in versions}
        unused = [key.dek_id for key in self._keys.values() if key.tenant_id == tenant_id and not key.is_active and key.dek_id not in used]
        for dek_id in unused:
            del self._keys[dek_id]
        return len(unused)

    async def put(self, secret: SealedSecret, *, keep_versions: int, event: SecretEvent) -> bool:
        versions = self._secrets.get((secret.tenant_id, secret.name), [])
        if (versions[-1].version if versions else 0) + 1 != secret.version:
            return False
        self.write(secret, keep_versions, event)
        return True

    async def reseal(self, secret: SealedSecret, former_dek_id: str) -> bool:
        self._must_be_active(secret)
        versions = self._secrets.get((secret.tenant_id, secret.name), [])
        for place, known in enumerate(versions):
            if (known.version, known.dek_id) == (secret.version, former_dek_id):
                versions[place] = secret
                return True
        return False

    async def newest(self, tenant_id: str, name: str) -> SealedSecret | None:
        versions = self._secrets.get((tenant_id, name))
        return versions[-1] if versions else None

    async def sealed_with(self, tenant_id: str, dek_id: str, limit: int) -> Sequence[SealedSecret]:
        mine = [secret for (owner, _), versions in self._secrets.items() if owner == tenant_id for secret in versions]
        return [secret for secret in mine if secret.dek_id == dek_id][:limit]

    async def inventory(self, tenant_id: str) -> tuple[Checksum | None, Sequence[Entry]]:
        return None, ()

    async def remark(self, tenant_id: str, marker: Marker, *, afresh: bool = False) -> None:
        """Nothing: nobody else can write to this process's memory, so there are no marks."""

    async def delete(self, tenant_id: str, name: str, event: SecretEvent, marker: Marker | None = None) -> None:
        self._events.append(event)
        self._secrets.pop((tenant_id, name), None)

    async def record(self, event: SecretEvent) -> None:
        self._events.append(event)

    async def events(self, tenant_id: str, limit: int) -> Sequence[SecretEvent]:
        return [event for event in reversed(self._events) if event.tenant_id == tenant_id][:limit]

    async def sweep_events(self, actor: str, before: float) -> int:
        kept = [event for event in self._events if event.actor != actor or event.at >= before]
        self._events, gone = kept, len(self._events) - len(kept)
        return gone

    def write(self, secret: SealedSecret, keep_versions: int, event: SecretEvent | None) -> None:
        """Add a version, whatever was there."""
        self._must_be_active(secret)
        self._events += [event] if event else []
        versions = self._secrets.setdefault((secret.tenant_id, secret.name), [])
        versions.append(secret)
        del versions[:-keep_versions]

    def version(self, tenant_id: str, name: str, version: int) -> SealedSecret | None:
        """Return one version."""
        return next((secret for secret in self._secrets.get((tenant_id, name), []) if secret.version == version), None)

    def _must_be_active(self, secret: SealedSecret) -> None:
        key = self._keys.get(secret.dek_id)
        if key is None or not key.is_active or key.tenant_id != secret.tenant_id:
            raise StaleKey(secret.dek_id)
