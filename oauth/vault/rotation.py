"""Rotate the keys of the vault while it is in use: the key-encryption key, and the data key of each tenant.

Every step is one transaction and may be the last before a crash: what was begun is finished by the next run, and until then
both keys open what they sealed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from oauth.vault.envelope import WrappedKey
from oauth.vault.errors import StaleKey
from oauth.vault.key_source import KeySource
from oauth.vault.secrets import SealedSecret, SecretAction, SecretEvent, SecretStore
from oauth.vault.vault import Vault, VaultCaller

BATCH = 100


@dataclass(frozen=True, slots=True)
class KekRotation:
    """`made`: a new key was put in front; False where the keys come from outside. `rewrapped`: data keys under the newest one now."""

    made: bool
    rewrapped: int
    dropped: int


class Rotation:
    """Needs the vault open; other processes go on working and take over new keys when they meet them."""

    def __init__(self, vault: Vault, store: SecretStore, source: KeySource, clock: Callable[[], float] = time.time) -> None:
        self._vault, self._store, self._source, self._clock = vault, store, source, clock

    async def rotate_kek(self) -> KekRotation:
        """Wrap every data key under a new key-encryption key; no secret is rewritten.

        The key before stays at hand until the next rotation: a process that has not heard of the new one may have made a
        tenant's data key under it a moment ago.
        """
        rewrapped = await self._rewrap_all()  # finish what an interrupted run left
        used = {key.kek_id for key in await self._store.keys()}
        unused = frozenset(key.key_id for key in self._source.read()[1:]) - used
        # Destroyed only now, when nothing in the store needs it: before that, what it wrapped would be lost.
        self._source.drop(unused)
        made = self._source.rotate()
        if made:
            rewrapped = await self._rewrap_all()
        await self._record("", "kek_rotated", f"{rewrapped} data keys")
        return KekRotation(made, rewrapped, len(unused))

    async def rotate_dek(self, tenant_id: str, progress: Callable[[int, int | None], None] | None = None) -> int:
        """Seal the tenant's secrets anew under a new data key; return how many. Versions stay as they are.

        `progress` hears (done, None) after each batch: how many there are is never counted.
        """
        keys = await self._store.keys(tenant_id)
        if not keys:
            return 0
        # decision 0017: first, or the rotation would seal anew whatever somebody had put back.
        await self._vault.give_first_mark(tenant_id)  # under the key of before
        await self._store.replace_active_key(await self._vault.new_data_key(tenant_id))
        await self._vault.reread_keys(tenant_id)
        done = 0
        for former in [key for key in await self._store.keys(tenant_id) if not key.is_active]:
            while batch := await self._store.sealed_with(tenant_id, former.dek_id, BATCH):
                for secret in batch:
                    done += await self._reseal(secret)
                if progress is not None:
                    progress(done, None)
        await self._vault.retried(tenant_id, lambda: self._store.remark(tenant_id, self._vault))
        # In one step with the question whether they are unused: another process may seal with one in between.
        await self._store.remove_unused_keys(tenant_id)
        await self._record(tenant_id, "dek_rotated", f"{done} secrets")
        return done

    async def _reseal(self, secret: SealedSecret) -> bool:
        caller = VaultCaller(secret.tenant_id, "rotation", "rotate")
        plaintext = await self._vault.open_sealed(caller, secret)
        while True:
            anew = await self._vault.seal(caller, secret.name, secret.version, plaintext)
            try:
                # False: a new version has taken its place, sealed with the new key or about to be met in the next batch.
                # The version stays, and with it the place in the seal: an older text cannot come back as this one.
                return await self._store.reseal(anew, secret.dek_id)
            except StaleKey:  # another rotation is under way as well
                await self._vault.reread_keys(secret.tenant_id)

    async def _rewrap_all(self) -> int:
        done = 0
        newest = self._source.read()[0].key_id
        while waiting := [key for key in await self._store.keys() if key.kek_id != newest]:
            for key in waiting:
                done += await self._rewrap(key)
        return done

    async def _rewrap(self, key: WrappedKey) -> bool:
        return await self._store.rewrap(self._vault.rewrapped(key), key.kek_id)

    async def _record(self, tenant_id: str, action: SecretAction, purpose: str) -> None:
        await self._store.record(SecretEvent(self._clock(), tenant_id, "operator", action, "*", 0, purpose))

    async def tenants(self) -> list[str]:
        """Return the tenants that have a data key."""
        return sorted({key.tenant_id for key in await self._store.keys()})
