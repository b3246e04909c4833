"""Everything of the authorization server in memory: for tests, with the promises of the SQL stores."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import anyio

from oauth.audit import SecurityEvent
from oauth.clients.client import Client, ClientKind
from oauth.quotas import OAuthQuotas
from oauth.stores import OAuthRows
from oauth.tokens.grant_records import (
    AccessToken,
    AuthorizationCode,
    DeviceCode,
    Grant,
    PushedRequest,
    RefreshToken,
    RememberedConsent,
    StoredRequest,
)

V = TypeVar("V")
ConsentKey = tuple[str, str, str, str, str]


@dataclass(slots=True)
class _Tables:
    requests: dict[bytes, StoredRequest] = field(default_factory=dict)
    pushed: dict[bytes, PushedRequest] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    codes: dict[bytes, AuthorizationCode] = field(default_factory=dict)
    access_tokens: dict[bytes, AccessToken] = field(default_factory=dict)
    refresh_tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    consents: dict[ConsentKey, RememberedConsent] = field(default_factory=dict)
    device_codes: dict[bytes, DeviceCode] = field(default_factory=dict)
    assertions: dict[tuple[str, str], float] = field(default_factory=dict)
    events: list[SecurityEvent] = field(default_factory=list)

    def copy(self) -> "_Tables":
        return _Tables(*(getattr(self, name).copy() for name in self.__slots__))


def _keep_newest(rows: dict[bytes, V], holder_of: Callable[[V], str], most: int, among: Callable[[V], bool] = lambda _row: True) -> None:
    """Forget the oldest of whoever holds most of the rows `among`, until `most` are left."""
    while len(held := [(key, holder_of(row)) for key, row in rows.items() if among(row)]) > most:
        [(largest, _)] = Counter(holder for _, holder in held).most_common(1)
        del rows[next(key for key, holder in held if holder == largest)]


class MemoryOAuthRows:
    def __init__(self, tables: _Tables, quotas: OAuthQuotas) -> None:
        self._tables, self._quotas = tables, quotas
        self.revoked: list[str] = []

    async def add_request(self, stored: StoredRequest) -> None:
        requests, tenant_id = self._tables.requests, stored.request.tenant_id
        requests[stored.request_hash] = replace(stored, request=replace(stored.request, request_id=""))
        most = self._quotas.authorization_requests
        _keep_newest(requests, lambda row: row.request.client_id, most, lambda row: row.request.tenant_id == tenant_id)

    async def request(self, request_hash: bytes) -> StoredRequest | None:
        return self._tables.requests.get(request_hash)

    async def finish_request(self, request_hash: bytes, answered_at: float, reply_box: bytes) -> None:
        stored = self._tables.requests[request_hash]
        self._tables.requests[request_hash] = replace(stored, answered_at=answered_at, reply_box=reply_box)

    async def add_pushed(self, pushed: PushedRequest) -> None:
        self._tables.pushed[pushed.handle_hash] = pushed
        _keep_newest(self._tables.pushed, lambda row: row.client_id, self._quotas.pushed_requests)

    async def take_pushed(self, handle_hash: bytes, client_id: str, now: float) -> PushedRequest | None:
        pushed = self._tables.pushed.get(handle_hash)
        if pushed is None or pushed.client_id != client_id:
            return None
        del self._tables.pushed[handle_hash]
        return pushed if pushed.expires_at > now else None

    async def add_grant(self, grant: Grant) -> None:
        self._tables.grants[grant.grant_id] = grant

    async def grant(self, grant_id: str) -> Grant | None:
        return self._tables.grants.get(grant_id)

    async def revoke_grant(self, grant: Grant, at: float, reason: str) -> None:
        self._tables.grants[grant.grant_id] = replace(grant, revoked_at=at, revoke_reason=reason)
        for key in [key for key in self._tables.consents if key[:3] == (grant.tenant_id, grant.subject, grant.client_id)]:
            known = self._tables.consents.pop(key)
            if known.left_out:
                self._tables.consents[key] = replace(known, scopes=frozenset())
        self.revoked.append(f"grant:{grant.grant_id}")

    async def add_code(self, code: AuthorizationCode) -> None:
        self._tables.codes[code.code_hash] = code

    async def code(self, code_hash: bytes) -> AuthorizationCode | None:
        return self._tables.codes.get(code_hash)

    async def update_code(self, code: AuthorizationCode) -> None:
        self._tables.codes[code.code_hash] = code

    async def add_access_token(self, token: AccessToken) -> None:
        self._tables.access_tokens[token.token_hash] = token

    async def access_token(self, token_hash: bytes) -> AccessToken | None:
        return self._tables.access_tokens.get(token_hash)

    async def remove_access_token(self, token: AccessToken) -> None:
        self._tables.access_tokens.pop(token.token_hash, None)
        self.revoked.append(f"token:{token.token_hash.hex()}")

    async def add_refresh_token(self, token: RefreshToken) -> None:
        self._tables.refresh_tokens[token.token_hash] = token

    async def refresh_token(self, token_hash: bytes) -> RefreshToken | None:
        return self._tables.refresh_tokens.get(token_hash)

    async def update_refresh_token(self, token: RefreshToken) -> None:
        self._tables.refresh_tokens[token.token_hash] = token

    async def consent(self, tenant_id: str, subject: str, client_id: str, redirect_uri: str, resource: str) -> RememberedConsent | None:
        return self._tables.consents.get((tenant_id, subject, client_id, redirect_uri, resource))

    async def remember_consent(self, consent: RememberedConsent) -> None:
        key = (consent.tenant_id, consent.subject, consent.client_id, consent.redirect_uri, consent.resource)
        self._tables.consents[key] = consent

    async def add_device_code(self, code: DeviceCode) -> None:
        self._tables.device_codes[code.device_hash] = code
        most, tenant_id = self._quotas.device_codes, code.tenant_id
        _keep_newest(self._tables.device_codes, lambda row: row.client_id, most, lambda row: row.tenant_id == tenant_id)

    async def device_code(self, device_hash: bytes) -> DeviceCode | None:
        return self._tables.device_codes.get(device_hash)

    async def device_code_of(self, user_code: str) -> DeviceCode | None:
        return next((code for code in self._tables.device_codes.values() if code.user_code == user_code), None)

    async def update_device_code(self, code: DeviceCode) -> None:
        self._tables.device_codes[code.device_hash] = code

    async def use_assertion(self, issuer: str, assertion_id: str, expires_at: float) -> bool:
        if (issuer, assertion_id) in self._tables.assertions:
            return False
        self._tables.assertions[(issuer, assertion_id)] = expires_at
        return True

    async def note(self, event: SecurityEvent) -> None:
        self._tables.events.append(event)


class MemoryGrantStore:
    def __init__(self, quotas: OAuthQuotas = OAuthQuotas()) -> None:
        self._tables, self._quotas = _Tables(), quotas
        self._turn = anyio.Lock()
        self._listeners: list[Callable[[Sequence[str]], None]] = []

    def hear(self, listener: Callable[[Sequence[str]], None]) -> None:
        self._listeners.append(listener)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[OAuthRows]:
        async with self._turn:
            tables = self._tables.copy()
            rows = MemoryOAuthRows(tables, self._quotas)
            yield rows
            self._tables = tables
        if rows.revoked:
            for listener in self._listeners:
                listener(rows.revoked)

    async def find_request(self, request_hash: bytes) -> StoredRequest | None:
        return self._tables.requests.get(request_hash)

    async def live_access_token(self, token_hash: bytes) -> AccessToken | None:
        token = self._tables.access_tokens.get(token_hash)
        grant = None if token is None else self._tables.grants.get(token.grant_id)
        return token if grant is not None and grant.revoked_at is None else None

    async def grant_of_refresh_token(self, token_hash: bytes) -> Grant | None:
        token = self._tables.refresh_tokens.get(token_hash)
        return None if token is None else self._tables.grants.get(token.grant_id)

    async def live_refresh_token(self, token_hash: bytes) -> tuple[RefreshToken, Grant] | None:
        token, grant = self._tables.refresh_tokens.get(token_hash), await self.grant_of_refresh_token(token_hash)
        if token is None or token.rotated_at is not None or grant is None or grant.revoked_at is not None:
            return None
        return token, grant

    async def remembered(self, tenant_id: str, subject: str, client_id: str, redirect_uri: str, resource: str) -> RememberedConsent | None:
        return self._tables.consents.get((tenant_id, subject, client_id, redirect_uri, resource))

    async def has_grant(self, tenant_id: str, subject: str, client_id: str) -> bool:
        return bool(await self.list_grants(tenant_id, subject, client_id))

    async def list_grants(self, tenant_id: str, subject: str | None = None, client_id: str | None = None) -> Sequence[Grant]:
        return self._standing(
            lambda grant: grant.tenant_id == tenant_id and subject in (None, grant.subject) and client_id in (None, grant.client_id)
        )

    async def grants_of_client(self, client_id: str) -> Sequence[Grant]:
        return self._standing(lambda grant: grant.client_id == client_id)

    async def sweep(self, now: float, reply_kept_s: float) -> None:
        tables = self._tables
        for token in [
            each for each in tables.refresh_tokens.values() if each.rotated_at is not None and each.rotated_at < now - reply_kept_s
        ]:
            tables.refresh_tokens[token.token_hash] = replace(token, reply_box=None)
        over = [grant.grant_id for grant in tables.grants.values() if grant.expires_at < now]
        access_tokens = [token.token_hash for token in tables.access_tokens.values() if token.expires_at < now]
        requests = [key for key, stored in tables.requests.items() if stored.request.expires_at < now]
        for grant_id in over:
            del tables.grants[grant_id]
        for token_hash in access_tokens:
            del tables.access_tokens[token_hash]
        for key in requests:
            del tables.requests[key]
        for code_hash in [code.code_hash for code in tables.codes.values() if code.grant_id not in tables.grants]:
            del tables.codes[code_hash]
        for token_hash in [token.token_hash for token in tables.refresh_tokens.values() if token.grant_id not in tables.grants]:
            del tables.refresh_tokens[token_hash]

    async def record(self, event: SecurityEvent) -> None:
        self._tables.events.append(event)

    async def recent(self, tenant_id: str, limit: int = 100) -> Sequence[SecurityEvent]:
        return [event for event in reversed(self._tables.events) if event.tenant_id == tenant_id][:limit]

    def _standing(self, wanted: Callable[[Grant], bool]) -> Sequence[Grant]:
        found = [grant for grant in self._tables.grants.values() if grant.revoked_at is None and wanted(grant)]
        return sorted(found, key=lambda grant: grant.created_at, reverse=True)


class MemoryClientStore:
    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}

    async def find(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    async def save(self, client: Client) -> None:
        self._clients[client.client_id] = client

    async def used(self, client_id: str, at: float, expires_at: float | None) -> None:
        if client_id in self._clients:
            self._clients[client_id] = replace(self._clients[client_id], last_used_at=at, expires_at=expires_at)

    async def remove(self, client_id: str) -> bool:
        return self._clients.pop(client_id, None) is not None

    async def all(self, kind: ClientKind | None = None) -> Sequence[Client]:
        found = [client for client in self._clients.values() if kind in (None, client.kind)]
        return sorted(found, key=lambda client: client.created_at, reverse=True)
