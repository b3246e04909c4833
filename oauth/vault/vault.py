"""The vault: the only code that opens secrets. Every reveal is audited first; no method goes without a caller."""

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from oauth.errors import SealBroken
from oauth.sealing import KEY_BYTES
from oauth.vault.checksum import Checksum, Entry, Sum
from oauth.vault.envelope import Key, WrappedKey, seal, unseal, unwrap, wrap
from oauth.vault.errors import KeyUnavailable, StaleKey
from oauth.vault.key_source import KeySource
from oauth.vault.secrets import SealedSecret, SecretAction, SecretEvent, SecretStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VaultCaller:
    """Who asks for a secret of `tenant_id`, and what for: both go into the audit. `actor` is a subject, "refresher" or "operator"."""

    tenant_id: str
    actor: str
    purpose: str


class Vault:
    """Seals and opens the secrets of all tenants of one environment."""

    def __init__(
        self, store: SecretStore, source: KeySource, environment: str, clock: Callable[[], float] = time.time, keep_versions: int = 1
    ) -> None:
        self._store, self._source = store, source
        self._environment, self._clock, self._keep_versions = environment, clock, keep_versions
        self._keks: dict[str, Key] = {}
        #: dek_id -> (tenant_id, data key)
        self._deks: dict[str, tuple[str, Key]] = {}
        #: tenant_id -> dek_id that seals
        self._active: dict[str, str] = {}
        #: (tenant_id, dek_id) that marks name: not at hand yet, and not in the store either
        self._wanted: set[tuple[str, str]] = set()
        self._lost: set[tuple[str, str]] = set()

    async def open(self) -> None:
        """Read the keys. Raises KeyUnavailable with a wrong key-encryption key: better not to start than to refuse every call."""
        self._read_keks()
        for wrapped in await self._store.keys():
            self._learn(wrapped)

    async def seal(self, caller: VaultCaller, name: str, version: int, plaintext: bytes) -> SealedSecret:
        """Return `plaintext` sealed as one version of `name`; the caller stores it, in one transaction with what it belongs to."""
        dek = await self._sealing_key(caller.tenant_id)
        # RFC 5116 §2.1: bound to tenant, name and version, or one row could be put in the place of another.
        sealed = seal(dek, plaintext, self._place(caller.tenant_id, name, version))
        return SealedSecret(caller.tenant_id, name, version, dek.key_id, sealed, self)

    async def put(self, caller: VaultCaller, name: str, plaintext: bytes) -> int:
        """Keep `plaintext` as the newest version of `name`; return the version."""
        while True:
            newest = await self._store.newest(caller.tenant_id, name)
            secret = await self.seal(caller, name, newest.version + 1 if newest else 1, plaintext)
            event = self._event(caller, "sealed", name, secret.version)
            try:
                # False: another writer has this version; sealing again for the next one binds the seal to the right place.
                if await self._store.put(secret, keep_versions=self._keep_versions, event=event):
                    return secret.version
            except StaleKey:
                await self.reread_keys(caller.tenant_id)

    async def once(self, caller: VaultCaller, name: str, make: Callable[[], bytes]) -> bytes:
        """Return what `name` holds; the first of all processes to ask keeps what it makes, and all agree on that. Raises SealBroken."""
        # The store keeps one first version; whoever loses takes the winner's, or two nodes would have two keys.
        while (found := await self.reveal(caller, name)) is None:
            secret = await self.seal(caller, name, 1, make())
            try:
                await self._store.put(secret, keep_versions=self._keep_versions, event=self._event(caller, "sealed", name, 1))
            except StaleKey:
                await self.reread_keys(caller.tenant_id)
        return found

    async def reveal(self, caller: VaultCaller, name: str) -> bytes | None:
        """Return the newest version of `name`, after its audit record is on disk. Raises SealBroken."""
        newest = await self._store.newest(caller.tenant_id, name)
        if newest is None:
            return None
        # On disk before it is opened: a reveal that leaves no trace must not be possible, also not by a crash.
        await self.audit(caller, newest)
        return await self.open_sealed(caller, newest)

    async def lend(self, caller: VaultCaller, name: str) -> SealedSecret | None:
        """Return the newest version of `name`, still sealed, after its audit record is on disk: for whoever opens it many times."""
        newest = await self._store.newest(caller.tenant_id, name)
        if newest is not None:
            await self.audit(caller, newest)
        return newest

    async def audit(self, caller: VaultCaller, secret: SealedSecret) -> None:
        """Record that `caller` is about to see `secret`; whoever keeps a sealed secret at hand calls this once, before its first use."""
        await self._store.record(self._event(caller, "revealed", secret.name, secret.version))

    async def note_refused(self, caller: VaultCaller, name: str, version: int) -> None:
        """Record that a secret is of no use any more, for the reason that is the caller's purpose."""
        await self._store.record(self._event(caller, "refused", name, version))

    async def open_sealed(self, caller: VaultCaller, secret: SealedSecret) -> bytes:
        """Open a sealed secret that was audited already. Raises SealBroken."""
        if secret.dek_id not in self._deks:
            await self.reread_keys(caller.tenant_id)
        return self.open_now(caller, secret)

    def open_now(self, caller: VaultCaller, secret: SealedSecret) -> bytes:
        """Open with the keys at hand: memory only. Raises SealBroken, for another tenant's secret too."""
        owner, dek = self._deks.get(secret.dek_id, ("", None))
        # Three times the tenant: the row's, the key's and the caller's. One of them may come from a forged row.
        if dek is None or owner != caller.tenant_id or secret.tenant_id != caller.tenant_id:
            raise SealBroken(f"no data key of tenant {caller.tenant_id!r} opens {secret.name!r}")
        return unseal(dek, secret.sealed, self._place(secret.tenant_id, secret.name, secret.version))

    async def delete(self, caller: VaultCaller, name: str) -> None:
        """Remove every version of `name`."""
        event = self._event(caller, "deleted", name, 0)
        await self.retried(caller.tenant_id, lambda: self._store.delete(caller.tenant_id, name, event, self))

    async def retried(self, tenant_id: str, write: Callable[[], Awaitable[T]]) -> T:
        """Return what `write` does with the data keys of the moment, however often they are rotated meanwhile."""
        while True:
            try:
                return await write()
            except StaleKey:
                await self.reread_keys(tenant_id)
                await self._sealing_key(tenant_id)

    async def has_rolled_back(self, tenant_id: str) -> bool:
        """Say whether the tenant's secrets are other ones than those it was left with: rows put back, taken out, or a mark lost.

        A tenant that was kept since before there were marks gets its first one.
        """
        mark, entries = await self._store.inventory(tenant_id)
        if tenant_id not in self._active or (mark is not None and mark.dek_id not in self._deks):
            await self.reread_keys(tenant_id)
        if mark is None:
            active = self._deks.get(self._active.get(tenant_id, ""))
            # decision 0017: a tenant without secrets has nothing that could have been put back.
            if not entries or active is None:
                return False
            # decision 0017: the data key says under its own seal whether there has to be a mark.
            if not active[1].is_marked:  # kept since before there were marks: it gets its first one
                await self.retried(tenant_id, lambda: self._store.remark(tenant_id, self))
            return active[1].is_marked
        found = self._sum(mark)
        # decision 0017: a mark that does not open is as good as a wrong one.
        return found is None or not found.agrees(entries)

    async def give_first_mark(self, tenant_id: str) -> None:
        """Give a tenant that was kept since before there were marks its first one; any other stays as it is."""
        await self.has_rolled_back(tenant_id)

    async def rolled_back(self) -> list[str]:
        """Return the tenants of which `has_rolled_back` is true."""
        tenant_ids = sorted({key.tenant_id for key in await self._store.keys()})
        return [tenant_id for tenant_id in tenant_ids if await self.has_rolled_back(tenant_id)]

    async def accept(self, caller: VaultCaller) -> None:
        """Take the tenant's secrets as they are now for the right ones, after a restored backup."""
        # The record first: who takes a rolled-back state for right has said so.
        await self._store.record(self._event(caller, "accepted", "*", 0))
        await self.reread_keys(caller.tenant_id)
        await self.retried(caller.tenant_id, lambda: self._store.remark(caller.tenant_id, self, afresh=True))

    def marked(
        self, tenant_id: str, former: Checksum | None, came: Sequence[Entry], gone: Sequence[Entry], *, is_first: bool = False
    ) -> Checksum | None:
        """Keeps `oauth.vault.checksum.Marker`."""
        dek_id = self._active.get(tenant_id)
        if dek_id is None:
            raise StaleKey(tenant_id)
        if former is not None and former.dek_id not in self._deks and (tenant_id, former.dek_id) not in self._lost:
            self._wanted.add((tenant_id, former.dek_id))
            raise StaleKey(tenant_id)
        # decision 0017: a mark that is missing is not made anew in passing, or deleting it would repair everything.
        if former is None and not is_first and self._deks[dek_id][1].is_marked:
            return None
        found = Sum.of(came) if former is None else self._sum(former)
        if found is None:
            return None
        changed = found if former is None else found.changed(came, gone)
        return Checksum(tenant_id, dek_id, seal(self._deks[dek_id][1], changed.to_bytes(), self._mark_place(tenant_id)))

    def _sum(self, mark: Checksum) -> Sum | None:
        owner, dek = self._deks.get(mark.dek_id, ("", None))
        # Another tenant's mark, copied here, is none.
        if dek is None or owner != mark.tenant_id:
            return None
        try:
            return Sum.from_bytes(unseal(dek, mark.sealed, self._mark_place(mark.tenant_id)))
        except SealBroken:
            return None

    def _mark_place(self, tenant_id: str) -> tuple[str | int, ...]:
        return ("mark", self._environment, tenant_id)

    async def reread_keys(self, tenant_id: str) -> None:
        """Learn of keys that another process made or rotated."""
        self._read_keks()
        # Taken before the store is asked: a key is there before any mark names it, so one that is missing now is no key at all.
        wanted = {each for each in self._wanted if each[0] == tenant_id}
        keys = await self._store.keys(tenant_id)
        for wrapped in keys:
            self._learn(wrapped)
        self._wanted -= wanted
        self._lost |= {each for each in wanted if each[1] not in self._deks}
        if not any(wrapped.is_active for wrapped in keys):
            self._active.pop(tenant_id, None)

    async def new_data_key(self, tenant_id: str) -> WrappedKey:
        """Return a new data key for the tenant, wrapped under what is the newest KEK now; the caller stores it."""
        self._read_keks()
        # NIST SP 800-38D §8.3 counts by key: one for each tenant, which opens that tenant's secrets and nobody else's.
        dek = Key(secrets.token_hex(8), secrets.token_bytes(KEY_BYTES), is_marked=True)
        return wrap(self._newest_kek(), dek, self._environment, tenant_id)

    def rewrapped(self, wrapped: WrappedKey) -> WrappedKey:
        """Return the same data key under what is the newest KEK now. Raises SealBroken, KeyUnavailable."""
        self._read_keks()
        dek = unwrap(self._kek(wrapped.kek_id), wrapped, self._environment)
        return wrap(self._newest_kek(), dek, self._environment, wrapped.tenant_id, is_active=wrapped.is_active)

    def _learn(self, wrapped: WrappedKey) -> None:
        try:
            dek = unwrap(self._kek(wrapped.kek_id), wrapped, self._environment)
        except SealBroken:
            raise KeyUnavailable(
                f"the data key {wrapped.dek_id} does not open: the key-encryption key or the environment name "
                f"({self._environment!r}) is not the one it was made with; restore that key, or set ASCEND_ENV"
            ) from None
        self._deks[wrapped.dek_id] = (wrapped.tenant_id, dek)
        if wrapped.is_active:
            self._active[wrapped.tenant_id] = wrapped.dek_id

    async def _sealing_key(self, tenant_id: str) -> Key:
        if tenant_id not in self._active:
            self._learn(await self._store.add_key(await self.new_data_key(tenant_id)))
        return self._deks[self._active[tenant_id]][1]

    def _kek(self, kek_id: str) -> Key:
        if kek_id not in self._keks:
            self._read_keks()
        if kek_id not in self._keks:
            # Better not to start than to make a second key and seal beside secrets that nobody opens any more.
            raise KeyUnavailable(f"the store's secrets are under key-encryption key {kek_id}, which is not at hand; restore it")
        return self._keks[kek_id]

    def _read_keks(self) -> None:
        self._keks = {key.key_id: key for key in self._source.read()}

    def _newest_kek(self) -> Key:
        return next(iter(self._keks.values()))

    def _place(self, tenant_id: str, name: str, version: int) -> tuple[str | int, ...]:
        # The environment too: a production row restored into a test system does not open there.
        return ("secret", self._environment, tenant_id, name, version)

    def _event(self, caller: VaultCaller, action: SecretAction, name: str, version: int) -> SecretEvent:
        return SecretEvent(self._clock(), caller.tenant_id, caller.actor, action, name, version, caller.purpose)
