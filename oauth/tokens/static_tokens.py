"""Static bearer tokens: a bridge for scripts that cannot sign in yet, with an end date from the first day.

Off for a tenant until an operator sets the date; nothing works after it. Every answer says that the token is on its way out.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from oauth.audit import SecurityEvent
from oauth.authorization.scope_narrowing import AllowedScopes, narrow
from oauth.errors import NotIssued
from oauth.principal import Principal
from oauth.resources import Resources
from oauth.scopes import render
from oauth.stores import AuditLog
from oauth.tenants import Tenant, Tenants
from oauth.tokens.access_tokens import Verified
from oauth.tokens.formats import hash_token, is_token, new_id, new_token

#: what a static token's calls carry as their client
STATIC_CLIENT = "static-token"
REMEMBERED_S = 30.0
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class StaticToken:
    token_hash: bytes
    token_id: str
    tenant_id: str
    subject: str
    label: str
    scopes: frozenset[str]
    created_at: float
    last_used_at: float | None = None
    calls: int = 0


class StaticTokenStore(Protocol):
    async def add(self, token: StaticToken) -> None: ...

    async def find(self, token_hash: bytes) -> StaticToken | None: ...

    async def of_tenant(self, tenant_id: str) -> Sequence[StaticToken]:
        """Return the tenant's tokens with their use, newest first: the usage report."""
        ...

    async def remove(self, tenant_id: str, token_id: str) -> StaticToken | None:
        """Forget a token; other processes hear of it through the change feed, topic "tokens"."""
        ...

    async def count(self, calls_by_hash: Mapping[bytes, int], at: float) -> None:
        """Add calls to the usage of each token."""
        ...


class StaticTokens:
    """Verified from memory for half a minute; uses are counted in memory and written by `flush`."""

    def __init__(
        self,
        store: StaticTokenStore,
        audit: AuditLog,
        tenants: Tenants,
        resources: Resources,
        allowed_scopes: AllowedScopes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._audit = audit
        self._tenants = tenants
        self._resources = resources
        self._allowed_scopes = allowed_scopes
        self._clock = clock
        #: hash -> (token, until when it is believed without asking the store)
        self._remembered: dict[bytes, tuple[StaticToken, float]] = {}
        self._calls_by_hash: dict[bytes, int] = {}
        self._revocations = 0

    async def mint(self, tenant_id: str, subject: str, label: str, scopes: frozenset[str]) -> tuple[str, StaticToken]:
        """Return a new token, shown once, and its record. Raises NotIssued."""
        tenant = self._tenants.get(tenant_id)
        # Bearer tokens that nothing rotates only for a time whose end is known from the start.
        if tenant is None or sunset_of(tenant) is None or not self._is_open(tenant):
            raise NotIssued(f"tenant {tenant_id!r} takes no static tokens; set an end date that lies ahead first")
        token = new_token("st")
        # RFC 9700 §2.3: no more than its subject may use.
        granted = narrow(scopes, await self._allowed_scopes(tenant_id, subject))
        record = StaticToken(hash_token(token), new_id("static"), tenant_id, subject, label, granted, self._clock())
        await self._store.add(record)
        facts = {"label": label, "scope": render(granted), "token_id": record.token_id}
        await self._audit.record(SecurityEvent("static_token_minted", self._clock(), tenant_id, subject, STATIC_CLIENT, facts=facts))
        return token, record

    async def revoke(self, tenant_id: str, token_id: str) -> bool:
        """End a token, effective with the next request in this process."""
        removed = await self._store.remove(tenant_id, token_id)
        if removed is None:
            return False
        self.forget([removed.token_hash])
        event = SecurityEvent(
            "static_token_revoked", self._clock(), tenant_id, removed.subject, STATIC_CLIENT, facts={"token_id": token_id}
        )
        await self._audit.record(event)
        return True

    async def verify(self, token: str, tenant: Tenant) -> Verified | None:
        """Return the principal of a live static token of this tenant, and count the use.

        It holds what it was given as far as its subject may use it still: nothing, once the subject is disabled.
        """
        sunset = sunset_of(tenant)
        # The date is looked at on every call: nothing has to run for the bridge to close.
        if not is_token("st", token) or sunset is None or not self._is_open(tenant):
            return None
        token_hash = hashlib.sha256(token.encode()).digest()
        found = await self._find(token_hash)
        # RFC 8707 §2: a token is for one resource; at another tenant it is as good as unknown.
        if found is None or found.tenant_id != tenant.tenant_id:
            return None
        self._calls_by_hash[token_hash] = self._calls_by_hash.get(token_hash, 0) + 1
        principal = Principal(found.tenant_id, found.subject, STATIC_CLIENT, found.scopes, found.token_id, "static_token")
        return Verified(principal, self._resources.of(tenant.tenant_id), sunset.timestamp())

    def forget(self, token_hashes: Sequence[bytes]) -> None:
        """Drop tokens that were revoked here or elsewhere."""
        # As in AccessTokens: what was read before a revocation is not remembered after it (decision 0002).
        self._revocations += 1
        for token_hash in token_hashes:
            self._remembered.pop(token_hash, None)

    def forget_subjects(self, subjects: Collection[tuple[str | None, str]]) -> None:
        """Drop the tokens of each (tenant, subject) whose rights have changed; they are looked at anew when they are used."""
        self.forget([key for key, (token, _) in self._remembered.items() if (token.tenant_id, token.subject) in subjects])

    async def flush(self) -> None:
        """Write the uses since the last time."""
        calls, self._calls_by_hash = self._calls_by_hash, {}
        if calls:
            await self._store.count(calls, self._clock())

    async def _find(self, token_hash: bytes) -> StaticToken | None:
        now = self._clock()
        known = self._remembered.get(token_hash)
        if known is not None and now < known[1]:
            return known[0]
        revocations = self._revocations
        found = await self._store.find(token_hash)
        if found is not None:
            scopes = narrow(found.scopes, await self._allowed_scopes(found.tenant_id, found.subject))
            found = replace(found, scopes=scopes) if scopes else None
        # What was read before a revocation is not remembered after it.
        if found is not None and revocations == self._revocations:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[token_hash] = (found, now + REMEMBERED_S)
        return found

    def _is_open(self, tenant: Tenant) -> bool:
        sunset = sunset_of(tenant)
        return sunset is not None and self._clock() < sunset.timestamp()


def sunset_of(tenant: Tenant) -> datetime | None:
    """Return the moment at which a tenant's static tokens end: the end of the day in its settings, UTC."""
    if tenant.static_tokens_until is None:
        return None
    try:
        last_day = date.fromisoformat(tenant.static_tokens_until)
    except ValueError:
        return None
    return datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1)
