"""Callers' keys: what a program calls models with. Verified in memory; revoked ones are refused within half a second everywhere."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import anyio

from oauth.audit import SecurityEvent
from oauth.stores import AuditLog
from oauth.tenants import Tenants
from oauth.tokens.formats import hash_token, is_token, new_id, new_token
from tools.errors import QuotaExceeded
from tools.metering.rules import BudgetRule, Selector, Window

#: live keys of one tenant; every process holds all of them in memory
MAX_KEYS = 1_000
MAX_NAME_CHARS = 64
MAX_ALLOW = 100
MAX_GLOB_CHARS = 200
FLUSH_S = 30.0


class InvalidKey(ValueError):
    """No key can be made of this; the message names the part, the rule and the way out."""


@dataclass(frozen=True, slots=True)
class CallerKey:
    """A key without the key. `allow` are globs of models and routes (None: whatever the tenant may use)."""

    key_id: str
    name: str
    tenant_id: str
    #: e-mail of the person behind it; "" for none
    user: str = ""
    allow: tuple[str, ...] | None = None
    #: what may be spent with it in each `window`; None: no budget of its own
    budget_nano_usd: int | None = None
    budget_window: Window = "total"
    created_at_us: int = 0
    last_used_at_us: int | None = None
    revoked_at_us: int | None = None

    @property
    def budget(self) -> BudgetRule | None:
        """The budget of this key alone, whatever other keys have its name."""
        if self.budget_nano_usd is None:
            return None
        return BudgetRule(f"key {self.name}", Selector(tenant=self.tenant_id), self.budget_window, self.budget_nano_usd)


class CallerKeyStore(Protocol):
    async def add(self, key: CallerKey, key_hash: bytes, most: int) -> bool:
        """Keep a key by its hash; False, and nothing is kept, where its tenant has `most` live ones. Topic "caller_keys"."""
        ...

    async def load(self) -> Sequence[tuple[bytes, CallerKey]]:
        """Return the live keys of all tenants by their hashes, for the snapshot."""
        ...

    async def find(self, tenant_id: str, key_id: str) -> tuple[bytes, CallerKey] | None:
        """Return one key, live or revoked."""
        ...

    async def of_tenant(self, tenant_id: str) -> Sequence[CallerKey]:
        """Return a tenant's keys, the newest first, revoked ones included."""
        ...

    async def revoke(self, tenant_id: str, key_id: str, at_us: int) -> bool:
        """End a key; False where there is none that lives. Other processes hear of it, topic "caller_keys"."""
        ...

    async def used(self, at_us_by_key: dict[tuple[str, str], int]) -> None:
        """Keep when each (tenant, key id) was used last."""
        ...


class CallerKeyIssuer:
    """Makes and ends keys, on record. It needs no snapshot: commands have one process, the gateway another."""

    def __init__(self, store: CallerKeyStore, audit: AuditLog, clock: Callable[[], float] = time.time) -> None:
        self._store, self._audit, self._clock = store, audit, clock

    async def mint(
        self,
        tenant_id: str,
        name: str,
        user: str = "",
        allow: Sequence[str] = (),
        budget_nano_usd: int | None = None,
        budget_window: Window = "total",
    ) -> tuple[str, CallerKey]:
        """Return a new key, shown once, and its record. Raises InvalidKey, QuotaExceeded."""
        check_name(name)
        check_allow(allow)
        secret = new_token("ak")
        key = CallerKey(
            key_id=new_id("key"),
            name=name,
            tenant_id=tenant_id,
            user=user,
            allow=tuple(allow) or None,
            budget_nano_usd=budget_nano_usd,
            budget_window=budget_window,
            created_at_us=int(self._clock() * 1_000_000),
        )
        if not await self._store.add(key, hash_token(secret), MAX_KEYS):
            raise QuotaExceeded(f"{MAX_KEYS} live keys of tenant {tenant_id!r}", "revoke keys that nobody uses: `ascend ai key list`")
        await self._record("caller_key_minted", key)
        return secret, key

    async def revoke(self, key: CallerKey) -> bool:
        """End a key everywhere; False where it had ended already."""
        if not await self._store.revoke(key.tenant_id, key.key_id, int(self._clock() * 1_000_000)):
            return False
        await self._record("caller_key_revoked", key)
        return True

    async def revoke_of_user(self, tenant_id: str, user: str) -> int:
        """End every key of this person, and return how many went."""
        live = [key for key in await self._store.of_tenant(tenant_id) if key.user == user and key.revoked_at_us is None]
        for key in live:
            await self.revoke(key)
        return len(live)

    async def _record(self, action: Literal["caller_key_minted", "caller_key_revoked"], key: CallerKey) -> None:
        facts = {"key_id": key.key_id, "name": key.name, "user": key.user}
        await self._audit.record(SecurityEvent(action, self._clock(), key.tenant_id, facts=facts))


class CallerKeys:
    """This process's snapshot of all live keys; a listener of the change feed's topic "caller_keys"."""

    def __init__(self, store: CallerKeyStore, tenants: Tenants, clock: Callable[[], float] = time.time) -> None:
        self._store, self._tenants, self._clock = store, tenants, clock
        self._by_hash: dict[bytes, CallerKey] = {}
        self._hash_by_id: dict[str, bytes] = {}
        #: (tenant, key id) -> when it was used last, not yet written
        self._used_at_us: dict[tuple[str, str], int] = {}

    async def load(self) -> None:
        """Take the live keys of the store. The change feed starts before this."""
        for key_hash, key in await self._store.load():
            self._put(key_hash, key)

    def verify(self, key: str) -> CallerKey | None:
        """Return whose key this is; None for what is no live key of a tenant that is served. Touches no store."""
        if not is_token("ak", key):
            return None
        # Looked up by its hash: how long that takes says nothing about the keys that there are (RFC 6819 §5.1.4.1.3).
        found = self._by_hash.get(hash_token(key))
        if found is None or self._tenants.get(found.tenant_id) is None:
            return None
        self._used_at_us[found.tenant_id, found.key_id] = int(self._clock() * 1_000_000)
        return found

    def budget_of(self, key_id: str) -> BudgetRule | None:
        """Return the budget of one live key; None where it has none."""
        key_hash = self._hash_by_id.get(key_id)
        return None if key_hash is None else self._by_hash[key_hash].budget

    async def changed(self, keys: Collection[tuple[str, str]]) -> None:
        """Take over what the store says now of each (tenant, key id)."""
        for tenant_id, key_id in keys:
            found = await self._store.find(tenant_id, key_id)
            if found is None or found[1].revoked_at_us is not None:
                self._by_hash.pop(self._hash_by_id.pop(key_id, b""), None)
            else:
                self._put(*found)

    async def run(self) -> None:
        """Write every half a minute when keys were used, until cancelled."""
        while True:
            await anyio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Write when each key was used since the last time; what the store refuses is tried again."""
        used, self._used_at_us = self._used_at_us, {}
        if not used:
            return
        try:
            await self._store.used(used)
        except BaseException:
            self._used_at_us = used | self._used_at_us
            raise

    def _put(self, key_hash: bytes, key: CallerKey) -> None:
        # When it was used is news for people only, and would be old at once.
        self._by_hash[key_hash] = replace(key, last_used_at_us=None)
        self._hash_by_id[key.key_id] = key_hash


def check_name(name: str) -> None:
    """Raise InvalidKey for a name that budgets and limits could not select by."""
    # `*` in a rule means each by itself; a key of that name would be every key.
    if not (0 < len(name) <= MAX_NAME_CHARS) or not name.isprintable() or any(sign in name for sign in "*?[") or name != name.strip():
        raise InvalidKey(f"name {name[:80]!r}: give 1 to {MAX_NAME_CHARS} printable characters, none of them * ? or [")


def check_allow(allow: Sequence[str]) -> None:
    """Raise InvalidKey for globs that are none, or too many."""
    if len(allow) > MAX_ALLOW:
        raise InvalidKey(f"allow: {len(allow)} globs; a key takes {MAX_ALLOW} at most")
    for glob in allow:
        if not (0 < len(glob) <= MAX_GLOB_CHARS) or not glob.isprintable():
            raise InvalidKey(f"allow {glob[:80]!r}: give a model, a route or a glob like openai/* of at most {MAX_GLOB_CHARS} characters")
